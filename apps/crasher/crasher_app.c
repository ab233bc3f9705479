/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An app that fails as it is told. The event crasher.fail names the way, and it is its task that
 * fails; with crasher.fail_in_handler, the handler of that event. README.md lists the ways.
 */
#include "crasher_app.h"

#include <stdatomic.h>

#include "crasher_ways.h"

#define LOOK_MS 10

static const crasher_way_t *_Atomic s_asked; /* of the task */

static const crasher_way_t *asked_for(app_context_t *ctx, const system_event_t *event)
{
    const crasher_way_t *way =
        event->data != NULL ? crasher_way(event->data, event->data_size) : NULL;
    if (way == NULL) {
        ctx->log(ctx, ESP_LOG_WARN, "knows no such way to fail");
    }
    return way;
}

static void on_fail(const system_event_t *event, void *user_data)
{
    const crasher_way_t *way = asked_for(user_data, event);
    if (way != NULL) {
        atomic_store(&s_asked, way);
    }
}

static void on_fail_in_handler(const system_event_t *event, void *user_data)
{
    app_context_t *ctx = user_data;
    const crasher_way_t *way = asked_for(ctx, event);
    if (way != NULL && way->fail != NULL) {
        way->fail(ctx);
    }
}

static esp_err_t listen(app_context_t *ctx, const char *name, system_event_handler_t handler)
{
    system_event_type_t type;
    const esp_err_t ret = ctx->register_event(ctx, name, &type);
    return ret == ESP_OK ? ctx->subscribe(ctx, type, handler, ctx) : ret;
}

static void crasher_app_main(app_context_t *ctx)
{
    atomic_store(&s_asked, (const crasher_way_t *)NULL);
    if (listen(ctx, "crasher.fail", on_fail) != ESP_OK ||
        listen(ctx, "crasher.fail_in_handler", on_fail_in_handler) != ESP_OK) {
        ctx->log(ctx, ESP_LOG_ERROR, "cannot listen");
        return;
    }
    while (ctx->sleep_ms(ctx, LOOK_MS)) {
        const crasher_way_t *way = atomic_exchange(&s_asked, (const crasher_way_t *)NULL);
        if (way == NULL) {
            continue;
        }
        if (way->fail == NULL) {
            return; /* with everything it has */
        }
        way->fail(ctx);
    }
}

const app_manifest_t crasher_app_manifest = {
    .name = "crasher",
    .version = "1.0.0",
    .author = "Kraken-OS",
    .description = "Fails in every way there is",
    .entry_point = crasher_app_main,
    .stack_size = 4096,
    .priority = 3,
    .watchdog_timeout_ms = 1000,
};
