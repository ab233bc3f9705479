/* SPDX-License-Identifier: Apache-2.0 */
#include "quota_state.h"

#include "esp_attr.h"

/* Whatever a handler did, its owner rests for at most this long. */
#define CPU_DEBT_MAX_US (10u * QUOTA_CPU_WINDOW_US)
/* A longer run of a handler is charged as this. */
#define CPU_RUN_MAX_US (60u * 1000000u)

/* Up to here a product with 100 fits into 32 bits beside what is owed already. */
#define CPU_SHORT_RUN_US ((UINT32_MAX - QUOTA_FUTURE_MAX_US) / 100u)

_Static_assert(CPU_DEBT_MAX_US + CPU_RUN_MAX_US < QUOTA_FUTURE_MAX_US,
               "a stamp must not look past");

/* ---- charging ------------------------------------------------------------------------------- */

esp_err_t IRAM_ATTR quota_check_event_data(unsigned slot, size_t size)
{
    if (slot >= SYSTEM_SLOTS || size <= relaxed_get(&quota_states[slot].max_data)) {
        return ESP_OK;
    }
    quota_violation(slot, QUOTA_EVENT_DATA);
    return ESP_ERR_QUOTA_DATA_EXCEEDED;
}

esp_err_t IRAM_ATTR quota_charge_event(unsigned slot, size_t size, uint32_t now_us)
{
    if (slot >= SYSTEM_SLOTS) {
        return ESP_OK;
    }
    quota_state_t *s = &quota_states[slot];

    if (size > relaxed_get(&s->max_data)) {
        quota_violation(slot, QUOTA_EVENT_DATA);
        return ESP_ERR_QUOTA_DATA_EXCEEDED;
    }
    const uint32_t interval = relaxed_get(&s->event_interval);
    const uint32_t burst = relaxed_get(&s->event_burst);
    uint32_t stamp = relaxed_get(&s->event_stamp);
    uint32_t ahead;

    do {
        ahead = quota_stamp_ahead(stamp, now_us);
        if (ahead > burst) {
            quota_violation(slot, QUOTA_EVENTS);
            return ESP_ERR_QUOTA_EVENTS_EXCEEDED;
        }
    } while (!relaxed_swap(&s->event_stamp, &stamp, now_us + ahead + interval));
    relaxed_add(&s->events, 1);
    return ESP_OK;
}

esp_err_t IRAM_ATTR quota_charge_memory(unsigned slot, size_t bytes)
{
    if (slot >= SYSTEM_SLOTS) {
        return ESP_OK;
    }
    if (bytes > INT32_MAX || !quota_try_memory(slot, (uint32_t)bytes)) {
        quota_violation(slot, QUOTA_MEMORY);
        return ESP_ERR_QUOTA_MEMORY_EXCEEDED;
    }
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
    quota_violation(slot, QUOTA_MEMORY);
    return false;
}

void IRAM_ATTR quota_release_memory(unsigned slot, size_t bytes)
{
    if (slot < SYSTEM_SLOTS) {
        quota_give(&quota_states[slot].memory, bytes > INT32_MAX ? INT32_MAX : (uint32_t)bytes);
    }
}

uint32_t quota_memory_used(unsigned slot)
{
    return slot < SYSTEM_SLOTS ? relaxed_get(&quota_states[slot].memory) : 0;
}

/* What a run costs beside itself: run * 100 / percent - run, or more than anybody may owe. A
 * division of 64 bits is a call of some hundred instructions on the chip, here with interrupts off:
 * for runs of more than half a minute only. */
static inline uint32_t surcharge_of(uint32_t run, uint32_t percent)
{
    if (run <= CPU_SHORT_RUN_US) {
        return run * (100u - percent) / percent;
    }
    const uint64_t surcharge = (uint64_t)run * (100u - percent) / percent;

    return surcharge < CPU_DEBT_MAX_US ? (uint32_t)surcharge : CPU_DEBT_MAX_US;
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

    /* One writer at a time, whoever has claimed the mailbox, and no read-modify-write: the account
     * may be in PSRAM. */
    relaxed_put(&a->cpu_busy, relaxed_get(&a->cpu_busy) + us);
    if (percent >= 100) {
        return false;
    }
    const uint32_t run = us < CPU_RUN_MAX_US ? us : CPU_RUN_MAX_US;
    const uint32_t start = now_us - run;
    const uint32_t surcharge = surcharge_of(run, percent);
    const uint32_t unpaid = quota_stamp_ahead(relaxed_get(&a->cpu_stamp), start) + surcharge;
    const uint32_t debt = unpaid < CPU_DEBT_MAX_US ? unpaid : CPU_DEBT_MAX_US;

    relaxed_put(&a->cpu_stamp, now_us + debt);
    if (debt <= QUOTA_CPU_WINDOW_US) {
        return false;
    }
    quota_violation(slot, QUOTA_CPU);
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
