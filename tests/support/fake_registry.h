/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief A registry for unit tests of single modules: owners appear and go as the test says, and
 * the clock stands still until it is moved.
 */

#include <stdbool.h>
#include <stdint.h>

#include "system_internal.h"

/** Forget all owners; the calling code is firmware; the clock shows 0. */
void fake_registry_reset(void);

/** An owner of this name moves into the slot. @return its id */
system_service_id_t fake_registry_add(unsigned slot, const char *name, bool is_app);

/** The owner of the slot goes; its id is stale. */
void fake_registry_remove(unsigned slot);

/** Whose code runs from now on; SYSTEM_SLOT_NONE = firmware. */
void fake_registry_run_as(unsigned slot);

/** True while somebody holds the registry lock. */
bool fake_registry_locked(void);

/** What esp_timer_get_time() returns, in microseconds. */
void fake_clock_set(int64_t us);
void fake_clock_advance(int64_t us);
