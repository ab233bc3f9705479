// SPDX-License-Identifier: Apache-2.0

// The panel is unplugged, takes half of what it is sent, or something else than was sent: noticed,
// told, repaired, and apps do not see any of it. One system for all cases, in order.

#include <string.h>

#include "display_app.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host_display.h"
#include "ktest.h"
#include "system_service/resource_quota.h"
#include "system_service/service_supervisor.h"
#include "system_up.h"

#define WIDTH  CONFIG_DISPLAY_WIDTH
#define HEIGHT CONFIG_DISPLAY_HEIGHT
#define TOP    DISPLAY_STATUS_BAR_HEIGHT
#define RED    DISPLAY_APP_RED
#define DOT    DISPLAY_APP_DOT

static system_secure_key_t s_key;
static system_service_id_t s_display;
static system_service_id_t s_observer;
static display_state_t s_state;

static void on_state(const system_event_t *event, void *user_data)
{
    (void)user_data;
    KTEST_CHECK(event->data_size == sizeof(s_state));
    memcpy(&s_state, event->data, sizeof(s_state));
}

static bool wait_for_panel(display_panel_t panel)
{
    for (int i = 0; i < ktest_polls(600) && display_app_info().state.panel != panel; i++) {
        vTaskDelay(pdMS_TO_TICKS(10));
    }
    return display_app_info().state.panel == panel;
}

static void an_unplugged_panel_is_missed_and_found(void **state)
{
    (void)state;
    assert_int_equal(display_app_fault(DISPLAY_FAULT_UNPLUGGED), ESP_OK);
    assert_true(wait_for_panel(DISPLAY_PANEL_ABSENT)); // although nothing is drawn
    assert_int_equal(s_state.panel, DISPLAY_PANEL_ABSENT);
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, display_app_dot),
                     ESP_OK); // apps do not notice
    assert_int_equal(display_app_set(DISPLAY_SET_DEGREES, 0, 180, true), ESP_OK);
    const uint32_t reopened = display_app_info().reopened;
    assert_int_equal(host_display_memory(0, HEIGHT - 1), RED);
    assert_int_equal(display_app_fault(DISPLAY_FAULT_NONE), ESP_OK);
    assert_true(wait_for_panel(DISPLAY_PANEL_WELL));
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, display_app_fill), ESP_OK);
    display_app_settle();
    assert_true(display_app_info().reopened > reopened);
    assert_int_equal(host_display_memory(0, HEIGHT - 1), DISPLAY_COLOR_PANEL); // turned meanwhile
    assert_int_equal(display_app_set(DISPLAY_SET_DEGREES, 0, 0, true), ESP_OK);
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, display_app_fill), ESP_OK);
    assert_true(display_app_wait_for_body(RED));
}

static void a_panel_asleep_is_left_alone(void **state)
{
    (void)state;
    const uint32_t resets = host_display_counts().resets;
    assert_int_equal(display_app_set(DISPLAY_SET_AWAKE, 0, 0, false), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(3 * CONFIG_DISPLAY_PROBE_MS)); // and does not answer as it was set
    assert_int_equal(display_app_info().state.panel, DISPLAY_PANEL_WELL);
    assert_int_equal(display_app_set(DISPLAY_SET_AWAKE, 0, 0, true), ESP_OK);
    assert_true(display_app_wait_for_body(RED));
    assert_int_equal(host_display_counts().resets, resets);
}

static void pictures_stay_when_the_screen_is_put_upside_down(void **state)
{
    (void)state;
    assert_int_equal(display_app_set(DISPLAY_SET_DEGREES, 0, 180, true), ESP_OK);
    display_app_settle(); // and no app draws
    assert_int_equal(host_display_memory(WIDTH / 2, HEIGHT / 2), RED);
    assert_int_equal(host_display_memory(0, 0), RED); // the bar is at the other end
    assert_int_equal(display_app_set(DISPLAY_SET_DEGREES, 0, 0, true), ESP_OK);
    assert_true(display_app_wait_for_body(RED));
}

static esp_err_t many_toasts(app_context_t *ctx, display_surface_t *surface)
{
    (void)surface;
    esp_err_t ret = ESP_OK;
    for (unsigned i = 0; i < 2 * CONFIG_SYSTEM_MAX_EVENT_TIMERS_PER_OWNER && ret == ESP_OK; i++) {
        ret = display_toast(ctx, "Again", 10000);
        (void)ctx->sleep_ms(ctx, 5);
    }
    return ret;
}

static void toasts_leave_room_for_frames(void **state)
{
    (void)state;
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, many_toasts), ESP_OK);
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, display_app_dot), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(200));
    assert_int_equal(host_display_memory(10, TOP + 20), DOT);
    vTaskDelay(pdMS_TO_TICKS(10000));
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, display_app_fill), ESP_OK);
    assert_true(display_app_wait_for_body(RED)); // the last one has gone
}

/** The service's own events are refused: a frame on its way, and what it tells. */
static void a_frame_that_is_lost_is_not_waited_for(void **state)
{
    (void)state;
    service_quota_t usual;
    assert_int_equal(quota_get(s_display, &usual), ESP_OK);
    service_quota_t none = usual;
    none.max_events_per_sec = 1;
    display_app_settle();
    assert_int_equal(quota_set(s_display, &none), ESP_OK);
    assert_int_equal(display_app_set(DISPLAY_SET_BRIGHTNESS, 42, 0, true), ESP_OK);
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, display_app_dot), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(100));
    assert_int_equal(host_display_memory(10, TOP + 20), RED);
    assert_int_equal(quota_set(s_display, &usual), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(3000));
    assert_int_equal(host_display_memory(10, TOP + 20), DOT);
    assert_int_equal(s_state.brightness, 42);
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, display_app_fill), ESP_OK);
    assert_true(display_app_wait_for_body(RED));
}

static void transfers_that_fail_are_repeated(void **state)
{
    (void)state;
    const uint32_t failures = display_app_info().failures;
    assert_int_equal(display_app_fault(DISPLAY_FAULT_SHORT), ESP_OK);
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, display_app_dot), ESP_OK);
    assert_true(wait_for_panel(DISPLAY_PANEL_FAILING));
    vTaskDelay(pdMS_TO_TICKS(3000));
    assert_true(display_app_info().failures >= failures + 3);
    assert_int_equal(display_app_fault(DISPLAY_FAULT_NONE), ESP_OK);
    assert_true(wait_for_panel(DISPLAY_PANEL_WELL));
    display_app_settle();
    assert_int_equal(host_display_memory(16, TOP + 24), DOT); // its last pixel
    assert_int_equal(host_display_memory(17, TOP + 24), RED);
    assert_int_equal(host_display_memory(WIDTH - 1, HEIGHT - 1), RED);
}

/** What is drawn next is what was there before: but the half that arrived is on the panel. */
static void half_a_transfer_is_not_forgotten(void **state)
{
    (void)state;
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, display_app_fill), ESP_OK);
    assert_true(display_app_wait_for_body(RED));
    assert_int_equal(display_app_fault(DISPLAY_FAULT_SHORT), ESP_OK);
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, display_app_dot), ESP_OK);
    assert_true(wait_for_panel(DISPLAY_PANEL_FAILING));
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, display_app_fill), ESP_OK);
    assert_int_equal(display_app_fault(DISPLAY_FAULT_NONE), ESP_OK);
    assert_true(wait_for_panel(DISPLAY_PANEL_WELL));
    assert_true(display_app_wait_for_body(RED));
}

static void a_disturbed_panel_is_set_up_and_drawn_anew(void **state)
{
    (void)state;
    const uint32_t reopened = display_app_info().reopened;
    const uint32_t resets = host_display_counts().resets;
    assert_int_equal(display_app_fault(DISPLAY_FAULT_WRONG), ESP_OK);
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, display_app_fill), ESP_OK);
    display_app_settle();
    assert_false(display_app_body_is(RED));                   // and the service does not know
    vTaskDelay(pdMS_TO_TICKS(CONFIG_DISPLAY_PROBE_MS + 200)); // until it looks
    assert_true(display_app_info().reopened > reopened);
    assert_true(host_display_counts().resets > resets);
    assert_false(display_app_body_is(RED)); // nor is it well yet
    assert_int_equal(display_app_fault(DISPLAY_FAULT_NONE), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(CONFIG_DISPLAY_PROBE_MS)); // by the next look it is
    assert_true(display_app_wait_for_body(RED));
}

static int set_up(void **state)
{
    (void)state;
    s_key = system_up();
    s_observer = system_up_service("observer");
    s_display = display_app_service();
    assert_int_equal(
        system_event_subscribe(s_observer, system_up_type(DISPLAY_STATE_EVENT), on_state, NULL),
        ESP_OK);
    display_app_start(DISPLAY_APP_IS_RED);
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, display_app_open), ESP_OK);
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, display_app_fill), ESP_OK);
    assert_true(display_app_wait_for_body(RED));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    display_app_stop(DISPLAY_APP_IS_RED);
    system_down(s_key);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_unplugged_panel_is_missed_and_found, set_up),
        cmocka_unit_test(a_panel_asleep_is_left_alone),
        cmocka_unit_test(pictures_stay_when_the_screen_is_put_upside_down),
        cmocka_unit_test(toasts_leave_room_for_frames),
        cmocka_unit_test(a_frame_that_is_lost_is_not_waited_for),
        cmocka_unit_test(half_a_transfer_is_not_forgotten),
        cmocka_unit_test(transfers_that_fail_are_repeated),
        cmocka_unit_test_teardown(a_disturbed_panel_is_set_up_and_drawn_anew, tear_down),
    };
    return KTEST_MAIN(argc, argv, tests);
}
