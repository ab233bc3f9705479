// SPDX-License-Identifier: Apache-2.0
/*
 * The story: "events per second" was a counter that nobody ever set back. A service with a limit of
 * 50 could post 50 events in its life; after that every post was refused until the next reboot.
 *
 * Here a service posts many times its limit. Each refusal must end by itself when time passes.
 */
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "ktest.h"
#include "system_up.h"

#define RATE  1000u
#define TOTAL (RATE * 3)

static void a_refused_poster_may_post_again_later(void **state)
{
    (void)state;
    const system_secure_key_t key = system_up();
    const system_service_id_t id = system_up_service("audio");
    const system_event_type_t type = system_up_type("test.tick");
    const service_quota_t quota = {.max_events_per_sec = RATE};
    uint32_t accepted = 0, refusals = 0;
    quota_usage_t usage;

    assert_int_equal(quota_set(id, &quota), ESP_OK);
    for (uint32_t turns = 0; accepted < TOTAL && turns < 100 * TOTAL; turns++) {
        const esp_err_t ret = system_event_post(id, type, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL);
        if (ret == ESP_OK) {
            accepted++;
        } else {
            assert_int_equal(ret, ESP_ERR_QUOTA_EVENTS_EXCEEDED);
            refusals++;
            vTaskDelay(pdMS_TO_TICKS(20));
        }
    }
    assert_int_equal(accepted, TOTAL);
    assert_true(refusals > 0); // or the limit was never reached, and this shows nothing
    assert_int_equal(quota_get_usage(id, &usage), ESP_OK);
    assert_int_equal(usage.events_posted, TOTAL);
    assert_int_equal(usage.violations[QUOTA_EVENTS], refusals);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_poster_may_post_again_later),
    };
    return KTEST_MAIN(argc, argv, tests);
}
