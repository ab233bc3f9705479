// SPDX-License-Identifier: Apache-2.0
/*
 * The load: two tasks that post bursts in the names of all services, and a canary, which gets a
 * CRITICAL event every few milliseconds and says how late each was.
 */
#include "torture.h"

#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "host_system.h"
#include "system_up.h"

#define CANARY_MS 20
#define BURST     12

static struct {
    _Atomic uint32_t numbers[PUBLISHERS];
    _Atomic uint32_t paused;
    _Atomic uint32_t end;
    _Atomic uint32_t running; // tasks
    _Atomic uint32_t resting; // tasks that noticed the pause
    _Atomic uint32_t turned;  // the clock was, since the canary's last event
    system_service_id_t canary;
    system_event_type_t alarm;
    _Atomic uint32_t alarms, heard;
    TaskHandle_t tasks[3];
} s_load;

uint32_t torture_payload_check(const torture_payload_t *payload)
{
    return (payload->publisher * 2654435761u) ^ (payload->number * 40503u) ^ 0x5a5a5a5au;
}

torture_payload_t load_payload(uint32_t publisher)
{
    torture_payload_t payload = {
        .publisher = publisher,
        .number = atomic_fetch_add(&s_load.numbers[publisher], 1) + 1,
    };
    payload.check = torture_payload_check(&payload);
    return payload;
}

/* ---- publishers ---- */

static void post_one(torture_random_t *random, uint32_t publisher)
{
    static const size_t sizes[] = {sizeof(torture_payload_t), 32, 64, 200, 900};
    static const uint8_t priorities[] = {1, 50, 100, 150, 200, 200, 220, 255};
    uint8_t bytes[900] = {0};
    const torture_plan_t *plan = torture_plan();
    const actor_t *from = &actors[torture_below(random, plan->services)];
    const actor_t *to = &actors[torture_below(random, plan->services)];
    const torture_payload_t payload = load_payload(publisher);
    memcpy(bytes, &payload, sizeof(payload));
    const size_t size =
        sizes[torture_below(random, 16) ? torture_below(random, 3) : torture_below(random, 5)];
    system_post_result_t result;
    const esp_err_t ret = system_event_post_ex(
        from->id, to->type, bytes, size,
        // Few are CRITICAL: what waits for one that is
        // paused must not use up the reserve of the pools.
        torture_below(random, 64) ? priorities[torture_below(random, 8)] : 0, &result);
    // One that is down has no quota of its own, only the default.
    TORTURE_CHECK(ret == ESP_OK || ret == ESP_ERR_EVENT_QUEUE_FULL ||
                      ret == ESP_ERR_EVENT_NO_MEMORY || ret == ESP_ERR_QUOTA_EVENTS_EXCEEDED,
                  "a post fails: %s", system_error_to_string(ret));
    books_told(&result);
    TORTURE_CHECK((ret == ESP_ERR_EVENT_QUEUE_FULL) == (result.refused != 0) &&
                      result.matched >= result.delivered + result.refused,
                  "a post says %s, %u matched, %u delivered, %u refused",
                  system_error_to_string(ret), result.matched, result.delivered, result.refused);
}

static void publisher_task(void *arg)
{
    const uint32_t me = (uint32_t)(uintptr_t)arg;
    torture_random_t random = {.state = torture_plan()->seed * 31 + me + host_boot_count()};
    while (atomic_load(&s_load.end) == 0) {
        if (atomic_load(&s_load.paused)) {
            atomic_fetch_add(&s_load.resting, 1);
            while (atomic_load(&s_load.paused)) {
                (void)ulTaskNotifyTake(pdTRUE, portMAX_DELAY);
            }
            atomic_fetch_sub(&s_load.resting, 1);
            continue;
        }
        const uint32_t burst = 1 + torture_below(&random, BURST);
        for (uint32_t i = 0; i < burst; i++) {
            post_one(&random, me);
        }
        if (torture_below(&random, 8) == 0) {
            life_ask(&actors[torture_below(&random, torture_plan()->services)],
                     random.state & 0xFFFF);
        }
        vTaskDelay(pdMS_TO_TICKS(1 + torture_below(&random, 16)));
    }
    atomic_fetch_sub(&s_load.running, 1);
    vTaskDelete(NULL);
}

uint32_t load_flood(actor_t *actor, uint32_t n, uint8_t priority)
{
    uint32_t refused = 0;
    for (uint32_t i = 0; i < n; i++) {
        const torture_payload_t payload = load_payload(2);
        system_post_result_t result;
        (void)system_event_post_ex(actor->id, actor->type, &payload, sizeof(payload), priority,
                                   &result);
        books_told(&result);
        refused += result.refused + result.displaced;
    }
    return refused;
}

typedef struct {
    actor_t *actor;
    _Atomic uint32_t posted;
} storm_t;

static storm_t s_storm;

static void post_from_isr(void *arg)
{
    storm_t *storm = arg;
    BaseType_t woken = pdFALSE;
    const torture_payload_t payload = load_payload(3);
    const esp_err_t ret =
        system_event_post_from_isr(storm->actor->id, storm->actor->type, &payload, sizeof(payload),
                                   SYSTEM_EVENT_PRIORITY_HIGH, &woken);
    TORTURE_CHECK(ret == ESP_OK || ret == ESP_ERR_EVENT_QUEUE_FULL ||
                      ret == ESP_ERR_EVENT_NO_MEMORY || ret == ESP_ERR_QUOTA_EVENTS_EXCEEDED,
                  "a post from an interrupt fails: %s", system_error_to_string(ret));
    books_untold(SERVICES_MAX);
    atomic_fetch_add(&storm->posted, 1);
    portYIELD_FROM_ISR(woken);
}

void load_isr_storm(actor_t *actor, uint32_t n)
{
    s_storm.actor = actor;
    atomic_store(&s_storm.posted, 0);
    for (uint32_t i = 0; i < n; i++) {
        // All from one core: their numbers are to rise.
        while (!host_isr_raise(post_from_isr, &s_storm, 0)) {
            vTaskDelay(1);
        }
        if (i % 16 == 15) {
            vTaskDelay(1);
        }
    }
    for (int i = 0; atomic_load(&s_storm.posted) < n; i++) {
        TORTURE_CHECK(i < 1000, "interrupts are lost: %" PRIu32 " of %" PRIu32,
                      atomic_load(&s_storm.posted), n);
        vTaskDelay(1);
    }
}

/* ---- the canary ---- */

static void on_alarm(const system_event_t *event, void *user_data)
{
    (void)user_data;
    const uint64_t late = host_now_us() - (uint64_t)event->timestamp_us;
    torture_report_t *report = torture_report();
    atomic_fetch_add(&s_load.heard, 1);
    if (atomic_load(&s_load.turned) == 0 && late > report->critical_worst_us) {
        report->critical_worst_us = late;
    }
    TORTURE_CHECK(atomic_load(&s_load.turned) != 0 || torture_is_real() || late <= 20000,
                  "a CRITICAL event is %" PRIu64 " us late", late);
}

static void canary_task(void *arg)
{
    (void)arg;
    while (atomic_load(&s_load.end) == 0) {
        if (atomic_load(&s_load.paused)) {
            atomic_fetch_add(&s_load.resting, 1);
            while (atomic_load(&s_load.paused)) {
                (void)ulTaskNotifyTake(pdTRUE, portMAX_DELAY);
            }
            atomic_fetch_sub(&s_load.resting, 1);
            continue;
        }
        const esp_err_t ret =
            system_event_post(s_load.canary, s_load.alarm, NULL, 0, SYSTEM_EVENT_PRIORITY_CRITICAL);
        // Only CRITICAL events can use up their reserve: those that wait for who is paused.
        TORTURE_CHECK(ret == ESP_OK ||
                          (ret == ESP_ERR_EVENT_NO_MEMORY && checks_critical_reserve_used()) ||
                          (ret == ESP_ERR_EVENT_QUEUE_FULL && torture_is_real()),
                      "a CRITICAL event is refused: %s", system_error_to_string(ret));
        if (ret == ESP_ERR_EVENT_QUEUE_FULL) {
            books_refused();
        }
        atomic_fetch_add(&s_load.alarms, ret == ESP_OK);
        vTaskDelay(pdMS_TO_TICKS(CANARY_MS));
        if (atomic_load(&s_load.heard) == atomic_load(&s_load.alarms)) {
            atomic_store(&s_load.turned, 0);
        }
    }
    atomic_fetch_sub(&s_load.running, 1);
    vTaskDelete(NULL);
}

void load_checks(void)
{
    const uint32_t posted = atomic_load(&s_load.alarms);
    const uint32_t heard = atomic_load(&s_load.heard);
    TORTURE_CHECK(posted == heard, "%" PRIu32 " CRITICAL events accepted, %" PRIu32 " arrived",
                  posted, heard);
}

void load_clock_turned(void)
{
    atomic_store(&s_load.turned, 1);
}

/* ---- all of it ---- */

static void start_task(void (*fn)(void *), const char *name, uintptr_t number, UBaseType_t priority)
{
    const unsigned task = atomic_fetch_add(&s_load.running, 1);
    TORTURE_CHECK(xTaskCreatePinnedToCore(fn, name, 4096, (void *)number, priority,
                                          &s_load.tasks[task], (BaseType_t)(number % 2)) == pdPASS,
                  "no task");
}

static void wake_all(void)
{
    for (unsigned i = 0; i < sizeof(s_load.tasks) / sizeof(s_load.tasks[0]); i++) {
        xTaskNotifyGive(s_load.tasks[i]);
    }
}

void load_start(const torture_plan_t *plan)
{
    static const service_watchdog_config_t critical = {.is_critical = true};
    (void)plan;
    s_load.canary = system_up_service("canary");
    s_load.alarm = system_up_type("canary.alarm");
    TORTURE_CHECK(watchdog_register_service(s_load.canary, &critical) == ESP_OK, "no canary");
    TORTURE_CHECK(system_event_subscribe(s_load.canary, s_load.alarm, on_alarm, NULL) == ESP_OK,
                  "no canary");
    start_task(publisher_task, "publisher0", 0, 3);
    start_task(publisher_task, "publisher1", 1, 6);
    start_task(canary_task, "canary", 0, 20);
}

void load_pause(bool paused)
{
    atomic_store(&s_load.paused, paused);
    if (!paused) {
        wake_all();
    }
    while (paused && atomic_load(&s_load.resting) < 3) {
        vTaskDelay(1);
    }
}

bool load_is_paused(void)
{
    return atomic_load(&s_load.paused) != 0;
}

void load_stop(void)
{
    load_pause(false); // all go on, and see the end soon
    atomic_store(&s_load.end, 1);
    while (atomic_load(&s_load.running) != 0) {
        vTaskDelay(1);
    }
    vTaskDelay(pdMS_TO_TICKS(100)); // the idle task frees them
    const esp_err_t ret = system_service_unregister(s_load.canary);
    TORTURE_CHECK(ret == ESP_OK, "canary: %s", system_error_to_string(ret));
}
