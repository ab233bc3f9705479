/* SPDX-License-Identifier: Apache-2.0 */
#include "quota_state.h"

#include "esp_attr.h"

/* Whatever a handler did, its owner rests for at most this long. */
#define CPU_DEBT_MAX_US (10u * QUOTA_CPU_WINDOW_US)
/* A longer run of a handler is charged as this. */
#define CPU_RUN_MAX_US (60u * 1000000u)

_Static_assert(CPU_DEBT_MAX_US + CPU_RUN_MAX_US < QUOTA_FUTURE_MAX_US,
               "a stamp must not look past");

/* ---- helpers -------------------------------------------------------------------------------- */

FORCE_INLINE_ATTR void violation(unsigned slot, quota_kind_t kind)
{
    relaxed_add(&quota_states[slot].violations[kind], 1);
    relaxed_add(&quota_totals[kind], 1);
}

/* Take n out of limit, or nothing. */
FORCE_INLINE_ATTR bool take(_Atomic uint32_t *used, uint32_t limit, uint32_t n)
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
FORCE_INLINE_ATTR void give(_Atomic uint32_t *used, uint32_t n)
{
    uint32_t now = relaxed_get(used);
    uint32_t left;

    do {
        left = now > n ? now - n : 0;
    } while (!relaxed_swap(used, &now, left));
}

/* ---- charging ------------------------------------------------------------------------------- */

esp_err_t IRAM_ATTR quota_check_event_data(unsigned slot, size_t size)
{
    if (slot >= SYSTEM_SLOTS || size <= relaxed_get(&quota_states[slot].max_data)) {
        return ESP_OK;
    }
    violation(slot, QUOTA_EVENT_DATA);
    return ESP_ERR_QUOTA_DATA_EXCEEDED;
}

esp_err_t IRAM_ATTR quota_charge_event(unsigned slot, size_t size, uint32_t now_us)
{
    if (slot >= SYSTEM_SLOTS) {
        return ESP_OK;
    }
    quota_state_t *s = &quota_states[slot];

    if (size > relaxed_get(&s->max_data)) {
        violation(slot, QUOTA_EVENT_DATA);
        return ESP_ERR_QUOTA_DATA_EXCEEDED;
    }
    const uint32_t interval = relaxed_get(&s->event_interval);
    const uint32_t burst = relaxed_get(&s->event_burst);
    uint32_t stamp = relaxed_get(&s->event_stamp);
    uint32_t ahead;

    do {
        ahead = quota_stamp_ahead(stamp, now_us);
        if (ahead > burst) {
            violation(slot, QUOTA_EVENTS);
            return ESP_ERR_QUOTA_EVENTS_EXCEEDED;
        }
    } while (!relaxed_swap(&s->event_stamp, &stamp, now_us + ahead + interval));
    relaxed_add(&s->events, 1);
    return ESP_OK;
}

esp_err_t quota_charge_subscription(unsigned slot)
{
    if (slot >= SYSTEM_SLOTS ||
        take(&quota_accounts[slot].subs, relaxed_get(&quota_accounts[slot].max_subs), 1)) {
        return ESP_OK;
    }
    violation(slot, QUOTA_SUBSCRIPTIONS);
    return ESP_ERR_QUOTA_SUBS_EXCEEDED;
}

void quota_release_subscription(unsigned slot)
{
    if (slot < SYSTEM_SLOTS) {
        give(&quota_accounts[slot].subs, 1);
    }
}

esp_err_t IRAM_ATTR quota_charge_memory(unsigned slot, size_t bytes)
{
    if (slot >= SYSTEM_SLOTS) {
        return ESP_OK;
    }
    quota_state_t *s = &quota_states[slot];

    if (bytes > INT32_MAX || !take(&s->memory, relaxed_get(&s->max_memory), (uint32_t)bytes)) {
        violation(slot, QUOTA_MEMORY);
        return ESP_ERR_QUOTA_MEMORY_EXCEEDED;
    }
    relaxed_raise(&s->memory_peak, relaxed_get(&s->memory));
    return ESP_OK;
}

bool IRAM_ATTR quota_force_memory(unsigned slot, size_t bytes)
{
    if (slot >= SYSTEM_SLOTS) {
        return true;
    }
    quota_state_t *s = &quota_states[slot];
    const uint32_t n = bytes > INT32_MAX ? INT32_MAX : (uint32_t)bytes;
    const uint32_t held = atomic_fetch_add_explicit(&s->memory, n, memory_order_relaxed) + n;

    relaxed_raise(&s->memory_peak, held);
    if (held <= relaxed_get(&s->max_memory)) {
        return true;
    }
    violation(slot, QUOTA_MEMORY);
    return false;
}

void IRAM_ATTR quota_release_memory(unsigned slot, size_t bytes)
{
    if (slot < SYSTEM_SLOTS) {
        give(&quota_states[slot].memory, bytes > INT32_MAX ? INT32_MAX : (uint32_t)bytes);
    }
}

uint32_t quota_memory_used(unsigned slot)
{
    return slot < SYSTEM_SLOTS ? relaxed_get(&quota_states[slot].memory) : 0;
}

/* A handler that ran for t costs t / share. The stamp may be one window ahead: that is the burst. A
 * handler is charged when it returns, for a time that began with `start`. */
bool quota_charge_cpu(unsigned slot, uint32_t us, uint32_t now_us)
{
    if (slot >= SYSTEM_SLOTS) {
        return false;
    }
    quota_account_t *a = &quota_accounts[slot];
    const uint32_t percent = relaxed_get(&a->cpu_percent);

    relaxed_add(&a->cpu_busy, us);
    if (percent >= 100) {
        return false;
    }
    const uint32_t run = us < CPU_RUN_MAX_US ? us : CPU_RUN_MAX_US;
    const uint32_t start = now_us - run;
    const uint64_t cost = (uint64_t)run * 100u / percent;
    uint32_t stamp = relaxed_get(&a->cpu_stamp);
    uint32_t debt;

    do {
        const uint64_t unpaid = quota_stamp_ahead(stamp, start) + cost - run;

        debt = unpaid < CPU_DEBT_MAX_US ? (uint32_t)unpaid : CPU_DEBT_MAX_US;
    } while (!relaxed_swap(&a->cpu_stamp, &stamp, now_us + debt));
    if (debt <= QUOTA_CPU_WINDOW_US) {
        return false;
    }
    violation(slot, QUOTA_CPU);
    return true;
}

uint32_t quota_throttled_for(unsigned slot, uint32_t now_us)
{
    if (slot >= SYSTEM_SLOTS || relaxed_get(&quota_accounts[slot].cpu_percent) >= 100) {
        return 0;
    }
    const uint32_t ahead = quota_stamp_ahead(relaxed_get(&quota_accounts[slot].cpu_stamp), now_us);

    return ahead > QUOTA_CPU_WINDOW_US ? ahead - QUOTA_CPU_WINDOW_US : 0;
}

bool quota_throttled(unsigned slot, uint32_t now_us)
{
    return quota_throttled_for(slot, now_us) > 0;
}
