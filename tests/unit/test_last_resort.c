// SPDX-License-Identifier: Apache-2.0

// Seven lives of one board in the simulator: each of the causes that lead to a restart into safe
// mode, what is said before it, what the next boot finds, and the end of it when restarting does
// not help. Each life is a process of its own that finds what the one before left.

#include <stdlib.h>
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "freertos/task.h"

#include "lives.h"
#include "scripted_service.h"
#include "system_service/app_manager.h"
#include "system_service/flight_recorder.h"
#include "system_up.h"

_Static_assert(CONFIG_SYSTEM_LAST_RESORT_RESTARTS == 3, "the lives below are counted out");

static scripted_t s_victim, s_other;
static system_service_id_t s_poster;
static boot_report_t s_report;
static SemaphoreHandle_t s_mutex;

static void check_last(const char *culprit, esp_err_t reason, uint32_t forced)
{
    lives_check(s_report.crash && s_report.reason == ESP_RST_SW,
                "the last boot ended by a restart");
    lives_check(s_report.culprit_known && strcmp(s_report.culprit, culprit) == 0,
                "whose fault it was");
    lives_check(s_report.error == reason, "and what it was");
    lives_check(s_report.forced_restarts == forced, "such restarts are counted");
    lives_check(system_safe_mode_active(), "safe mode is on");
}

/** Told before it happens, and then it happens in time. */
static _Noreturn void await_restart(const char *culprit, esp_err_t reason, uint32_t within_ms)
{
    observed_t seen;
    watchdog_totals_t totals;
    lives_check(observer_wait(SYSTEM_EVENT_LAST_RESORT, culprit, 1, within_ms), "it is announced");
    lives_check(observer_last(SYSTEM_EVENT_LAST_RESORT, culprit, &seen), "once");
    lives_check(seen.reason == reason, "with the reason");
    lives_check(system_safe_mode_active(), "what can be stopped is stopped first");
    lives_check(watchdog_get_totals(&totals) == ESP_OK && totals.last_resorts == 1,
                "it is counted");
    vTaskDelay(pdMS_TO_TICKS(2 * CONFIG_SYSTEM_STOP_GRACE_MS));
    lives_check(false, "the board restarts");
    abort();
}

static void fail_for_good(scripted_t *service)
{
    atomic_store(&service->fail[SCRIPTED_START], 1000);
    lives_check(system_service_report_fault(service->id, ESP_ERR_SERVICE_CRASHED) == ESP_OK,
                "a fault");
    lives_check(scripted_wait_state(service->id, SYSTEM_SERVICE_STATE_ERROR, 60000), "is given up");
}

/* ---- the causes ------------------------------------------------------------------------------ */

static _Noreturn void critical_fails_in_safe_mode(void)
{
    fail_for_good(&s_victim);
    lives_check(system_safe_mode_active(), "the first step is safe mode");
    vTaskDelay(pdMS_TO_TICKS(5000));
    lives_check(observer_count(SYSTEM_EVENT_LAST_RESORT, NULL) == 0, "which is enough so far");
    fail_for_good(&s_other);
    await_restart("other", ESP_ERR_SERVICE_GIVEN_UP, 1000);
}

static void hold_on(void)
{
    lives_check(xSemaphoreTake(s_mutex, portMAX_DELAY) == pdTRUE, "takes it");
    for (;;) {
        vTaskDelay(pdMS_TO_TICKS(50));
    }
}

static esp_err_t start_and_hold(system_service_id_t id, void *arg)
{
    (void)id;
    (void)arg;
    const SemaphoreHandle_t mine = xSemaphoreCreateMutex();
    lives_check(mine != NULL && xSemaphoreTake(mine, 0) == pdTRUE, "takes a mutex of its own");
    while (s_mutex != NULL) { // for ever
        vTaskDelay(pdMS_TO_TICKS(50));
    }
    return ESP_OK;
}

static void on_work(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    hold_on();
}

static _Noreturn void runners_are_used_up(void)
{
    static const char *const names[] = {"one",  "two", "three", "four",
                                        "five", "six", "seven", "eight"};
    static scripted_t services[CONFIG_SYSTEM_LIFECYCLE_RUNNERS];
    lives_check(system_safe_mode_leave() == ESP_OK, "leaves safe mode");
    for (int i = 0; i < CONFIG_SYSTEM_LIFECYCLE_RUNNERS; i++) {
        scripted_prepare(&services[i], names[i], NULL);
        services[i].descriptor.lifecycle = (system_service_lifecycle_t){.start = start_and_hold};
        services[i].watchdog.max_restart_attempts = 1;
        scripted_register(&services[i]);
    }
    for (int i = 0; i < CONFIG_SYSTEM_LIFECYCLE_RUNNERS; i++) {
        lives_check(system_service_start(services[i].id) == ESP_ERR_SERVICE_START_TIMEOUT,
                    "it hangs");
    }
    await_restart(names[CONFIG_SYSTEM_LIFECYCLE_RUNNERS - 1], ESP_ERR_SYSTEM_NO_TASK_LEFT, 20000);
}

static _Noreturn void a_handler_keeps_a_mutex(void)
{
    lives_check(system_event_subscribe(s_poster, s_victim.work, on_work, NULL) == ESP_OK,
                "subscribes");
    lives_check(scripted_post(&s_victim, s_poster) == ESP_OK, "posts");
    vTaskDelay(pdMS_TO_TICKS(CONFIG_SYSTEM_LOST_LOCK_RESTART_S * 1000));
    lives_check(observer_count(SYSTEM_EVENT_LAST_RESORT, NULL) == 0, "it has its time");
    await_restart("poster", ESP_ERR_SYSTEM_LOCK_LOST, CONFIG_SYSTEM_HANDLER_HANG_MS + 5000);
}

static void app_main_holds(app_context_t *ctx)
{
    (void)ctx;
    hold_on();
}

static _Noreturn void an_app_keeps_a_mutex(void)
{
    static const app_manifest_t manifest = {.name = "holder",
                                            .version = "1.0.0",
                                            .entry_point = app_main_holds,
                                            .stack_size = 4096,
                                            .priority = 4};
    (void)system_safe_mode_leave();
    lives_check(app_manager_register(&manifest) == ESP_OK, "registers");
    lives_check(app_manager_start("holder") == ESP_OK, "starts");
    vTaskDelay(pdMS_TO_TICKS(100));
    lives_check(app_manager_stop("holder") == ESP_ERR_APP_STOP_TIMEOUT, "is stopped by force");
    lives_check(app_manager_set_aside_count() == 1, "and set aside");
    await_restart("holder", ESP_ERR_SYSTEM_LOCK_LOST,
                  CONFIG_SYSTEM_LOST_LOCK_RESTART_S * 1000 + 5000);
}

/** After three in a row it stays up. */
static void it_does_not_help(void)
{
    lives_check(s_report.crash_loop, "three in a row are a crash loop");
    fail_for_good(&s_victim);
    vTaskDelay(pdMS_TO_TICKS(10000));
    lives_check(observer_count(SYSTEM_EVENT_LAST_RESORT, NULL) == 0, "nothing is announced");
    lives_check(system_safe_mode_active(), "safe mode goes on");
}

/* ---- the lives ------------------------------------------------------------------------------- */

static void bring_up(void)
{
    (void)system_up();
    lives_check(boot_report_get(&s_report) == ESP_OK, "there is a report");
    s_mutex = xSemaphoreCreateMutex();
    s_poster = system_up_service("poster");
    (void)observer_start();
    scripted_prepare(&s_victim, "victim", NULL);
    scripted_prepare(&s_other, "other", NULL);
    s_victim.watchdog.is_critical = s_other.watchdog.is_critical = true;
    scripted_register(&s_victim);
    scripted_register(&s_other);
    lives_check(system_service_start(s_victim.id) == ESP_OK, "what is critical starts");
    lives_check(system_service_start(s_other.id) == ESP_OK, "in safe mode, too");
}

static _Noreturn void live_on(void)
{
    vTaskDelay(pdMS_TO_TICKS(CONFIG_SYSTEM_CRASH_LOOP_HEALTHY_S * 1000 + 1000));
    esp_restart();
}

static void live(void *arg)
{
    (void)arg;
    bring_up();
    switch (host_boot_count()) {
    case 0:
        lives_check(!s_report.crash && s_report.forced_restarts == 0, "a fresh start");
        critical_fails_in_safe_mode();
    case 1:
        check_last("other", ESP_ERR_SERVICE_GIVEN_UP, 1);
        runners_are_used_up();
    case 2:
        lives_check(strcmp(s_report.culprit, "") != 0, "somebody is named");
        lives_check(s_report.error == ESP_ERR_SYSTEM_NO_TASK_LEFT && s_report.forced_restarts == 2,
                    "why");
        live_on(); /* a minute in order ends the row */
    case 3:
        lives_check(!s_report.crash && s_report.crashes == 0 && s_report.forced_restarts == 2,
                    "in order");
        lives_check(!system_safe_mode_active(), "out of safe mode");
        a_handler_keeps_a_mutex();
    case 4:
        check_last("poster", ESP_ERR_SYSTEM_LOCK_LOST, 3);
        an_app_keeps_a_mutex();
    case 5:
        check_last("holder", ESP_ERR_SYSTEM_LOCK_LOST, 4);
        fail_for_good(&s_victim);
        await_restart("victim", ESP_ERR_SERVICE_GIVEN_UP, 1000);
    default:
        check_last("victim", ESP_ERR_SERVICE_GIVEN_UP, 5);
        it_does_not_help();
        host_exit(0);
    }
}

int main(void)
{
    return lives_run(HOST_SCHED_SIM, live, 7);
}
