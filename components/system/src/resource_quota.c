/* SPDX-License-Identifier: Apache-2.0 */
#include "system_service/resource_quota.h"

#include <assert.h>

#include "esp_attr.h"
#include "esp_timer.h"

#include "quota_state.h"
#include "system_service/service_manager.h"

#define US_PER_S            1000000u
#define VIOLATION_WINDOW_US (CONFIG_SYSTEM_QUOTA_VIOLATION_WINDOW_MS * INT64_C(1000))
#define PAYLOAD_MAX         4096u
#define RATE_MAX            1000000u

_Static_assert(CONFIG_SYSTEM_QUOTA_STOP_WINDOWS == 0 ||
                   CONFIG_SYSTEM_QUOTA_STOP_WINDOWS > CONFIG_SYSTEM_QUOTA_THROTTLE_WINDOWS,
               "an owner is throttled before it is stopped");
_Static_assert(CONFIG_SYSTEM_QUOTA_SUBSCRIPTIONS <= CONFIG_SYSTEM_MAX_SUBSCRIPTIONS,
               "the default is more than there is");

quota_state_t quota_states[SYSTEM_SLOTS];
EXT_RAM_BSS_ATTR quota_account_t quota_accounts[SYSTEM_SLOTS];
_Atomic uint32_t quota_totals[QUOTA_KINDS];
static quota_violation_hook_t s_hook;

/* ---- helpers -------------------------------------------------------------------------------- */

static uint32_t or_default(uint32_t value, uint32_t fallback)
{
    return value != 0 ? value : fallback;
}

static service_quota_t resolved(const service_quota_t *quota)
{
    static const service_quota_t all_default = SERVICE_QUOTA_DEFAULT();
    const service_quota_t *q = quota != NULL ? quota : &all_default;

    return (service_quota_t){
        .max_events_per_sec = or_default(q->max_events_per_sec, CONFIG_SYSTEM_QUOTA_EVENTS_PER_SEC),
        .max_subscriptions = or_default(q->max_subscriptions, CONFIG_SYSTEM_QUOTA_SUBSCRIPTIONS),
        .max_event_data_size =
            or_default(q->max_event_data_size, CONFIG_SYSTEM_QUOTA_EVENT_DATA_SIZE),
        .max_memory_bytes = or_default(q->max_memory_bytes, CONFIG_SYSTEM_QUOTA_MEMORY_BYTES),
        .max_cpu_percent = or_default(q->max_cpu_percent, CONFIG_SYSTEM_QUOTA_CPU_PERCENT),
    };
}

/* The burst: with it, rate events fit into one moment; without, one. */
static void set_burst(unsigned slot, bool throttled)
{
    quota_state_t *s = &quota_states[slot];
    const quota_account_t *a = &quota_accounts[slot];

    relaxed_put(&s->event_burst,
                throttled ? 0 : (relaxed_get(&a->rate) - 1) * relaxed_get(&s->event_interval));
}

static void set_limits(unsigned slot, const service_quota_t *quota)
{
    quota_state_t *s = &quota_states[slot];
    quota_account_t *a = &quota_accounts[slot];
    const service_quota_t q = resolved(quota);

    relaxed_put(&a->rate, q.max_events_per_sec);
    relaxed_put(&s->event_interval, (US_PER_S + q.max_events_per_sec - 1) / q.max_events_per_sec);
    relaxed_put(&s->max_data, q.max_event_data_size);
    relaxed_put(&a->max_subs, q.max_subscriptions);
    relaxed_put(&s->max_memory, q.max_memory_bytes);
    relaxed_put(&a->cpu_percent, q.max_cpu_percent);
    set_burst(slot, relaxed_get(&a->streak) >= CONFIG_SYSTEM_QUOTA_THROTTLE_WINDOWS);
}

/** The debt of an owner is kept as time, but owed in events: at another rate it is another time. */
static void rescale_debt(quota_state_t *s, uint32_t old_interval, uint32_t now_us)
{
    const uint32_t interval = relaxed_get(&s->event_interval);
    uint32_t stamp = relaxed_get(&s->event_stamp);
    uint32_t wanted;

    do {
        const uint64_t ahead = (uint64_t)quota_stamp_ahead(stamp, now_us) / old_interval * interval;
        wanted = now_us + (uint32_t)(ahead < QUOTA_FUTURE_MAX_US ? ahead : QUOTA_FUTURE_MAX_US);
    } while (!relaxed_swap(&s->event_stamp, &stamp, wanted));
}

static service_quota_t limits_of(unsigned slot)
{
    const quota_state_t *s = &quota_states[slot];
    const quota_account_t *a = &quota_accounts[slot];

    return (service_quota_t){
        .max_events_per_sec = relaxed_get(&a->rate),
        .max_subscriptions = relaxed_get(&a->max_subs),
        .max_event_data_size = relaxed_get(&s->max_data),
        .max_memory_bytes = relaxed_get(&s->max_memory),
        .max_cpu_percent = relaxed_get(&a->cpu_percent),
    };
}

static bool asks_for_more(const service_quota_t *wanted, const service_quota_t *has)
{
    return wanted->max_events_per_sec > has->max_events_per_sec ||
           wanted->max_subscriptions > has->max_subscriptions ||
           wanted->max_event_data_size > has->max_event_data_size ||
           wanted->max_memory_bytes > has->max_memory_bytes ||
           wanted->max_cpu_percent > has->max_cpu_percent;
}

/* True when the app itself asks; the id has been checked. */
static bool caller_is_app(system_service_id_t id, unsigned slot)
{
    system_service_info_t info;

    return system_current_slot() == slot && system_service_get_info(id, &info) == ESP_OK &&
           info.is_app;
}

/* The counters go on, so that the supervisor never sees one jump back. */
static void forgive(unsigned slot)
{
    const quota_state_t *s = &quota_states[slot];
    quota_account_t *a = &quota_accounts[slot];

    for (int kind = 0; kind < QUOTA_KINDS; kind++) {
        relaxed_put(&a->forgiven[kind], relaxed_get(&s->violations[kind]));
    }
    relaxed_put(&a->streak, 0);
}

/* ---- life of an owner ----------------------------------------------------------------------- */

void quota_init(void)
{
    s_hook = NULL;
    for (unsigned slot = 0; slot < SYSTEM_SLOTS; slot++) {
        quota_attach(slot, NULL);
    }
    for (int kind = 0; kind < QUOTA_KINDS; kind++) {
        relaxed_put(&quota_totals[kind], 0);
    }
}

bool quota_is_valid(const service_quota_t *quota)
{
    return quota == NULL || (quota->max_events_per_sec <= RATE_MAX &&
                             quota->max_subscriptions <= CONFIG_SYSTEM_MAX_SUBSCRIPTIONS &&
                             quota->max_event_data_size <= PAYLOAD_MAX &&
                             quota->max_memory_bytes <= INT32_MAX && quota->max_cpu_percent <= 100);
}

void quota_attach(unsigned slot, const service_quota_t *quota)
{
    assert(slot < SYSTEM_SLOTS && quota_is_valid(quota));
    quota_state_t *s = &quota_states[slot];
    quota_account_t *a = &quota_accounts[slot];
    const int64_t now = esp_timer_get_time();

    relaxed_put(&s->events, 0);
    relaxed_put(&a->subs, 0);
    relaxed_put(&s->memory, 0);
    relaxed_put(&s->memory_peak, 0);
    relaxed_put(&a->cpu_measured, 0);
    relaxed_put(&s->event_stamp, (uint32_t)now);
    relaxed_put(&a->cpu_stamp, (uint32_t)now);
    forgive(slot);
    relaxed_add(&a->life, 1);
    set_limits(slot, quota);
}

void quota_reclaim(unsigned slot)
{
    quota_attach(slot, NULL);
}

/* ---- reporting: the supervisor's task ------------------------------------------------------- */

void quota_set_violation_hook(quota_violation_hook_t hook)
{
    s_hook = hook;
}

/* Move a stamp that is long past to now, see the file comment of the private header. */
static void refresh_stamp(_Atomic uint32_t *stamp, uint32_t now)
{
    uint32_t old = relaxed_get(stamp);

    if (quota_stamp_ahead(old, now) == 0) {
        /* If a charge comes in between, that one has refreshed it; if it fails for no reason, the
         * next poll does it. */
        (void)relaxed_swap(stamp, &old, now);
    }
}

static void measure_cpu(quota_account_t *a, int64_t now)
{
    const int64_t passed = now - a->poll.cpu_mark;

    if (passed >= QUOTA_CPU_WINDOW_US) {
        const uint32_t busy = relaxed_get(&a->cpu_busy);
        const uint64_t percent = (uint64_t)(busy - a->poll.cpu_busy_mark) * 100u / (uint64_t)passed;

        relaxed_put(&a->cpu_measured, percent > 100 ? 100 : (uint32_t)percent);
        a->poll.cpu_mark = now;
        a->poll.cpu_busy_mark = busy;
    }
}

/* Take what was counted since the last report: the worst kind, how often, or 0. */
static uint32_t take_growth(unsigned slot, quota_kind_t *worst)
{
    const quota_state_t *s = &quota_states[slot];
    quota_account_t *a = &quota_accounts[slot];
    uint32_t most = 0;

    for (int kind = 0; kind < QUOTA_KINDS; kind++) {
        const uint32_t count = relaxed_get(&s->violations[kind]);
        const uint32_t grown = count - a->poll.reported[kind];

        a->poll.reported[kind] = count;
        if (grown > most) {
            most = grown;
            *worst = (quota_kind_t)kind;
        }
    }
    return most;
}

/* The slot has a new owner: what the old one did is not his. */
static void begin_life(quota_account_t *a, uint32_t life, int64_t now)
{
    for (int kind = 0; kind < QUOTA_KINDS; kind++) {
        a->poll.reported[kind] = relaxed_get(&a->forgiven[kind]);
    }
    a->poll.life = life;
    a->poll.window_end = 0;
    a->poll.cpu_mark = now;
    a->poll.cpu_busy_mark = relaxed_get(&a->cpu_busy);
}

static void poll_slot(unsigned slot, int64_t now)
{
    quota_account_t *a = &quota_accounts[slot];
    const uint32_t life = relaxed_get(&a->life);
    quota_kind_t worst = QUOTA_EVENTS;

    if (a->poll.life != life) {
        begin_life(a, life, now);
    }
    refresh_stamp(&quota_states[slot].event_stamp, (uint32_t)now);
    refresh_stamp(&a->cpu_stamp, (uint32_t)now);
    measure_cpu(a, now);
    if (a->poll.window_end != 0 && now < a->poll.window_end) {
        return;
    }
    const uint32_t count = take_growth(slot, &worst);

    if (count > 0) {
        relaxed_add(&a->streak, 1);
        a->poll.window_end = now + VIOLATION_WINDOW_US;
    } else {
        relaxed_put(&a->streak, 0);
        a->poll.window_end = 0;
    }
    set_burst(slot, relaxed_get(&a->streak) >= CONFIG_SYSTEM_QUOTA_THROTTLE_WINDOWS);
    if (count > 0 && s_hook != NULL) {
        s_hook(slot, worst, count);
    }
}

uint32_t quota_poll_violations(void)
{
    const int64_t now = esp_timer_get_time();
    int64_t next = now + QUOTA_POLL_MAX_MS * INT64_C(1000);

    for (unsigned slot = 0; slot < SYSTEM_SLOTS; slot++) {
        poll_slot(slot, now);
        if (quota_accounts[slot].poll.window_end != 0 &&
            quota_accounts[slot].poll.window_end < next) {
            next = quota_accounts[slot].poll.window_end;
        }
    }
    return (uint32_t)((next - now + 999) / 1000);
}

uint32_t quota_offence_streak(unsigned slot)
{
    return slot < SYSTEM_SLOTS ? relaxed_get(&quota_accounts[slot].streak) : 0;
}

bool quota_should_stop(unsigned slot)
{
    return CONFIG_SYSTEM_QUOTA_STOP_WINDOWS > 0 &&
           quota_offence_streak(slot) >= CONFIG_SYSTEM_QUOTA_STOP_WINDOWS;
}

uint32_t quota_total_violations(quota_kind_t kind)
{
    return (unsigned)kind < QUOTA_KINDS ? relaxed_get(&quota_totals[kind]) : 0;
}

esp_err_t quota_charge_subscription(unsigned slot)
{
    if (slot >= SYSTEM_SLOTS ||
        quota_take(&quota_accounts[slot].subs, relaxed_get(&quota_accounts[slot].max_subs), 1)) {
        return ESP_OK;
    }
    quota_violation(slot, QUOTA_SUBSCRIPTIONS);
    return ESP_ERR_QUOTA_SUBS_EXCEEDED;
}

void quota_release_subscription(unsigned slot)
{
    if (slot < SYSTEM_SLOTS) {
        quota_give(&quota_accounts[slot].subs, 1);
    }
}

/* ---- public API ----------------------------------------------------------------------------- */

esp_err_t quota_set(system_service_id_t id, const service_quota_t *quota)
{
    unsigned slot;

    if (quota == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    const esp_err_t err = service_slot_for_caller(id, &slot);

    if (err != ESP_OK) {
        return err;
    }
    if (!quota_is_valid(quota)) {
        return ESP_ERR_QUOTA_INVALID;
    }
    const service_quota_t wanted = resolved(quota);
    const service_quota_t has = limits_of(slot);

    if (asks_for_more(&wanted, &has) && caller_is_app(id, slot)) {
        return ESP_ERR_QUOTA_NOT_PERMITTED;
    }
    const uint32_t old_interval = relaxed_get(&quota_states[slot].event_interval);

    set_limits(slot, quota);
    rescale_debt(&quota_states[slot], old_interval, (uint32_t)esp_timer_get_time());
    return ESP_OK;
}

esp_err_t quota_get(system_service_id_t id, service_quota_t *out)
{
    unsigned slot;

    if (out == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    const esp_err_t err = service_slot_of(id, &slot);

    if (err == ESP_OK) {
        *out = limits_of(slot);
    }
    return err;
}

esp_err_t quota_get_usage(system_service_id_t id, quota_usage_t *out)
{
    unsigned slot;

    if (out == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    const esp_err_t err = service_slot_of(id, &slot);

    if (err != ESP_OK) {
        return err;
    }
    const quota_state_t *s = &quota_states[slot];
    const quota_account_t *a = &quota_accounts[slot];
    const uint32_t now = (uint32_t)esp_timer_get_time();
    const uint32_t ahead = quota_stamp_ahead(relaxed_get(&s->event_stamp), now);
    const uint32_t burst = relaxed_get(&s->event_burst);

    *out = (quota_usage_t){
        .events_posted = relaxed_get(&s->events),
        .events_in_hand = ahead > burst ? 0 : (burst - ahead) / relaxed_get(&s->event_interval) + 1,
        .subscriptions = relaxed_get(&a->subs),
        .memory_bytes = relaxed_get(&s->memory),
        .memory_peak = relaxed_get(&s->memory_peak),
        .cpu_percent = relaxed_get(&a->cpu_measured),
        .violation_streak = relaxed_get(&a->streak),
        .throttled = relaxed_get(&a->streak) >= CONFIG_SYSTEM_QUOTA_THROTTLE_WINDOWS ||
                     quota_throttled(slot, now),
    };
    for (int kind = 0; kind < QUOTA_KINDS; kind++) {
        out->violations[kind] = relaxed_get(&s->violations[kind]) - relaxed_get(&a->forgiven[kind]);
    }
    return ESP_OK;
}

esp_err_t quota_reset_violations(system_service_id_t id)
{
    unsigned slot;
    const esp_err_t err = service_slot_for_caller(id, &slot);

    if (err != ESP_OK) {
        return err;
    }
    if (caller_is_app(id, slot)) {
        return ESP_ERR_QUOTA_NOT_PERMITTED;
    }
    forgive(slot);
    set_burst(slot, false);
    return ESP_OK;
}

const char *quota_kind_name(quota_kind_t kind)
{
    static const char *const names[QUOTA_KINDS] = {
        "events", "subscriptions", "event data", "memory", "cpu",
    };

    return (unsigned)kind < QUOTA_KINDS ? names[kind] : "?";
}
