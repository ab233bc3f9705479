/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hello: the smallest app that talks. It posts "hello.greeting" twice a second and listens to
 * whatever begins with "goodbye.".
 *
 * What to learn from it: subscribe before you post; the handler runs beside the entry point, so
 * what both touch is atomic; sleep_ms() is where the app can be paused and where it learns that it
 * is to stop.
 */
#include "hello_app.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define GREETING_PERIOD_MS 500

/* Written by the handler, read by the entry point. */
static _Atomic uint32_t s_replies;

/** One handler for all of goodbye's events; the context came along as user_data. */
static void on_goodbye(const system_event_t *event, void *user_data)
{
    app_context_t *ctx = user_data;
    atomic_fetch_add(&s_replies, 1);
    /* The payload is a text. It is somebody else's, so its end is not taken on trust. */
    ctx->log(ctx, ESP_LOG_INFO, "%s: \"%.*s\"", event->name, (int)event->data_size,
             event->data != NULL ? (const char *)event->data : "");
}

static esp_err_t greet(app_context_t *ctx, system_event_type_t greeting, uint32_t number)
{
    char text[48];
    (void)snprintf(text, sizeof(text), "Hello! This is greeting %" PRIu32 ".", number);
    return ctx->post_event(ctx, greeting, text, strlen(text) + 1, PRIORITY_NORMAL);
}

static void hello_app_main(app_context_t *ctx)
{
    system_event_type_t greeting;
    atomic_store(&s_replies, 0); /* statics outlive the app: each life begins by itself */

    esp_err_t ret = ctx->register_event(ctx, "hello.greeting", &greeting);
    if (ret == ESP_OK) {
        ret = ctx->subscribe_pattern(ctx, "goodbye.*", on_goodbye, ctx);
    }
    if (ret != ESP_OK) {
        ctx->log(ctx, ESP_LOG_ERROR, "cannot begin: %s", system_error_to_string(ret));
        return; /* to return is to stop; everything it had is taken back */
    }
    for (uint32_t number = 1; ctx->sleep_ms(ctx, GREETING_PERIOD_MS); number++) {
        ret = greet(ctx, greeting, number);
        if (ret != ESP_OK) { /* over its quota, or a listener without room: not its problem */
            ctx->log(ctx, ESP_LOG_WARN, "greeting %" PRIu32 ": %s", number,
                     system_error_to_string(ret));
        }
    }
    ctx->log(ctx, ESP_LOG_INFO, "stops; it was answered %" PRIu32 " times",
             atomic_load(&s_replies));
}

const app_manifest_t hello_app_manifest = {
    .name = "hello",
    .version = "1.0.0",
    .author = "Kraken-OS",
    .description = "Greets, and listens to the answers",
    .entry_point = hello_app_main,
    .stack_size = 4096,
    .priority = 5,
};
