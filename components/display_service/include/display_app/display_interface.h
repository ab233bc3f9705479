/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief Everything of the display that an app may call, as one list: the interface group
 * "display", version 1.0. What a list of exports is made from.
 *
 *   GROUP(group, major, minor)   the version of the group
 *   FUNCTION(group, minor, name) a function, and the minor number of the group that brought it
 *   DATA(group, minor, name)     the same, for an object
 *   RIGHT(rights, pattern)       events that come with the group
 */

#include "display_app/display_surface.h"
#include "display_app/display_text.h"
#include "display_app/display_widgets.h"

/* clang-format off */
#define DISPLAY_INTERFACE_GROUP(GROUP) \
    GROUP(DISPLAY, 1, 0)

#define DISPLAY_INTERFACE_RIGHTS(RIGHT) \
    RIGHT(POST, "display.surface_*") \
    RIGHT(POST, "display.raise") \
    RIGHT(POST, "display.toast") \
    RIGHT(SUBSCRIBE, "display.state") \
    RIGHT(SUBSCRIBE, "display.focus")

#define DISPLAY_INTERFACE_FUNCTIONS(FUNCTION) \
    FUNCTION(DISPLAY, 0, display_surface_open) \
    FUNCTION(DISPLAY, 0, display_surface_commit) \
    FUNCTION(DISPLAY, 0, display_surface_close) \
    FUNCTION(DISPLAY, 0, display_surface_raise) \
    FUNCTION(DISPLAY, 0, display_toast) \
    FUNCTION(DISPLAY, 0, display_rect_intersect) \
    FUNCTION(DISPLAY, 0, display_rect_union) \
    FUNCTION(DISPLAY, 0, display_rect_empty) \
    FUNCTION(DISPLAY, 0, display_rect_contains) \
    FUNCTION(DISPLAY, 0, display_rect_inset) \
    FUNCTION(DISPLAY, 0, display_damage_add) \
    FUNCTION(DISPLAY, 0, display_color_mix) \
    FUNCTION(DISPLAY, 0, display_canvas_init) \
    FUNCTION(DISPLAY, 0, display_canvas_set_clip) \
    FUNCTION(DISPLAY, 0, display_canvas_fill) \
    FUNCTION(DISPLAY, 0, display_canvas_pixel) \
    FUNCTION(DISPLAY, 0, display_canvas_rect) \
    FUNCTION(DISPLAY, 0, display_canvas_gradient) \
    FUNCTION(DISPLAY, 0, display_canvas_frame) \
    FUNCTION(DISPLAY, 0, display_canvas_round_rect) \
    FUNCTION(DISPLAY, 0, display_canvas_line) \
    FUNCTION(DISPLAY, 0, display_canvas_circle) \
    FUNCTION(DISPLAY, 0, display_canvas_arc) \
    FUNCTION(DISPLAY, 0, display_canvas_image) \
    FUNCTION(DISPLAY, 0, display_text_width) \
    FUNCTION(DISPLAY, 0, display_text_height) \
    FUNCTION(DISPLAY, 0, display_text_cap_height) \
    FUNCTION(DISPLAY, 0, display_text_draw) \
    FUNCTION(DISPLAY, 0, display_text_box) \
    FUNCTION(DISPLAY, 0, display_text_paragraph) \
    FUNCTION(DISPLAY, 0, display_label_draw) \
    FUNCTION(DISPLAY, 0, display_button_draw) \
    FUNCTION(DISPLAY, 0, display_button_hit) \
    FUNCTION(DISPLAY, 0, display_list_draw) \
    FUNCTION(DISPLAY, 0, display_list_rows) \
    FUNCTION(DISPLAY, 0, display_list_row_at) \
    FUNCTION(DISPLAY, 0, display_list_select) \
    FUNCTION(DISPLAY, 0, display_progress_draw) \
    FUNCTION(DISPLAY, 0, display_toast_box) \
    FUNCTION(DISPLAY, 0, display_toast_draw) \
    FUNCTION(DISPLAY, 0, display_status_bar_draw)

#define DISPLAY_INTERFACE_DATA(DATA) \
    DATA(DISPLAY, 0, display_font_small) \
    DATA(DISPLAY, 0, display_font_large)
/* clang-format on */
