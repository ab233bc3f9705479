// SPDX-License-Identifier: Apache-2.0
/*
 * The story: a post notes under the mailbox's lock whom to wake or to raise, and does so after it
 * has let the lock go. A service with a worker of its own that was unregistered in between left
 * nobody there: the poster notified a task that was deleted, or raised itself, since the handle of
 * a place that changes hands was NULL for a moment.
 *
 * Here such services come and go while firmware posts to them at every priority.
 */
#include <stdatomic.h>

#include "esp_random.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "scenario.h"
#include "system_up.h"

#define POSTERS 3
#define ROUNDS  60

static system_service_id_t source;
static system_event_type_t type;
static _Atomic uint32_t stop, done, handled;

static void on_event(const system_event_t *event, void *user_data)
{
    (void)user_data;
    atomic_fetch_add(&handled, 1);
    if (event->sequence % 4 == 0) {
        vTaskDelay(1); /* so that something urgent may come meanwhile */
    }
}

static void keep_posting(void *arg)
{
    static const uint8_t priorities[] = {SYSTEM_EVENT_PRIORITY_CRITICAL, SYSTEM_EVENT_PRIORITY_LOW,
                                         SYSTEM_EVENT_PRIORITY_NORMAL};
    const UBaseType_t mine = uxTaskPriorityGet(NULL);
    (void)arg;
    for (uint32_t n = 0; !atomic_load(&stop); n++) {
        const esp_err_t ret = system_event_post(source, type, NULL, 0, priorities[n % 3]);
        SCENARIO_CHECK(ret == ESP_OK || ret == ESP_ERR_EVENT_QUEUE_FULL);
        SCENARIO_CHECK_INT(uxTaskPriorityGet(NULL), ==, mine);
        if (n % 3 == 0) {
            vTaskDelay(1);
        }
    }
    atomic_fetch_add(&done, 1);
    vTaskDelete(NULL);
}

/** Keeps the posters from going on, wherever they are. */
static void be_in_the_way(void *arg)
{
    (void)arg;
    while (!atomic_load(&stop)) {
        host_busy(3000);
        vTaskDelay(1);
    }
    atomic_fetch_add(&done, 1);
    vTaskDelete(NULL);
}

/** On the other core: lets time pass while a poster is in the midst of a post. */
static void let_time_pass(void *arg)
{
    (void)arg;
    while (!atomic_load(&stop)) {
        for (uint32_t i = esp_random() % 16; i > 0; i--) {
            taskYIELD();
        }
        host_clock_jump(1000);
        vTaskDelay(1);
    }
    atomic_fetch_add(&done, 1);
    vTaskDelete(NULL);
}

static void start(TaskFunction_t task, UBaseType_t priority, BaseType_t core)
{
    SCENARIO_CHECK(xTaskCreatePinnedToCore(task, "actor", 4096, NULL, priority, NULL, core) ==
                   pdPASS);
}

static void run(void)
{
    static const system_service_descriptor_t own = {.own_worker = true};
    const system_secure_key_t key = system_up();
    source = system_up_service("source");
    type = system_up_type("w01.event");
    for (UBaseType_t i = 0; i < POSTERS; i++) {
        start(keep_posting, 1 + i, 0);
    }
    start(be_in_the_way, POSTERS + 1, 0);
    start(let_time_pass, 1, portNUM_PROCESSORS - 1);
    vTaskPrioritySet(NULL, CONFIG_SYSTEM_WORKER_PRIORITY + 1);
    for (unsigned round = 0; round < ROUNDS; round++) {
        system_service_id_t id;
        SCENARIO_CHECK_INT(system_service_register("visitor", &own, &id), ==, ESP_OK);
        SCENARIO_CHECK_INT(system_event_subscribe(id, type, on_event, NULL), ==, ESP_OK);
        vTaskDelay(round % 4);
        esp_err_t ret;
        do { /* a busy PC may keep a worker from its core for longer than is waited for it */
            ret = system_service_unregister(id);
        } while (ret == ESP_ERR_TIMEOUT && host_sched() == HOST_SCHED_THREADS);
        SCENARIO_CHECK_INT(ret, ==, ESP_OK);
    }
    atomic_store(&stop, 1);
    SCENARIO_CHECK(system_up_wait(&done, POSTERS + 2, 10000));
    SCENARIO_CHECK(atomic_load(&handled) > 0);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const scenario_t s = {.name = "w01_a_worker_that_left_is_woken", .run = run};
    return scenario_main(argc, argv, &s);
}
