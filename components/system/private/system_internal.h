/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What the files of the core know of each other, grouped by the file that defines it.
 *
 * Every service and app is an *owner*: one slot, 0..SYSTEM_SLOTS-1. Modules keep their per-owner
 * state in arrays of their own, indexed by slot, and drop it in their *_reclaim() function.
 *
 * Locks are taken in the order of lock_order.h, and none is held while foreign code runs.
 * Pools are lock-free. A portMUX is held for a bounded number of instructions and never across a
 * call that may block.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "esp_err.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "sdkconfig.h"

#include "lock_order.h"
#include "system_service/error_codes.h"
#include "system_service/system_types.h"

/** Owners: services and apps share one table. */
#define SYSTEM_SLOTS (CONFIG_SYSTEM_MAX_SERVICES + CONFIG_SYSTEM_MAX_APPS)
/** "no slot" where a slot is asked for; also the slot of firmware (nobody's code). */
#define SYSTEM_SLOT_NONE 0xFFu
/** The slot of a task whose app is gone and that could not be ended: it may do nothing. */
#define SYSTEM_SLOT_DEAD 0xFEu
_Static_assert(SYSTEM_SLOTS < SYSTEM_SLOT_DEAD, "a slot number is one byte");

/** Copy a name whose length was checked: at most SYSTEM_NAME_MAX bytes and the final NUL. */
static inline void system_copy_name(char *out, const char *name)
{
    const size_t whole = strlen(name);
    const size_t length = whole < SYSTEM_NAME_MAX ? whole : SYSTEM_NAME_MAX;
    memcpy(out, name, length);
    out[length] = '\0';
}

static inline unsigned system_id_slot(system_service_id_t id)
{
    return id & 0xFFu;
}

/* ---- service_manager.c: the registry -------------------------------------------------------- */

/**
 * Check an id and find its slot.
 * @context any task, isr-ok  @blocks never
 * @return ESP_OK; ESP_ERR_SERVICE_NOT_FOUND; ESP_ERR_SERVICE_STALE_ID
 */
esp_err_t service_slot_of(system_service_id_t id, unsigned *slot);

/** As service_slot_of(), and the caller must be that owner or firmware (apps: only the app itself).
 *  Adds ESP_ERR_NOT_OWNER. @context any task, isr-ok */
esp_err_t service_slot_for_caller(system_service_id_t id, unsigned *slot);

/** As service_slot_for_caller() for a caller whose slot is known already. isr-ok */
esp_err_t service_slot_for(system_service_id_t id, unsigned caller, unsigned *slot);

/** The name of a slot's present owner, "?" for none; valid until the owner is unregistered. */
const char *service_slot_name(unsigned slot);

/** The id of a slot's present owner, or SYSTEM_SERVICE_ID_NONE. */
system_service_id_t service_slot_id(unsigned slot);

/** The slot that the calling code belongs to, or SYSTEM_SLOT_NONE. @context any, isr-ok */
unsigned system_current_slot(void);

/** True when name consists of [A-Za-z0-9_.-] only. */
bool service_name_valid(const char *name);

/** The id of each slot's present owner. The two functions below are service_slot_of() and
 * service_slot_id(), inlined where they are asked with each event. */
extern _Atomic system_service_id_t service_ids[SYSTEM_SLOTS];

static inline esp_err_t registry_slot_of(system_service_id_t id, unsigned *slot)
{
    *slot = system_id_slot(id);
    if (id == SYSTEM_SERVICE_ID_NONE || *slot >= SYSTEM_SLOTS) {
        return ESP_ERR_SERVICE_NOT_FOUND;
    }
    return atomic_load_explicit(&service_ids[*slot], memory_order_acquire) == id
               ? ESP_OK
               : ESP_ERR_SERVICE_STALE_ID;
}

static inline system_service_id_t registry_slot_id(unsigned slot)
{
    return slot < SYSTEM_SLOTS ? atomic_load_explicit(&service_ids[slot], memory_order_acquire)
                               : SYSTEM_SERVICE_ID_NONE;
}

void registry_lock(void);
void registry_unlock(void);

/* ---- system_service.c ------------------------------------------------------------------------ */

bool system_is_initialized(void);
