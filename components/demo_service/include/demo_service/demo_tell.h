/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief How a chapter of the demonstration is told and judged (demo_config_t.chapter). All of it:
 * @context the chapter  @blocks never
 */

#include <stdbool.h>

#include "system_service/system_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The next numbered step. */
void demo_step(const char *title);

/** A line of what happens or was measured. */
void demo_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** A claim, and whether what was recorded bears it out. @return ok */
bool demo_check(bool ok, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** A service that watches: what is subscribed in its name ends with the demonstration. */
system_service_id_t demo_observer_id(void);

#ifdef __cplusplus
}
#endif
