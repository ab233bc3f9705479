// SPDX-License-Identifier: Apache-2.0
/*
 * A service starts and stops an app in a handler that never returns, so it is cut at some instant
 * of a start, again and again. What the app takes is never charged to the service, no context and
 * no byte is lost, and the app can be started by somebody else afterwards. Then the handler of the
 * app hangs with a mutex in its hands: its stack is freed when it comes back, not when the next app
 * needs the place.
 */
#include <stdatomic.h>

#include "esp_heap_caps.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "freertos/task.h"

#include "ktest.h"
#include "scenario.h"
#include "scripted_service.h"
#include "system_service/app_manager.h"
#include "system_up.h"

/* Each costs the whole time limit of a handler, with the real clock, too. */
#define CUTS (host_sched() == HOST_SCHED_THREADS ? 2u : 4u)

static scripted_t s_starter;
static system_service_id_t s_poster;
static system_event_type_t s_hang;
static SemaphoreHandle_t s_mutex;
static _Atomic uint32_t s_listens, s_holds, s_let_go, s_handlers;

static void app_main_waits(app_context_t *ctx)
{
    while (ctx->get_state(ctx) == APP_STATE_RUNNING) {
        vTaskDelay(pdMS_TO_TICKS(1));
    }
}

static const app_manifest_t s_app = {.name = "app",
                                     .version = "1.0.0",
                                     .entry_point = app_main_waits,
                                     .stack_size = 8192,
                                     .priority = 4};

static void on_work(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    for (uint32_t i = (uint32_t)scenario_seed();; i++) {
        quota_usage_t usage;
        (void)app_manager_start("app");
        SCENARIO_CHECK_INT(quota_get_usage(s_starter.id, &usage), ==, ESP_OK);
        SCENARIO_CHECK_INT(usage.memory_bytes, ==, 0);
        if (i % 3 == 0) {
            vTaskDelay(pdMS_TO_TICKS(1 + i % 64));
        }
        (void)app_manager_stop("app");
        vTaskDelay(pdMS_TO_TICKS(i % 32));
    }
}

static esp_err_t start(system_service_id_t id, void *arg)
{
    (void)arg;
    return system_event_subscribe(id, s_starter.work, on_work, NULL);
}

static bool app_is_down(void)
{
    app_info_t info;
    SCENARIO_CHECK_INT(app_manager_get_info("app", &info), ==, ESP_OK);
    return info.state == APP_STATE_STOPPED || info.state == APP_STATE_REGISTERED;
}

static void put_down(void)
{
    for (int i = 0; !app_is_down(); i++) {
        SCENARIO_CHECK(i < ktest_polls(10000));
        (void)app_manager_stop("app");
        vTaskDelay(1);
    }
}

/* ---- a handler of an app that hangs ---------------------------------------------------------- */

static void on_hang(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    SCENARIO_CHECK(xSemaphoreTake(s_mutex, portMAX_DELAY) == pdTRUE);
    atomic_store(&s_holds, 1);
    while (!atomic_load(&s_let_go)) {
        vTaskDelay(pdMS_TO_TICKS(20));
    }
    SCENARIO_CHECK(xSemaphoreGive(s_mutex) == pdTRUE);
    atomic_fetch_add(&s_handlers, 1);
}

static void app_main_listens(app_context_t *ctx)
{
    SCENARIO_CHECK_INT(ctx->subscribe(ctx, s_hang, on_hang, NULL), ==, ESP_OK);
    atomic_store(&s_listens, 1);
    app_main_waits(ctx);
}

static const app_manifest_t s_listener = {.name = "listener",
                                          .version = "1.0.0",
                                          .entry_point = app_main_listens,
                                          .stack_size = 4096,
                                          .handler_stack_size = 8192,
                                          .priority = 4};

static void a_stack_is_freed_when_its_task_is_back(void)
{
    SCENARIO_CHECK_INT(app_manager_register(&s_listener), ==, ESP_OK);
    const size_t before = heap_caps_get_free_size(MALLOC_CAP_INTERNAL);
    SCENARIO_CHECK_INT(app_manager_start("listener"), ==, ESP_OK);
    SCENARIO_CHECK(system_up_wait(&s_listens, 1, 1000));
    SCENARIO_CHECK_INT(system_event_post(s_poster, s_hang, NULL, 0, 200), ==, ESP_OK);
    SCENARIO_CHECK(system_up_wait(&s_holds, 1, 1000));
    SCENARIO_CHECK_INT(app_manager_stop("listener"), ==, ESP_ERR_APP_STOP_TIMEOUT);
    SCENARIO_CHECK(heap_caps_get_free_size(MALLOC_CAP_INTERNAL) <= before - 8192);
    atomic_store(&s_let_go, 1);
    SCENARIO_CHECK(system_up_wait(&s_handlers, 1, 1000));
    vTaskDelay(pdMS_TO_TICKS(3000));
    SCENARIO_CHECK_INT(heap_caps_get_free_size(MALLOC_CAP_INTERNAL), ==, before);
}

static void run(void)
{
    system_event_bus_stats_t bus;
    const system_secure_key_t key = system_up();
    s_mutex = xSemaphoreCreateMutex();
    s_poster = system_up_service("poster");
    s_hang = system_up_type("listener.hang");
    scripted_prepare(&s_starter, "starter", NULL);
    s_starter.descriptor.lifecycle = (system_service_lifecycle_t){.start = start};
    s_starter.watchdog.max_restart_attempts = 20;
    scripted_register(&s_starter);
    SCENARIO_CHECK_INT(app_manager_register(&s_app), ==, ESP_OK);
    SCENARIO_CHECK_INT(system_service_start_all(), ==, ESP_OK);
    SCENARIO_CHECK_INT(app_manager_start("app"), ==, ESP_OK);
    put_down();
    const size_t before = heap_caps_get_free_size(MALLOC_CAP_DEFAULT);
    for (uint32_t n = 1; n <= CUTS; n++) {
        SCENARIO_CHECK_INT(scripted_post(&s_starter, s_poster), ==, ESP_OK);
        for (int ms = 0; scripted_info(s_starter.id).restart_count != n; ms += 100) {
            SCENARIO_CHECK(ms < ktest_polls(100000));
            vTaskDelay(pdMS_TO_TICKS(100));
        }
    }
    put_down();
    SCENARIO_CHECK_INT(app_manager_start("app"), ==, ESP_OK);
    put_down();
    SCENARIO_CHECK_INT(app_manager_set_aside_count(), ==, 0);
    SCENARIO_CHECK_INT(heap_caps_get_free_size(MALLOC_CAP_DEFAULT), ==, before);
    SCENARIO_CHECK_INT(system_event_get_bus_stats(&bus), ==, ESP_OK);
    SCENARIO_CHECK_INT(bus.cut, ==, CUTS);
    SCENARIO_CHECK_INT(bus.delivered, ==, bus.handled + bus.displaced + bus.discarded + bus.cut);
    a_stack_is_freed_when_its_task_is_back();
    SCENARIO_CHECK_INT(system_event_get_bus_stats(&bus), ==, ESP_OK);
    SCENARIO_CHECK_INT(bus.cut, ==, CUTS + 1);
    SCENARIO_CHECK_INT(bus.delivered, ==, bus.handled + bus.displaced + bus.discarded + bus.cut);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const scenario_t s = {.name = "app_started_by_service", .run = run};
    return scenario_main(argc, argv, &s);
}
