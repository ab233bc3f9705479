// SPDX-License-Identifier: Apache-2.0
//
// Four services ask each other, from their handlers and from tasks of their own, with and without
// waiting, with timeouts that may or may not be met; some answers come late, some never, some
// requests are cancelled. In the end each request ended exactly once, nobody waits, and no block is
// held. A wait that could never end is refused: nothing here may take longer than its timeout.
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "esp_random.h"
#include "request_internal.h"
#include "scenario.h"
#include "system_up.h"
#include "system_service/memory_pool.h"
#include "system_service/request_response.h"

#define SERVICES 4
#define ROUNDS   30

static system_service_id_t s_ids[SERVICES];
static system_event_type_t s_ask, s_go;
static _Atomic uint32_t s_callbacks, s_asynchronous, s_cancelled, s_tasks_done;
static _Atomic system_request_id_t s_kept[SERVICES];

static void on_response(const system_response_t *response, void *user_data)
{
    const unsigned me = (unsigned)(uintptr_t)user_data;
    SCENARIO_CHECK(system_service_current() == s_ids[me]);
    SCENARIO_CHECK(response->status == ESP_OK || response->status == ESP_ERR_REQUEST_TIMEOUT);
    if (response->status == ESP_OK) {
        uint32_t value;
        SCENARIO_CHECK_INT(response->data_size, ==, sizeof(value));
        memcpy(&value, response->data, sizeof(value));
        SCENARIO_CHECK_INT(value, ==, me + 100);
    }
    s_callbacks++;
}

/** The payload names the asker; the answer is that plus 100. */
static void answer(system_request_id_t id, uint32_t asker)
{
    const uint32_t value = asker + 100;
    const esp_err_t ret = system_request_respond(id, ESP_OK, &value, sizeof(value));
    SCENARIO_CHECK(ret == ESP_OK || ret == ESP_ERR_REQUEST_NOT_FOUND);
}

static void on_ask(const system_request_t *rq, void *user_data)
{
    const unsigned me = (unsigned)(uintptr_t)user_data;
    uint32_t asker;
    SCENARIO_CHECK_INT(rq->data_size, ==, sizeof(asker));
    memcpy(&asker, rq->data, sizeof(asker));
    SCENARIO_CHECK(rq->from == s_ids[asker]);
    switch (esp_random() % 8) {
    case 0: // somebody else answers later, for me
        s_kept[me] = rq->id;
        break;
    case 1: // never
        break;
    case 2: // late
        vTaskDelay(pdMS_TO_TICKS(esp_random() % 10));
        answer(rq->id, asker);
        break;
    default:
        answer(rq->id, asker);
        break;
    }
}

static void ask_somebody(unsigned me)
{
    const unsigned other = (me + 1 + esp_random() % (SERVICES - 1)) % SERVICES;
    const uint32_t data = me;
    const uint8_t priority = (uint8_t)(esp_random() & 0xFF);
    const uint32_t timeout = 1 + esp_random() % 20;
    if (esp_random() % 2 == 0) {
        uint32_t value = 0;
        size_t size = sizeof(value);
        const esp_err_t ret = system_request_sync(s_ids[me], s_ids[other], s_ask, &data,
                                                  sizeof(data), priority, &value, &size, timeout);
        SCENARIO_CHECK(ret == ESP_OK || ret == ESP_ERR_REQUEST_TIMEOUT ||
                       ret == ESP_ERR_REQUEST_DEADLOCK || ret == ESP_ERR_REQUEST_TABLE_FULL ||
                       ret == ESP_ERR_EVENT_QUEUE_FULL);
        SCENARIO_CHECK(ret != ESP_OK || value == me + 100);
        return;
    }
    system_request_id_t id;
    const esp_err_t ret =
        system_request_async(s_ids[me], s_ids[other], s_ask, &data, sizeof(data), priority,
                             on_response, (void *)(uintptr_t)me, timeout, &id);
    SCENARIO_CHECK(ret == ESP_OK || ret == ESP_ERR_REQUEST_TABLE_FULL ||
                   ret == ESP_ERR_EVENT_QUEUE_FULL);
    if (ret == ESP_OK) {
        s_asynchronous++;
        if (esp_random() % 6 == 0 && system_request_cancel(s_ids[me], id) == ESP_OK) {
            s_cancelled++;
        }
    }
}

static void on_go(const system_event_t *event, void *user_data)
{
    (void)event;
    ask_somebody((unsigned)(uintptr_t)user_data);
}

static void own_task(void *arg)
{
    const unsigned me = (unsigned)(uintptr_t)arg;
    SCENARIO_CHECK(system_service_attach_task(s_ids[me]) == ESP_OK);
    for (int i = 0; i < ROUNDS; i++) {
        ask_somebody(me);
        const system_request_id_t kept = s_kept[me];
        if (kept != 0) {
            (void)system_request_respond(kept, ESP_ERR_REQUEST_TIMEOUT, NULL, 0); // may be too late
        }
        vTaskDelay(esp_random() % 3);
    }
    SCENARIO_CHECK(system_service_detach_task() == ESP_OK);
    s_tasks_done++;
    vTaskDelete(NULL);
}

static void settled(void)
{
    system_request_stats_t stats;
    // A request leaves the table just before its callback runs, which may be interrupted there.
    for (int i = 0; i < 5000 && (requests_count(SYSTEM_SLOT_NONE) != 0 ||
                                 s_callbacks + s_cancelled != s_asynchronous);
         i++) {
        vTaskDelay(1);
    }
    SCENARIO_CHECK_INT(requests_count(SYSTEM_SLOT_NONE), ==, 0);
    SCENARIO_CHECK(system_request_get_stats(&stats) == ESP_OK);
    SCENARIO_CHECK_INT(stats.in_flight, ==, 0);
    SCENARIO_CHECK_INT(stats.asked, ==,
                       stats.answered + stats.timeouts + stats.cancelled + stats.gone);
    SCENARIO_CHECK_INT(s_callbacks + s_cancelled, ==, s_asynchronous);
    SCENARIO_CHECK(stats.answered > 0);
}

static void no_block_is_held(void)
{
    uint32_t used = 1;
    for (int i = 0; i < 5000 && used != 0; i++) {
        used = 0;
        for (int c = 0; c < MEMORY_POOL_CLASSES; c++) {
            memory_pool_stats_t stats;
            SCENARIO_CHECK(memory_pool_get_stats((memory_pool_class_t)c, &stats) == ESP_OK);
            used += stats.used;
        }
        vTaskDelay(1);
    }
    SCENARIO_CHECK_INT(used, ==, 0);
}

static void storm(void)
{
    static const char *const names[SERVICES] = {"north", "east", "south", "west"};
    const system_secure_key_t key = system_up();
    s_ask = system_up_type("storm.ask");
    s_go = system_up_type("storm.go");
    for (unsigned i = 0; i < SERVICES; i++) {
        void *me = (void *)(uintptr_t)i;
        s_ids[i] = system_up_service(names[i]);
        SCENARIO_CHECK(system_request_serve(s_ids[i], s_ask, on_ask, me) == ESP_OK);
        SCENARIO_CHECK(system_event_subscribe(s_ids[i], s_go, on_go, me) == ESP_OK);
    }
    for (unsigned i = 0; i < SERVICES; i++) {
        SCENARIO_CHECK(xTaskCreate(own_task, "own", 4096, (void *)(uintptr_t)i, 3 + i % 2, NULL) ==
                       pdPASS);
    }
    for (int i = 0; i < ROUNDS; i++) {
        (void)system_event_post(s_ids[i % SERVICES], s_go, NULL, 0, (uint8_t)(i * 37));
        vTaskDelay(1);
    }
    for (int i = 0; i < 60000 && s_tasks_done < SERVICES; i++) {
        vTaskDelay(1);
    }
    SCENARIO_CHECK_INT(s_tasks_done, ==, SERVICES);
    settled();
    no_block_is_held();
    system_down(key);
}

int main(int argc, char **argv)
{
    static const scenario_t scenario = {.name = "request_storm", .run = storm};
    return scenario_main(argc, argv, &scenario);
}
