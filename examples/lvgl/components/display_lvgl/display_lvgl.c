/* SPDX-License-Identifier: Apache-2.0 */
#include "display_lvgl.h"

#include <stdatomic.h>
#include <string.h>

#include "display_service/display_events.h"
#include "esp_check.h"
#include "esp_timer.h"

static const char *TAG = "display_lvgl";

static atomic_flag s_taken = ATOMIC_FLAG_INIT;

static uint32_t tick_ms(void)
{
    return (uint32_t)(esp_timer_get_time() / 1000);
}

static void commit(display_lvgl_t *screen)
{
    screen->committed = display_surface_commit(screen->ctx, &screen->surface);
}

/** LVGL has drawn an area into the surface: inclusive corners, inside of it. */
static void on_flush(lv_display_t *lvgl, const lv_area_t *area, uint8_t *pixels)
{
    (void)pixels; /* the surface's own */
    display_lvgl_t *screen = lv_display_get_user_data(lvgl);
    const display_rect_t rect = {
        .x = (int16_t)area->x1,
        .y = (int16_t)area->y1,
        .w = (int16_t)(area->x2 - area->x1 + 1),
        .h = (int16_t)(area->y2 - area->y1 + 1),
    };
    display_damage_add(&screen->surface.canvas.damage, rect);
    if (lv_display_flush_is_last(lvgl)) {
        commit(screen);
    }
    lv_display_flush_ready(lvgl);
}

/** In the app's handlers, which are another task than LVGL's. */
static void on_state(const system_event_t *event, void *user_data)
{
    display_lvgl_t *screen = user_data;
    (void)event;
    __atomic_store_n(&screen->told, true, __ATOMIC_RELEASE);
}

static bool fits(const display_canvas_t *canvas)
{
    return lv_draw_buf_width_to_stride(canvas->width, LV_COLOR_FORMAT_RGB565) ==
               canvas->stride * sizeof(display_color_t) &&
           lv_draw_buf_align(canvas->pixels, LV_COLOR_FORMAT_RGB565) == canvas->pixels;
}

static void give_buffer(display_lvgl_t *screen)
{
    const display_canvas_t *canvas = &screen->surface.canvas;
    lv_display_set_buffers(screen->lvgl, canvas->pixels, NULL,
                           (uint32_t)canvas->stride * canvas->height * sizeof(display_color_t),
                           LV_DISPLAY_RENDER_MODE_DIRECT);
}

static esp_err_t make_display(display_lvgl_t *screen)
{
    const display_canvas_t *canvas = &screen->surface.canvas;
    if (!lv_is_initialized()) {
        lv_init();
        lv_tick_set_cb(tick_ms);
    }
    ESP_RETURN_ON_FALSE(fits(canvas), ESP_ERR_NOT_SUPPORTED, TAG,
                        "set LV_DRAW_BUF_STRIDE_ALIGN to 1 and LV_DRAW_BUF_ALIGN to 4");
    screen->lvgl = lv_display_create(canvas->width, canvas->height);
    ESP_RETURN_ON_FALSE(screen->lvgl != NULL, ESP_ERR_NO_MEM, TAG, "no memory in LVGL");
    lv_display_set_color_format(screen->lvgl, LV_COLOR_FORMAT_RGB565);
    lv_display_set_user_data(screen->lvgl, screen);
    lv_display_set_flush_cb(screen->lvgl, on_flush);
    give_buffer(screen);
    lv_display_set_default(screen->lvgl);
    return ESP_OK;
}

static esp_err_t hear_of_turns(display_lvgl_t *screen)
{
    app_context_t *ctx = screen->ctx;
    const esp_err_t ret = ctx->register_event(ctx, DISPLAY_STATE_EVENT, &screen->state);
    return ret == ESP_OK ? ctx->subscribe(ctx, screen->state, on_state, screen) : ret;
}

esp_err_t display_lvgl_open(app_context_t *ctx, const char *title, display_lvgl_t *screen)
{
    if (ctx == NULL || screen == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    ESP_RETURN_ON_FALSE(!atomic_flag_test_and_set(&s_taken), ESP_ERR_INVALID_STATE, TAG,
                        "LVGL is another app's, or of one that was ended while it had it");
    memset(screen, 0, sizeof(*screen));
    screen->ctx = ctx;
    esp_err_t ret = display_surface_open(ctx, title, &screen->surface);
    if (ret == ESP_OK) {
        ret = hear_of_turns(screen);
        if (ret == ESP_OK) {
            ret = make_display(screen);
        }
        if (ret != ESP_OK) {
            (void)ctx->unsubscribe(ctx, screen->state, on_state);
            (void)display_surface_close(ctx, &screen->surface);
        }
    }
    if (ret != ESP_OK) {
        atomic_flag_clear(&s_taken);
    }
    return ret;
}

/** The canvas has another size: LVGL gets it, and draws everything again. */
static void turn(display_lvgl_t *screen)
{
    const display_canvas_t *canvas = &screen->surface.canvas;
    lv_display_set_resolution(screen->lvgl, canvas->width, canvas->height);
    give_buffer(screen);
    lv_obj_invalidate(lv_display_get_screen_active(screen->lvgl));
    lv_refr_now(screen->lvgl);
}

esp_err_t display_lvgl_run(display_lvgl_t *screen, uint32_t *rest_ms)
{
    const uint32_t rest = lv_timer_handler();
    /* Not taken when it was drawn; or there was nothing to draw, and the size may be another. */
    if (__atomic_exchange_n(&screen->told, false, __ATOMIC_ACQ_REL) ||
        screen->surface.canvas.damage.count != 0) {
        commit(screen);
    }
    if (screen->committed == ESP_ERR_INVALID_SIZE) {
        turn(screen);
    }
    *rest_ms = rest < DISPLAY_LVGL_LOOK_MS ? rest : DISPLAY_LVGL_LOOK_MS;
    return screen->committed;
}

void display_lvgl_close(display_lvgl_t *screen)
{
    (void)screen->ctx->unsubscribe(screen->ctx, screen->state, on_state);
    lv_display_delete(screen->lvgl);
    (void)display_surface_close(screen->ctx, &screen->surface);
    atomic_flag_clear(&s_taken);
}
