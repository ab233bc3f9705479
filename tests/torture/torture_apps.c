// SPDX-License-Identifier: Apache-2.0
/*
 * The apps: they listen, hold memory, and try to take more than their quota. They do what they are
 * told between two pause points.
 */
#include "torture.h"

#include <stdio.h>
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "system_service/resource_quota.h"

#define MEMORY_MAX 2048
#define RATE_MAX   50

actor_app_t actor_apps[APPS_MAX];

/** What is over a quota is refused, with its own error; what is not is not. */
static void try_quota(actor_app_t *app, app_context_t *ctx)
{
    const uint64_t from = host_now_us();
    uint32_t posted = 0;
    esp_err_t ret = ESP_OK;
    for (unsigned i = 0; i < 2 * RATE_MAX && ret == ESP_OK; i++) {
        ret = ctx->post_event(ctx, app->note, NULL, 0, PRIORITY_LOW);
        posted += ret == ESP_OK;
    }
    // The app may have been stopped meanwhile, and the pools used up by others.
    if (ctx->should_stop(ctx) || ret == ESP_ERR_EVENT_NO_MEMORY) {
        return;
    }
    const uint64_t ms = (host_now_us() - from) / 1000;
    TORTURE_CHECK(ret == ESP_ERR_QUOTA_EVENTS_EXCEEDED && posted >= RATE_MAX &&
                      posted <= RATE_MAX + 1 + ms * RATE_MAX / 1000,
                  "%s: a quota of %u events/s let %" PRIu32 " through in %" PRIu64 " ms: %s",
                  app->name, RATE_MAX, posted, ms, system_error_to_string(ret));
    TORTURE_CHECK(ctx->alloc(ctx, MEMORY_MAX + 1) == NULL, "%s got more memory than its quota",
                  app->name);
}

static void app_main_of(actor_app_t *app, app_context_t *ctx)
{
    unsigned leaks = 0;
    events_over(app);
    atomic_fetch_add(&app->lives, 1);
    events_subscribe_app(app, ctx, actors[0].type);
    try_quota(app, ctx);
    while (ctx->get_state(ctx) == APP_STATE_RUNNING) {
        const uint32_t deed = atomic_exchange(&app->deed, DO_NOTHING);
        if (deed != DO_NOTHING) {
            atomic_store(&app->happened_us, host_now_us());
        }
        if (deed == DO_FAIL) {
            return;
        }
        while (deed == DO_HANG) {
            if (atomic_load(&app->amount) % 2 != 0) {
                host_busy(1000);
            } else {
                vTaskDelay(pdMS_TO_TICKS(50));
            }
        }
        if (leaks++ < 20) {
            (void)ctx->alloc(ctx, 32); // never freed: whoever reclaims must do it
        }
        vTaskDelay(pdMS_TO_TICKS(load_is_paused() ? 1000 : 25));
    }
}

static void app_main_0(app_context_t *ctx)
{
    app_main_of(&actor_apps[0], ctx);
}

static void app_main_1(app_context_t *ctx)
{
    app_main_of(&actor_apps[1], ctx);
}

void apps_up(const torture_plan_t *plan)
{
    static void (*const mains[APPS_MAX])(app_context_t * ctx) = {app_main_0, app_main_1};
    for (unsigned i = 0; i < plan->apps; i++) {
        actor_app_t *app = &actor_apps[i];
        memset(app, 0, sizeof(*app));
        snprintf(app->name, sizeof(app->name), "app%u", i);
        app->quota = (service_quota_t){
            .max_memory_bytes = MEMORY_MAX, .max_events_per_sec = RATE_MAX, .max_cpu_percent = 100};
        app->note = life_type("note", app->name);
        app->manifest = (app_manifest_t){.name = app->name,
                                         .entry_point = mains[i],
                                         .stack_size = 4096,
                                         .priority = 2 + (uint8_t)i,
                                         .watchdog_timeout_ms = 2000,
                                         .quota = &app->quota};
        esp_err_t ret = app_manager_register(&app->manifest);
        TORTURE_CHECK(ret == ESP_OK, "%s: register: %s", app->name, system_error_to_string(ret));
        ret = app_manager_start(app->name);
        TORTURE_CHECK(ret == ESP_OK || system_safe_mode_active(), "%s: start: %s", app->name,
                      system_error_to_string(ret));
    }
}

void apps_down(const torture_plan_t *plan)
{
    for (unsigned i = 0; i < plan->apps; i++) {
        (void)app_manager_stop(actor_apps[i].name);
        events_over(&actor_apps[i]);
        const esp_err_t ret = app_manager_unregister(actor_apps[i].name);
        TORTURE_CHECK(ret == ESP_OK, "%s: unregister: %s", actor_apps[i].name,
                      system_error_to_string(ret));
    }
}
