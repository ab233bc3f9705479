/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A template: an app that counts. A timer posts "custom.tick" to it once a second, and whoever asks
 * "custom.count" is told how many there were.
 *
 * To make it yours: copy the folder, rename "custom" everywhere, replace what the two handlers do,
 * and enter the manifest in the table of apps.
 */
#include "custom_app.h"

#include <inttypes.h>

#define TICK_MS 1000

/** What this app keeps. It lives in memory of the app, which goes back with it. */
typedef struct {
    app_context_t *ctx;
    uint32_t ticks; /* only handlers touch it, and they never run at the same time */
} custom_app_t;

/** An event arrived. Copy what is to outlive the call. */
static void on_tick(const system_event_t *event, void *user_data)
{
    custom_app_t *app = user_data;
    (void)event;
    app->ticks++;
    app->ctx->log(app->ctx, ESP_LOG_DEBUG, "tick %" PRIu32, app->ticks);
}

/** Somebody asks. To be answered now, or later by the request's id. */
static void on_count_asked(const system_request_t *request, void *user_data)
{
    custom_app_t *app = user_data;
    /* Whoever asked may have given up by now, which is none of our business. */
    (void)app->ctx->respond(app->ctx, request->id, ESP_OK, &app->ticks, sizeof(app->ticks));
}

static esp_err_t begin(custom_app_t *app)
{
    app_context_t *ctx = app->ctx;
    system_event_type_t tick;
    system_event_type_t count;
    esp_err_t ret = ctx->register_event(ctx, "custom.tick", &tick);
    if (ret == ESP_OK) {
        ret = ctx->register_event(ctx, "custom.count", &count);
    }
    if (ret == ESP_OK) {
        ret = ctx->subscribe(ctx, tick, on_tick, app);
    }
    if (ret == ESP_OK) {
        ret = ctx->serve(ctx, count, on_count_asked, app);
    }
    if (ret == ESP_OK) {
        ret = ctx->post_every(ctx, tick, NULL, 0, PRIORITY_LOW, TICK_MS, NULL);
    }
    return ret;
}

static void custom_app_main(app_context_t *ctx)
{
    custom_app_t *app = ctx->alloc(ctx, sizeof(*app));
    if (app == NULL) {
        ctx->log(ctx, ESP_LOG_ERROR, "no memory");
        return;
    }
    *app = (custom_app_t){.ctx = ctx};
    const esp_err_t ret = begin(app);
    if (ret != ESP_OK) {
        ctx->log(ctx, ESP_LOG_ERROR, "cannot begin: %s", system_error_to_string(ret));
        return;
    }
    /* The handlers do the work. Nothing has to be undone at the end: timer, subscription, memory
     * and all the rest are taken back by the system. */
    while (ctx->sleep_ms(ctx, TICK_MS)) {
    }
}

const app_manifest_t custom_app_manifest = {
    .name = "custom",
    .version = "0.1.0",
    .author = "You",
    .description = "A template: counts seconds, and tells how many",
    .entry_point = custom_app_main,
    .stack_size = 4096,
    .priority = 5,
};
