// SPDX-License-Identifier: Apache-2.0
//
// T6: pause suspended the app's task and stop deleted it wherever it happened to be. An app that
// held a lock took it along and the system stood still; its memory was lost; its handlers ran while
// it was "paused". An app that stopped itself deleted its own task with the registry locked.
#include "esp_heap_caps.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "freertos/task.h"

#include "ktest.h"
#include "system_up.h"
#include "system_service/app_manager.h"

static SemaphoreHandle_t s_lock; // of firmware, as printf or NVS have theirs
static _Atomic uint32_t s_locked, s_pings, s_ended;
static _Atomic bool s_let_go;
static system_event_type_t s_ping;

static void on_ping(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    s_pings++;
}

/** Takes the lock, and holds it for long between two pause points. */
static void holder_main(app_context_t *ctx)
{
    KTEST_CHECK(ctx->subscribe(ctx, s_ping, on_ping, NULL) == ESP_OK);
    while (ctx->sleep_ms(ctx, 1)) {
        KTEST_CHECK(xSemaphoreTake(s_lock, portMAX_DELAY) == pdTRUE);
        s_locked++;
        vTaskDelay(pdMS_TO_TICKS(20));
        KTEST_CHECK(xSemaphoreGive(s_lock) == pdTRUE);
    }
    s_ended++;
}

/** Takes the lock and does not come back before it is told to. */
static void keeper_main(app_context_t *ctx)
{
    KTEST_CHECK(xSemaphoreTake(s_lock, portMAX_DELAY) == pdTRUE);
    const bool first_life = s_locked++ == 0;
    while (!s_let_go) {
        vTaskDelay(1);
    }
    KTEST_CHECK(xSemaphoreGive(s_lock) == pdTRUE);
    if (first_life) { // which was over long ago
        KTEST_CHECK(ctx->post_event(ctx, s_ping, NULL, 0, 0) == ESP_ERR_APP_CONTEXT_INVALID);
        KTEST_CHECK(app_manager_stop("keeper") == ESP_ERR_NOT_OWNER);
        s_ended++;
    }
}

static const app_manifest_t s_holder = {
    .name = "holder",
    .entry_point = holder_main,
    .stack_size = 4096,
    .priority = 5,
};
static const app_manifest_t s_keeper = {
    .name = "keeper",
    .entry_point = keeper_main,
    .stack_size = 4096,
    .priority = 5,
};

static system_secure_key_t begin(void)
{
    const system_secure_key_t key = system_up();
    s_ping = system_up_type("t6.ping");
    s_lock = xSemaphoreCreateMutex();
    assert_non_null(s_lock);
    s_locked = s_pings = s_ended = 0;
    s_let_go = false;
    return key;
}

static void finish(system_secure_key_t key)
{
    system_down(key); // stops who uses it
    vSemaphoreDelete(s_lock);
}

static void a_paused_app_holds_nothing_and_hears_nothing(void **state)
{
    (void)state;
    const system_secure_key_t key = begin();
    const system_service_id_t poster = system_up_service("poster");
    assert_int_equal(app_manager_register(&s_holder), ESP_OK);
    assert_int_equal(app_manager_start("holder"), ESP_OK);
    for (unsigned i = 1; i <= 10; i++) {
        assert_true(system_up_wait(&s_locked, s_locked + 1, 5000));
        assert_int_equal(app_manager_pause("holder"), ESP_OK);
        const uint32_t pings = s_pings;
        assert_int_equal(system_event_post(poster, s_ping, NULL, 0, 200), ESP_OK);
        assert_int_equal(xSemaphoreTake(s_lock, pdMS_TO_TICKS(ktest_patience_ms(5000))), pdTRUE);
        assert_int_equal(xSemaphoreGive(s_lock), pdTRUE);
        vTaskDelay(5);
        assert_int_equal(s_pings, pings);
        assert_int_equal(app_manager_resume("holder"), ESP_OK);
        assert_true(system_up_wait(&s_pings, pings + 1, 5000));
    }
    finish(key);
}

static void a_stopped_app_gave_its_locks_back(void **state)
{
    (void)state;
    const system_secure_key_t key = begin();
    assert_int_equal(app_manager_register(&s_holder), ESP_OK);
    for (unsigned i = 1; i <= 10; i++) {
        assert_int_equal(app_manager_start("holder"), ESP_OK);
        assert_true(system_up_wait(&s_locked, s_locked + 1, 5000));
        assert_int_equal(app_manager_stop("holder"), ESP_OK);
        assert_int_equal(s_ended, i);
        assert_int_equal(xSemaphoreTake(s_lock, 0), pdTRUE);
        assert_int_equal(xSemaphoreGive(s_lock), pdTRUE);
    }
    finish(key);
}

/** Where an app cannot be ended without harm it is set aside: its lock is not lost with it, its
 *  stack not freed under it, and it is nobody from then on. */
static void an_app_that_holds_a_lock_is_set_aside(void **state)
{
    (void)state;
    const system_secure_key_t key = begin();
    assert_int_equal(app_manager_register(&s_keeper), ESP_OK);
    const size_t before = heap_caps_get_free_size(MALLOC_CAP_INTERNAL);
    assert_int_equal(app_manager_start("keeper"), ESP_OK);
    assert_true(system_up_wait(&s_locked, 1, 5000));
    assert_int_equal(app_manager_stop("keeper"), ESP_ERR_APP_STOP_TIMEOUT);
    assert_int_equal(app_manager_set_aside_count(), 1);
    assert_true(heap_caps_get_free_size(MALLOC_CAP_INTERNAL) < before); // its stack is its own
    // Everything else goes on: the app can live again beside what is left of its last life.
    assert_int_equal(app_manager_start("keeper"), ESP_OK);
    s_let_go = true;
    assert_true(system_up_wait(&s_ended, 1, 20000));
    for (int i = 0; i < ktest_polls(5000) && app_manager_set_aside_count() != 0; i++) {
        vTaskDelay(1);
    }
    assert_int_equal(app_manager_set_aside_count(), 0);
    (void)app_manager_stop("keeper"); // may have ended by itself
    for (int i = 0; i < ktest_polls(5000) && heap_caps_get_free_size(MALLOC_CAP_INTERNAL) != before;
         i++) {
        vTaskDelay(1);
    }
    assert_int_equal(heap_caps_get_free_size(MALLOC_CAP_INTERNAL), before);
    assert_int_equal(xSemaphoreTake(s_lock, 0), pdTRUE);
    assert_int_equal(xSemaphoreGive(s_lock), pdTRUE);
    finish(key);
}

static void stops_itself_main(app_context_t *ctx)
{
    s_locked++;
    KTEST_CHECK(app_manager_stop(ctx->name) == ESP_OK); // asks, and comes back
    KTEST_CHECK(ctx->should_stop(ctx));
    s_ended++;
}

static const app_manifest_t s_quitter = {
    .name = "quitter",
    .entry_point = stops_itself_main,
    .stack_size = 4096,
    .priority = 5,
};

static void an_app_that_stops_itself_comes_back_from_the_call(void **state)
{
    (void)state;
    const system_secure_key_t key = begin();
    assert_int_equal(app_manager_register(&s_quitter), ESP_OK);
    for (unsigned i = 1; i <= 10; i++) {
        esp_err_t ret = ESP_ERR_APP_INVALID_TRANSITION;
        for (int n = 0; n < ktest_polls(5000) && ret != ESP_OK; n++) {
            ret = app_manager_start("quitter");
            vTaskDelay(1);
        }
        assert_int_equal(ret, ESP_OK);
        assert_true(system_up_wait(&s_ended, i, 5000));
    }
    finish(key);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_paused_app_holds_nothing_and_hears_nothing),
        cmocka_unit_test(a_stopped_app_gave_its_locks_back),
        cmocka_unit_test(an_app_that_holds_a_lock_is_set_aside),
        cmocka_unit_test(an_app_that_stops_itself_comes_back_from_the_call),
    };
    return KTEST_MAIN(argc, argv, tests);
}
