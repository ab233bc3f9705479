// SPDX-License-Identifier: Apache-2.0
//
// Two operators give start, stop, pause, resume and restart commands to three apps at random, while
// the apps talk, one of them hangs now and then and one stops itself. Whatever the order: no
// command blocks for ever, states stay what they can be, and in the end all apps stop and leave
// nothing.
#include "esp_heap_caps.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "esp_random.h"
#include "request_internal.h"
#include "ktest.h"
#include "scenario.h"
#include "system_up.h"
#include "system_service/app_manager.h"

#define COMMANDS 25

static _Atomic uint32_t s_operators_done;
static system_event_type_t s_chat;

static void on_chat(const system_event_t *event, void *user_data)
{
    app_context_t *ctx = user_data;
    (void)event;
    SCENARIO_CHECK(ctx->id == system_service_current());
}

static void talker_main(app_context_t *ctx)
{
    if (ctx->subscribe(ctx, s_chat, on_chat, ctx) != ESP_OK) {
        return; // stopped before it began
    }
    while (ctx->sleep_ms(ctx, 3)) {
        (void)ctx->post_event(ctx, s_chat, "hi", 2, PRIORITY_NORMAL);
    }
}

static void hanger_main(app_context_t *ctx)
{
    (void)ctx->subscribe(ctx, s_chat, on_chat, ctx);
    while (ctx->sleep_ms(ctx, 5)) {
        if (esp_random() % 10 == 0) {
            vTaskDelay(portMAX_DELAY);
        }
    }
}

static void leaver_main(app_context_t *ctx)
{
    (void)ctx->subscribe(ctx, s_chat, on_chat, ctx);
    while (ctx->sleep_ms(ctx, 2)) {
        if (esp_random() % 10 == 0) {
            (void)ctx->set_state(ctx, esp_random() % 2 ? APP_STATE_STOPPED : APP_STATE_CRASHED);
        }
    }
}

static const app_manifest_t s_manifests[] = {
    {.name = "talker", .entry_point = talker_main, .stack_size = 4096, .priority = 5},
    {.name = "hanger",
     .entry_point = hanger_main,
     .stack_size = 4096,
     .priority = 4,
     .watchdog_timeout_ms = 40,
     .restart_on_crash = true},
    {.name = "leaver",
     .entry_point = leaver_main,
     .stack_size = 4096,
     .priority = 6,
     .restart_on_crash = true},
};
#define APPS (sizeof(s_manifests) / sizeof(s_manifests[0]))

static void command(void)
{
    static esp_err_t (*const commands[])(const char *name) = {
        app_manager_start,  app_manager_stop,    app_manager_pause,
        app_manager_resume, app_manager_restart, app_manager_start,
    };
    const char *name = s_manifests[esp_random() % APPS].name;
    const esp_err_t ret = commands[esp_random() % (sizeof(commands) / sizeof(commands[0]))](name);
    SCENARIO_CHECK(ret == ESP_OK || ret == ESP_ERR_APP_NOT_RUNNING ||
                   ret == ESP_ERR_APP_ALREADY_RUNNING || ret == ESP_ERR_APP_NOT_PAUSED ||
                   ret == ESP_ERR_APP_INVALID_TRANSITION || ret == ESP_ERR_APP_STOP_TIMEOUT ||
                   ret == ESP_ERR_APP_START_FAILED);
}

static void operator_task(void *arg)
{
    (void)arg;
    for (int i = 0; i < COMMANDS; i++) {
        command();
        vTaskDelay(esp_random() % 30);
    }
    s_operators_done++;
    vTaskDelete(NULL);
}

static void stop_for_good(const char *name)
{
    app_info_t info;
    for (int i = 0; i < 100; i++) { // it may be on its way up again by itself
        const esp_err_t ret = app_manager_stop(name);
        SCENARIO_CHECK(ret == ESP_OK || ret == ESP_ERR_APP_NOT_RUNNING ||
                       ret == ESP_ERR_APP_STOP_TIMEOUT);
        if (app_manager_unregister(name) == ESP_OK) {
            SCENARIO_CHECK(app_manager_get_info(name, &info) == ESP_ERR_APP_NOT_FOUND);
            return;
        }
        vTaskDelay(10);
    }
    scenario_fail(__FILE__, __LINE__, name);
}

static void commands(void)
{
    const system_secure_key_t key = system_up();
    uint32_t services, subscriptions, services_after, subscriptions_after;
    s_chat = system_up_type("commands.chat");
    for (unsigned i = 0; i < APPS; i++) {
        SCENARIO_CHECK(app_manager_register(&s_manifests[i]) == ESP_OK);
    }
    SCENARIO_CHECK(system_service_get_stats(key, &services, NULL, &subscriptions) == ESP_OK);
    const size_t heap = heap_caps_get_free_size(MALLOC_CAP_INTERNAL);
    for (int i = 0; i < 2; i++) {
        SCENARIO_CHECK(xTaskCreate(operator_task, "operator", 4096, NULL, 2 + i, NULL) == pdPASS);
    }
    SCENARIO_CHECK(system_up_wait(&s_operators_done, 2, 10 * 60 * 1000));
    for (unsigned i = 0; i < APPS; i++) {
        stop_for_good(s_manifests[i].name);
    }
    for (int ms = 0; heap_caps_get_free_size(MALLOC_CAP_INTERNAL) < heap && ms < ktest_polls(50);
         ms++) { // the operators' tasks are freed by the idle task
        vTaskDelay(1);
    }
    SCENARIO_CHECK(system_service_get_stats(key, &services_after, NULL, &subscriptions_after) ==
                   ESP_OK);
    SCENARIO_CHECK_INT(services_after, ==, services);
    SCENARIO_CHECK_INT(subscriptions_after, ==, subscriptions);
    SCENARIO_CHECK_INT(heap_caps_get_free_size(MALLOC_CAP_INTERNAL), ==, heap);
    SCENARIO_CHECK_INT(app_manager_set_aside_count(), ==, 0);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const scenario_t scenario = {.name = "app_commands", .run = commands};
    return scenario_main(argc, argv, &scenario);
}
