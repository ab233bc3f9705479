/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief A part of the screen for an app: open it, draw on its canvas, commit.
 *
 *     display_surface_t screen;
 *     if (display_surface_open(ctx, "Hello", &screen) == ESP_OK) {
 *         do {
 *             display_canvas_fill(&screen.canvas, DISPLAY_RGB(0, 0, 64));
 *             display_text_draw(&screen.canvas, 10, 40, &display_font_large, 0xFFFF, "Hello!");
 *         } while (display_surface_commit(ctx, &screen) == ESP_ERR_INVALID_SIZE);
 *     }
 *
 * What is drawn is seen when it is committed, all at once. A surface is for one task of its app at
 * a time. It is kept while another app is in front, and while the display service is restarted.
 */

#include "display_app/display_canvas.h"
#include "system_service/app_manager.h"

#ifdef __cplusplus
extern "C" {
#endif

/** An open surface. Draw on canvas; leave the rest alone. */
typedef struct {
    display_canvas_t canvas;
    uint32_t id;
    system_event_type_t commit;
} display_surface_t;

/**
 * @brief Open the app's surface, in front of all others. Its pixels are black.
 *
 * @context the app's own code  @blocks until the display service answers
 * @owns    the surface goes back when the app ends
 * @param[in] title for the status bar, cut at 23 bytes; NULL = the app's name
 * @return ESP_OK, or
 *  - ESP_ERR_INVALID_ARG          an argument is NULL
 *  - ESP_ERR_NO_MEM               CONFIG_DISPLAY_SURFACES are open
 *  - ESP_ERR_REQUEST_NO_HANDLER   there is no display service, or it does not run just now
 *  - ESP_ERR_REQUEST_TARGET_GONE  it was restarted meanwhile: try again
 *  - what ctx->request() returns otherwise
 */
esp_err_t display_surface_open(app_context_t *ctx, const char *title, display_surface_t *surface);

/**
 * @brief Show what was drawn since the last commit. Returns when it has been taken over, so an app
 *        that commits in a loop goes as fast as the screen.
 *
 * @context, @blocks as display_surface_open()
 * @return ESP_OK, or
 *  - ESP_ERR_INVALID_ARG    an argument is NULL
 *  - ESP_ERR_INVALID_SIZE   the screen was turned: the canvas has its new size now; draw everything
 *                           again and commit
 *  - ESP_ERR_NOT_FOUND      the surface is closed
 *  - as display_surface_open() for the rest: nothing is lost, the next commit shows it
 */
esp_err_t display_surface_commit(app_context_t *ctx, display_surface_t *surface);

/** @brief Close it before the app ends. @context, @blocks as display_surface_open()
 *  @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_NOT_FOUND; as display_surface_open() */
esp_err_t display_surface_close(app_context_t *ctx, display_surface_t *surface);

/**
 * @brief Bring an app that has a surface to the front.
 * @context, @blocks as display_surface_open()
 * @param[in] name NULL = the app itself; the launcher may name others
 * @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_NOT_FOUND it has no surface; ESP_ERR_NOT_OWNER not
 *         for this app to do; as display_surface_open()
 */
esp_err_t display_surface_raise(app_context_t *ctx, const char *name);

/**
 * @brief Show a short text over everything for a while.
 * @context the app's own code  @blocks never
 * @param[in] text        cut at 79 bytes
 * @param[in] duration_ms 0 = 2500; at most 10000
 * @return ESP_OK, also when nobody shows it; ESP_ERR_INVALID_ARG; what ctx->post_event() returns
 */
esp_err_t display_toast(app_context_t *ctx, const char *text, uint32_t duration_ms);

#ifdef __cplusplus
}
#endif
