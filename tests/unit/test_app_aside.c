// SPDX-License-Identifier: Apache-2.0

// An app that could not be ended and was set aside, and faults later: nobody else pays for it.

#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "freertos/task.h"
#include "host_trap.h"
#include "ktest.h"
#include "system_up.h"

#include "event_internal.h"
#include "system_service/app_manager.h"
#include "system_service/service_supervisor.h"

#define WAIT_MS 30000

static SemaphoreHandle_t s_mutex;
static _Atomic uint32_t s_holds, s_go, s_stays;
static _Atomic(TaskHandle_t) s_task;
static system_event_type_t s_work;
static int *volatile s_nowhere = (int *)16;

/** With a mutex in its hands no task is ended. */
static void hold_then_fault(void)
{
    KTEST_CHECK(xSemaphoreTake(s_mutex, portMAX_DELAY) == pdTRUE);
    s_holds++;
    while (s_go == 0) {
        vTaskDelay(1);
    }
    KTEST_CHECK(xSemaphoreGive(s_mutex) == pdTRUE);
    s_task = xTaskGetCurrentTaskHandle();
    while (s_stays != 0) {
        vTaskDelay(1);
    }
    *s_nowhere = 1;
}

static void faulty_main(app_context_t *ctx)
{
    (void)ctx;
    hold_then_fault();
}

static void on_work(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    hold_then_fault();
}

static void handling_main(app_context_t *ctx)
{
    KTEST_CHECK(ctx->subscribe(ctx, s_work, on_work, NULL) == ESP_OK);
    s_holds++;
    while (ctx->sleep_ms(ctx, 10)) {
    }
}

static void idle_main(app_context_t *ctx)
{
    while (ctx->sleep_ms(ctx, 10)) {
    }
}

#define APP(text, main)                                                                            \
    {                                                                                              \
        .name = text, .entry_point = main, .stack_size = 4096, .priority = 4                       \
    }
static const app_manifest_t s_faulty = APP("faulty", faulty_main);
static const app_manifest_t s_handling = APP("handling", handling_main);
static const app_manifest_t s_idle = APP("idle", idle_main);

static app_info_t info_of(const char *name)
{
    app_info_t info;
    assert_int_equal(app_manager_get_info(name, &info), ESP_OK);
    return info;
}

static void start_idle(void)
{
    assert_int_equal(app_manager_start("idle"), ESP_OK);
    for (unsigned ms = 0; info_of("idle").state == APP_STATE_STARTING && ms < WAIT_MS; ms++) {
        vTaskDelay(1);
    }
}

static int set_up(void **state)
{
    (void)state;
    if (s_mutex == NULL) {
        (void)system_up();
        s_mutex = xSemaphoreCreateMutex();
        s_work = system_up_type("test.work");
        KTEST_CHECK(app_manager_register(&s_faulty) == ESP_OK);
        KTEST_CHECK(app_manager_register(&s_handling) == ESP_OK);
        KTEST_CHECK(app_manager_register(&s_idle) == ESP_OK);
    }
    s_holds = s_go = s_stays = 0;
    s_task = NULL;
    return 0;
}

static void a_task_that_was_set_aside_faults_alone(void **state)
{
    (void)state;
    host_trap_install(); // cmocka has put its own signal handlers in place
    assert_int_equal(app_manager_start("faulty"), ESP_OK);
    assert_true(system_up_wait(&s_holds, 1, WAIT_MS));
    assert_int_equal(app_manager_stop("faulty"), ESP_ERR_APP_STOP_TIMEOUT);
    assert_int_equal(app_manager_set_aside_count(), 1);
    assert_int_equal(app_manager_unregister("faulty"), ESP_OK); // nothing of it is asked for
    start_idle();
    s_go = 1;
    for (unsigned ms = 0; app_manager_set_aside_count() != 0 && ms < WAIT_MS; ms++) {
        vTaskDelay(1);
    }
    assert_int_equal(app_manager_set_aside_count(), 0); // it was taken back
    assert_int_equal(info_of("idle").state, APP_STATE_RUNNING);
    assert_int_equal(app_manager_stop("idle"), ESP_OK);
    assert_int_equal(info_of("idle").crashes, 0);
}

/** At once, not when those that hang are tried again. */
static void wait_until_buried(void)
{
    const unsigned wait_ms =
        host_sched() == HOST_SCHED_SIM ? CONFIG_SYSTEM_LOST_LOCK_RESTART_S * 10 : WAIT_MS;
    for (unsigned ms = 0; event_workers_quarantined() != 0 && ms < wait_ms; ms++) {
        vTaskDelay(1);
    }
    assert_int_equal(event_workers_quarantined(), 0);
    assert_false(system_safe_mode_active());
}

static void a_handler_that_was_set_aside_faults_alone(void **state)
{
    (void)state;
    host_trap_install();
    const system_service_id_t poster = system_up_service("poster");
    assert_int_equal(app_manager_start("handling"), ESP_OK);
    assert_true(system_up_wait(&s_holds, 1, WAIT_MS));
    const unsigned slot = system_id_slot(info_of("handling").id);
    assert_int_equal(system_event_post(poster, s_work, NULL, 0, 200), ESP_OK);
    assert_true(system_up_wait(&s_holds, 2, WAIT_MS));
    assert_int_equal(app_manager_stop("handling"), ESP_ERR_APP_STOP_TIMEOUT);
    assert_int_equal(event_workers_quarantined(), 1);
    start_idle();
    assert_int_equal(system_id_slot(info_of("idle").id), slot); // who has the place now
    s_go = 1;
    wait_until_buried();
    assert_int_equal(info_of("idle").state, APP_STATE_RUNNING);
    assert_int_equal(info_of("idle").crashes, 0);
    assert_int_equal(app_manager_stop("idle"), ESP_OK);
    s_holds = s_go = 0; // and it can be started again
    assert_int_equal(app_manager_start("handling"), ESP_OK);
    assert_true(system_up_wait(&s_holds, 1, WAIT_MS));
    assert_int_equal(app_manager_stop("handling"), ESP_OK);
}

static void a_handler_that_was_set_aside_is_deleted(void **state)
{
    (void)state;
    const system_service_id_t poster = system_up_service("poster2");
    assert_int_equal(app_manager_start("handling"), ESP_OK);
    assert_true(system_up_wait(&s_holds, 1, WAIT_MS));
    assert_int_equal(system_event_post(poster, s_work, NULL, 0, 200), ESP_OK);
    assert_true(system_up_wait(&s_holds, 2, WAIT_MS));
    assert_int_equal(app_manager_stop("handling"), ESP_ERR_APP_STOP_TIMEOUT);
    assert_int_equal(event_workers_quarantined(), 1);
    s_stays = s_go = 1;
    for (unsigned ms = 0; s_task == NULL && ms < WAIT_MS; ms++) {
        vTaskDelay(1);
    }
    vTaskDelay(2);
    vTaskDelete(s_task);
    wait_until_buried();
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_task_that_was_set_aside_faults_alone, set_up),
        cmocka_unit_test_setup(a_handler_that_was_set_aside_faults_alone, set_up),
        cmocka_unit_test_setup(a_handler_that_was_set_aside_is_deleted, set_up),
    };
    return KTEST_MAIN(argc, argv, tests);
}
