// SPDX-License-Identifier: Apache-2.0

// An app of interface version 1: uses everything that there was, and says how much of it worked.

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data_app/app_data.h"
#include "esp_random.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "system_service/app_manager.h"
#include "system_service/error_codes.h"

void app_main(app_context_t *ctx);

static uint32_t s_good, s_bad;
static _Atomic uint32_t s_events, s_requests, s_answers;
static app_context_t *s_ctx;

static void check(bool good, const char *what)
{
    s_good += good;
    s_bad += !good;
    if (!good) {
        s_ctx->log(s_ctx, ESP_LOG_ERROR, "does not work any more: %s", what);
    }
}
#define CHECK(condition) check(condition, #condition)

static void on_event(const system_event_t *event, void *user_data)
{
    if (event->data_size == sizeof(uint32_t) && *(const uint32_t *)event->data == 7 &&
        strcmp(event->name, "abi1.event") == 0 && user_data == &s_events) {
        s_events++;
    }
}

static void on_request(const system_request_t *request, void *user_data)
{
    (void)user_data;
    s_requests++;
    (void)s_ctx->respond(s_ctx, request->id, ESP_OK, request->data, request->data_size);
}

static void on_answer(const system_response_t *response, void *user_data)
{
    (void)user_data;
    s_answers += response->status == ESP_OK;
}

static void c_library(void)
{
    char text[40];
    char *end;
    CHECK(memchr("abc", 'b', 3) != NULL && memcmp("abc", "abd", 3) < 0);
    memset(text, 'x', sizeof(text));
    memcpy(text, "one two", 8);
    memmove(text + 1, text, 8);
    CHECK(strcmp(text, "oone two") == 0 && strchr(text, 't') == text + 5);
    strcpy(text, "three");
    CHECK(strlen(text) == 5 && strnlen(text, 3) == 3 && strncmp(text, "thx", 2) == 0);
    strncpy(text, "four", sizeof(text));
    CHECK(strrchr(text, 'r') == text + 3 && strstr(text, "ou") == text + 1);
    CHECK(strtol("-12x", &end, 10) == -12 && *end == 'x' && strtoul("0x1F", NULL, 16) == 31);
    CHECK(snprintf(text, sizeof(text), "%d %s", 42, "ok") == 5 && strcmp(text, "42 ok") == 0);
    void *block = calloc(4, 4);
    block = realloc(block, 64);
    CHECK(block != NULL);
    free(block);
    block = malloc(10);
    CHECK(block != NULL);
    free(block);
    char *copy = strdup("copied");
    char *part = strndup("copied", 3);
    CHECK(strcmp(copy, "copied") == 0 && strcmp(part, "cop") == 0);
    free(copy);
    free(part);
    assert(s_bad == 0);
}

static void system_calls(void)
{
    CHECK(strcmp(esp_err_to_name(ESP_OK), "ESP_OK") == 0);
    CHECK(strcmp(system_error_to_string(ESP_ERR_APP_NOT_FOUND), "ESP_ERR_APP_NOT_FOUND") == 0);
    CHECK(strlen(system_error_describe(ESP_ERR_APP_NOT_FOUND)) > 5);
    CHECK(esp_random() != esp_random() || esp_random() != esp_random());
    const TickType_t before = xTaskGetTickCount();
    vTaskDelay(2);
    CHECK(xTaskGetTickCount() - before >= 2);
}

static void storage(void)
{
    uint32_t value = 77;
    size_t size = sizeof(value);
    CHECK(app_settings_set("abi", &value, sizeof(value)) == ESP_OK);
    value = 0;
    CHECK(app_settings_get("abi", &value, &size) == ESP_OK && value == 77 && size == sizeof(value));
    CHECK(app_settings_erase("abi") == ESP_OK);
}

static void events(app_context_t *ctx)
{
    static const uint32_t payload = 7;
    system_event_type_t type;
    system_event_timer_t timer;
    CHECK(ctx->register_event(ctx, "abi1.event", &type) == ESP_OK);
    CHECK(ctx->subscribe(ctx, type, on_event, &s_events) == ESP_OK);
    CHECK(ctx->post_event(ctx, type, &payload, sizeof(payload), PRIORITY_HIGH) == ESP_OK);
    CHECK(ctx->post_after(ctx, type, &payload, sizeof(payload), PRIORITY_NORMAL, 5, NULL) ==
          ESP_OK);
    CHECK(ctx->post_every(ctx, type, &payload, sizeof(payload), PRIORITY_LOW, 5, &timer) == ESP_OK);
    while (s_events < 4 && ctx->sleep_ms(ctx, 5)) {
    }
    CHECK(ctx->cancel_timer(ctx, timer) == ESP_OK);
    CHECK(ctx->unsubscribe(ctx, type, on_event) == ESP_OK);
    CHECK(ctx->subscribe_pattern(ctx, "abi1.ev*", on_event, &s_events) == ESP_OK);
}

static void requests(app_context_t *ctx)
{
    uint32_t answer = 0;
    size_t size = sizeof(answer);
    system_event_type_t type;
    system_request_id_t id;
    system_service_id_t self;
    CHECK(ctx->register_event(ctx, "abi1.request", &type) == ESP_OK);
    CHECK(ctx->serve(ctx, type, on_request, NULL) == ESP_OK);
    CHECK(ctx->find(ctx, "abi1", &self) == ESP_OK && self == ctx->id);
    CHECK(ctx->request(ctx, self, type, &answer, sizeof(answer), PRIORITY_NORMAL, &answer, &size,
                       1000) == ESP_ERR_REQUEST_DEADLOCK); /* of itself */
    CHECK(ctx->request_async(ctx, self, type, NULL, 0, PRIORITY_NORMAL, on_answer, NULL, 1000,
                             &id) == ESP_OK);
    while (s_answers == 0 && ctx->sleep_ms(ctx, 5)) {
    }
    CHECK(ctx->cancel_request(ctx, id) != ESP_OK && s_requests == 1); /* it was answered */
}

void app_main(app_context_t *ctx)
{
    system_event_type_t result;
    s_ctx = ctx;
    CHECK(strcmp(ctx->name, "abi1") == 0 && ctx->get_state(ctx) == APP_STATE_RUNNING);
    CHECK(ctx->heartbeat(ctx) == ESP_OK && !ctx->should_stop(ctx));
    CHECK(ctx->set_state(ctx, APP_STATE_RUNNING) == ESP_OK);
    void *block = ctx->alloc(ctx, 100);
    CHECK(block != NULL && ctx->free(ctx, block) == ESP_OK);
    c_library();
    system_calls();
    storage();
    events(ctx);
    requests(ctx);
    if (ctx->register_event(ctx, "abi1.result", &result) == ESP_OK) {
        const uint32_t counts[2] = {s_good, s_bad};
        (void)ctx->post_event(ctx, result, counts, sizeof(counts), PRIORITY_NORMAL);
    }
    while (ctx->sleep_ms(ctx, 100)) {
    }
    if (s_bad != 0) {
        abort();
    }
}
