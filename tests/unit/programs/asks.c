// SPDX-License-Identifier: Apache-2.0

// An installed app that asks for what it may and may not have, and tells what it was answered; then
// it waits for "asks.free_twice", and leaks all the while.

#include "asks.h"

#include <stdlib.h>
#include <string.h>

#include "system_service/app_manager.h"

void app_main(app_context_t *ctx);

static void on_event(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
}

static void on_free_twice(const system_event_t *event, void *user_data)
{
    void *volatile block = malloc(40);
    (void)event;
    (void)user_data;
    free(block);
    free(block);
    block = NULL; // a call behind which nothing is done would be a jump, and not from here
}

static void on_request(const system_request_t *request, void *user_data)
{
    (void)request;
    (void)user_data;
}

static volatile size_t s_huge = SIZE_MAX / 2;

static bool memory_works(void)
{
    char *text = strdup("sixteen letters.");
    uint8_t *zeros = calloc(10, 10);
    if (text == NULL || zeros == NULL || zeros[99] != 0) {
        return false;
    }
    char *more = realloc(text, 1000);
    const bool kept = more != NULL && strcmp(more, "sixteen letters.") == 0;
    more = realloc(more, 4);
    free(zeros);
    free(NULL);
    return kept && more != NULL && memcmp(more, "sixt", 4) == 0 && calloc(s_huge, 3) == NULL;
}

static bool limit_works(void)
{
    unsigned blocks = 0;
    while (malloc(1000) != NULL) { // and all of it is lost
        blocks++;
    }
    return blocks != 0 && blocks < 200;
}

void app_main(app_context_t *ctx)
{
    static asks_answers_t s_answers;
    system_event_type_t own, granted, read_only, other, answers, free_twice;
    asks_answers_t *a = &s_answers;
    a->own = ctx->register_event(ctx, "asks.something", &own);
    (void)ctx->register_event(ctx, "asks.answers", &answers);
    (void)ctx->register_event(ctx, "asks.free_twice", &free_twice);
    (void)ctx->subscribe(ctx, free_twice, on_free_twice, NULL);
    if (a->own == ESP_OK) {
        a->own = ctx->subscribe(ctx, own, on_event, NULL);
    }
    a->own_pattern = ctx->subscribe_pattern(ctx, "asks.*", on_event, NULL);
    (void)ctx->register_event(ctx, "granted.thing", &granted);
    (void)ctx->register_event(ctx, "read.only", &read_only);
    a->post = ctx->post_event(ctx, granted, NULL, 0, PRIORITY_NORMAL);
    a->subscribe = ctx->subscribe(ctx, read_only, on_event, NULL);
    a->serve = ctx->serve(ctx, granted, on_request, NULL);
    a->request = ctx->post_event(ctx, read_only, NULL, 0, PRIORITY_NORMAL);
    a->register_other = ctx->register_event(ctx, "other.secret", &other);
    other = 1; // a number can be guessed: a common event
    a->post_other = ctx->post_event(ctx, other, NULL, 0, PRIORITY_NORMAL);
    a->subscribe_other = ctx->subscribe(ctx, other, on_event, NULL);
    a->pattern_other = ctx->subscribe_pattern(ctx, "*", on_event, NULL);
    a->memory_works = memory_works();
    a->limit_works = limit_works();
    (void)ctx->post_event(ctx, answers, a, sizeof(*a), PRIORITY_NORMAL);
    while (ctx->sleep_ms(ctx, 100)) {
    }
}
