/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief Charging: what the bus, the pools and the workers call.
 *
 * Nothing here takes a lock or the heap: the state of an owner is a handful of 32-bit atomics. A
 * charge checks and counts in one compare-and-swap, so what is granted never exceeds the limit,
 * whoever charges at the same time. Refusals are counted by whoever is refused, in any context;
 * they are reported by the supervisor in quota_poll_violations().
 *
 * Rates are enforced with the generic cell rate algorithm (ITU-T I.371, the "virtual scheduling"
 * form): one time stamp says when the owner will have paid for all it posted so far. An event moves
 * it by one interval; it is refused when the stamp would be further ahead than the burst allows.
 * This is a token bucket without a token to refill.
 *
 * The stamp is 32 bits of microseconds and so wraps after 71 minutes. A stamp less than
 * QUOTA_FUTURE_MAX_US ahead of now counts as the future, anything else as the past;
 * quota_poll_violations() moves stamps that are long past up to now, so that none comes round. It
 * must run at least every QUOTA_POLL_MAX_MS.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "system_internal.h"
#include "system_service/resource_quota.h"

/** A stamp can be this far ahead of a caller's idea of now: the largest debt plus the longest time
 *  that a caller may be interrupted between reading the clock and charging. */
#define QUOTA_FUTURE_MAX_US (10u * 60u * 1000000u)
/** Longest time between two calls of quota_poll_violations(). */
#define QUOTA_POLL_MAX_MS (30u * 60u * 1000u)

/** Told about violations, once per window and owner: the kind that happened most, and how often
 *  since the last time. */
typedef void (*quota_violation_hook_t)(unsigned slot, quota_kind_t kind, uint32_t count);

/** Every slot gets the defaults; nobody is told of violations. @context init only */
void quota_init(void);

/** True when every field is 0 or in its range; NULL is fine. @context any */
bool quota_is_valid(const service_quota_t *quota);

/** A new owner: its usage starts at nothing. NULL = defaults; must be quota_is_valid().
 *  @context any task, under registry_lock */
void quota_attach(unsigned slot, const service_quota_t *quota);

/** The owner is gone. What it still held must have been released. @context any task */
void quota_reclaim(unsigned slot);

/**
 * Check the payload size, then take one event from the rate. SYSTEM_SLOT_NONE is never refused.
 * @context any task, isr-ok  @blocks never
 * @return ESP_OK; ESP_ERR_QUOTA_DATA_EXCEEDED; ESP_ERR_QUOTA_EVENTS_EXCEEDED
 */
esp_err_t quota_charge_event(unsigned slot, size_t size, uint32_t now_us);

/** Check the payload size alone, e.g. when a block is lent. @context any task, isr-ok
 *  @return ESP_OK; ESP_ERR_QUOTA_DATA_EXCEEDED */
esp_err_t quota_check_event_data(unsigned slot, size_t size);

/** @context any task, isr-ok  @return ESP_OK; ESP_ERR_QUOTA_SUBS_EXCEEDED */
esp_err_t quota_charge_subscription(unsigned slot);
void quota_release_subscription(unsigned slot);

/** @context any task, isr-ok  @return ESP_OK; ESP_ERR_QUOTA_MEMORY_EXCEEDED */
esp_err_t quota_charge_memory(unsigned slot, size_t bytes);
/** Count memory that was taken already, over the limit or not. @return false = over, counted as a
 *  violation. @context any task, isr-ok */
bool quota_force_memory(unsigned slot, size_t bytes);
void quota_release_memory(unsigned slot, size_t bytes);
/** Bytes charged now. @context any */
uint32_t quota_memory_used(unsigned slot);

/**
 * A handler of the owner ran for this long, until now_us.
 * @context any task  @blocks never
 * @return true when the owner is over its share: its mailbox should rest until quota_throttled()
 *         says no
 */
bool quota_charge_cpu(unsigned slot, uint32_t us, uint32_t now_us);

/** True while the owner is over its CPU share. @context any task, isr-ok */
bool quota_throttled(unsigned slot, uint32_t now_us);

/** Microseconds until quota_throttled() turns false; 0 when it is. @context any task, isr-ok */
uint32_t quota_throttled_for(unsigned slot, uint32_t now_us);

/** Whom quota_poll_violations() tells; NULL = nobody. @context init only */
void quota_set_violation_hook(quota_violation_hook_t hook);

/**
 * Report violations and close windows. Calls the hook with no lock held.
 * @context the supervisor's task only
 * @return milliseconds until it wants to be called again although nothing is refused meanwhile, at
 *         most QUOTA_POLL_MAX_MS; when a charge is refused, call it soon
 */
uint32_t quota_poll_violations(void);

/** Violation windows in a row, the open one included. From CONFIG_SYSTEM_QUOTA_THROTTLE_WINDOWS on
 *  the owner has no burst; from CONFIG_SYSTEM_QUOTA_STOP_WINDOWS on it is to be stopped, see
 *  quota_should_stop(). @context any task */
uint32_t quota_offence_streak(unsigned slot);

/** True when the owner has violated its quota for so long that it is to be stopped. */
bool quota_should_stop(unsigned slot);

/** Violations of all owners together since boot, by kind; survives quota_reclaim(). */
uint32_t quota_total_violations(quota_kind_t kind);
