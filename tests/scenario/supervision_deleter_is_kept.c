// SPDX-License-Identifier: Apache-2.0
/*
 * Somebody deletes tasks of the system, and is kept from his core after the deletion callback,
 * while FreeRTOS still works in the control block. Nobody may be started in that memory before he
 * goes on (the virtual board panics otherwise); the system goes on with what it has meanwhile, and
 * has all its places again afterwards. Odd seeds give the service a worker of its own.
 */
#include <stdatomic.h>

#include "esp_heap_caps.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "event_internal.h"
#include "host_control.h"
#include "ktest.h"
#include "lifecycle_runner.h"
#include "scenario.h"
#include "scripted_service.h"
#include "system_service/app_manager.h"
#include "system_up.h"

#define ROUNDS  (CONFIG_SYSTEM_WORKER_SPARES + 2)
#define KEEP_US 400000 /* longer than anybody waits for it */
#define ROUGHLY 256    /* bytes: another block for the same stack may be a little larger */

static scripted_t s_victim, s_other;
static system_service_id_t s_poster;
static _Atomic uint32_t s_sits; /* so many times start() does not return */
static bool s_by_itself;        /* the handler deletes its own task */

static void on_work(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    if (s_by_itself) {
        vTaskDelete(NULL);
    }
    scripted_sit();
}

static esp_err_t start(system_service_id_t id, void *arg)
{
    (void)arg;
    if (atomic_load(&s_sits) != 0) {
        atomic_fetch_sub(&s_sits, 1);
        scripted_sit();
    }
    return system_event_subscribe(id, s_victim.work, on_work, NULL);
}

/** Delete who sits; the caller is kept in it. */
static void delete_who_sits(const char *name)
{
    const TaskHandle_t task = scripted_who_sits();
    host_fault_keep_deletion(name, KEEP_US);
    vTaskDelete(task);
}

static void wait_for_restarts(uint32_t n)
{
    for (int ms = 0; scripted_info(s_victim.id).restart_count != n; ms++) {
        SCENARIO_CHECK(ms < ktest_polls(60000));
        vTaskDelay(pdMS_TO_TICKS(1));
    }
    SCENARIO_CHECK(scripted_wait_state(s_victim.id, SYSTEM_SERVICE_STATE_RUNNING, 20000));
}

static void all_workers_serve(void)
{
    for (int ms = 0; event_workers_serving(WORKER_GENERAL) != portNUM_PROCESSORS ||
                     event_workers_serving(WORKER_EXPRESS) != portNUM_PROCESSORS;
         ms++) {
        SCENARIO_CHECK(ms < ktest_polls(5000));
        vTaskDelay(pdMS_TO_TICKS(1));
    }
    SCENARIO_CHECK_INT(event_workers_quarantined(), ==, 0);
}

/** More often than there are spare workers. */
static void a_worker(uint32_t n)
{
    const uint32_t others = atomic_load(&s_other.calls[SCRIPTED_HANDLER]);
    s_by_itself = n % 2 == 0;
    const char *const name = s_victim.descriptor.own_worker ? "ev_private" : "ev_general";
    if (s_by_itself) {
        host_fault_keep_deletion(name, KEEP_US);
    }
    SCENARIO_CHECK_INT(scripted_post(&s_victim, s_poster), ==, ESP_OK);
    if (!s_by_itself) {
        delete_who_sits(name);
    }
    SCENARIO_CHECK_INT(scripted_post(&s_other, s_poster), ==, ESP_OK);
    SCENARIO_CHECK(system_up_wait(&s_other.calls[SCRIPTED_HANDLER], others + 1, 10000));
    wait_for_restarts(n);
    all_workers_serve();
}

/** All of them one after the other: there is one again for each. */
static void a_runner(uint32_t n)
{
    atomic_store(&s_sits, 1);
    SCENARIO_CHECK_INT(system_service_restart(s_victim.id), ==, ESP_OK);
    delete_who_sits("lifecycle");
    wait_for_restarts(n);
    SCENARIO_CHECK_INT(lifecycle_runners_given_up(), ==, 0);
}

/* ---- an app --------------------------------------------------------------------------------- */

static void app_main_sits(app_context_t *ctx)
{
    (void)ctx;
    scripted_sit();
}

static const app_manifest_t s_app = {.name = "app",
                                     .version = "1.0.0",
                                     .entry_point = app_main_sits,
                                     .stack_size = 4096,
                                     .priority = 4};

static void an_app(void)
{
    app_info_t info;
    SCENARIO_CHECK_INT(app_manager_start("app"), ==, ESP_OK);
    delete_who_sits("app");
    for (int ms = 0;; ms++) {
        SCENARIO_CHECK(ms < ktest_polls(60000));
        SCENARIO_CHECK_INT(app_manager_get_info("app", &info), ==, ESP_OK);
        if (info.state == APP_STATE_STOPPED) {
            break;
        }
        vTaskDelay(pdMS_TO_TICKS(1));
    }
    SCENARIO_CHECK_INT(app_manager_set_aside_count(), ==, 0);
}

static void run(void)
{
    const system_secure_key_t key = system_up();
    const unsigned rounds = host_sched() == HOST_SCHED_SIM ? ROUNDS : 1; /* that takes its time */
    uint32_t restarts = 0;
    s_poster = system_up_service("poster");
    scripted_prepare(&s_victim, "victim", NULL);
    s_victim.descriptor.lifecycle = (system_service_lifecycle_t){.start = start};
    s_victim.descriptor.own_worker = scenario_seed() % 2 == 1;
    s_victim.watchdog.max_restart_attempts = 40;
    scripted_register(&s_victim);
    scripted_prepare(&s_other, "other", NULL);
    scripted_register(&s_other);
    SCENARIO_CHECK_INT(app_manager_register(&s_app), ==, ESP_OK);
    SCENARIO_CHECK_INT(system_service_start_all(), ==, ESP_OK);
    an_app();
    const size_t before = heap_caps_get_free_size(MALLOC_CAP_DEFAULT);
    for (unsigned n = 0; n < rounds; n++) {
        a_worker(++restarts);
        a_runner(++restarts);
        an_app();
    }
    SCENARIO_CHECK(heap_caps_get_free_size(MALLOC_CAP_DEFAULT) + ROUGHLY > before);
    SCENARIO_CHECK_INT(scripted_info(s_other.id).fault_count, ==, 0);
    SCENARIO_CHECK(!system_safe_mode_active());
    SCENARIO_CHECK_INT(system_service_stop_all(), ==, ESP_OK);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const scenario_t s = {.name = "supervision_deleter_is_kept", .run = run};
    return scenario_main(argc, argv, &s);
}
