/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ways to fail. What the compiler could see coming, and so leave out, goes through volatile
 * variables.
 */
#include "crasher_ways.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "crasher_app.h"

#define DEEP    40
#define NOWHERE 0x10u
#define FLOOD   5000
#define STORM   500
#define LEAK    1024u
#define FRAME   256
#define EVENTS  "crasher.flood"

/* It is to reach the processor, not a sanitizer of the compiler. */
#define AS_WRITTEN __attribute__((noinline, no_sanitize("undefined")))

static void *volatile s_null;
static volatile int s_zero;
static volatile int s_sink;
static uint32_t s_data[8]; /* no code */

/* ---- what the processor refuses ------------------------------------------------------------- */

AS_WRITTEN static void null_store(app_context_t *ctx)
{
    (void)ctx;
    *(volatile int *)s_null = 1;
}

__attribute__((noinline)) static void go_deep(unsigned depth)
{
    volatile uint8_t frame[16];
    frame[0] = (uint8_t)depth;
    if (depth == 0) {
        null_store(NULL);
    } else {
        go_deep(depth - 1);
    }
    s_sink += frame[0];
}

static void deep_null_store(app_context_t *ctx)
{
    (void)ctx;
    go_deep(DEEP);
}

AS_WRITTEN static void null_copy(app_context_t *ctx)
{
    (void)ctx;
    memcpy(s_null, s_data, sizeof(s_data));
}

/** Asks the system to look there. */
static void post_nowhere(app_context_t *ctx)
{
    system_event_type_t type;
    if (ctx->register_event(ctx, EVENTS, &type) == ESP_OK) {
        (void)ctx->post_event(ctx, type, (void *)((uintptr_t)s_null + NOWHERE), 64,
                              SYSTEM_EVENT_PRIORITY_NORMAL);
    }
}

/** Asks the system to read a text there. */
static void log_nowhere(app_context_t *ctx)
{
    ctx->log(ctx, ESP_LOG_INFO, "%d: %s", 1, (const char *)((uintptr_t)s_null + NOWHERE));
}

AS_WRITTEN static void divide_by_zero(app_context_t *ctx)
{
    (void)ctx;
    s_sink = 1000 / s_zero;
}

AS_WRITTEN static void wild_jump(app_context_t *ctx)
{
    (void)ctx;
    void (*volatile nowhere)(void) = (void (*)(void))(uintptr_t)NOWHERE;
    nowhere();
}

AS_WRITTEN static void jump_to_data(app_context_t *ctx)
{
    (void)ctx;
    void (*volatile data)(void) = (void (*)(void))(uintptr_t)s_data;
    data();
}

static void illegal_instruction(app_context_t *ctx)
{
    (void)ctx;
    __builtin_trap();
}

/* It is what it says. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winfinite-recursion"
__attribute__((noinline)) static int without_end(int n)
{
    volatile uint8_t frame[FRAME];
    frame[n % FRAME] = (uint8_t)n;
    return without_end(n + 1) + frame[s_zero];
}
#pragma GCC diagnostic pop

static void stack_overflow(app_context_t *ctx)
{
    (void)ctx;
    s_sink = without_end(0);
}

/* ---- what it says itself -------------------------------------------------------------------- */

static void call_abort(app_context_t *ctx)
{
    (void)ctx;
    abort();
}

static void fail_assert(app_context_t *ctx)
{
    (void)ctx;
    assert(s_zero == 1);
}

/* ---- what takes time ------------------------------------------------------------------------ */

static void hang(app_context_t *ctx)
{
    for (;;) { /* a handler waits here for ever; its task spins once it is to stop */
        (void)ctx->sleep_ms(ctx, 1000);
    }
}

static void busy_loop(app_context_t *ctx)
{
    while (!ctx->should_stop(ctx)) {
        (void)ctx->free(ctx, ctx->alloc(ctx, 16));
    }
}

static void spin(app_context_t *ctx)
{
    (void)ctx;
    while (s_zero == 0) {
        s_sink++;
    }
}

/* ---- what is too much ----------------------------------------------------------------------- */

static void leak(app_context_t *ctx)
{
    unsigned blocks = 0;
    void *last = NULL;
    for (void **block; (block = ctx->alloc(ctx, LEAK)) != NULL; last = block) {
        *block = last;
        blocks++;
    }
    ctx->log(ctx, ESP_LOG_WARN, "has %u blocks and loses them", blocks);
}

static void flood(app_context_t *ctx)
{
    system_event_type_t type;
    unsigned refused = 0;
    if (ctx->register_event(ctx, EVENTS, &type) != ESP_OK) {
        return;
    }
    for (unsigned i = 0; i < FLOOD; i++) {
        refused += ctx->post_event(ctx, type, &i, sizeof(i), PRIORITY_NORMAL) != ESP_OK;
    }
    ctx->log(ctx, ESP_LOG_WARN, "posted %u events, %u were refused", FLOOD, refused);
}

static void on_nothing(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
}

static void subscription_storm(app_context_t *ctx)
{
    system_event_type_t type;
    if (ctx->register_event(ctx, EVENTS, &type) != ESP_OK) {
        return;
    }
    for (unsigned i = 0; i < STORM; i++) {
        (void)ctx->subscribe(ctx, type, on_nothing, NULL);
        (void)ctx->post_event(ctx, type, NULL, 0, PRIORITY_LOW);
        (void)ctx->unsubscribe(ctx, type, on_nothing);
    }
}

static void free_twice(app_context_t *ctx)
{
    void *block = ctx->alloc(ctx, 64);
    (void)ctx->free(ctx, block);
    (void)ctx->free(ctx, block);
}

static void free_foreign(app_context_t *ctx)
{
    (void)ctx->free(ctx, s_data);
    (void)ctx->free(ctx, ctx);
}

static void scribble_on_context(app_context_t *ctx)
{
    memset((void *)ctx, 0, sizeof(*ctx));
    ctx->log(ctx, ESP_LOG_ERROR, "never said");
}

/* ---- the list ------------------------------------------------------------------------------- */

static const crasher_way_t s_ways[] = {
    {"null_store", null_store},
    {"deep_null_store", deep_null_store},
    {"null_copy", null_copy},
    {"post_nowhere", post_nowhere},
    {"log_nowhere", log_nowhere},
    {"divide_by_zero", divide_by_zero},
    {"wild_jump", wild_jump},
    {"jump_to_data", jump_to_data},
    {"illegal_instruction", illegal_instruction},
    {"stack_overflow", stack_overflow},
    {"abort", call_abort},
    {"assert", fail_assert},
    {"scribble", scribble_on_context},
    {"hang", hang},
    {"busy_loop", busy_loop},
    {"spin", spin},
    {"leak", leak},
    {"flood", flood},
    {"storm", subscription_storm},
    {"free_twice", free_twice},
    {"free_foreign", free_foreign},
    {"exit", NULL}, /* its task's business */
};

const crasher_way_t *crasher_way(const char *name, size_t length)
{
    const size_t given = strnlen(name, length);
    for (unsigned i = 0; i < sizeof(s_ways) / sizeof(s_ways[0]); i++) {
        if (strlen(s_ways[i].name) == given && memcmp(s_ways[i].name, name, given) == 0) {
            return &s_ways[i];
        }
    }
    return NULL;
}
