// SPDX-License-Identifier: Apache-2.0
/*
 * Boot has ended with the seal, and from then on every allocation fails. The system does all that
 * it can be asked for all the same: events of every kind, subscriptions that come and go, timers,
 * requests, loans, quotas that bite, health reports, restarts of services that fault and of one
 * that hangs. Nobody even asks the heap: not one request is seen, and no violation of the seal.
 */
#include <stdatomic.h>
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "memory_pool.h"
#include "system_service/event_timer.h"
#include "system_service/handler_monitor.h"
#include "system_service/health_report.h"
#include "system_service/log_control.h"
#include "system_service/request_response.h"
#include "system_service/service_supervisor.h"

#include "host_heap.h"
#include "scenario.h"
#include "system_up.h"

#define ROUNDS 5u

static system_service_id_t producer, consumer, greedy, frail;
static system_event_type_t plain, retained, tick, question, hang_type;
static _Atomic uint32_t got_plain, got_pattern, got_tick, got_answer, starts, may_hang;

static void count(const system_event_t *event, void *user_data)
{
    (void)event;
    atomic_fetch_add((_Atomic uint32_t *)user_data, 1);
}

static void answer(const system_request_t *request, void *user_data)
{
    (void)user_data;
    SCENARIO_CHECK(system_request_respond(request->id, ESP_OK, request->data, request->data_size) ==
                   ESP_OK);
}

static void on_answer(const system_response_t *response, void *user_data)
{
    (void)user_data;
    SCENARIO_CHECK(response->status == ESP_OK && response->data_size == 5);
    atomic_fetch_add(&got_answer, 1);
}

static void hang(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    if (atomic_exchange(&may_hang, 0)) {
        vTaskDelay(portMAX_DELAY);
    }
}

static esp_err_t frail_start(system_service_id_t id, void *arg)
{
    (void)arg;
    atomic_fetch_add(&starts, 1);
    return system_event_subscribe(id, hang_type, hang, NULL);
}

static const service_watchdog_config_t s_watchdog = {.auto_restart = true,
                                                     .max_restart_attempts = 20};
static const system_service_descriptor_t s_frail = {
    .own_worker = true, /* whose stack must be there again after the restart */
    .name = "frail",
    .lifecycle = {.start = frail_start},
    .watchdog = &s_watchdog};

static void settled(void)
{
    for (int i = 0; i < 20000; i++) {
        system_service_state_t state;
        SCENARIO_CHECK(system_service_get_state(frail, &state) == ESP_OK);
        if (state == SYSTEM_SERVICE_STATE_RUNNING) {
            return;
        }
        vTaskDelay(1);
    }
    SCENARIO_CHECK(!"the service did not come back");
}

static void events_of_every_kind(void)
{
    static const size_t sizes[] = {0, 1, 64, 65, 256, 1000, 1024, 4096};
    static const uint8_t priorities[] = {0, 100, 200, 255};
    static uint8_t data[4096];
    system_subscription_t sub, pattern;
    const uint32_t before = atomic_load(&got_plain);
    const uint32_t pattern_before = atomic_load(&got_pattern);
    void *loan;

    SCENARIO_CHECK(system_event_subscribe_ex(consumer, plain, count, &got_plain, NULL, &sub) ==
                   ESP_OK);
    SCENARIO_CHECK(system_event_subscribe_pattern(consumer, "sealed.*", count, &got_pattern, NULL,
                                                  &pattern) == ESP_OK);
    for (unsigned i = 0; i < 8; i++) {
        SCENARIO_CHECK(system_event_post(producer, plain, data, sizes[i], priorities[i % 4]) ==
                       ESP_OK);
    }
    SCENARIO_CHECK(system_event_loan(producer, 300, &loan) == ESP_OK);
    memset(loan, 1, 300);
    SCENARIO_CHECK(system_event_publish(producer, plain, loan, 300, 100, NULL) == ESP_OK);
    SCENARIO_CHECK(system_up_wait(&got_plain, before + 9, 20000));
    SCENARIO_CHECK(system_up_wait(&got_pattern, pattern_before + 9, 20000));
    SCENARIO_CHECK(system_event_post(producer, retained, data, 10, 200) == ESP_OK);
    SCENARIO_CHECK(system_event_unsubscribe(consumer, sub) == ESP_OK);
    SCENARIO_CHECK(system_event_unsubscribe(consumer, pattern) == ESP_OK);
}

static void timers_and_requests(void)
{
    system_event_timer_t every;
    const uint32_t ticks = atomic_load(&got_tick);
    const uint32_t answers = atomic_load(&got_answer);
    char reply[8];
    size_t size = sizeof(reply);

    SCENARIO_CHECK(system_event_post_every(producer, tick, NULL, 0, 200, 3, &every) == ESP_OK);
    SCENARIO_CHECK(system_event_post_after(producer, tick, NULL, 0, 200, 5, NULL) == ESP_OK);
    SCENARIO_CHECK(system_request_sync(producer, consumer, question, "why?", 5, 100, reply, &size,
                                       10000) == ESP_OK);
    SCENARIO_CHECK(size == 5 && strcmp(reply, "why?") == 0);
    SCENARIO_CHECK(system_request_async(producer, consumer, question, "why?", 5, 100, on_answer,
                                        NULL, 10000, NULL) == ESP_OK);
    SCENARIO_CHECK(system_up_wait(&got_answer, answers + 1, 20000));
    SCENARIO_CHECK(system_up_wait(&got_tick, ticks + 3, 20000));
    SCENARIO_CHECK(system_event_timer_cancel(producer, every) == ESP_OK);
}

static void faults_and_restarts(void)
{
    uint32_t before = atomic_load(&starts);
    SCENARIO_CHECK(system_service_restart(frail) == ESP_OK);
    SCENARIO_CHECK(system_up_wait(&starts, before + 1, 20000));
    settled();
    before = atomic_load(&starts);
    SCENARIO_CHECK(system_service_report_fault(frail, ESP_FAIL) == ESP_OK);
    SCENARIO_CHECK(system_up_wait(&starts, before + 1, 20000));
    settled();
}

static void a_handler_hangs(void)
{
    const uint32_t before = atomic_load(&starts);
    atomic_store(&may_hang, 1);
    SCENARIO_CHECK(system_event_post(producer, hang_type, NULL, 0, 200) == ESP_OK);
    SCENARIO_CHECK(system_up_wait(&starts, before + 1, 30000));
    settled();
}

static void line(const char *text, void *arg)
{
    (void)text;
    atomic_fetch_add((_Atomic uint32_t *)arg, 1);
}

static void questions(void)
{
    static system_service_info_t infos[8];
    static handler_stats_t handlers[16];
    _Atomic uint32_t lines = 0;
    size_t room = 8;
    system_event_type_t type;

    SCENARIO_CHECK(system_service_list(infos, &room) == ESP_OK);
    room = 16;
    SCENARIO_CHECK(handler_monitor_list(SYSTEM_SERVICE_ID_NONE, handlers, &room) == ESP_OK);
    SCENARIO_CHECK(health_report_print(line, &lines) == ESP_OK);
    SCENARIO_CHECK_INT(lines, >, 10);
    SCENARIO_CHECK(system_event_register_type("sealed.late", &type) == ESP_OK);
    SCENARIO_CHECK(system_service_heartbeat(producer) == ESP_OK);
    SCENARIO_CHECK(memory_pool_check() == ESP_OK);
}

static void quotas(void)
{
    const service_quota_t tight = {.max_events_per_sec = 5};
    esp_err_t ret = ESP_OK;

    SCENARIO_CHECK(quota_set(greedy, &tight) == ESP_OK);
    for (int i = 0; i < 100000 && ret == ESP_OK; i++) {
        ret = system_event_post(greedy, retained, NULL, 0, 255);
    }
    SCENARIO_CHECK_INT(ret, ==, ESP_ERR_QUOTA_EVENTS_EXCEEDED);
}

static void boot(void)
{
    producer = system_up_service("producer");
    consumer = system_up_service("consumer");
    greedy = system_up_service("greedy");
    SCENARIO_CHECK(system_service_register("frail", &s_frail, &frail) == ESP_OK);
    plain = system_up_type("sealed.plain");
    retained = system_up_type("other.retained");
    tick = system_up_type("other.tick");
    question = system_up_type("other.question");
    hang_type = system_up_type("other.hang");
    SCENARIO_CHECK(system_event_set_retained(retained, true) == ESP_OK);
    SCENARIO_CHECK(system_event_subscribe(consumer, tick, count, &got_tick) == ESP_OK);
    SCENARIO_CHECK(system_request_serve(consumer, question, answer, NULL) == ESP_OK);
    SCENARIO_CHECK(system_service_start(frail) == ESP_OK);
}

static void run(void)
{
    const system_secure_key_t key = system_up();

    boot();
    SCENARIO_CHECK(system_service_seal(key) == ESP_OK);
    host_heap_fail_all();
    const uint64_t requests = host_heap_requests();
    for (uint32_t round = 0; round < ROUNDS; round++) {
        events_of_every_kind();
        timers_and_requests();
        faults_and_restarts();
        questions();
        quotas();
    }
    if (host_sched() == HOST_SCHED_SIM) { // five seconds of somebody's time on threads
        a_handler_hangs();
    }
    SCENARIO_CHECK_INT(host_heap_requests() - requests, ==, 0);
    SCENARIO_CHECK_INT(system_seal_violations(), ==, 0);
    host_heap_fail_nth(0, 0);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const scenario_t s = {.name = "sealed_system", .run = run};
    return scenario_main(argc, argv, &s);
}
