/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The state behind the quotas; shared by resource_quota.c, quota_charge.c and, for what it
 * charges with each block, memory_pool.c.
 */

#include "relaxed.h"
#include "resource_quota_internal.h"

#define QUOTA_CPU_WINDOW_US (CONFIG_SYSTEM_QUOTA_CPU_WINDOW_MS * 1000u)

/**
 * What is charged for every event and every allocation of an owner, in internal RAM: an allocation
 * may be made before PSRAM is there. Words that any context may write at any time. The limits are
 * separate words: a charge made while they change may see some of the new ones and some of the old.
 */
typedef struct {
    _Atomic uint32_t event_stamp;    /**< us: when all events so far will be paid for */
    _Atomic uint32_t event_interval; /**< us that one event costs */
    _Atomic uint32_t event_burst;    /**< us that the stamp may be ahead before an event is taken */
    _Atomic uint32_t max_data;       /**< bytes */
    _Atomic uint32_t events;         /**< taken since attach */

    _Atomic uint32_t max_memory; /**< bytes */
    _Atomic uint32_t memory;     /**< bytes */
    _Atomic uint32_t memory_peak;

    _Atomic uint32_t violations[QUOTA_KINDS]; /**< since boot; wraps */
} quota_state_t;

/** The rest of an owner, for tasks alone; `poll` belongs to the supervisor's. */
typedef struct {
    _Atomic uint32_t rate; /**< events per second that interval and burst were made from */
    _Atomic uint32_t max_subs;
    _Atomic uint32_t subs;

    _Atomic uint32_t cpu_stamp;    /**< us: when all CPU time so far will be paid for */
    _Atomic uint32_t cpu_percent;  /**< limit */
    _Atomic uint32_t cpu_busy;     /**< us of handlers since boot; wraps */
    _Atomic uint32_t cpu_measured; /**< percent in the last whole window */

    _Atomic uint32_t forgiven[QUOTA_KINDS]; /**< violations at the last attach or reset */
    _Atomic uint32_t streak;                /**< windows in a row with violations */
    _Atomic uint32_t life;                  /**< counts owners of the slot */

    struct {
        uint32_t life;                  /**< of the owner that the rest is about */
        uint32_t reported[QUOTA_KINDS]; /**< violations as of the last report */
        int64_t window_end;             /**< us; 0 = no window is open */
        int64_t cpu_mark;               /**< us: start of the CPU window being measured */
        uint32_t cpu_busy_mark;         /**< cpu_busy at cpu_mark */
    } poll;
} quota_account_t;

extern quota_state_t quota_states[SYSTEM_SLOTS];
extern quota_account_t quota_accounts[SYSTEM_SLOTS];
extern _Atomic uint32_t quota_totals[QUOTA_KINDS];

/** How far a stamp is ahead of now; 0 when it is past. */
FORCE_INLINE_ATTR uint32_t quota_stamp_ahead(uint32_t stamp, uint32_t now)
{
    const uint32_t ahead = stamp - now;

    return ahead <= QUOTA_FUTURE_MAX_US ? ahead : 0;
}

FORCE_INLINE_ATTR void quota_violation(unsigned slot, quota_kind_t kind)
{
    relaxed_add(&quota_states[slot].violations[kind], 1);
    relaxed_add(&quota_totals[kind], 1);
}

/* Take n out of limit, or nothing. */
FORCE_INLINE_ATTR bool quota_take(_Atomic uint32_t *used, uint32_t limit, uint32_t n)
{
    uint32_t now = relaxed_get(used);

    do {
        if (n > limit || now > limit - n) {
            return false;
        }
    } while (!relaxed_swap(used, &now, now + n));
    return true;
}

/* Give n back; never below nothing: the owner may have been reclaimed in between. */
FORCE_INLINE_ATTR void quota_give(_Atomic uint32_t *used, uint32_t n)
{
    uint32_t now = relaxed_get(used);
    uint32_t left;

    do {
        left = now > n ? now - n : 0;
    } while (!relaxed_swap(used, &now, left));
}

/** Charge an owner for memory unless that is too much for it: nothing is counted then.
 *  @return false: ask quota_charge_memory() */
FORCE_INLINE_ATTR bool quota_try_memory(unsigned slot, uint32_t bytes)
{
    quota_state_t *s = &quota_states[slot];

    if (!quota_take(&s->memory, relaxed_get(&s->max_memory), bytes)) {
        return false;
    }
    relaxed_raise(&s->memory_peak, relaxed_get(&s->memory));
    return true;
}

FORCE_INLINE_ATTR void quota_give_memory(unsigned slot, uint32_t bytes)
{
    quota_give(&quota_states[slot].memory, bytes);
}
