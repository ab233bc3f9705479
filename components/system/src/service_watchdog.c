/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signs of life, and what the supervisor counted. Nothing here decides: the supervisor asks.
 *
 * An owner is alive at time t if its own code sent a heartbeat at t, or if its mailbox handled
 * something after t and had not at t. So what is kept is never later than the true last sign, and
 * an owner that falls silent is noticed no later than its timeout after that.
 */
#include "watchdog_internal.h"

#include <string.h>

#include "esp_attr.h"
#include "esp_timer.h"

#include "event_internal.h"
#include "lifecycle_runner.h"
#include "relaxed.h"
#include "service_record.h"
#include "supervisor_internal.h"

#define TIMEOUT_MIN_MS 10u
#define TIMEOUT_MAX_MS 3600000u

typedef struct {
    /* the configuration: written under the registry lock, each field whole for readers without */
    _Atomic uint8_t attached;
    _Atomic uint8_t enabled;
    _Atomic uint8_t auto_restart;
    _Atomic uint8_t is_critical;
    _Atomic uint8_t anew; /* it was changed: a proof of life, to be seen by the supervisor */
    _Atomic uint32_t timeout_ms;
    _Atomic uint32_t max_attempts;
    /* signs of life */
    _Atomic uint32_t beat_ms;  /* last heartbeat */
    _Atomic uint32_t alive_ms; /* last sign of any kind; written by the supervisor */
    _Atomic uint8_t ever_alive;
    /* the supervisor's own, but for the start of a life in watchdog_attach() */
    _Atomic uint32_t looked_ms; /* when it looked last */
    _Atomic uint32_t heartbeats_seen;
    _Atomic uint32_t answers_seen;
    _Atomic uint8_t ping_waits; /* a ping lies in the mailbox */
    /* counts: service_watchdog_stats_t */
    _Atomic uint32_t heartbeats, foreign_heartbeats, pings, timeouts, restarts, restarts_failed;
    _Atomic uint32_t attempts, last_recovery_ms, worst_recovery_ms;
} liveness_t;

static EXT_RAM_BSS_ATTR liveness_t s_live[SYSTEM_SLOTS];
static struct {
    _Atomic uint32_t timeouts, restarts, restarts_failed, given_up, safe_mode_entries, last_resorts;
} s_totals;

bool watchdog_on(void)
{
#ifdef CONFIG_SYSTEM_WATCHDOG_ENABLE
    return true;
#else
    return false;
#endif
}

uint32_t watchdog_now_ms(void)
{
    return (uint32_t)(esp_timer_get_time() / 1000);
}

void watchdog_init(void)
{
    memset(s_live, 0, sizeof(s_live));
    memset(&s_totals, 0, sizeof(s_totals));
}

static void set_config(liveness_t *live, const service_watchdog_config_t *config)
{
    atomic_store(&live->timeout_ms,
                 config->timeout_ms ? config->timeout_ms : CONFIG_SYSTEM_WATCHDOG_TIMEOUT_MS);
    atomic_store(&live->max_attempts, config->max_restart_attempts
                                          ? config->max_restart_attempts
                                          : CONFIG_SYSTEM_WATCHDOG_MAX_RESTARTS);
    atomic_store(&live->auto_restart, config->auto_restart);
    atomic_store(&live->is_critical, config->is_critical);
    atomic_store(&live->enabled, 1);
    atomic_store(&live->attached, 1);
}

/** Field by field: the supervisor may be looking at the life before. */
static void forget(liveness_t *live)
{
    _Atomic uint8_t *const flags[] = {&live->attached,    &live->enabled, &live->auto_restart,
                                      &live->is_critical, &live->anew,    &live->ever_alive,
                                      &live->ping_waits};
    _Atomic uint32_t *const words[] = {
        &live->timeout_ms,
        &live->max_attempts,
        &live->beat_ms,
        &live->alive_ms,
        &live->looked_ms,
        &live->heartbeats_seen,
        &live->answers_seen,
        &live->heartbeats,
        &live->foreign_heartbeats,
        &live->pings,
        &live->timeouts,
        &live->restarts,
        &live->restarts_failed,
        &live->attempts,
        &live->last_recovery_ms,
        &live->worst_recovery_ms,
    };
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        atomic_store(flags[i], 0);
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        atomic_store(words[i], 0);
    }
}

void watchdog_attach(unsigned slot, const service_watchdog_config_t *config)
{
    supervisor_attach(slot);
    forget(&s_live[slot]);
    s_live[slot].looked_ms = watchdog_now_ms();
    atomic_store(&s_live[slot].alive_ms, s_live[slot].looked_ms);
    if (config != NULL) {
        set_config(&s_live[slot], config);
    }
}

void watchdog_reclaim(unsigned slot)
{
    forget(&s_live[slot]);
}

bool watchdog_is_critical(unsigned slot)
{
    return atomic_load(&s_live[slot].is_critical);
}

bool watchdog_watches(unsigned slot)
{
    return watchdog_on() && atomic_load(&s_live[slot].attached) &&
           atomic_load(&s_live[slot].enabled);
}

service_watchdog_config_t watchdog_config(unsigned slot)
{
    const liveness_t *live = &s_live[slot];
    return (service_watchdog_config_t){
        .timeout_ms = atomic_load(&live->timeout_ms),
        .auto_restart = atomic_load(&live->auto_restart),
        .max_restart_attempts = atomic_load(&live->max_attempts),
        .is_critical = atomic_load(&live->is_critical),
    };
}

/* ---- signs of life -------------------------------------------------------------------------- */

/** Is the calling code the slot's own? */
static bool is_own_code(unsigned slot)
{
    if (system_identity() != NULL) {
        return system_current_slot() == slot && !lifecycle_runner_given_up();
    }
    return service_record(slot)->home_task == xTaskGetCurrentTaskHandle();
}

esp_err_t system_service_heartbeat(system_service_id_t id)
{
    unsigned slot;
    const esp_err_t ret = service_slot_of(id, &slot);
    if (ret != ESP_OK) {
        return ret;
    }
    liveness_t *live = &s_live[slot];
    if (!is_own_code(slot)) {
        relaxed_add(&live->foreign_heartbeats, 1);
        return ESP_ERR_NOT_OWNER;
    }
    atomic_store(&live->beat_ms, watchdog_now_ms());
    atomic_store(&live->ever_alive, 1);
    /* Counted last: who sees the count sees the time. */
    atomic_fetch_add_explicit(&live->heartbeats, 1, memory_order_release);
    return ESP_OK;
}

int64_t watchdog_last_alive_us(unsigned slot)
{
    const liveness_t *live = &s_live[slot];
    if (!atomic_load(&live->ever_alive)) {
        return 0;
    }
    const uint32_t alive = atomic_load(&live->alive_ms);
    const uint32_t beat = atomic_load(&live->beat_ms);
    const int64_t now = esp_timer_get_time(); /* read after the stamps: never before them */
    const uint32_t now_ms = (uint32_t)(now / 1000);
    uint32_t ago = now_ms - alive;
    if (atomic_load(&live->heartbeats) != 0 && now_ms - beat < ago) {
        ago = now_ms - beat;
    }
    return (now / 1000 - ago) * 1000;
}

void watchdog_begin(unsigned slot)
{
    liveness_t *live = &s_live[slot];
    live->heartbeats_seen = atomic_load(&live->heartbeats);
    live->answers_seen = event_mailbox_answers(slot);
    live->ping_waits = false;
    live->looked_ms = watchdog_now_ms();
    atomic_store(&live->alive_ms, live->looked_ms);
}

void watchdog_leave_out(unsigned slot, uint32_t ms)
{
    liveness_t *live = &s_live[slot];
    const uint32_t now = watchdog_now_ms();
    const uint32_t ago = now - atomic_load(&live->alive_ms);
    const uint32_t looked_ago = now - live->looked_ms;
    atomic_store(&live->alive_ms, now - (ago > ms ? ago - ms : 0));
    live->looked_ms = now - (looked_ago > ms ? looked_ago - ms : 0);
}

/** Bring alive_ms up to date with what happened since the last look. */
static void notice_signs(liveness_t *live, unsigned slot)
{
    const uint32_t answers = event_mailbox_answers(slot);
    if (answers != live->answers_seen) {
        live->answers_seen = answers;
        live->ping_waits = false;
        /* Some time after the last look; and that was after the ping, if it was one. */
        if ((int32_t)(live->looked_ms - atomic_load(&live->alive_ms)) > 0) {
            atomic_store(&live->alive_ms, live->looked_ms);
        }
        atomic_store(&live->ever_alive, 1);
    }
    const uint32_t beats = atomic_load_explicit(&live->heartbeats, memory_order_acquire);
    if (beats != live->heartbeats_seen) {
        live->heartbeats_seen = beats;
        const uint32_t beat = atomic_load(&live->beat_ms);
        if ((int32_t)(beat - atomic_load(&live->alive_ms)) > 0) {
            atomic_store(&live->alive_ms, beat);
        }
    }
}

watchdog_verdict_t watchdog_check(unsigned slot, uint32_t *next_ms)
{
    liveness_t *live = &s_live[slot];
    if (atomic_exchange(&live->anew, 0)) {
        watchdog_begin(slot);
    }
    const uint32_t timeout = atomic_load(&live->timeout_ms);
    const uint32_t third = timeout / 3;
    notice_signs(live, slot);
    /* Read after the stamps: the time since is never negative. */
    const uint32_t now = watchdog_now_ms();
    const uint32_t silent = now - atomic_load(&live->alive_ms);
    if (silent >= timeout) {
        return WATCHDOG_SILENT;
    }
    if (silent >= third && !live->ping_waits) {
        live->ping_waits = event_mailbox_ping(slot);
        live->looked_ms = now;
        if (live->ping_waits) {
            relaxed_add(&live->pings, 1);
        }
    } else if (now - live->looked_ms >= third) {
        live->looked_ms = now;
    }
    /* With a ping on its way or room for none, look after another third or when time is up. */
    const uint32_t left = timeout - silent;
    const uint32_t step = silent < third ? third - silent : third;
    *next_ms = left < step ? left : step;
    return WATCHDOG_ALIVE;
}

/* ---- counting ------------------------------------------------------------------------------- */

void watchdog_count_timeout(unsigned slot)
{
    relaxed_add(&s_live[slot].timeouts, 1);
    relaxed_add(&s_totals.timeouts, 1);
}

void watchdog_count_restart(unsigned slot, uint32_t recovery_ms)
{
    liveness_t *live = &s_live[slot];
    relaxed_add(&live->restarts, 1);
    relaxed_put(&live->last_recovery_ms, recovery_ms);
    relaxed_raise(&live->worst_recovery_ms, recovery_ms);
    relaxed_add(&s_totals.restarts, 1);
}

void watchdog_count_restart_failed(unsigned slot)
{
    relaxed_add(&s_live[slot].restarts_failed, 1);
    relaxed_add(&s_totals.restarts_failed, 1);
}

void watchdog_count_given_up(void)
{
    relaxed_add(&s_totals.given_up, 1);
}

void watchdog_count_safe_mode(void)
{
    relaxed_add(&s_totals.safe_mode_entries, 1);
}

void watchdog_count_last_resort(void)
{
    relaxed_add(&s_totals.last_resorts, 1);
}

void watchdog_set_attempts(unsigned slot, uint32_t attempts)
{
    relaxed_put(&s_live[slot].attempts, attempts);
}

/* ---- public --------------------------------------------------------------------------------- */

esp_err_t watchdog_register_service(system_service_id_t id, const service_watchdog_config_t *config)
{
    unsigned slot;
    if (config == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    if (config->timeout_ms != 0 &&
        (config->timeout_ms < TIMEOUT_MIN_MS || config->timeout_ms > TIMEOUT_MAX_MS)) {
        return ESP_ERR_WATCHDOG_INVALID_TIMEOUT;
    }
    registry_lock();
    const esp_err_t ret = service_slot_for_caller(id, &slot);
    if (ret == ESP_OK) {
        set_config(&s_live[slot], config);
        atomic_store(&s_live[slot].anew, 1); /* silence under the old timeout says nothing now */
    }
    registry_unlock();
    supervisor_poke();
    return ret;
}

/** The slot of a service that is watched and that the caller may change. Registry lock held. */
static esp_err_t find_watched_locked(system_service_id_t id, unsigned *slot)
{
    const esp_err_t ret = service_slot_for_caller(id, slot);
    if (ret != ESP_OK) {
        return ret;
    }
    return atomic_load(&s_live[*slot].attached) ? ESP_OK : ESP_ERR_WATCHDOG_NOT_REGISTERED;
}

esp_err_t watchdog_unregister_service(system_service_id_t id)
{
    unsigned slot;
    registry_lock();
    const esp_err_t ret = find_watched_locked(id, &slot);
    if (ret == ESP_OK) {
        atomic_store(&s_live[slot].attached, 0);
        atomic_store(&s_live[slot].auto_restart, 0);
        atomic_store(&s_live[slot].is_critical, 0);
    }
    registry_unlock();
    return ret;
}

esp_err_t watchdog_enable_service(system_service_id_t id, bool enable)
{
    unsigned slot;
    registry_lock();
    const esp_err_t ret = find_watched_locked(id, &slot);
    if (ret == ESP_OK) {
        atomic_store(&s_live[slot].enabled, enable);
        atomic_store(&s_live[slot].anew, enable); /* it may not see that it was off in between */
    }
    registry_unlock();
    supervisor_poke();
    return ret;
}

esp_err_t watchdog_get_stats(system_service_id_t id, service_watchdog_stats_t *out)
{
    unsigned slot;
    if (out == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    registry_lock();
    esp_err_t ret = service_slot_of(id, &slot);
    if (ret == ESP_OK && !atomic_load(&s_live[slot].attached)) {
        ret = ESP_ERR_WATCHDOG_NOT_REGISTERED;
    }
    if (ret == ESP_OK) {
        const liveness_t *live = &s_live[slot];
        *out = (service_watchdog_stats_t){
            .heartbeats = relaxed_get(&live->heartbeats),
            .foreign_heartbeats = relaxed_get(&live->foreign_heartbeats),
            .pings = relaxed_get(&live->pings),
            .timeouts = relaxed_get(&live->timeouts),
            .restarts = relaxed_get(&live->restarts),
            .restarts_failed = relaxed_get(&live->restarts_failed),
            .attempts_in_window = relaxed_get(&live->attempts),
            .last_recovery_ms = relaxed_get(&live->last_recovery_ms),
            .worst_recovery_ms = relaxed_get(&live->worst_recovery_ms),
        };
    }
    registry_unlock();
    return ret;
}

esp_err_t watchdog_get_totals(watchdog_totals_t *out)
{
    if (out == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    uint32_t watched = 0;
    for (unsigned slot = 0; slot < SYSTEM_SLOTS; slot++) {
        watched += watchdog_watches(slot);
    }
    *out = (watchdog_totals_t){
        .watched = watched,
        .timeouts = relaxed_get(&s_totals.timeouts),
        .restarts = relaxed_get(&s_totals.restarts),
        .restarts_failed = relaxed_get(&s_totals.restarts_failed),
        .given_up = relaxed_get(&s_totals.given_up),
        .safe_mode_entries = relaxed_get(&s_totals.safe_mode_entries),
        .last_resorts = relaxed_get(&s_totals.last_resorts),
        .quarantined_tasks = event_workers_quarantined() + lifecycle_runners_given_up(),
    };
    return ESP_OK;
}
