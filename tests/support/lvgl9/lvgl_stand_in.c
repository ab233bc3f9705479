// SPDX-License-Identifier: Apache-2.0
#include "lvgl.h"

#include <string.h>

#include "ktest.h"

#define OBJECTS 4
#define AREAS   8

struct stand_in_object { // [0] is the screen
    lv_area_t coords;
    lv_color_t color;
};

struct stand_in_display {
    int32_t width, height;
    uint16_t *buffer;
    uint32_t size;
    void *user_data;
    lv_display_flush_cb_t flush;
    bool draws, flushes, is_last;
    unsigned changed;
    lv_area_t areas[AREAS];
    unsigned count;
    lv_obj_t objects[OBJECTS];
};

static lv_display_t s_display; // there is one, as in the system
static bool s_exists, s_initialised;

bool lv_is_initialized(void)
{
    return s_initialised;
}

void lv_init(void)
{
    KTEST_CHECK(!s_initialised);
    s_initialised = true;
}

void lv_tick_set_cb(lv_tick_get_cb_t cb)
{
    KTEST_CHECK(cb() + 1000 > 1000);
}

uint32_t lv_draw_buf_width_to_stride(uint32_t w, lv_color_format_t color_format)
{
    KTEST_CHECK(color_format == LV_COLOR_FORMAT_RGB565);
    return w * 2;
}

void *lv_draw_buf_align(void *buf, lv_color_format_t color_format)
{
    KTEST_CHECK(color_format == LV_COLOR_FORMAT_RGB565);
    return (void *)(((uintptr_t)buf + 3) & ~(uintptr_t)3);
}

// ---- the display -------------------------------------------------------------------------------

lv_display_t *lv_display_create(int32_t hor_res, int32_t ver_res)
{
    KTEST_CHECK(s_initialised && !s_exists);
    s_exists = true;
    s_display = (lv_display_t){.width = hor_res, .height = ver_res, .count = 1};
    s_display.objects[0].coords = (lv_area_t){0, 0, hor_res - 1, ver_res - 1};
    lv_obj_invalidate(&s_display.objects[0]);
    return &s_display;
}

void lv_display_delete(lv_display_t *disp)
{
    KTEST_CHECK(s_exists && disp == &s_display && !disp->draws);
    s_exists = false;
}

void lv_display_set_default(lv_display_t *disp)
{
    KTEST_CHECK(disp == &s_display);
}

void lv_display_set_color_format(lv_display_t *disp, lv_color_format_t color_format)
{
    KTEST_CHECK(disp->buffer == NULL && color_format == LV_COLOR_FORMAT_RGB565);
}

void lv_display_set_user_data(lv_display_t *disp, void *user_data)
{
    disp->user_data = user_data;
}

void *lv_display_get_user_data(lv_display_t *disp)
{
    return disp->user_data;
}

void lv_display_set_flush_cb(lv_display_t *disp, lv_display_flush_cb_t flush_cb)
{
    disp->flush = flush_cb;
}

void lv_display_set_buffers(lv_display_t *disp, void *buf1, void *buf2, uint32_t buf_size,
                            lv_display_render_mode_t render_mode)
{
    KTEST_CHECK(!disp->draws && buf1 != NULL && buf2 == NULL);
    KTEST_CHECK(render_mode == LV_DISPLAY_RENDER_MODE_DIRECT);
    KTEST_CHECK(buf_size >= (uint32_t)(disp->width * disp->height * 2));
    disp->buffer = buf1;
    disp->size = buf_size;
}

void lv_display_set_resolution(lv_display_t *disp, int32_t hor_res, int32_t ver_res)
{
    KTEST_CHECK(!disp->draws);
    disp->width = hor_res;
    disp->height = ver_res;
    disp->objects[0].coords = (lv_area_t){0, 0, hor_res - 1, ver_res - 1};
    disp->changed = 0;
}

bool lv_display_flush_is_last(lv_display_t *disp)
{
    return disp->is_last;
}

void lv_display_flush_ready(lv_display_t *disp)
{
    KTEST_CHECK(disp->flushes);
    disp->flushes = false;
}

lv_obj_t *lv_display_get_screen_active(lv_display_t *disp)
{
    return &disp->objects[0];
}

// ---- drawing -----------------------------------------------------------------------------------

static void paint(lv_display_t *disp, const lv_obj_t *object, const lv_area_t *area)
{
    const lv_color_t c = object->color;
    const uint16_t color = (uint16_t)((c.red & 0xF8) << 8 | (c.green & 0xFC) << 3 | c.blue >> 3);
    for (int32_t y = area->y1; y <= area->y2; y++) {
        for (int32_t x = area->x1; x <= area->x2; x++) {
            if (x >= object->coords.x1 && x <= object->coords.x2 && y >= object->coords.y1 &&
                y <= object->coords.y2) {
                disp->buffer[y * disp->width + x] = color;
            }
        }
    }
}

void lv_refr_now(lv_display_t *disp)
{
    KTEST_CHECK(disp->size >= (uint32_t)(disp->width * disp->height * 2));
    disp->draws = true;
    for (unsigned i = 0; i < disp->changed; i++) {
        for (unsigned n = 0; n < disp->count; n++) {
            paint(disp, &disp->objects[n], &disp->areas[i]);
        }
        disp->is_last = i + 1 == disp->changed;
        disp->flushes = true;
        disp->flush(disp, &disp->areas[i], (uint8_t *)disp->buffer);
        KTEST_CHECK(!disp->flushes);
    }
    disp->changed = 0;
    disp->draws = false;
}

uint32_t lv_timer_handler(void)
{
    lv_refr_now(&s_display);
    return 0xFFFFFFFF; // nothing is due
}

// ---- objects -----------------------------------------------------------------------------------

static int32_t within(int32_t value, int32_t end)
{
    return value < 0 ? 0 : value < end ? value : end - 1;
}

void lv_obj_invalidate(const lv_obj_t *obj)
{
    lv_display_t *d = &s_display;
    KTEST_CHECK(!d->draws && d->changed < AREAS);
    const lv_area_t *c = &obj->coords;
    d->areas[d->changed++] = (lv_area_t){within(c->x1, d->width), within(c->y1, d->height),
                                         within(c->x2, d->width), within(c->y2, d->height)};
}

lv_obj_t *lv_screen_active(void)
{
    return &s_display.objects[0];
}

lv_obj_t *lv_obj_create(lv_obj_t *parent)
{
    KTEST_CHECK(parent == &s_display.objects[0] && s_display.count < OBJECTS);
    lv_obj_t *object = &s_display.objects[s_display.count++];
    memset(object, 0, sizeof(*object));
    return object;
}

void lv_obj_remove_style_all(lv_obj_t *obj)
{
    obj->color = (lv_color_t){0};
}

void lv_obj_set_pos(lv_obj_t *obj, int32_t x, int32_t y)
{
    lv_obj_invalidate(obj);
    obj->coords =
        (lv_area_t){x, y, x + obj->coords.x2 - obj->coords.x1, y + obj->coords.y2 - obj->coords.y1};
    lv_obj_invalidate(obj);
}

void lv_obj_set_size(lv_obj_t *obj, int32_t w, int32_t h)
{
    obj->coords.x2 = obj->coords.x1 + w - 1;
    obj->coords.y2 = obj->coords.y1 + h - 1;
    lv_obj_invalidate(obj);
}

void lv_obj_set_style_bg_color(lv_obj_t *obj, lv_color_t value, lv_style_selector_t selector)
{
    KTEST_CHECK(selector == 0);
    obj->color = value;
    lv_obj_invalidate(obj);
}

void lv_obj_set_style_bg_opa(lv_obj_t *obj, lv_opa_t value, lv_style_selector_t selector)
{
    KTEST_CHECK(selector == 0 && value == LV_OPA_COVER);
    lv_obj_invalidate(obj);
}

lv_color_t lv_color_hex(uint32_t c)
{
    return (lv_color_t){.red = (uint8_t)(c >> 16), .green = (uint8_t)(c >> 8), .blue = (uint8_t)c};
}
