// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The few calls of LVGL 9 that display_lvgl and its test make, as LVGL declares and documents them,
 * so that both are compiled and run where there is no LVGL (Debian has none). Objects are plain
 * rectangles. What LVGL asserts is asserted: buffers of the right size, no change of the resolution
 * while it draws, each flush answered.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct stand_in_display lv_display_t;
typedef struct stand_in_object lv_obj_t;
typedef struct stand_in_timer lv_timer_t;

typedef struct {
    int32_t x1, y1, x2, y2;
} lv_area_t;
typedef struct {
    uint8_t blue, green, red;
} lv_color_t;
typedef uint8_t lv_opa_t;
typedef uint32_t lv_style_selector_t;
typedef enum {
    LV_COLOR_FORMAT_RGB565 = 0x12
} lv_color_format_t;
typedef enum {
    LV_DISPLAY_RENDER_MODE_PARTIAL,
    LV_DISPLAY_RENDER_MODE_DIRECT
} lv_display_render_mode_t;
typedef void (*lv_display_flush_cb_t)(lv_display_t *disp, const lv_area_t *area, uint8_t *px_map);
typedef uint32_t (*lv_tick_get_cb_t)(void);
typedef void (*lv_timer_cb_t)(lv_timer_t *timer);

#define LV_OPA_COVER 255

bool lv_is_initialized(void);
void lv_init(void);
void lv_tick_set_cb(lv_tick_get_cb_t cb);
uint32_t lv_timer_handler(void);
lv_timer_t *lv_timer_create(lv_timer_cb_t timer_xcb, uint32_t period, void *user_data);
void *lv_timer_get_user_data(lv_timer_t *timer);
void lv_timer_delete(lv_timer_t *timer);

uint32_t lv_draw_buf_width_to_stride(uint32_t w, lv_color_format_t color_format);
void *lv_draw_buf_align(void *buf, lv_color_format_t color_format);

lv_display_t *lv_display_create(int32_t hor_res, int32_t ver_res);
void lv_display_delete(lv_display_t *disp);
void lv_display_set_default(lv_display_t *disp);
void lv_display_set_color_format(lv_display_t *disp, lv_color_format_t color_format);
void lv_display_set_user_data(lv_display_t *disp, void *user_data);
void *lv_display_get_user_data(lv_display_t *disp);
void lv_display_set_flush_cb(lv_display_t *disp, lv_display_flush_cb_t flush_cb);
void lv_display_set_buffers(lv_display_t *disp, void *buf1, void *buf2, uint32_t buf_size,
                            lv_display_render_mode_t render_mode);
void lv_display_set_resolution(lv_display_t *disp, int32_t hor_res, int32_t ver_res);
bool lv_display_flush_is_last(lv_display_t *disp);
void lv_display_flush_ready(lv_display_t *disp);
lv_obj_t *lv_display_get_screen_active(lv_display_t *disp);
void lv_refr_now(lv_display_t *disp);

lv_obj_t *lv_screen_active(void);
lv_obj_t *lv_obj_create(lv_obj_t *parent);
void lv_obj_remove_style_all(lv_obj_t *obj);
void lv_obj_set_pos(lv_obj_t *obj, int32_t x, int32_t y);
void lv_obj_set_size(lv_obj_t *obj, int32_t w, int32_t h);
void lv_obj_set_style_bg_color(lv_obj_t *obj, lv_color_t value, lv_style_selector_t selector);
void lv_obj_set_style_bg_opa(lv_obj_t *obj, lv_opa_t value, lv_style_selector_t selector);
void lv_obj_invalidate(const lv_obj_t *obj);
void lv_obj_center(lv_obj_t *obj);
lv_obj_t *lv_label_create(lv_obj_t *parent);
void lv_label_set_text(lv_obj_t *obj, const char *text);
void lv_label_set_text_fmt(lv_obj_t *obj, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
lv_color_t lv_color_hex(uint32_t c);

#ifdef __cplusplus
}
#endif
