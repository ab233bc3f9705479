/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The few types that every header of the system component shares.
 */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Names a service or an app. Bits 7..0 are its slot, bits 31..8 the generation of that slot, which
 * grows each time the slot is given away: an id kept after its owner is gone is refused with
 * ESP_ERR_SERVICE_STALE_ID and never reaches the slot's next owner.
 */
typedef uint32_t system_service_id_t;

/** No service. Never handed out. */
#define SYSTEM_SERVICE_ID_NONE ((system_service_id_t)0)

/** Names an event type; small, dense, valid until reboot. */
typedef uint16_t system_event_type_t;

/** No event type. Never handed out. */
#define SYSTEM_EVENT_TYPE_NONE ((system_event_type_t)0)

/**
 * Priorities of the specification. Any value 0..255 is accepted and maps to one of four lanes:
 * 0 CRITICAL, 1..100 HIGH, 101..200 NORMAL, 201..255 LOW.
 */
typedef enum {
    SYSTEM_EVENT_PRIORITY_CRITICAL = 0,
    SYSTEM_EVENT_PRIORITY_HIGH = 100,
    SYSTEM_EVENT_PRIORITY_NORMAL = 200,
    SYSTEM_EVENT_PRIORITY_LOW = 255,
} system_event_priority_t;

/** Number of priority lanes of a mailbox; lane 0 is CRITICAL. */
#define SYSTEM_EVENT_LANES 4

/** Longest name of a service, an app or an event type in bytes, without the final NUL. */
#define SYSTEM_NAME_MAX 31

#ifdef __cplusplus
}
#endif
