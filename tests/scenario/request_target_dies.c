// SPDX-License-Identifier: Apache-2.0
//
// A service is unregistered at a random moment while others ask it, with and without waiting; then
// one of the askers is. Whoever waited is told at once, whoever went is forgotten, and nothing of
// the requests is left. All timeouts are an hour: a request that nobody ends would hang the story.
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "esp_random.h"
#include "request_internal.h"
#include "scenario.h"
#include "system_up.h"
#include "system_service/memory_pool.h"
#include "system_service/request_response.h"

#define ASKERS  3
#define TIMEOUT SYSTEM_REQUEST_TIMEOUT_MS_MAX

static system_service_id_t s_target, s_askers[ASKERS];
static system_event_type_t s_ask;
static _Atomic uint32_t s_ended, s_open, s_tasks_done;

static void on_ask(const system_request_t *rq, void *user_data)
{
    (void)user_data;
    if (esp_random() % 3 == 0) {
        SCENARIO_CHECK(system_request_respond(rq->id, ESP_OK, NULL, 0) != ESP_ERR_NOT_OWNER);
    }
}

static bool expected_end(esp_err_t status)
{
    return status == ESP_OK || status == ESP_ERR_REQUEST_TARGET_GONE ||
           status == ESP_ERR_REQUEST_NO_HANDLER;
}

static void on_response(const system_response_t *response, void *user_data)
{
    (void)user_data;
    SCENARIO_CHECK(expected_end(response->status));
    s_ended++;
}

/** @return false: the target is gone */
static bool ask(unsigned me)
{
    esp_err_t ret;
    if (esp_random() % 2 == 0) {
        ret = system_request_sync(s_askers[me], s_target, s_ask, NULL, 0, 200, NULL, NULL, TIMEOUT);
        SCENARIO_CHECK(expected_end(ret) || ret == ESP_ERR_SERVICE_STALE_ID ||
                       ret == ESP_ERR_REQUEST_TABLE_FULL || ret == ESP_ERR_EVENT_QUEUE_FULL);
    } else {
        s_open++;
        ret = system_request_async(s_askers[me], s_target, s_ask, NULL, 0, 200, on_response, NULL,
                                   TIMEOUT, NULL);
        s_open -= ret != ESP_OK;
        SCENARIO_CHECK(ret == ESP_OK || ret == ESP_ERR_SERVICE_STALE_ID ||
                       ret == ESP_ERR_REQUEST_NO_HANDLER || ret == ESP_ERR_REQUEST_TABLE_FULL ||
                       ret == ESP_ERR_EVENT_QUEUE_FULL);
    }
    return ret != ESP_ERR_SERVICE_STALE_ID && ret != ESP_ERR_REQUEST_TARGET_GONE &&
           ret != ESP_ERR_REQUEST_NO_HANDLER;
}

static void asker(void *arg)
{
    const unsigned me = (unsigned)(uintptr_t)arg;
    SCENARIO_CHECK(system_service_attach_task(s_askers[me]) == ESP_OK);
    while (ask(me)) {
        vTaskDelay(esp_random() % 2);
    }
    SCENARIO_CHECK(system_service_detach_task() == ESP_OK);
    s_tasks_done++;
    vTaskDelete(NULL);
}

static void wait_for(const char *what, const _Atomic uint32_t *counter, uint32_t wanted)
{
    if (!system_up_wait(counter, wanted, 60000)) {
        scenario_fail(__FILE__, __LINE__, what);
    }
}

static uint32_t blocks_in_use(void)
{
    uint32_t used = 0;
    for (int c = 0; c < MEMORY_POOL_CLASSES; c++) {
        memory_pool_stats_t pool;
        SCENARIO_CHECK(memory_pool_get_stats((memory_pool_class_t)c, &pool) == ESP_OK);
        used += pool.used;
    }
    return used;
}

static void nothing_is_left(void)
{
    system_request_stats_t stats;
    uint32_t used;
    SCENARIO_CHECK_INT(requests_count(SYSTEM_SLOT_NONE), ==, 0);
    SCENARIO_CHECK(system_request_get_stats(&stats) == ESP_OK);
    SCENARIO_CHECK_INT(stats.in_flight, ==, 0);
    SCENARIO_CHECK_INT(stats.asked, ==,
                       stats.answered + stats.timeouts + stats.cancelled + stats.gone);
    SCENARIO_CHECK_INT(stats.timeouts, ==, 0);
    for (int ms = 0; (used = blocks_in_use()) != 0 && ms < 5000; ms++) {
        vTaskDelay(pdMS_TO_TICKS(1)); // whoever dropped the last one may still be on its way
    }
    SCENARIO_CHECK_INT(used, ==, 0);
}

static void keeps(const system_request_t *rq, void *user_data)
{
    (void)rq;
    (void)user_data;
}

static void story(void)
{
    static const char *const names[ASKERS] = {"tom", "dick", "harry"};
    const system_secure_key_t key = system_up();
    s_ask = system_up_type("dies.ask");
    s_target = system_up_service("target");
    SCENARIO_CHECK(system_request_serve(s_target, s_ask, on_ask, NULL) == ESP_OK);
    for (unsigned i = 0; i < ASKERS; i++) {
        s_askers[i] = system_up_service(names[i]);
        SCENARIO_CHECK(xTaskCreate(asker, names[i], 4096, (void *)(uintptr_t)i, 3 + i, NULL) ==
                       pdPASS);
    }
    vTaskDelay(esp_random() % 30);
    SCENARIO_CHECK(system_service_unregister(s_target) == ESP_OK);
    wait_for("a task hangs", &s_tasks_done, ASKERS);
    wait_for("an end is missing", &s_ended, s_open);
    nothing_is_left();

    // Now an asker goes; his requests go unheard.
    s_target = system_up_service("target");
    SCENARIO_CHECK(system_request_serve(s_target, s_ask, keeps, NULL) == ESP_OK);
    const uint32_t ended = s_ended;
    const unsigned n = 1 + esp_random() % 5;
    for (unsigned i = 0; i < n; i++) {
        SCENARIO_CHECK(system_request_async(s_askers[0], s_target, s_ask, NULL, 0, 200, on_response,
                                            NULL, TIMEOUT, NULL) == ESP_OK);
    }
    vTaskDelay(esp_random() % 3);
    SCENARIO_CHECK(system_service_unregister(s_askers[0]) == ESP_OK);
    SCENARIO_CHECK_INT(s_ended, ==, ended);
    nothing_is_left();
    system_down(key);
}

int main(int argc, char **argv)
{
    static const scenario_t scenario = {.name = "request_target_dies", .run = story};
    return scenario_main(argc, argv, &scenario);
}
