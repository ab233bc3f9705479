// SPDX-License-Identifier: Apache-2.0

// LVGL draws into an app's surface: what it flushes is what the panel shows, no more is taken over,
// and nothing is lost when the screen is turned or the service restarted. Only calls that LVGL 9
// itself has, so the same file runs with LVGL in the place of the stand-in.

#include "display_app.h"
#include "display_lvgl.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host_display.h"
#include "ktest.h"
#include "system_service/service_supervisor.h"
#include "system_up.h"

#define TOP  DISPLAY_STATUS_BAR_HEIGHT
#define RED  DISPLAY_APP_RED
#define BLUE DISPLAY_APP_BLUE
#define DOT  DISPLAY_APP_DOT

static system_service_id_t s_display;
static display_lvgl_t s_screen;
static lv_obj_t *s_dot;

static esp_err_t run(void)
{
    uint32_t rest = 0;
    esp_err_t ret;
    vTaskDelay(pdMS_TO_TICKS(50)); // a refresh of LVGL's is due
    ret = display_lvgl_run(&s_screen, &rest);
    KTEST_CHECK(rest <= DISPLAY_LVGL_LOOK_MS);
    return ret;
}

static esp_err_t open_red(app_context_t *ctx, display_surface_t *surface)
{
    (void)surface;
    KTEST_CHECK(display_lvgl_open(NULL, NULL, &s_screen) == ESP_ERR_INVALID_ARG);
    KTEST_CHECK(display_lvgl_open(ctx, NULL, NULL) == ESP_ERR_INVALID_ARG);
    const esp_err_t ret = display_lvgl_open(ctx, "LVGL", &s_screen);
    if (ret != ESP_OK) {
        return ret;
    }
    display_lvgl_t second;
    KTEST_CHECK(display_lvgl_open(ctx, NULL, &second) == ESP_ERR_INVALID_STATE);
    lv_obj_set_style_bg_color(lv_screen_active(), lv_color_hex(0xFF0000), 0);
    lv_obj_set_style_bg_opa(lv_screen_active(), LV_OPA_COVER, 0);
    return run();
}

static esp_err_t add_dot(app_context_t *ctx, display_surface_t *surface)
{
    (void)ctx;
    (void)surface;
    s_dot = lv_obj_create(lv_screen_active());
    lv_obj_remove_style_all(s_dot);
    lv_obj_set_size(s_dot, 7, 5);
    lv_obj_set_style_bg_color(s_dot, lv_color_hex(0x00FF00), 0);
    lv_obj_set_style_bg_opa(s_dot, LV_OPA_COVER, 0);
    lv_obj_set_pos(s_dot, 10, 20);
    return run();
}

static esp_err_t to_the_corner(app_context_t *ctx, display_surface_t *surface)
{
    (void)ctx;
    (void)surface;
    const display_canvas_t *canvas = &s_screen.surface.canvas;
    lv_obj_set_pos(s_dot, canvas->width - 7, canvas->height - 5);
    return run();
}

static esp_err_t just_run(app_context_t *ctx, display_surface_t *surface)
{
    (void)ctx;
    (void)surface;
    return run();
}

static esp_err_t paint_blue(app_context_t *ctx, display_surface_t *surface)
{
    (void)ctx;
    (void)surface;
    lv_obj_set_style_bg_color(lv_screen_active(), lv_color_hex(0x0000FF), 0);
    return run();
}

static esp_err_t close_screen(app_context_t *ctx, display_surface_t *surface)
{
    (void)ctx;
    (void)surface;
    display_lvgl_close(&s_screen);
    return ESP_OK;
}

static bool memory_is(unsigned x, unsigned y, uint16_t color)
{
    for (int i = 0; i < 300 && host_display_memory(x, y) != color; i++) {
        vTaskDelay(pdMS_TO_TICKS(10));
    }
    return host_display_memory(x, y) == color;
}

static int set_up(void **state)
{
    (void)state;
    system_up();
    s_display = display_app_service();
    display_app_start(DISPLAY_APP_IS_RED);
    display_app_start(DISPLAY_APP_IS_BLUE);
    return 0;
}

static void what_it_flushes_is_shown(void **state)
{
    (void)state;
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, open_red), ESP_OK);
    assert_true(display_app_wait_for_body(RED));
    display_app_settle();
    const uint64_t before = host_display_counts().pixels;
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, add_dot), ESP_OK);
    assert_true(memory_is(10, TOP + 20, DOT));
    assert_true(memory_is(16, TOP + 24, DOT));
    assert_true(memory_is(17, TOP + 24, RED));
    assert_true(memory_is(16, TOP + 25, RED));
    display_app_settle(); // the dot alone, and perhaps the status bar
    assert_true(host_display_counts().pixels - before < CONFIG_DISPLAY_WIDTH * (TOP + 10));
    assert_int_equal(s_screen.surface.canvas.damage.count, 0);
}

static void it_is_one_app_s_at_a_time(void **state)
{
    (void)state;
    assert_int_equal(display_app_do(DISPLAY_APP_IS_BLUE, open_red), ESP_ERR_INVALID_STATE);
}

/** Nothing draws but what the turn makes draw. */
static bool turned(uint16_t degrees, unsigned width)
{
    KTEST_CHECK(display_app_set(DISPLAY_SET_DEGREES, 0, degrees, false) == ESP_OK);
    for (int i = 0; i < 100 && s_screen.surface.canvas.width != width; i++) {
        KTEST_CHECK(display_app_do(DISPLAY_APP_IS_RED, just_run) == ESP_OK);
    }
    return s_screen.surface.canvas.width == width;
}

static void a_turn_of_the_screen_draws_everything_again(void **state)
{
    (void)state;
    assert_true(turned(90, CONFIG_DISPLAY_HEIGHT));
    // As it stands now: 10 to the right, and 20 below the bar, which is at the panel's right.
    assert_true(memory_is(CONFIG_DISPLAY_WIDTH - 1 - TOP - 20, 10, DOT));
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, to_the_corner), ESP_OK);
    assert_true(memory_is(0, CONFIG_DISPLAY_HEIGHT - 1, DOT));
    assert_true(turned(0, CONFIG_DISPLAY_WIDTH));
    assert_true(memory_is(0, TOP, RED)); // the dot is beyond its right edge
    assert_true(memory_is(0, CONFIG_DISPLAY_HEIGHT - 1, RED));
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, to_the_corner), ESP_OK);
    assert_true(memory_is(CONFIG_DISPLAY_WIDTH - 1, CONFIG_DISPLAY_HEIGHT - 1, DOT));
    assert_true(memory_is(0, TOP, RED));
}

static void what_was_not_taken_is_shown_later(void **state)
{
    (void)state;
    assert_int_equal(system_service_stop(s_display), ESP_OK);
    assert_int_not_equal(display_app_do(DISPLAY_APP_IS_RED, paint_blue), ESP_OK);
    assert_int_not_equal(display_app_do(DISPLAY_APP_IS_RED, just_run), ESP_OK);
    assert_int_equal(system_service_start(s_display), ESP_OK);
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, just_run), ESP_OK);
    assert_true(memory_is(0, TOP, BLUE));
    assert_true(memory_is(CONFIG_DISPLAY_WIDTH - 8, CONFIG_DISPLAY_HEIGHT - 1, BLUE));
    assert_true(memory_is(CONFIG_DISPLAY_WIDTH - 1, CONFIG_DISPLAY_HEIGHT - 1, DOT));
}

static void another_app_may_have_it_then(void **state)
{
    (void)state;
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, close_screen), ESP_OK);
    assert_int_equal(display_app_do(DISPLAY_APP_IS_BLUE, open_red), ESP_OK);
    assert_true(display_app_wait_for_body(RED));
    assert_int_equal(display_app_do(DISPLAY_APP_IS_BLUE, close_screen), ESP_OK);
    display_app_stop(DISPLAY_APP_IS_RED);
    display_app_stop(DISPLAY_APP_IS_BLUE);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_it_flushes_is_shown, set_up),
        cmocka_unit_test(it_is_one_app_s_at_a_time),
        cmocka_unit_test(a_turn_of_the_screen_draws_everything_again),
        cmocka_unit_test(what_was_not_taken_is_shown_later),
        cmocka_unit_test(another_app_may_have_it_then),
    };
    return KTEST_MAIN(argc, argv, tests);
}
