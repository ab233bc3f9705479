/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goodbye: answers each "hello.greeting" with "goodbye.reply", says "goodbye.farewell" after
 * ROUNDS of them, and ends by itself.
 *
 * What to learn from it: all work may be done in a handler, while the entry point only waits; an
 * app that returns from its entry point is stopped and can be started again; what a handler posts
 * is in the app's name, as what its entry point posts.
 */
#include "goodbye_app.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define ROUNDS         5
#define CHECK_EVERY_MS 100

/* Ids of events are handed out at run time: the entry point looks them up before it subscribes, so
 * the handler finds them set. */
static system_event_type_t s_reply;
static _Atomic uint32_t s_rounds;

static esp_err_t say(app_context_t *ctx, system_event_type_t type, const char *text)
{
    return ctx->post_event(ctx, type, text, strlen(text) + 1, PRIORITY_NORMAL);
}

static void on_greeting(const system_event_t *event, void *user_data)
{
    app_context_t *ctx = user_data;
    char text[48];
    (void)event;
    const uint32_t round = atomic_fetch_add(&s_rounds, 1) + 1;
    if (round > ROUNDS) {
        return; /* it is on its way out */
    }
    (void)snprintf(text, sizeof(text), "Goodbye, for the %" PRIu32 ". time.", round);
    const esp_err_t ret = say(ctx, s_reply, text);
    if (ret != ESP_OK) {
        ctx->log(ctx, ESP_LOG_WARN, "reply: %s", system_error_to_string(ret));
    }
}

static esp_err_t begin(app_context_t *ctx, system_event_type_t *farewell)
{
    system_event_type_t greeting;
    esp_err_t ret = ctx->register_event(ctx, "goodbye.reply", &s_reply);
    if (ret == ESP_OK) {
        ret = ctx->register_event(ctx, "goodbye.farewell", farewell);
    }
    if (ret == ESP_OK) { /* hello may start later: whoever comes first registers the name */
        ret = ctx->register_event(ctx, "hello.greeting", &greeting);
    }
    if (ret == ESP_OK) {
        ret = ctx->subscribe(ctx, greeting, on_greeting, ctx);
    }
    return ret;
}

static void goodbye_app_main(app_context_t *ctx)
{
    system_event_type_t farewell;
    atomic_store(&s_rounds, 0);

    const esp_err_t ret = begin(ctx, &farewell);
    if (ret != ESP_OK) {
        ctx->log(ctx, ESP_LOG_ERROR, "cannot begin: %s", system_error_to_string(ret));
        return;
    }
    while (atomic_load(&s_rounds) < ROUNDS) {
        if (!ctx->sleep_ms(ctx, CHECK_EVERY_MS)) {
            return; /* somebody stops it before it is done */
        }
    }
    (void)say(ctx, farewell, "That was all."); /* nobody may be listening */
}

const app_manifest_t goodbye_app_manifest = {
    .name = "goodbye",
    .version = "1.0.0",
    .author = "Kraken-OS",
    .description = "Answers greetings, and leaves after a few",
    .entry_point = goodbye_app_main,
    .stack_size = 4096,
    .priority = 5,
};
