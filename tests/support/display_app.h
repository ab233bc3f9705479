// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Apps for tests of the display: each does, in its own task, what the test gives it to do.
 */

#include <stdbool.h>
#include <stdint.h>

#include "display_app/display_surface.h"
#include "display_app/display_widgets.h"
#include "display_service/display_events.h"

/** What an app is given to do. @return what the test is told */
typedef esp_err_t (*display_app_work_t)(app_context_t *ctx, display_surface_t *surface);

/** Apps there are. */
#define DISPLAY_APPS 2

enum {
    DISPLAY_APP_IS_RED,
    DISPLAY_APP_IS_BLUE
};
#define DISPLAY_APP_RED  DISPLAY_RGB(255, 0, 0)
#define DISPLAY_APP_BLUE DISPLAY_RGB(0, 0, 255)
#define DISPLAY_APP_DOT  DISPLAY_RGB(0, 255, 0)

/** Work: open the surface; fill it with the app's colour; draw 7x5 pixels at (10,20). */
esp_err_t display_app_open(app_context_t *ctx, display_surface_t *surface);
esp_err_t display_app_fill(app_context_t *ctx, display_surface_t *surface);
esp_err_t display_app_dot(app_context_t *ctx, display_surface_t *surface);

/** The panel's memory has this colour all below the status bar; upright. */
bool display_app_body_is(uint16_t color);
/** Wait for it, 3 seconds at most. */
bool display_app_wait_for_body(uint16_t color);

/** Make app number which known, without starting it; ends the test when it cannot be. */
void display_app_register(int which);

/** Start app number which ("red" or "blue"); ends the test when it cannot be. */
void display_app_start(int which);

/** Stop it and forget it. */
void display_app_stop(int which);

/** Have it do something and wait for it. Its surface is given to each work. @return what that
 * returned */
esp_err_t display_app_do(int which, display_app_work_t work);

/** Start the display service and wait until it has shown something. @return its id */
system_service_id_t display_app_service(void);

/** Ask the display service in the name of firmware. */
esp_err_t display_app_ask(const char *what, const void *data, size_t size, void *answer,
                          size_t answer_size);
display_info_t display_app_info(void);
esp_err_t display_app_set(uint8_t what, uint8_t brightness, uint16_t degrees, bool awake);
esp_err_t display_app_fault(display_fault_t fault);

/** Wait until what was asked of it before is on the panel, and nothing more comes. */
void display_app_settle(void);
