// SPDX-License-Identifier: Apache-2.0
//
// T7: an app whose entry point returned stayed RUNNING, so a start said that it was running
// already, for ever. And an app of high priority could be done before start() had written RUNNING,
// which then overwrote what had become of it.
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "ktest.h"
#include "system_up.h"
#include "system_service/app_manager.h"

static _Atomic uint32_t s_lives;

static void short_main(app_context_t *ctx)
{
    KTEST_CHECK(ctx->get_state(ctx) == APP_STATE_RUNNING);
    s_lives++;
}

/** Above and below the task that starts it, which has priority 1. */
static const app_manifest_t s_fast = {
    .name = "fast",
    .entry_point = short_main,
    .stack_size = 4096,
    .priority = 8,
};
static const app_manifest_t s_slow = {
    .name = "slow",
    .entry_point = short_main,
    .stack_size = 4096,
    .priority = 1,
};

static app_info_t info_of(const char *name)
{
    app_info_t info;
    assert_int_equal(app_manager_get_info(name, &info), ESP_OK);
    return info;
}

static void lives_again(const app_manifest_t *manifest)
{
    const system_secure_key_t key = system_up();
    s_lives = 0;
    assert_int_equal(app_manager_register(manifest), ESP_OK);
    for (unsigned i = 1; i <= 50; i++) {
        assert_int_equal(app_manager_start(manifest->name), ESP_OK);
        assert_true(system_up_wait(&s_lives, i, 5000));
        for (int n = 0; n < ktest_polls(5000) && info_of(manifest->name).state != APP_STATE_STOPPED;
             n++) {
            vTaskDelay(1);
        }
        assert_int_equal(info_of(manifest->name).state, APP_STATE_STOPPED);
    }
    assert_int_equal(info_of(manifest->name).starts, 50);
    assert_int_equal(info_of(manifest->name).crashes, 0);
    assert_int_equal(info_of(manifest->name).forced_stops, 0);
    system_down(key);
}

static void an_app_that_is_done_before_start_returns(void **state)
{
    (void)state;
    lives_again(&s_fast);
}

static void an_app_that_is_done_later(void **state)
{
    (void)state;
    lives_again(&s_slow);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_app_that_is_done_before_start_returns),
        cmocka_unit_test(an_app_that_is_done_later),
    };
    return KTEST_MAIN(argc, argv, tests);
}
