// SPDX-License-Identifier: Apache-2.0
//
// An app that subscribes, posts, sets timers, asks and is asked, and leaves memory behind is
// started and stopped a thousand times, at random moments of its life. Not a byte, a block, a
// subscription, a request or a place in the registry is lost.
#include "esp_heap_caps.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "esp_random.h"
#include "request_internal.h"
#include "scenario.h"
#include "system_up.h"
#include "system_service/app_manager.h"
#include "system_service/memory_pool.h"

#define CYCLES 1000

static _Atomic uint32_t s_handled;

static void on_tick(const system_event_t *event, void *user_data)
{
    app_context_t *ctx = user_data;
    (void)event;
    s_handled++;
    (void)ctx->alloc(ctx, 1 + esp_random() % 100); // never freed: it goes back with the app
}

static void on_response(const system_response_t *response, void *user_data)
{
    (void)response;
    (void)user_data;
}

static void on_asked(const system_request_t *rq, void *user_data)
{
    app_context_t *ctx = user_data;
    if (esp_random() % 2 == 0) {
        (void)ctx->respond(ctx, rq->id, ESP_OK, "yes", 3);
    }
}

static void busy_main(app_context_t *ctx)
{
    system_event_type_t tick, ask;
    system_service_id_t witness;
    if (ctx->register_event(ctx, "cycle.tick", &tick) != ESP_OK ||
        ctx->register_event(ctx, "cycle.ask", &ask) != ESP_OK ||
        ctx->subscribe(ctx, tick, on_tick, ctx) != ESP_OK ||
        ctx->subscribe_pattern(ctx, "cycle.*", on_tick, ctx) != ESP_OK ||
        ctx->serve(ctx, ask, on_asked, ctx) != ESP_OK ||
        ctx->post_every(ctx, tick, "data", 4, PRIORITY_HIGH, 2, NULL) != ESP_OK ||
        ctx->find(ctx, "witness", &witness) != ESP_OK) {
        scenario_fail(__FILE__, __LINE__, "the app cannot begin");
    }
    do {
        (void)ctx->alloc(ctx, 1 + esp_random() % 5000);
        (void)ctx->post_event(ctx, tick, NULL, 0, PRIORITY_NORMAL);
        (void)ctx->request_async(ctx, witness, ask, NULL, 0, PRIORITY_LOW, on_response, NULL, 5,
                                 NULL);
        (void)ctx->request(ctx, witness, ask, NULL, 0, PRIORITY_LOW, NULL, NULL, 3);
        if (esp_random() % 20 == 0) {
            return; // some end by themselves
        }
    } while (ctx->sleep_ms(ctx, esp_random() % 4));
}

static const app_manifest_t s_manifest = {
    .name = "busy",
    .entry_point = busy_main,
    .stack_size = 4096,
    .priority = 5,
};

static void witness_asked(const system_request_t *rq, void *user_data)
{
    (void)user_data;
    if (esp_random() % 4 != 0) {
        (void)system_request_respond(rq->id, ESP_OK, NULL, 0);
    }
}

typedef struct {
    size_t heap;
    uint32_t services, subscriptions, blocks;
} holdings_t;

static holdings_t holdings(system_secure_key_t key)
{
    holdings_t h = {.heap = heap_caps_get_free_size(MALLOC_CAP_INTERNAL)};
    SCENARIO_CHECK(system_service_get_stats(key, &h.services, NULL, &h.subscriptions) == ESP_OK);
    for (int c = 0; c < MEMORY_POOL_CLASSES; c++) {
        memory_pool_stats_t stats;
        SCENARIO_CHECK(memory_pool_get_stats((memory_pool_class_t)c, &stats) == ESP_OK);
        h.blocks += stats.used;
    }
    return h;
}

static void one_cycle(void)
{
    SCENARIO_CHECK_INT(app_manager_start("busy"), ==, ESP_OK);
    vTaskDelay(esp_random() % 5);
    esp_err_t ret = app_manager_stop("busy");
    for (int i = 0; i < 5000 && ret == ESP_ERR_APP_NOT_RUNNING; i++) {
        app_info_t info;
        SCENARIO_CHECK(app_manager_get_info("busy", &info) == ESP_OK);
        if (info.state == APP_STATE_STOPPED) {
            ret = ESP_OK;
        }
        vTaskDelay(1);
    }
    SCENARIO_CHECK_INT(ret, ==, ESP_OK);
}

static void cycles(void)
{
    const system_secure_key_t key = system_up();
    const system_service_id_t witness = system_up_service("witness");
    const system_event_type_t ask = system_up_type("cycle.ask");
    SCENARIO_CHECK(system_request_serve(witness, ask, witness_asked, NULL) == ESP_OK);
    SCENARIO_CHECK(app_manager_register(&s_manifest) == ESP_OK);
    one_cycle();
    vTaskDelay(pdMS_TO_TICKS(20));
    const holdings_t before = holdings(key);
    for (unsigned i = 0; i < CYCLES; i++) {
        one_cycle();
    }
    vTaskDelay(pdMS_TO_TICKS(20));
    const holdings_t after = holdings(key);
    app_info_t info;
    SCENARIO_CHECK_INT(after.heap, ==, before.heap);
    SCENARIO_CHECK_INT(after.services, ==, before.services);
    SCENARIO_CHECK_INT(after.subscriptions, ==, before.subscriptions);
    SCENARIO_CHECK_INT(after.blocks, ==, before.blocks);
    SCENARIO_CHECK_INT(requests_count(SYSTEM_SLOT_NONE), ==, 0);
    SCENARIO_CHECK_INT(app_manager_set_aside_count(), ==, 0);
    SCENARIO_CHECK(app_manager_get_info("busy", &info) == ESP_OK);
    SCENARIO_CHECK_INT(info.starts, ==, CYCLES + 1);
    SCENARIO_CHECK_INT(info.crashes + info.forced_stops, ==, 0);
    SCENARIO_CHECK(s_handled > 0);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const scenario_t scenario = {.name = "app_cycles", .run = cycles};
    return scenario_main(argc, argv, &scenario);
}
