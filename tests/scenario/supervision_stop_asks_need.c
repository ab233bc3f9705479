// SPDX-License-Identifier: Apache-2.0
//
// store <- writer <- reader: each asks what it needs for something in its stop(), and is answered,
// whatever the reason of the way down: one of them is stopped, all are, safe mode, a group that
// restarts as a whole, or a store that failed for good, which only the writer cannot ask. Half of
// the seeds give them workers of their own.
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "ktest.h"
#include "scenario.h"
#include "scripted_service.h"
#include "system_service/memory_pool.h"
#include "system_service/request_response.h"
#include "system_up.h"

enum {
    STORE,
    WRITER,
    READER,
    CHAIN
};

typedef struct {
    system_service_descriptor_t descriptor;
    system_service_id_t id;
    uint32_t stops, stops_of_need_before, asked;
    bool told_to_stop; /* what its handler saw last */
} link_t;

static link_t s_links[CHAIN];
static scripted_t s_cause;
static system_event_type_t s_save;
static bool s_store_failed;

static void on_save(const system_request_t *request, void *user_data)
{
    link_t *me = user_data;
    me->told_to_stop = system_service_should_stop();
    me->asked++;
    SCENARIO_CHECK_INT(system_request_respond(request->id, ESP_OK, NULL, 0), ==, ESP_OK);
}

static esp_err_t start_link(system_service_id_t id, void *arg)
{
    SCENARIO_CHECK(!system_service_should_stop());
    return system_request_serve(id, s_save, on_save, arg);
}

static esp_err_t stop_link(system_service_id_t id, void *arg)
{
    link_t *me = arg;
    SCENARIO_CHECK(system_service_should_stop());
    if (me != &s_links[STORE] && !(me == &s_links[WRITER] && s_store_failed)) {
        link_t *need = me - 1;
        const uint32_t asked = need->asked;
        SCENARIO_CHECK_INT(need->stops, ==, me->stops_of_need_before);
        SCENARIO_CHECK_INT(system_request_sync(id, need->id, s_save, NULL, 0, 200, NULL, NULL,
                                               ktest_patience_ms(1000)),
                           ==, ESP_OK);
        SCENARIO_CHECK_INT(need->asked, ==, asked + 1);
        SCENARIO_CHECK(!need->told_to_stop);
    }
    me->stops++;
    return ESP_OK;
}

static void begin_way_down(void)
{
    for (unsigned n = WRITER; n < CHAIN; n++) {
        s_links[n].stops_of_need_before = s_links[n - 1].stops;
    }
}

/** All three went down in order, with their questions answered, and run again. */
static void all_stopped_once(uint32_t stops)
{
    for (unsigned n = 0; n < CHAIN; n++) {
        SCENARIO_CHECK_INT(s_links[n].stops, ==, stops);
        SCENARIO_CHECK_INT(scripted_info(s_links[n].id).fault_count, ==, 0);
        SCENARIO_CHECK_INT(scripted_info(s_links[n].id).last_error, ==, ESP_OK);
    }
}

static void by_order(void)
{
    begin_way_down();
    SCENARIO_CHECK_INT(system_service_stop(s_links[STORE].id), ==, ESP_OK);
    all_stopped_once(1);
    SCENARIO_CHECK_INT(system_service_start(s_links[READER].id), ==, ESP_OK);
    begin_way_down();
    SCENARIO_CHECK_INT(system_service_stop_all(), ==, ESP_OK);
    all_stopped_once(2);
    SCENARIO_CHECK_INT(system_service_start_all(), ==, ESP_OK);
}

static void by_safe_mode(void)
{
    begin_way_down();
    SCENARIO_CHECK_INT(system_safe_mode_enter("a test"), ==, ESP_OK);
    SCENARIO_CHECK(scripted_wait_state(s_links[STORE].id, SYSTEM_SERVICE_STATE_STOPPED, 10000));
    all_stopped_once(3);
    SCENARIO_CHECK_INT(system_safe_mode_leave(), ==, ESP_OK);
    SCENARIO_CHECK(scripted_wait_state(s_links[READER].id, SYSTEM_SERVICE_STATE_RUNNING, 10000));
    /* Nobody needs it, so it may come last; a fault of what only starts restarts no group. */
    SCENARIO_CHECK(scripted_wait_state(s_cause.id, SYSTEM_SERVICE_STATE_RUNNING, 10000));
}

static void by_the_group(void)
{
    begin_way_down();
    SCENARIO_CHECK_INT(system_service_report_fault(s_cause.id, ESP_FAIL), ==, ESP_OK);
    for (unsigned n = 0; n < CHAIN; n++) {
        for (int ms = 0; scripted_info(s_links[n].id).restart_count == 0; ms++) {
            SCENARIO_CHECK(ms < ktest_polls(20000));
            vTaskDelay(pdMS_TO_TICKS(1));
        }
    }
    all_stopped_once(4);
}

static void by_failure(void)
{
    static const service_watchdog_config_t once = {.auto_restart = false};
    const uint32_t stops = s_links[READER].stops;
    begin_way_down();
    s_store_failed = true;
    SCENARIO_CHECK_INT(watchdog_register_service(s_links[STORE].id, &once), ==, ESP_OK);
    SCENARIO_CHECK_INT(system_service_report_fault(s_links[STORE].id, ESP_FAIL), ==, ESP_OK);
    SCENARIO_CHECK(scripted_wait_state(s_links[STORE].id, SYSTEM_SERVICE_STATE_ERROR, 10000));
    for (int ms = 0; scripted_info(s_links[WRITER].id).state == SYSTEM_SERVICE_STATE_RUNNING ||
                     scripted_info(s_links[WRITER].id).state == SYSTEM_SERVICE_STATE_STOPPING;
         ms++) {
        SCENARIO_CHECK(ms < ktest_polls(10000));
        vTaskDelay(pdMS_TO_TICKS(1));
    }
    SCENARIO_CHECK_INT(s_links[READER].stops, ==, stops + 1);
    SCENARIO_CHECK_INT(s_links[WRITER].stops, ==, stops + 1);
    s_store_failed = false;
    SCENARIO_CHECK_INT(system_service_start(s_links[STORE].id), ==, ESP_OK);
    SCENARIO_CHECK(scripted_wait_state(s_links[READER].id, SYSTEM_SERVICE_STATE_RUNNING, 10000));
}

static void run(void)
{
    static const char *const names[CHAIN] = {"store", "writer", "reader"};
    static const char *const needs[CHAIN][2] = {{NULL}, {"store"}, {"writer"}};
    const system_secure_key_t key = system_up();
    const system_supervisor_config_t config = {.name = "group",
                                               .strategy = SYSTEM_STRATEGY_ONE_FOR_ALL};
    system_supervisor_t group;
    memory_pool_stats_t pool;
    SCENARIO_CHECK_INT(system_event_register_type("store.save", &s_save), ==, ESP_OK);
    SCENARIO_CHECK_INT(system_supervisor_create(&config, &group), ==, ESP_OK);
    scripted_prepare(&s_cause, "cause", NULL);
    scripted_register(&s_cause);
    SCENARIO_CHECK_INT(system_supervisor_assign(s_cause.id, group), ==, ESP_OK);
    for (unsigned n = 0; n < CHAIN; n++) {
        s_links[n].descriptor = (system_service_descriptor_t){
            .name = names[n],
            .lifecycle = {.start = start_link, .stop = stop_link},
            .arg = &s_links[n],
            .depends_on = needs[n],
            .own_worker = scenario_seed() % 2 == 1,
        };
        SCENARIO_CHECK_INT(
            system_service_register(names[n], &s_links[n].descriptor, &s_links[n].id), ==, ESP_OK);
        SCENARIO_CHECK_INT(system_supervisor_assign(s_links[n].id, group), ==, ESP_OK);
    }
    SCENARIO_CHECK_INT(system_service_start_all(), ==, ESP_OK);
    by_order();
    by_safe_mode();
    by_the_group();
    by_failure();
    begin_way_down();
    SCENARIO_CHECK_INT(system_service_stop_all(), ==, ESP_OK);
    SCENARIO_CHECK(memory_pool_get_stats(MEMORY_POOL_SMALL, &pool) == ESP_OK);
    SCENARIO_CHECK_INT(memory_pool_check(), ==, ESP_OK);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const scenario_t s = {.name = "supervision_stop_asks_need", .run = run};
    return scenario_main(argc, argv, &s);
}
