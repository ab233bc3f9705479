// SPDX-License-Identifier: Apache-2.0
/*
 * Somebody deletes the task of a worker while it runs a handler, more often than there are spare
 * workers. The service is restarted, or the app ended, as if the handler hung, but at once; what
 * the handler had is taken back, its lock goes to the next one with a word, and the others never
 * notice. Odd seeds give the service a worker of its own.
 */
#include <stdatomic.h>

#include "esp_heap_caps.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "event_internal.h"
#include "ktest.h"
#include "scenario.h"
#include "scripted_service.h"
#include "system_service/app_manager.h"
#include "system_service/memory_pool.h"
#include "system_service/system_lock.h"
#include "system_up.h"

#define KILLS (CONFIG_SYSTEM_WORKER_SPARES + 3)

static scripted_t s_victim, s_other;
static system_service_id_t s_poster;
static system_event_type_t s_app_work;
static system_lock_t s_lock;
static _Atomic uint32_t s_app_listens;

static void on_work(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    const esp_err_t ret = system_lock_take(s_lock, 1000);
    if (ret == ESP_ERR_LOCK_OWNER_DEAD) {
        SCENARIO_CHECK_INT(system_lock_mend(s_lock), ==, ESP_OK);
    } else {
        SCENARIO_CHECK_INT(ret, ==, ESP_OK); // the first one
        SCENARIO_CHECK_INT(scripted_info(s_victim.id).restart_count, ==, 0);
    }
    SCENARIO_CHECK(memory_pool_alloc(200) != NULL);
    scripted_sit();
}

static esp_err_t start(system_service_id_t id, void *arg)
{
    (void)arg;
    return system_event_subscribe(id, s_victim.work, on_work, NULL);
}

static void one_death(uint32_t n)
{
    const uint32_t others = atomic_load(&s_other.calls[SCRIPTED_HANDLER]);
    SCENARIO_CHECK_INT(scripted_post(&s_victim, s_poster), ==, ESP_OK);
    vTaskDelete(scripted_who_sits());
    SCENARIO_CHECK_INT(scripted_post(&s_other, s_poster), ==, ESP_OK);
    SCENARIO_CHECK(system_up_wait(&s_other.calls[SCRIPTED_HANDLER], others + 1, 10000));
    for (int ms = 0; scripted_info(s_victim.id).restart_count != n; ms++) {
        SCENARIO_CHECK(ms < CONFIG_SYSTEM_HANDLER_HANG_MS - 1000 ||
                       host_sched() == HOST_SCHED_THREADS); // not as late as one that hangs
        SCENARIO_CHECK(ms < ktest_polls(60000));
        vTaskDelay(pdMS_TO_TICKS(1));
    }
    SCENARIO_CHECK_INT(scripted_info(s_victim.id).last_error, ==, ESP_ERR_SERVICE_HANG);
    SCENARIO_CHECK_INT(event_workers_quarantined(), ==, 0);
}

/* ---- an app -------------------------------------------------------------------------- */

static void on_app_work(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    scripted_sit();
}

static void app_main_listens(app_context_t *ctx)
{
    SCENARIO_CHECK_INT(ctx->subscribe(ctx, s_app_work, on_app_work, NULL), ==, ESP_OK);
    atomic_fetch_add(&s_app_listens, 1);
    while (ctx->get_state(ctx) == APP_STATE_RUNNING) {
        vTaskDelay(pdMS_TO_TICKS(1));
    }
}

static const app_manifest_t s_app = {.name = "app",
                                     .version = "1.0.0",
                                     .entry_point = app_main_listens,
                                     .stack_size = 4096,
                                     .priority = 4};

static void death_in_an_app(uint32_t n)
{
    app_info_t info;
    SCENARIO_CHECK_INT(app_manager_start("app"), ==, ESP_OK);
    SCENARIO_CHECK(system_up_wait(&s_app_listens, n, 5000));
    SCENARIO_CHECK_INT(system_event_post(s_poster, s_app_work, NULL, 0, 200), ==, ESP_OK);
    vTaskDelete(scripted_who_sits());
    for (int ms = 0;; ms++) {
        SCENARIO_CHECK(ms < ktest_polls(60000));
        SCENARIO_CHECK_INT(app_manager_get_info("app", &info), ==, ESP_OK);
        if (info.state == APP_STATE_CRASHED) {
            break;
        }
        vTaskDelay(pdMS_TO_TICKS(1));
    }
    SCENARIO_CHECK_INT(app_manager_set_aside_count(), ==, 0);
}

static void run(void)
{
    system_event_bus_stats_t bus;
    const system_secure_key_t key = system_up();
    s_poster = system_up_service("poster");
    s_app_work = system_up_type("app.work");
    SCENARIO_CHECK_INT(system_lock_create(s_poster, "data", 0, &s_lock), ==, ESP_OK);
    scripted_prepare(&s_victim, "victim", NULL);
    s_victim.descriptor.lifecycle = (system_service_lifecycle_t){.start = start};
    s_victim.descriptor.own_worker = scenario_seed() % 2 == 1;
    s_victim.watchdog.max_restart_attempts = 20;
    scripted_register(&s_victim);
    scripted_prepare(&s_other, "other", NULL);
    scripted_register(&s_other);
    SCENARIO_CHECK_INT(app_manager_register(&s_app), ==, ESP_OK);
    SCENARIO_CHECK_INT(system_service_start_all(), ==, ESP_OK);
    one_death(1);
    death_in_an_app(1);
    const size_t before = heap_caps_get_free_size(MALLOC_CAP_DEFAULT);
    for (uint32_t n = 2; n <= KILLS; n++) {
        one_death(n);
    }
    death_in_an_app(2);
    SCENARIO_CHECK_INT(heap_caps_get_free_size(MALLOC_CAP_DEFAULT), ==, before);
    SCENARIO_CHECK_INT(scripted_info(s_other.id).fault_count, ==, 0);
    SCENARIO_CHECK_INT(system_service_stop_all(), ==, ESP_OK);
    SCENARIO_CHECK_INT(system_event_get_bus_stats(&bus), ==, ESP_OK);
    SCENARIO_CHECK_INT(bus.cut, ==, KILLS + 2);
    SCENARIO_CHECK_INT(bus.delivered, ==, bus.handled + bus.displaced + bus.discarded + bus.cut);
    for (int c = 0; c < MEMORY_POOL_CLASSES; c++) {
        memory_pool_stats_t stats;
        SCENARIO_CHECK(memory_pool_get_stats((memory_pool_class_t)c, &stats) == ESP_OK);
        SCENARIO_CHECK_INT(stats.used, ==, 0);
    }
    SCENARIO_CHECK_INT(memory_pool_check(), ==, ESP_OK);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const scenario_t s = {.name = "supervision_worker_deleted", .run = run};
    return scenario_main(argc, argv, &s);
}
