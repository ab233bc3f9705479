/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief LVGL 9 draws into an app's surface.
 *
 *     display_lvgl_t screen;
 *     if (display_lvgl_open(ctx, "Hello", &screen) == ESP_OK) {
 *         lv_label_set_text(lv_label_create(lv_screen_active()), "Hello!");
 *         do {
 *             (void)display_lvgl_run(&screen, &rest_ms);
 *         } while (ctx->sleep_ms(ctx, rest_ms));
 *         display_lvgl_close(&screen);
 *     }
 *
 * LVGL renders in place (LV_DISPLAY_RENDER_MODE_DIRECT): no draw buffer besides the surface, and
 * what is committed is the areas that it says it changed. LVGL may be used by one task at a time,
 * so there is one such screen in the system, and all of this is for the task that opened it.
 *
 * sdkconfig: LV_COLOR_DEPTH_16=y; LV_DRAW_BUF_STRIDE_ALIGN=1 and LV_DRAW_BUF_ALIGN=4 are LVGL's own
 * defaults.
 */

#include <stdint.h>

#include "display_app/display_surface.h"
#include "lvgl.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Longest time between two looks: was the screen turned, does the display service run again? */
#define DISPLAY_LVGL_LOOK_MS 100

/** An open screen. lvgl is for the caller to use; leave the rest alone. */
typedef struct {
    app_context_t *ctx;
    display_surface_t surface;
    lv_display_t *lvgl;
    system_event_type_t state; /**< display.state */
    bool told;                 /**< atomic: the display's state changed: is the size the same? */
    esp_err_t committed;       /**< what the last commit said */
} display_lvgl_t;

/**
 * @brief Open the app's surface and a display of LVGL on it, which becomes LVGL's default. LVGL
 *        itself is initialised if it is not, with the system's time as its tick.
 *
 * @context the app's own task  @blocks until the display service answers
 * @owns    *screen is the caller's, at one place until it is closed
 * @return ESP_OK, or
 *  - ESP_ERR_INVALID_ARG    an argument is NULL (title may be)
 *  - ESP_ERR_INVALID_STATE  another screen is open, or its app was ended before it closed it: what
 *                           it left of LVGL is not to be trusted before the board restarts
 *  - ESP_ERR_NOT_SUPPORTED  this LVGL wants its rows or its buffer aligned otherwise
 *  - ESP_ERR_NO_MEM         LVGL has no memory for a display
 *  - what display_surface_open() or the subscription to display.state returns
 */
esp_err_t display_lvgl_open(app_context_t *ctx, const char *title, display_lvgl_t *screen);

/**
 * @brief Let LVGL do what is due, and show what it drew: lv_timer_handler(), and what has to be
 *        done outside of it. Call it in a loop.
 *
 * @context as display_lvgl_open()  @blocks as display_lvgl_open()
 * @param[out] rest_ms so long may pass before the next call, DISPLAY_LVGL_LOOK_MS at most
 * @return ESP_OK: everything drawn is committed, also after the screen was turned; or, with nothing
 *         lost and the next call trying again,
 *  - ESP_ERR_NOT_FOUND  the surface was closed: close the screen
 *  - what display_surface_commit() returns otherwise: the display service is just restarted
 */
esp_err_t display_lvgl_run(display_lvgl_t *screen, uint32_t *rest_ms);

/** @brief Close both; objects on the screen are deleted with it, LVGL stays initialised.
 *  @context as display_lvgl_open()  @blocks as display_lvgl_open() */
void display_lvgl_close(display_lvgl_t *screen);

#ifdef __cplusplus
}
#endif
