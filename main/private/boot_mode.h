/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What to do once the system is up; the platform knows (port/).
 */

#include <stdbool.h>

typedef enum {
    BOOT_SHELL = 0, /**< open the shell */
    BOOT_DEMO,      /**< tell and show what the system can do */
    BOOT_PICTURE,   /**< let it run for a while; then somebody looks at the screen (PC) */
} boot_mode_t;

/** @context main task */
boot_mode_t boot_mode(void);

/** Somebody holds the button that asks for safe mode. @context main task */
bool boot_mode_safe(void);

/** Colours make sense where the output goes. @context main task */
bool boot_mode_colour(void);

/**
 * The demonstration is over. On a PC the program ends and does not come back; a device goes on.
 * @param ok everything that was to be shown was seen
 */
void boot_mode_demo_done(bool ok);

/** An app to start beside those of the table; NULL = none. @context main task */
const char *boot_mode_app(void);

/** In BOOT_PICTURE: run for as long as was asked for, then end.
 *  @param ok everything that was asked for could be started */
_Noreturn void boot_mode_picture(bool ok);
