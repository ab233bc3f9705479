// SPDX-License-Identifier: Apache-2.0

// esp_timer: microsecond timers whose callbacks run, one after the other, in the task "esp_timer".

#include "esp_timer.h"

#include <inttypes.h>
#include <string.h>
#include "esp_heap_caps.h"
#include "esp_task.h"
#include "host_internal.h"
#include "sched.h"

#define PERIOD_MIN_US 50

/* Guarded by the kernel lock. */
struct esp_timer {
    esp_timer_cb_t callback;
    void *arg;
    const char *name;
    uint64_t alarm;  /* us since boot; 0 = not running */
    uint64_t period; /* us; 0 = one-shot */
    bool skip;
    bool free_after; /* deleted while its callback runs */
    struct esp_timer *next;
};

static struct esp_timer
    *s_first; /* running timers, earliest first, first started first among equals */
static const struct esp_timer *s_in_callback;
static k_waitlist_t s_idle;
static bool s_initialised;
static bool s_task_made;

/* ---- the list, lock held ---- */

static void insert(struct esp_timer *t)
{
    struct esp_timer **at = &s_first;
    while (*at != NULL && (*at)->alarm <= t->alarm) {
        at = &(*at)->next;
    }
    t->next = *at;
    *at = t;
    if (s_first == t && s_idle.first != NULL) {
        k_unblock(s_idle.first, K_WOKEN); /* an earlier alarm than the one it sleeps for */
    }
}

static void remove_timer(struct esp_timer *t)
{
    struct esp_timer **at = &s_first;
    while (*at != t) {
        at = &(*at)->next;
    }
    *at = t->next;
    t->alarm = 0;
}

static void arm(struct esp_timer *t, uint64_t timeout, uint64_t period)
{
    t->alarm = g_sched->now() + timeout;
    if (t->alarm == 0) {
        t->alarm = 1; /* 0 means not running */
    }
    t->period = period;
    insert(t);
}

/* ---- the task ---- */

static void rearm_periodic(struct esp_timer *t, uint64_t now)
{
    t->alarm += t->period;
    if (t->skip && t->alarm <= now) {
        t->alarm += (now - t->alarm) / t->period * t->period + t->period;
    }
    insert(t);
}

/* Lock held on entry and return. */
static void run_first(uint64_t now)
{
    struct esp_timer *t = s_first;
    uint64_t alarm = t->alarm;
    remove_timer(t);
    if (t->period > 0) {
        t->alarm = alarm;
        rearm_periodic(t, now);
    }
    s_in_callback = t;
    k_unlock();
    t->callback(t->arg);
    k_lock();
    s_in_callback = NULL;
    if (t->free_after) {
        k_unlock();
        heap_caps_free(t);
        k_lock();
    }
}

static void timer_task(void *arg)
{
    (void)arg;
    k_lock();
    for (;;) {
        uint64_t now = g_sched->now();
        if (s_first != NULL && s_first->alarm <= now) {
            run_first(now);
            continue;
        }
        (void)k_block(&s_idle, s_first != NULL ? s_first->alarm : K_FOREVER, "timer alarm", 0);
    }
}

/* ---- life of the library ---- */

esp_err_t esp_timer_early_init(void)
{
    return ESP_OK;
}

/* Called by every boot of the board: a new boot starts without timers. */
void esp_timer_boot(void)
{
    s_first = NULL;
    s_in_callback = NULL;
    s_idle.first = NULL;
    s_initialised = false;
    s_task_made = false;
}

esp_err_t esp_timer_init(void)
{
    if (s_initialised) {
        return ESP_ERR_INVALID_STATE;
    }
    if (!s_task_made) {
        const k_task_spec_t spec = {
            .fn = timer_task,
            .name = "esp_timer",
            .stack = ESP_TASK_TIMER_STACK,
            .prio = ESP_TASK_TIMER_PRIO,
            .core = 0,
            .is_daemon = true,
            .caps = MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT,
        };
        if (k_task_create(&spec) == NULL) {
            return ESP_ERR_NO_MEM;
        }
        s_task_made = true;
    }
    s_initialised = true;
    return ESP_OK;
}

esp_err_t esp_timer_deinit(void)
{
    k_lock();
    bool ok = s_initialised && s_first == NULL;
    if (ok) {
        s_initialised = false;
    }
    k_unlock();
    return ok ? ESP_OK : ESP_ERR_INVALID_STATE;
}

/* ---- timers ---- */

esp_err_t esp_timer_create(const esp_timer_create_args_t *create_args,
                           esp_timer_handle_t *out_handle)
{
    if (!s_initialised) {
        return ESP_ERR_INVALID_STATE;
    }
    if (create_args == NULL || create_args->callback == NULL || out_handle == NULL ||
        create_args->dispatch_method < ESP_TIMER_TASK ||
        create_args->dispatch_method >= ESP_TIMER_MAX) {
        return ESP_ERR_INVALID_ARG;
    }
    (void)k_task_call("esp_timer_create", 0);
    struct esp_timer *t = heap_caps_calloc(1, sizeof(*t), MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT);
    if (t == NULL) {
        return ESP_ERR_NO_MEM;
    }
    t->callback = create_args->callback;
    t->arg = create_args->arg;
    t->name = create_args->name;
    t->skip = create_args->skip_unhandled_events;
    *out_handle = t;
    return ESP_OK;
}

static esp_err_t start(struct esp_timer *t, uint64_t timeout, uint64_t period, const char *call)
{
    if (t == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    (void)k_any_call(call, 0);
    if (!s_initialised) {
        return ESP_ERR_INVALID_STATE;
    }
    k_lock();
    bool idle = t->alarm == 0;
    if (idle) {
        arm(t, timeout, period);
    }
    k_unlock();
    return idle ? ESP_OK : ESP_ERR_INVALID_STATE;
}

esp_err_t esp_timer_start_once(esp_timer_handle_t timer, uint64_t timeout_us)
{
    return start(timer, timeout_us, 0, "esp_timer_start_once");
}

esp_err_t esp_timer_start_periodic(esp_timer_handle_t timer, uint64_t period)
{
    uint64_t us = period < PERIOD_MIN_US ? PERIOD_MIN_US : period;
    return start(timer, us, us, "esp_timer_start_periodic");
}

esp_err_t esp_timer_restart(esp_timer_handle_t timer, uint64_t timeout_us)
{
    if (timer == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    (void)k_any_call("esp_timer_restart", 0);
    k_lock();
    bool running = s_initialised && timer->alarm != 0;
    if (running) {
        bool periodic = timer->period > 0;
        uint64_t us = periodic && timeout_us < PERIOD_MIN_US ? PERIOD_MIN_US : timeout_us;
        remove_timer(timer);
        arm(timer, us, periodic ? us : 0);
    }
    k_unlock();
    return running ? ESP_OK : ESP_ERR_INVALID_STATE;
}

esp_err_t esp_timer_stop(esp_timer_handle_t timer)
{
    if (timer == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    (void)k_any_call("esp_timer_stop", 0);
    k_lock();
    bool running = s_initialised && timer->alarm != 0;
    if (running) {
        remove_timer(timer);
        timer->period = 0;
    }
    k_unlock();
    return running ? ESP_OK : ESP_ERR_INVALID_STATE;
}

esp_err_t esp_timer_delete(esp_timer_handle_t timer)
{
    if (timer == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    (void)k_task_call("esp_timer_delete", 0);
    k_lock();
    bool running = timer->alarm != 0;
    bool in_callback = s_in_callback == timer;
    if (!running && in_callback) {
        timer->free_after = true;
    }
    k_unlock();
    if (running) {
        return ESP_ERR_INVALID_STATE;
    }
    if (!in_callback) {
        heap_caps_free(timer);
    }
    return ESP_OK;
}

/* ---- asking ---- */

int64_t esp_timer_get_time(void)
{
    return (int64_t)g_sched->now();
}

int64_t esp_timer_get_next_alarm(void)
{
    k_lock();
    int64_t at = s_first != NULL ? (int64_t)s_first->alarm : INT64_MAX;
    k_unlock();
    return at;
}

int64_t esp_timer_get_next_alarm_for_wake_up(void)
{
    k_lock();
    const struct esp_timer *t = s_first;
    while (t != NULL && t->skip) {
        t = t->next;
    }
    int64_t at = t != NULL ? (int64_t)t->alarm : INT64_MAX;
    k_unlock();
    return at;
}

esp_err_t esp_timer_get_period(esp_timer_handle_t timer, uint64_t *period)
{
    if (timer == NULL || period == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    k_lock();
    *period = timer->period;
    k_unlock();
    return ESP_OK;
}

esp_err_t esp_timer_get_expiry_time(esp_timer_handle_t timer, uint64_t *expiry)
{
    if (timer == NULL || expiry == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    k_lock();
    bool periodic = timer->period > 0;
    if (!periodic) {
        *expiry = timer->alarm;
    }
    k_unlock();
    return periodic ? ESP_ERR_NOT_SUPPORTED : ESP_OK;
}

esp_err_t esp_timer_dump(FILE *stream)
{
    enum {
        MOST = 64
    };
    struct esp_timer copy[MOST];
    unsigned n = 0;
    k_lock();
    for (const struct esp_timer *t = s_first; t != NULL && n < MOST; t = t->next) {
        copy[n++] = *t;
    }
    k_unlock();
    fprintf(stream, "%-20s  %12s  %12s\n", "Name", "Period", "Alarm");
    for (unsigned i = 0; i < n; i++) {
        fprintf(stream, "%-20s  %12" PRIu64 "  %12" PRIu64 "\n",
                copy[i].name != NULL ? copy[i].name : "-", copy[i].period, copy[i].alarm);
    }
    return ESP_OK;
}

bool esp_timer_is_active(esp_timer_handle_t timer)
{
    if (timer == NULL) {
        return false;
    }
    k_lock();
    bool active = timer->alarm != 0;
    k_unlock();
    return active;
}
