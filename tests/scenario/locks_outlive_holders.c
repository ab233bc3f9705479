// SPDX-License-Identifier: Apache-2.0
/*
 * Several services share data under one lock, and their code is killed at random places: handlers
 * that hang with the lock, that hang while they wait for it, restarts in the middle, tasks deleted
 * from outside, an app that is stopped by force. Whoever comes next learns that the holder died,
 * finds the data half done and mends them; nobody ever sees them half done without being told. What
 * cannot be ended keeps its lock, and the others are told at once instead of waiting.
 */
#include <stdatomic.h>
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "freertos/task.h"

#include "scenario.h"
#include "scripted_service.h"
#include "system_service/app_manager.h"
#include "system_service/system_lock.h"
#include "system_up.h"

#define SERVICES 3
#define STEPS    6

static scripted_t s_services[SERVICES];
static system_service_id_t s_poster;
static system_lock_t s_lock;
static uint32_t s_left, s_right; /* equal whenever nobody is at work on them */
static _Atomic uint32_t s_hang_held, s_mended, s_done, s_random, s_inside;
static SemaphoreHandle_t s_mutex;
static _Atomic uint32_t s_with_mutex, s_let_go, s_back;

static uint32_t pick(uint32_t n)
{
    uint32_t x = atomic_load(&s_random);
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    atomic_store(&s_random, x);
    return x % n;
}

/** Half of the work is done, and then it may hang. */
static void work_on_it(void)
{
    SCENARIO_CHECK_INT(atomic_fetch_add(&s_inside, 1), ==, 0);
    s_left++;
    if (atomic_exchange(&s_hang_held, 0)) {
        atomic_fetch_sub(&s_inside, 1);
        const bool keep = atomic_exchange(&s_with_mutex, 0);
        if (keep) {
            SCENARIO_CHECK(xSemaphoreTake(s_mutex, 0) == pdTRUE);
        }
        while (!keep || !atomic_load(&s_let_go)) {
            vTaskDelay(pdMS_TO_TICKS(20));
        }
        SCENARIO_CHECK(xSemaphoreGive(s_mutex) == pdTRUE);
        s_right++;
        SCENARIO_CHECK_INT(system_lock_give(s_lock), ==, ESP_OK);
        atomic_fetch_add(&s_back, 1);
        return;
    }
    if (pick(3) == 0) {
        vTaskDelay(pdMS_TO_TICKS(pick(4)));
    }
    s_right++;
    atomic_fetch_sub(&s_inside, 1);
    SCENARIO_CHECK_INT(system_lock_give(s_lock), ==, ESP_OK);
    atomic_fetch_add(&s_done, 1);
}

static void use(uint32_t timeout_ms)
{
    const esp_err_t ret = system_lock_take(s_lock, timeout_ms);
    if (ret == ESP_ERR_LOCK_OWNER_DEAD) {
        SCENARIO_CHECK_INT(s_left - s_right, <=, 1u); /* one step of the dead */
        s_right = s_left;
        atomic_store(&s_inside, 0);
        SCENARIO_CHECK_INT(system_lock_mend(s_lock), ==, ESP_OK);
        atomic_fetch_add(&s_mended, 1);
    } else if (ret != ESP_OK) {
        SCENARIO_CHECK(ret == ESP_ERR_TIMEOUT || ret == ESP_ERR_LOCK_WAIT_ENDED ||
                       ret == ESP_ERR_SYSTEM_LOCK_LOST);
        return;
    }
    SCENARIO_CHECK_INT(s_left, ==, s_right);
    work_on_it();
}

static void on_work(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    use(pick(2) == 0 ? 100 : SYSTEM_LOCK_WAIT_FOREVER);
}

static esp_err_t start(system_service_id_t id, void *arg)
{
    return system_event_subscribe(id, ((scripted_t *)arg)->work, on_work, NULL);
}

static void own_task(void *arg)
{
    SCENARIO_CHECK_INT(system_service_attach_task(*(system_service_id_t *)arg), ==, ESP_OK);
    for (;;) {
        use(50);
        vTaskDelay(1);
    }
}

static void app_main_uses(app_context_t *ctx)
{
    while (ctx->get_state(ctx) == APP_STATE_RUNNING) {
        use(50);
        vTaskDelay(1);
    }
}

static const app_manifest_t s_app = {.name = "app",
                                     .version = "1.0.0",
                                     .entry_point = app_main_uses,
                                     .stack_size = 4096,
                                     .priority = 4};

/* ---- what goes wrong ------------------------------------------------------------------------- */

static void post_all(void)
{
    for (unsigned i = 0; i < SERVICES; i++) {
        (void)scripted_post(&s_services[i], s_poster);
    }
}

/** A service's own task is deleted from outside, wherever it is. */
static void delete_a_task(void)
{
    static system_service_id_t id;
    TaskHandle_t task;
    id = s_services[pick(SERVICES)].id;
    SCENARIO_CHECK(xTaskCreate(own_task, "own", 4096, &id, 5, &task) == pdPASS);
    vTaskDelay(pdMS_TO_TICKS(1 + pick(10)));
    post_all();
    vTaskDelete(task);
    vTaskDelay(pdMS_TO_TICKS(2));
}

static void stop_an_app(void)
{
    SCENARIO_CHECK_INT(app_manager_start("app"), ==, ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(1 + pick(10)));
    if (pick(2) == 0) {
        atomic_store(&s_hang_held, 1);
    }
    vTaskDelay(pdMS_TO_TICKS(5));
    const esp_err_t ret = app_manager_stop("app");
    SCENARIO_CHECK(ret == ESP_OK || ret == ESP_ERR_APP_STOP_TIMEOUT);
}

static void await_all_running(void)
{
    for (unsigned i = 0; i < SERVICES; i++) {
        SCENARIO_CHECK(scripted_wait_state(s_services[i].id, SYSTEM_SERVICE_STATE_RUNNING, 60000));
    }
}

static void one_step(void)
{
    post_all();
    switch (pick(4)) {
    case 0: /* somebody hangs with it, the others while they wait */
        atomic_store(&s_hang_held, 1);
        post_all();
        vTaskDelay(pdMS_TO_TICKS(CONFIG_SYSTEM_HANDLER_HANG_MS + 500));
        break;
    case 1:
        (void)system_service_restart(s_services[pick(SERVICES)].id);
        break;
    case 2:
        delete_a_task();
        break;
    default:
        stop_an_app();
        break;
    }
    vTaskDelay(pdMS_TO_TICKS(pick(20)));
    await_all_running();
}

/* ---- what cannot be ended -------------------------------------------------------------------- */

static void a_living_holder_keeps_it(void)
{
    system_lock_info_t info;
    const uint32_t back = atomic_load(&s_back);
    atomic_store(&s_with_mutex, 1);
    atomic_store(&s_hang_held, 1);
    SCENARIO_CHECK_INT(scripted_post(&s_services[0], s_poster), ==, ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(CONFIG_SYSTEM_HANDLER_HANG_MS + 1500));
    SCENARIO_CHECK(scripted_wait_state(s_services[0].id, SYSTEM_SERVICE_STATE_RUNNING, 20000));
    SCENARIO_CHECK_INT(system_lock_get_info(s_lock, &info), ==, ESP_OK);
    SCENARIO_CHECK_INT(info.lost, ==, true);
    const uint32_t done = atomic_load(&s_done);
    post_all(); /* they are told, none of them waits */
    vTaskDelay(pdMS_TO_TICKS(100));
    SCENARIO_CHECK_INT(system_lock_get_info(s_lock, &info), ==, ESP_OK);
    SCENARIO_CHECK_INT(info.waiting, ==, 0);
    SCENARIO_CHECK_INT(atomic_load(&s_done), ==, done);
    atomic_store(&s_let_go, 1); /* it comes back, and gives it in order */
    SCENARIO_CHECK(system_up_wait(&s_back, back + 1, 10000));
    post_all();
    SCENARIO_CHECK(system_up_wait(&s_done, done + SERVICES, 10000));
    SCENARIO_CHECK_INT(system_lock_get_info(s_lock, &info), ==, ESP_OK);
    SCENARIO_CHECK_INT(info.lost, ==, false);
}

static void run(void)
{
    static const char *const names[SERVICES] = {"one", "two", "three"};
    system_lock_info_t info;
    const system_secure_key_t key = system_up();
    atomic_store(&s_random, (uint32_t)scenario_seed() * 2654435761u | 1u);
    s_mutex = xSemaphoreCreateMutex();
    s_poster = system_up_service("poster");
    for (unsigned i = 0; i < SERVICES; i++) {
        scripted_prepare(&s_services[i], names[i], NULL);
        s_services[i].descriptor.lifecycle = (system_service_lifecycle_t){.start = start};
        s_services[i].descriptor.own_worker = i == 2;
        s_services[i].watchdog.max_restart_attempts = 20;
        scripted_register(&s_services[i]);
    }
    SCENARIO_CHECK_INT(system_lock_create(s_poster, "shared", 0, &s_lock), ==, ESP_OK);
    SCENARIO_CHECK_INT(app_manager_register(&s_app), ==, ESP_OK);
    SCENARIO_CHECK_INT(system_service_start_all(), ==, ESP_OK);
    for (int i = 0; i < STEPS; i++) {
        one_step();
    }
    atomic_store(&s_hang_held, 0);
    vTaskDelay(pdMS_TO_TICKS(2 * CONFIG_SYSTEM_HANDLER_HANG_MS));
    await_all_running();
    atomic_store(&s_hang_held, 0);
    SCENARIO_CHECK_INT(system_lock_get_info(s_lock, &info), ==, ESP_OK);
    SCENARIO_CHECK_INT(info.holder, ==, SYSTEM_SERVICE_ID_NONE);
    SCENARIO_CHECK_INT(info.waiting, ==, 0);
    SCENARIO_CHECK(info.deaths >= atomic_load(&s_mended));
    SCENARIO_CHECK(atomic_load(&s_done) > 0);
    a_living_holder_keeps_it();
    vTaskDelay(pdMS_TO_TICKS(2000));
    system_down(key);
}

int main(int argc, char **argv)
{
    static const scenario_t s = {.name = "locks_outlive_holders", .run = run};
    return scenario_main(argc, argv, &s);
}
