/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The parts of the display service, grouped by the file that defines them.
 *
 * Everything here runs in the service's own handlers and lifecycle functions, never twice at once:
 * no locks. What must survive a restart of the service says so: pictures of apps, which go on
 * drawing into them, and what people set.
 *
 *   apps draw -> surface's drawing --commit--> surface's picture --\
 *   status bar, toast ---------------------------------------------+-> back --what differs--> panel
 *                                                                      front: what the panel shows
 */

#include <stdbool.h>
#include <stdint.h>

#include "display_app/display_widgets.h"
#include "display_service/display_events.h"
#include "esp_err.h"
#include "system_service/request_response.h"
#include "system_service/system_types.h"

#define DISPLAY_TOP DISPLAY_STATUS_BAR_HEIGHT

/* ---- display_link.c: the backend, and faults between it and us ----------------------------------
 */

esp_err_t display_link_open(uint16_t *width, uint16_t *height);
void display_link_close(void);
esp_err_t display_link_flush(display_rect_t area, const display_color_t *pixels, uint32_t stride);
esp_err_t display_link_set_orientation(uint16_t degrees);
esp_err_t display_link_set_brightness(uint8_t percent);
esp_err_t display_link_set_power(bool on);
esp_err_t display_link_probe(void);
/** @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_SYSTEM_DISABLED */
esp_err_t display_link_inject(display_fault_t fault);

/* ---- display_panel.c: the panel's state, what people set, and getting it back ----------------
 */

/** A new life of the service: open the panel; one that is not there is looked for later. */
void display_panel_begin(void);
void display_panel_end(void);
/** Look how it is; open it anew when it is not well. */
void display_panel_look(void);
/** As the backend's; a failure is counted and changes the panel's state. */
esp_err_t display_panel_flush(display_rect_t area, const display_color_t *pixels, uint32_t stride);
/** A frame is complete: what was dark until there was a picture is lit. */
void display_panel_shown(void);
/** Change settings, which survive a restart. @return as display.set */
esp_err_t display_panel_set(const display_set_t *wish);
/** True when pixels may be flushed: well or failing, and awake. */
bool display_panel_ready(void);
void display_panel_describe(display_state_t *state);
void display_panel_count(display_info_t *info);

/* ---- display_screen.c: the two frames, and what of them is to be drawn --------------------------
 */

/** The size follows the orientation; everything is to be drawn. */
void display_screen_resize(uint16_t degrees);
/** All of the screen, from (0,0). */
display_rect_t display_screen_area(void);
/** What of the screen must be drawn anew. */
void display_screen_damage(display_rect_t rect);
/** The panel's memory is not what we think: transfer everything. */
void display_screen_forget(void);
bool display_screen_is_damaged(void);
/** Draw what is damaged and transfer what differs. @return false: some must be tried again */
bool display_screen_present(void);
void display_screen_count(display_info_t *info);

/* ---- display_surfaces.c: the surfaces of apps ---------------------------------------------------
 */

/** Take the surfaces of apps that ended although nobody told it. */
void display_surfaces_forget_the_dead(void);
/** The screen has another shape: everybody must draw anew. */
void display_surfaces_resize(void);
/** An app ended. */
void display_surfaces_app_ended(system_service_id_t app);
unsigned display_surfaces_count(void);
/** Who is in front; all zero: nobody. */
typedef struct {
    system_service_id_t app;
    const char *name;  /**< of the app */
    const char *title; /**< for the status bar */
} display_front_t;
display_front_t display_surfaces_front(void);
/** Draw the front surface into the clip of the screen. @return false: there is none */
bool display_surfaces_draw(display_canvas_t *screen);

void display_surfaces_on_open(const system_request_t *request, void *user_data);
void display_surfaces_on_commit(const system_request_t *request, void *user_data);
void display_surfaces_on_close(const system_request_t *request, void *user_data);
void display_surfaces_on_raise(const system_request_t *request, void *user_data);

/* ---- display_status.c: the status bar, from what others tell ----------------------------------
 */

/** Subscribe to what is shown. @return ESP_OK; what the bus returned */
esp_err_t display_status_begin(system_service_id_t id);
/** Look at clock and memory, and damage the bar if it is to change. */
void display_status_update(void);
void display_status_draw(display_canvas_t *screen);

/* ---- display_overlay.c: the toast ---------------------------------------------------------------
 */

void display_overlay_begin(void);
/** @return ms until it ends */
uint32_t display_overlay_show(const display_toast_t *toast);
/** Take it away if its time is over. */
void display_overlay_update(void);
void display_overlay_draw(display_canvas_t *screen);

/* ---- display_service.c ------------------------------------------------------------------------
 */

/** Have a frame drawn, soon. */
void display_service_wake(void);
/** Something that display.state or display.focus tells may have changed. */
void display_service_announce(void);
void display_service_answer(const system_request_t *request, esp_err_t status, const void *data,
                            size_t size);
