/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers that post events. A small table and one esp_timer, armed for the nearest deadline: with a
 * few tens of entries a scan costs less than a heap would in code. Due events are copied out under
 * the lock and posted without it.
 */
#include "system_service/event_timer.h"

#include <string.h>

#include "esp_attr.h"
#include "esp_timer.h"

#include "event_internal.h"

#ifdef CONFIG_SYSTEM_EVENT_TIMERS

typedef struct {
    uint16_t generation; /* raised when the entry is given away */
    bool used;
    uint8_t priority;
    system_event_type_t type;
    uint8_t size;
    system_service_id_t owner;
    uint64_t period_us; /* 0 = once */
    int64_t due_us;
    uint8_t data[SYSTEM_EVENT_TIMER_DATA_MAX];
} event_timer_t;

static EXT_RAM_BSS_ATTR event_timer_t s_timers[CONFIG_SYSTEM_MAX_EVENT_TIMERS];
static portMUX_TYPE s_lock = portMUX_INITIALIZER_UNLOCKED; /* protects s_timers; leaf */
static esp_timer_handle_t s_alarm;

#define DUE_NEVER INT64_MAX

static int64_t nearest_due(void)
{
    int64_t nearest = DUE_NEVER;
    portENTER_CRITICAL(&s_lock);
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_EVENT_TIMERS; i++) {
        if (s_timers[i].used && s_timers[i].due_us < nearest) {
            nearest = s_timers[i].due_us;
        }
    }
    portEXIT_CRITICAL(&s_lock);
    return nearest;
}

/** Arm the alarm for the nearest deadline. Several tasks may do so at once, and the slower one may
 *  set it to a deadline that is not the nearest any more: so each looks again afterwards. An alarm
 *  too early only looks and arms again. */
static void arm(void)
{
    int64_t due = nearest_due();
    while (due != DUE_NEVER) {
        const int64_t now = esp_timer_get_time();
        const uint64_t wait = due > now ? (uint64_t)(due - now) : 0;
        if (esp_timer_restart(s_alarm, wait) != ESP_OK) {
            (void)esp_timer_start_once(s_alarm, wait);
        }
        const int64_t nearest = nearest_due();
        if (nearest >= due) {
            return;
        }
        due = nearest;
    }
}

/** Take one due timer's event out. @return false: none is due */
static bool take_due(int64_t now, event_timer_t *out)
{
    bool found = false;
    portENTER_CRITICAL(&s_lock);
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_EVENT_TIMERS && !found; i++) {
        event_timer_t *timer = &s_timers[i];
        if (!timer->used || timer->due_us > now) {
            continue;
        }
        found = true;
        *out = *timer;
        if (timer->period_us == 0) {
            timer->used = false;
        } else { /* keep the phase, skip what was missed */
            const uint64_t missed = (uint64_t)(now - timer->due_us) / timer->period_us;
            timer->due_us += (int64_t)((missed + 1) * timer->period_us);
        }
    }
    portEXIT_CRITICAL(&s_lock);
    return found;
}

static void on_alarm(void *arg)
{
    (void)arg;
    event_timer_t due;
    const int64_t now = esp_timer_get_time();
    while (take_due(now, &due)) {
        /* The timer's owner pays for the event; a refusal is counted in its quota. */
        (void)event_bus_post_for(due.owner, due.type, due.size ? due.data : NULL, due.size,
                                 due.priority);
    }
    arm();
}

esp_err_t event_timers_init(void)
{
    memset(s_timers, 0, sizeof(s_timers));
    const esp_timer_create_args_t args = {.callback = on_alarm, .name = "event_timer"};
    return esp_timer_create(&args, &s_alarm);
}

void event_timers_deinit(void)
{
    if (s_alarm != NULL) {
        (void)esp_timer_stop(s_alarm); /* fails when it is not armed: nothing to stop */
        (void)esp_timer_delete(s_alarm);
        s_alarm = NULL;
    }
}

void event_timers_reclaim(unsigned slot)
{
    portENTER_CRITICAL(&s_lock);
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_EVENT_TIMERS; i++) {
        if (s_timers[i].used && system_id_slot(s_timers[i].owner) == slot) {
            s_timers[i].used = false;
        }
    }
    portEXIT_CRITICAL(&s_lock);
}

unsigned event_timers_count(unsigned slot)
{
    unsigned count = 0;
    portENTER_CRITICAL(&s_lock);
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_EVENT_TIMERS; i++) {
        count += s_timers[i].used &&
                 (slot == SYSTEM_SLOT_NONE || system_id_slot(s_timers[i].owner) == slot);
    }
    portEXIT_CRITICAL(&s_lock);
    return count;
}

/* ---- public API ----------------------------------------------------------------------------- */

static esp_err_t add(const event_timer_t *wanted, system_event_timer_t *out)
{
    esp_err_t ret = ESP_ERR_EVENT_TIMERS_FULL;
    unsigned mine = 0;
    portENTER_CRITICAL(&s_lock);
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_EVENT_TIMERS; i++) {
        mine += s_timers[i].used && s_timers[i].owner == wanted->owner;
    }
    if (mine >= CONFIG_SYSTEM_MAX_EVENT_TIMERS_PER_OWNER) {
        portEXIT_CRITICAL(&s_lock);
        return ESP_ERR_EVENT_TIMERS_EXCEEDED;
    }
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_EVENT_TIMERS && ret != ESP_OK; i++) {
        if (s_timers[i].used) {
            continue;
        }
        const uint16_t generation = (uint16_t)(s_timers[i].generation + 1);
        s_timers[i] = *wanted;
        s_timers[i].generation = generation;
        s_timers[i].used = true;
        if (out != NULL) {
            *out = (uint32_t)generation << 16 | (i + 1);
        }
        ret = ESP_OK;
    }
    portEXIT_CRITICAL(&s_lock);
    if (ret == ESP_OK) {
        arm();
    }
    return ret;
}

static esp_err_t start(system_service_id_t id, system_event_type_t type, const void *data,
                       size_t size, uint8_t priority, uint32_t wait_ms, bool again,
                       system_event_timer_t *out)
{
    unsigned slot;
    if (wait_ms > INT32_MAX || (data == NULL && size != 0)) {
        return ESP_ERR_INVALID_ARG;
    }
    if (size > SYSTEM_EVENT_TIMER_DATA_MAX) {
        return ESP_ERR_EVENT_DATA_TOO_LARGE;
    }
    if (!event_type_known(type)) {
        return ESP_ERR_EVENT_TYPE_NOT_FOUND;
    }
    const esp_err_t ret = service_slot_for_caller(id, &slot);
    if (ret != ESP_OK) {
        return ret;
    }
    event_timer_t timer = {
        .priority = priority,
        .type = type,
        .size = (uint8_t)size,
        .owner = id,
        .period_us = again ? wait_ms * 1000ull : 0,
        .due_us = esp_timer_get_time() + (int64_t)wait_ms * 1000,
    };
    if (size != 0) {
        memcpy(timer.data, data, size);
    }
    system_identity_t *identity =
        system_enter(); /* not to be cut with others' alarm in its hands */
    const esp_err_t added = add(&timer, out);
    system_leave(identity);
    return added;
}

esp_err_t system_event_post_after(system_service_id_t service_id, system_event_type_t type,
                                  const void *data, size_t size, uint8_t priority,
                                  uint32_t delay_ms, system_event_timer_t *out)
{
    return start(service_id, type, data, size, priority, delay_ms, false, out);
}

esp_err_t system_event_post_every(system_service_id_t service_id, system_event_type_t type,
                                  const void *data, size_t size, uint8_t priority,
                                  uint32_t period_ms, system_event_timer_t *out)
{
    return period_ms == 0 ? ESP_ERR_INVALID_ARG
                          : start(service_id, type, data, size, priority, period_ms, true, out);
}

esp_err_t system_event_timer_cancel(system_service_id_t service_id, system_event_timer_t timer)
{
    unsigned slot;
    esp_err_t ret = service_slot_for_caller(service_id, &slot);
    if (ret != ESP_OK) {
        return ret;
    }
    const unsigned index = (timer & 0xFFFFu) - 1u;
    if (index >= CONFIG_SYSTEM_MAX_EVENT_TIMERS) {
        return ESP_ERR_EVENT_TIMER_NOT_FOUND;
    }
    event_timer_t *entry = &s_timers[index];
    portENTER_CRITICAL(&s_lock);
    if (!entry->used || entry->generation != timer >> 16) {
        ret = ESP_ERR_EVENT_TIMER_NOT_FOUND;
    } else if (entry->owner != service_id) {
        ret = ESP_ERR_NOT_OWNER;
    } else {
        entry->used = false;
    }
    portEXIT_CRITICAL(&s_lock);
    return ret;
}

#endif
