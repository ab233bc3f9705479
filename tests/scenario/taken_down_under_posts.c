// SPDX-License-Identifier: Apache-2.0
/*
 * The system is taken down while tasks of the firmware, a task that a service attached, and an
 * interrupt post into it. None of them uses what is not there any more; a post either counts or is
 * refused. And it is not taken down under code that may come back: a handler or an app that hangs
 * with a mutex in its hands is a reason to refuse, until it has come back.
 */
#include <stdatomic.h>
#include <string.h>

#include "esp_heap_caps.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "freertos/task.h"

#include "ktest.h"
#include "scenario.h"
#include "system_service/app_manager.h"
#include "system_service/service_watchdog.h"
#include "system_up.h"

#define POSTERS 3
#define ROUNDS  4

static system_service_id_t s_service;
static system_event_type_t s_type;
static _Atomic uint32_t s_handled, s_posted, s_up, s_ended, s_let_go, s_hanging;
static SemaphoreHandle_t s_mutex;

static void on_event(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    atomic_fetch_add(&s_handled, 1);
}

static void note(esp_err_t ret)
{
    static const esp_err_t expected[] = {
        ESP_OK,
        ESP_ERR_EVENT_QUEUE_FULL,
        ESP_ERR_SERVICE_STALE_ID,
        ESP_ERR_SERVICE_NOT_FOUND,
        ESP_ERR_EVENT_NO_MEMORY,
        ESP_ERR_EVENT_TYPE_NOT_FOUND,
        ESP_ERR_QUOTA_EVENTS_EXCEEDED, /* of one taken back: the default ones hold */
    };
    bool known = false;
    for (unsigned i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        known |= ret == expected[i];
    }
    if (!known) { /* says which */
        SCENARIO_CHECK_INT(ret, ==, ESP_OK);
    }
    atomic_fetch_add(&s_posted, ret == ESP_OK);
}

static void poster(void *arg)
{
    const uintptr_t n = (uintptr_t)arg;
    const bool attached = n == 0 && system_service_attach_task(s_service) == ESP_OK;
    char data[200];
    memset(data, (int)n, sizeof(data));
    while (atomic_load(&s_up)) {
        void *payload;
        note(system_event_post(s_service, s_type, data, n * 90, SYSTEM_EVENT_PRIORITY_NORMAL));
        if (system_event_loan(s_service, 100, &payload) == ESP_OK) {
            const esp_err_t ret = system_event_publish(s_service, s_type, payload, 100,
                                                       SYSTEM_EVENT_PRIORITY_LOW, NULL);
            if (ret != ESP_ERR_INVALID_ARG) { /* the loan was taken back with its owner */
                note(ret);
            }
        }
        vTaskDelay(1);
    }
    if (attached) {
        SCENARIO_CHECK_INT(system_service_detach_task(), ==, ESP_OK);
    }
    atomic_fetch_add(&s_ended, 1);
    vTaskDelete(NULL);
}

static void from_isr(void *arg)
{
    BaseType_t woken = pdFALSE;
    (void)arg;
    note(system_event_post_from_isr(s_service, s_type, "isr", 4, 100, &woken));
    portYIELD_FROM_ISR(woken);
}

static void device(void *arg)
{
    (void)arg;
    while (atomic_load(&s_up)) {
        host_isr_run(from_isr, NULL, 1);
        vTaskDelay(1);
    }
    atomic_fetch_add(&s_ended, 1);
    vTaskDelete(NULL);
}

static void round_of_posts(unsigned n)
{
    const system_secure_key_t key = system_up();
    s_service = system_up_service("service");
    s_type = system_up_type("service.event");
    SCENARIO_CHECK_INT(system_event_subscribe(s_service, s_type, on_event, NULL), ==, ESP_OK);
    atomic_store(&s_up, 1);
    atomic_store(&s_ended, 0);
    for (uintptr_t i = 0; i < POSTERS; i++) {
        SCENARIO_CHECK(xTaskCreatePinnedToCore(poster, "poster", 4096, (void *)i,
                                               (UBaseType_t)(1 + (n + i) % 3), NULL,
                                               i % portNUM_PROCESSORS) == pdPASS);
    }
    SCENARIO_CHECK(xTaskCreate(device, "device", 4096, NULL, 6, NULL) == pdPASS);
    vTaskDelay(pdMS_TO_TICKS(5 + scenario_seed() % 7));
    SCENARIO_CHECK_INT(system_service_deinit(key), ==, ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(3)); /* they go on, and are refused */
    atomic_store(&s_up, 0);
    SCENARIO_CHECK(system_up_wait(&s_ended, POSTERS + 1, 1000));
    vTaskDelay(pdMS_TO_TICKS(5)); /* their stacks are freed */
}

/* ---- it may come back ------------------------------------------------------------------------ */

static void hang(void)
{
    SCENARIO_CHECK(xSemaphoreTake(s_mutex, portMAX_DELAY) == pdTRUE);
    atomic_fetch_add(&s_hanging, 1);
    while (!atomic_load(&s_let_go)) {
        vTaskDelay(pdMS_TO_TICKS(20));
    }
    SCENARIO_CHECK(xSemaphoreGive(s_mutex) == pdTRUE);
}

static void hanging_handler(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    hang();
}

static void hanging_app(app_context_t *ctx)
{
    (void)ctx;
    hang();
}

static void refused_until_back(bool app)
{
    static const app_manifest_t manifest = {.name = "app",
                                            .version = "1.0.0",
                                            .entry_point = hanging_app,
                                            .stack_size = 4096,
                                            .priority = 4};
    const system_secure_key_t key = system_up();
    s_mutex = xSemaphoreCreateMutex();
    atomic_store(&s_let_go, 0);
    atomic_store(&s_hanging, 0);
    if (app) {
        SCENARIO_CHECK_INT(app_manager_register(&manifest), ==, ESP_OK);
        SCENARIO_CHECK_INT(app_manager_start("app"), ==, ESP_OK);
    } else {
        s_service = system_up_service("service");
        s_type = system_up_type("service.event");
        SCENARIO_CHECK_INT(system_event_subscribe(s_service, s_type, hanging_handler, NULL), ==,
                           ESP_OK);
        note(system_event_post(s_service, s_type, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL));
    }
    SCENARIO_CHECK(system_up_wait(&s_hanging, 1, 1000));
    for (int i = 0; i < 2; i++) { /* and the answer stays the same */
        SCENARIO_CHECK_INT(system_service_deinit(key), ==,
                           app ? ESP_ERR_APP_STOP_TIMEOUT : ESP_ERR_SERVICE_STOP_TIMEOUT);
    }
    atomic_store(&s_let_go, 1);
    for (int ms = 0; system_service_deinit(key) != ESP_OK; ms += 100) { /* at idle priority */
        SCENARIO_CHECK(ms < ktest_polls(10000));
        vTaskDelay(pdMS_TO_TICKS(100));
    }
    vSemaphoreDelete(s_mutex);
}

static void run(void)
{
    round_of_posts(0); /* whatever is made once and kept */
    const size_t before = heap_caps_get_free_size(MALLOC_CAP_DEFAULT);
    for (unsigned n = 1; n < ROUNDS; n++) {
        round_of_posts(n);
    }
    SCENARIO_CHECK(atomic_load(&s_posted) > 0);
    SCENARIO_CHECK(atomic_load(&s_handled) > 0);
    for (int ms = 0; heap_caps_get_free_size(MALLOC_CAP_DEFAULT) < before && ms < ktest_polls(10);
         ms++) { /* the last stacks */
        vTaskDelay(pdMS_TO_TICKS(1));
    }
    SCENARIO_CHECK_INT(heap_caps_get_free_size(MALLOC_CAP_DEFAULT), ==, before);
    refused_until_back(false);
    refused_until_back(true);
}

int main(int argc, char **argv)
{
    static const scenario_t s = {.name = "taken_down_under_posts", .run = run};
    return scenario_main(argc, argv, &s);
}
