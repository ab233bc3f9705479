/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Room: takes messages as requests, numbers them, and lets everybody hear them.
 *
 * What to learn from it: a request is served in a handler, and each one is answered, also the one
 * that is refused; what comes from others is not taken on trust.
 */
#include <inttypes.h>
#include <stdatomic.h>

#include "chat.h"
#include "system_service/app_manager.h"

static system_event_type_t s_said;
static app_context_t *s_ctx;
static _Atomic uint32_t s_messages;

static void on_say(const system_request_t *request, void *user_data)
{
    (void)user_data;
    app_context_t *ctx = s_ctx;
    if (request->data_size == 0 || request->data_size > CHAT_TEXT_MAX) {
        (void)ctx->respond(ctx, request->id, ESP_ERR_INVALID_SIZE, NULL, 0);
        return;
    }
    const uint32_t number = atomic_fetch_add(&s_messages, 1) + 1;
    ctx->log(ctx, ESP_LOG_INFO, "message %" PRIu32 ": %.*s", number, (int)request->data_size,
             (const char *)request->data);
    (void)ctx->post_event(ctx, s_said, request->data, request->data_size, PRIORITY_NORMAL);
    (void)ctx->respond(ctx, request->id, ESP_OK, &number, sizeof(number));
}

void app_main(app_context_t *ctx);

void app_main(app_context_t *ctx)
{
    system_event_type_t say;
    s_ctx = ctx;
    atomic_store(&s_messages, 0);

    esp_err_t ret = ctx->register_event(ctx, CHAT_SAID, &s_said);
    if (ret == ESP_OK) {
        ret = ctx->register_event(ctx, CHAT_SAY, &say);
    }
    if (ret == ESP_OK) {
        ret = ctx->serve(ctx, say, on_say, NULL);
    }
    if (ret != ESP_OK) {
        ctx->log(ctx, ESP_LOG_ERROR, "cannot begin: %s", system_error_to_string(ret));
        return;
    }
    ctx->log(ctx, ESP_LOG_INFO, "open");
    while (ctx->sleep_ms(ctx, 1000)) {
        /* all work is done in the handler */
    }
    ctx->log(ctx, ESP_LOG_INFO, "closes after %" PRIu32 " messages", atomic_load(&s_messages));
}
