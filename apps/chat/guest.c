/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest: says something in the room now and then, and hears what is said there.
 *
 * What to learn from it: whom to ask is looked up by name, and looked up again when it has gone; a
 * request may end in many ways, and none of them is the end of the app.
 */
#include <inttypes.h>
#include <stdio.h>

#include "chat.h"
#include "system_service/app_manager.h"

#define PAUSE_MS   500u
#define TIMEOUT_MS 1000u

static void on_said(const system_event_t *event, void *user_data)
{
    app_context_t *ctx = user_data;
    ctx->log(ctx, ESP_LOG_INFO, "heard: %.*s", (int)event->data_size,
             event->data != NULL ? (const char *)event->data : "");
}

/** @return the room's status, or why there was none */
static esp_err_t tell(app_context_t *ctx, system_event_type_t say, const char *text, size_t length,
                      uint32_t *number)
{
    system_service_id_t room;
    size_t size = sizeof(*number);
    const esp_err_t ret = ctx->find(ctx, CHAT_ROOM, &room);
    if (ret != ESP_OK) {
        return ret;
    }
    return ctx->request(ctx, room, say, text, length, PRIORITY_NORMAL, number, &size, TIMEOUT_MS);
}

static void converse(app_context_t *ctx, system_event_type_t say)
{
    esp_err_t before = ESP_OK; /* the same trouble is told once */
    for (uint32_t count = 1; ctx->sleep_ms(ctx, PAUSE_MS); count++) {
        char text[CHAT_TEXT_MAX];
        uint32_t number = 0;
        const int length =
            snprintf(text, sizeof(text), "guest here, for the %" PRIu32 ". time", count);
        const esp_err_t ret = tell(ctx, say, text, (size_t)length, &number);
        if (ret == ESP_OK) {
            ctx->log(ctx, ESP_LOG_INFO, "the room has it as message %" PRIu32, number);
        } else if (ret != before) {
            ctx->log(ctx, ESP_LOG_WARN, "nobody listens: %s", system_error_to_string(ret));
        }
        before = ret;
    }
}

void app_main(app_context_t *ctx);

void app_main(app_context_t *ctx)
{
    system_event_type_t say;
    system_event_type_t said;
    esp_err_t ret = ctx->register_event(ctx, CHAT_SAY, &say);
    if (ret == ESP_OK) {
        ret = ctx->register_event(ctx, CHAT_SAID, &said);
    }
    if (ret == ESP_OK) {
        ret = ctx->subscribe(ctx, said, on_said, ctx);
    }
    if (ret != ESP_OK) {
        ctx->log(ctx, ESP_LOG_ERROR, "cannot begin: %s", system_error_to_string(ret));
        return;
    }
    converse(ctx, say);
}
