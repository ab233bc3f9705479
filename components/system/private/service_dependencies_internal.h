/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The graph of dependencies, over slots. Everything here is called with the registry lock
 *        held; nothing here calls anybody
 *        or allocates.
 *
 * Invariant: the edges between present owners have no circle. An edge to a name that nobody has yet
 * is kept as a name and becomes an edge when that name is registered; the circle it might then
 * close is refused by that registration.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "system_internal.h"
#include "system_service/service_dependencies.h"

/** A set of slots; bit n is slot n. */
typedef uint64_t slot_set_t;
_Static_assert(SYSTEM_SLOTS <= 64, "a set of slots is 64 bits");

#define SLOT_BIT(slot) ((slot_set_t)1 << (slot))

/** Empty graph. @context init only */
void dependencies_init(void);

/** Longest circle that is shown whole, in bytes with its final NUL. */
#define DEPENDENCIES_PATH_MAX 128

/**
 * An owner moves in. A circle is shown in the log.
 * @owns  name and depends_on are kept, not copied: they must live until dependencies_reclaim()
 * @param name       by which others may depend on it
 * @param depends_on NULL-terminated names, or NULL; a name given twice counts once
 * @return ESP_OK; ESP_ERR_SERVICE_DEPENDENCY_CYCLE it would close a circle: nothing has changed;
 *         ESP_ERR_SERVICE_DEPENDENCIES_FULL more than SERVICE_DEPENDENCIES_MAX names
 */
esp_err_t dependencies_attach(unsigned slot, const char *name, const char *const *depends_on);

/** The last circle that was refused, "a -> b -> a", cut with "..." if too long; "" = none yet. */
const char *dependencies_last_circle(void);

/** The owner is gone; what depends on its name lacks it from now on. */
void dependencies_reclaim(unsigned slot);

/** The first name that the slot, or anything it needs, depends on and nobody has; NULL = none. */
const char *dependencies_first_missing(unsigned slot);

/** What the slot needs directly, as far as it is registered. */
slot_set_t dependencies_direct(unsigned slot);
/** What the slot needs, directly or through others; without the slot itself. */
slot_set_t dependencies_needed_by(unsigned slot);
/** Who needs the slot, directly or through others; without the slot itself. */
slot_set_t dependencies_dependants_of(unsigned slot);

/**
 * The slots of a set in start order: each after what it needs, else in the order they moved in.
 * @param[in,out] count in: room in out; out: members of the set, also when that is more
 * @return ESP_OK; ESP_ERR_INVALID_SIZE only the first ones were written
 */
esp_err_t dependencies_start_order(slot_set_t set, uint8_t *out, size_t *count);

/** The same, backwards. With too little room, those that are stopped first are written. */
esp_err_t dependencies_stop_order(slot_set_t set, uint8_t *out, size_t *count);

/** Every slot that has an owner. */
slot_set_t dependencies_all(void);
