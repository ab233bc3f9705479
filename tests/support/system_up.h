// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The core, up and with services in it, for tests of what runs on top.
 */

#include <stdbool.h>
#include <stdint.h>

#include "system_service/event_bus.h"
#include "system_service/resource_quota.h"
#include "system_service/service_manager.h"
#include "system_service/system_service.h"

/** Quotas that do not bite, for tests of something else. */
#define SYSTEM_UP_WIDE_QUOTA                                                                       \
    {                                                                                              \
        .max_events_per_sec = 1000000, .max_subscriptions = 64, .max_event_data_size = 4096,       \
        .max_memory_bytes = 1024 * 1024, .max_cpu_percent = 100                                    \
    }

/** system_service_init(); ends the test when it fails. @return the key */
system_secure_key_t system_up(void);

/** system_service_deinit(); ends the test when it fails. */
void system_down(system_secure_key_t key);

/** A service without lifecycle, with wide quotas. Ends the test when it cannot be registered. */
system_service_id_t system_up_service(const char *name);

/** An event type; ends the test when it cannot be registered. */
system_event_type_t system_up_type(const char *name);

/** Wait, in ticks, until *counter reaches wanted, at most ms milliseconds. @return false: it did
 * not */
bool system_up_wait(const _Atomic uint32_t *counter, uint32_t wanted, uint32_t ms);
