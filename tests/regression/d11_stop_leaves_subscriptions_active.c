// SPDX-License-Identifier: Apache-2.0
//
// D11: unsubscribing everything of an app took the tracker's lock and then called code that took it
// again, 100 ms of deadlock each; it was never called. So a stopped app stayed subscribed, and its
// handlers went on being called.
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "event_internal.h"
#include "ktest.h"
#include "system_up.h"
#include "system_service/app_manager.h"

#define SUBSCRIPTIONS 6

static system_event_type_t s_types[SUBSCRIPTIONS];
static _Atomic uint32_t s_ready, s_calls;

static void on_event(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    s_calls++;
}

static void app_main_function(app_context_t *ctx)
{
    for (unsigned i = 0; i < SUBSCRIPTIONS; i++) {
        KTEST_CHECK(ctx->subscribe(ctx, s_types[i], on_event, ctx) == ESP_OK);
    }
    s_ready++;
    while (ctx->sleep_ms(ctx, 1000)) {
    }
}

static const app_manifest_t s_manifest = {
    .name = "subscriber",
    .entry_point = app_main_function,
    .stack_size = 4096,
    .priority = 5,
};

static void a_stopped_app_hears_nothing(void **state)
{
    (void)state;
    static const char *const names[SUBSCRIPTIONS] = {"a", "b", "c", "d", "e", "f"};
    const system_secure_key_t key = system_up();
    const system_service_id_t poster = system_up_service("poster");
    system_post_result_t result;
    for (unsigned i = 0; i < SUBSCRIPTIONS; i++) {
        s_types[i] = system_up_type(names[i]);
    }
    const unsigned before = event_subs_count(SYSTEM_SLOT_NONE);
    assert_int_equal(app_manager_register(&s_manifest), ESP_OK);
    assert_int_equal(app_manager_start("subscriber"), ESP_OK);
    assert_true(system_up_wait(&s_ready, 1, 5000));
    assert_int_equal(system_event_post_ex(poster, s_types[0], NULL, 0, 200, &result), ESP_OK);
    assert_int_equal(result.delivered, 1);
    assert_true(system_up_wait(&s_calls, 1, 5000));

    assert_int_equal(app_manager_stop("subscriber"), ESP_OK);
    assert_int_equal(event_subs_count(SYSTEM_SLOT_NONE), before);
    for (unsigned i = 0; i < SUBSCRIPTIONS; i++) {
        assert_int_equal(system_event_post_ex(poster, s_types[i], NULL, 0, 0, &result), ESP_OK);
        assert_int_equal(result.matched, 0);
    }
    vTaskDelay(20);
    assert_int_equal(s_calls, 1);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(a_stopped_app_hears_nothing)};
    return KTEST_MAIN(argc, argv, tests);
}
