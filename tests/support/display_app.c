// SPDX-License-Identifier: Apache-2.0

#include "display_app.h"

#include <stdatomic.h>

#include "display_service/display_service.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host_display.h"
#include "ktest.h"
#include "system_service/service_supervisor.h"
#include "system_up.h"

#define POLL_MS   5
#define PATIENCE  ktest_polls(4000)
#define HEADER(t) STATUS_HEADER(t, DISPLAY_EVENTS_VERSION)

typedef struct {
    _Atomic(display_app_work_t) work;
    _Atomic uint32_t done;
    esp_err_t result; // written before done
    display_surface_t surface;
} worker_t;

static worker_t s_workers[DISPLAY_APPS];

static void work(app_context_t *ctx, worker_t *worker)
{
    while (ctx->sleep_ms(ctx, POLL_MS)) {
        const display_app_work_t what = atomic_exchange(&worker->work, NULL);
        if (what != NULL) {
            worker->result = what(ctx, &worker->surface);
            atomic_fetch_add(&worker->done, 1);
        }
    }
}

static void red_main(app_context_t *ctx)
{
    work(ctx, &s_workers[0]);
}

static void blue_main(app_context_t *ctx)
{
    work(ctx, &s_workers[1]);
}

static const service_quota_t s_quota = SYSTEM_UP_WIDE_QUOTA;

static const app_manifest_t s_manifests[DISPLAY_APPS] = {
    {.name = "red", .entry_point = red_main, .stack_size = 8192, .priority = 5, .quota = &s_quota},
    {.name = "blue",
     .entry_point = blue_main,
     .stack_size = 8192,
     .priority = 5,
     .quota = &s_quota},
};

void display_app_register(int which)
{
    atomic_store(&s_workers[which].work, NULL);
    KTEST_CHECK(app_manager_register(&s_manifests[which]) == ESP_OK);
}

void display_app_start(int which)
{
    display_app_register(which);
    KTEST_CHECK(app_manager_start(s_manifests[which].name) == ESP_OK);
}

void display_app_stop(int which)
{
    KTEST_CHECK(app_manager_stop(s_manifests[which].name) == ESP_OK);
    KTEST_CHECK(app_manager_unregister(s_manifests[which].name) == ESP_OK);
}

esp_err_t display_app_do(int which, display_app_work_t what)
{
    worker_t *worker = &s_workers[which];
    const uint32_t before = atomic_load(&worker->done);
    atomic_store(&worker->work, what);
    for (int i = 0; atomic_load(&worker->done) == before; i++) {
        KTEST_CHECK(i < PATIENCE);
        vTaskDelay(pdMS_TO_TICKS(POLL_MS));
    }
    return worker->result;
}

system_service_id_t display_app_service(void)
{
    system_service_id_t id;
    KTEST_CHECK(system_service_register(display_service.name, &display_service, &id) == ESP_OK);
    KTEST_CHECK(system_service_start(id) == ESP_OK);
    for (int i = 0; display_app_info().frames == 0; i++) {
        KTEST_CHECK(i < PATIENCE);
        vTaskDelay(pdMS_TO_TICKS(POLL_MS));
    }
    display_app_settle();
    return id;
}

esp_err_t display_app_ask(const char *what, const void *data, size_t size, void *answer,
                          size_t answer_size)
{
    size_t room = answer_size;
    return system_request_sync(SYSTEM_SERVICE_ID_NONE, SYSTEM_SERVICE_ID_NONE, system_up_type(what),
                               data, size, SYSTEM_EVENT_PRIORITY_NORMAL, answer,
                               answer != NULL ? &room : NULL,
                               ktest_patience_ms(CONFIG_SYSTEM_REQUEST_TIMEOUT_MS));
}

display_info_t display_app_info(void)
{
    display_info_t info = {0};
    for (int i = 0; display_app_ask(DISPLAY_GET_REQUEST, NULL, 0, &info, sizeof(info)) != ESP_OK;
         i++) { // it may be down just now
        KTEST_CHECK(i < PATIENCE);
        vTaskDelay(pdMS_TO_TICKS(POLL_MS));
    }
    return info;
}

esp_err_t display_app_set(uint8_t what, uint8_t brightness, uint16_t degrees, bool awake)
{
    const display_set_t wish = {.header = HEADER(display_set_t),
                                .what = what,
                                .brightness = brightness,
                                .degrees = degrees,
                                .awake = awake};
    return display_app_ask(DISPLAY_SET_REQUEST, &wish, sizeof(wish), NULL, 0);
}

esp_err_t display_app_fault(display_fault_t fault)
{
    const display_fault_request_t wish = {.header = HEADER(display_fault_request_t),
                                          .fault = (uint8_t)fault};
    return display_app_ask(DISPLAY_FAULT_REQUEST, &wish, sizeof(wish), NULL, 0);
}

void display_app_settle(void)
{
    uint32_t before = host_display_counts().changes - 1;
    for (int i = 0; host_display_counts().changes != before || display_app_info().due; i++) {
        KTEST_CHECK(i < PATIENCE);
        before = host_display_counts().changes;
        vTaskDelay(pdMS_TO_TICKS(2 * CONFIG_DISPLAY_FRAME_MS + 5));
    }
}

bool display_app_body_is(uint16_t color)
{
    for (unsigned y = DISPLAY_STATUS_BAR_HEIGHT; y < CONFIG_DISPLAY_HEIGHT; y++) {
        for (unsigned x = 0; x < CONFIG_DISPLAY_WIDTH; x++) {
            if (host_display_memory(x, y) != color) {
                return false;
            }
        }
    }
    return true;
}

bool display_app_wait_for_body(uint16_t color)
{
    const uint32_t bound = ktest_patience_ms(3000);
    for (uint32_t i = 0; i < bound / 10 && !display_app_body_is(color); i++) {
        vTaskDelay(pdMS_TO_TICKS(10));
    }
    return display_app_body_is(color);
}

esp_err_t display_app_open(app_context_t *ctx, display_surface_t *surface)
{
    return display_surface_open(ctx, NULL, surface);
}

esp_err_t display_app_fill(app_context_t *ctx, display_surface_t *surface)
{
    display_canvas_fill(&surface->canvas, ctx->name[0] == 'r' ? DISPLAY_APP_RED : DISPLAY_APP_BLUE);
    return display_surface_commit(ctx, surface);
}

esp_err_t display_app_dot(app_context_t *ctx, display_surface_t *surface)
{
    display_canvas_rect(&surface->canvas, (display_rect_t){10, 20, 7, 5}, DISPLAY_APP_DOT,
                        DISPLAY_OPAQUE);
    return display_surface_commit(ctx, surface);
}
