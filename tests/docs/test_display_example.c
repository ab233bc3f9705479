// SPDX-License-Identifier: Apache-2.0

// The app of docs/services/display.md shows its face, and draws it anew when the screen is turned.

#include "display_app.h"
#include "display_app/display_widgets.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host_display.h"
#include "ktest.h"
#include "system_up.h"

extern const app_manifest_t face_manifest;

/** Pixels of the panel that have the colour of the gauge. */
static unsigned green(void)
{
    unsigned count = 0;
    for (unsigned y = 0; y < CONFIG_DISPLAY_HEIGHT; y++) {
        for (unsigned x = 0; x < CONFIG_DISPLAY_WIDTH; x++) {
            count += host_display_memory(x, y) == DISPLAY_COLOR_GOOD;
        }
    }
    return count;
}

static bool wait_for_green(bool seen)
{
    for (int i = 0; i < ktest_polls(500) && (green() > 1000) != seen; i++) {
        vTaskDelay(pdMS_TO_TICKS(10));
    }
    return (green() > 1000) == seen;
}

static void it_shows_its_face(void **state)
{
    (void)state;
    const system_secure_key_t key = system_up();
    (void)display_app_service();
    assert_int_equal(app_manager_register(&face_manifest), ESP_OK);
    assert_int_equal(app_manager_start("face"), ESP_OK);
    assert_true(wait_for_green(true));
    assert_int_equal(display_app_set(DISPLAY_SET_DEGREES, 0, 90, true), ESP_OK);
    display_app_settle();
    assert_true(wait_for_green(true));
    assert_int_equal(display_app_set(DISPLAY_SET_DEGREES, 0, 0, true), ESP_OK);
    assert_int_equal(app_manager_stop("face"), ESP_OK);
    assert_true(wait_for_green(false));
    assert_int_equal(app_manager_unregister("face"), ESP_OK);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(it_shows_its_face)};
    return KTEST_MAIN(argc, argv, tests);
}
