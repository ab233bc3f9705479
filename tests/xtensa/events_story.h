// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The event core with an app out of a package, told on an emulated core and on the PC: what is said
 * must be the same. Everything but the calls below is the same source.
 */

#include <stdint.h>

#include "system_service/event_bus.h"

/* ---- what the app imports ---- */

void story_note(const char *what, uint32_t value);
void story_post(const char *type, uint32_t number, uint8_t priority);
void story_subscribe(const char *type, system_event_handler_t handler, void *user_data);
void story_unsubscribe(const char *type, system_event_handler_t handler);

/* ---- what each side brings ---- */

/** A line of the story. */
void story_put(const char *what, uint32_t value);
_Noreturn void story_fail(const char *what, uint32_t value);
/** Let the workers run until all of them wait. */
void story_settle(void);
/** Post as an interrupt does. */
void story_post_as_isr(system_service_id_t poster, system_event_type_t type, const void *data,
                       size_t size, uint8_t priority);

/* ---- the story ---- */

/** The core is up, and whoever calls is above its workers; the app's program is loaded.
 *  @param entry  of the app */
void story_tell(uint32_t (*entry)(uint32_t));
/** For the loader. */
esp_err_t story_resolve(void *arg, const char *name, uintptr_t *address);
