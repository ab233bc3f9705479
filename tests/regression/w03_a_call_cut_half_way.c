// SPDX-License-Identifier: Apache-2.0
/*
 * The story: a task that does not stop is ended where it stands, unless it is inside a call of
 * ours. But only posts and requests said so. An app that was ended while it took or gave a block of
 * memory, or waited for a handler of its own to return, kept the block, or the place among those
 * that wait, for ever; and one that waited long for room in a mailbox could not be ended at all.
 *
 * Here an app makes such calls without end and without looking whether it is to stop. It is ended,
 * often; all is as before then, and it was never set aside.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "esp_heap_caps.h"
#include "esp_random.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "event_internal.h"
#include "memory_utils.h"
#include "scenario.h"
#include "system_service/app_manager.h"
#include "system_service/memory_pool.h"
#include "system_up.h"

/* All of it within the first minute: then the health report keeps its first value. With the real
 * clock, where each costs the whole grace period, once of a kind. */
#define CYCLES (host_sched() == HOST_SCHED_THREADS ? 3u : 9u)

static system_service_id_t listener;
static system_event_type_t full, own;
static _Atomic uint32_t kind, lives;

static void sit(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    for (;;) {
        vTaskDelay(1000);
    }
}

static void nothing(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
}

static void take_and_give(app_context_t *ctx)
{
    void *block = memory_pool_alloc(1 + esp_random() % 4096);
    void *memory = memory_alloc(1 + esp_random() % 200, MEMORY_PURPOSE_GENERAL);
    system_event_timer_t timer;
    (void)memory_free(memory);
    (void)memory_pool_free(block);
    if (system_event_post_after(ctx->id, own, NULL, 0, 200, 1000, &timer) == ESP_OK) {
        (void)system_event_timer_cancel(ctx->id, timer);
    }
}

static void never_stop(app_context_t *ctx)
{
    const uint32_t mine = atomic_load(&kind);
    if (mine == 1) { /* waits for a handler of its own */
        SCENARIO_CHECK_INT(ctx->subscribe(ctx, own, sit, NULL), ==, ESP_OK);
        SCENARIO_CHECK_INT(ctx->post_event(ctx, own, NULL, 0, PRIORITY_NORMAL), ==, ESP_OK);
        vTaskDelay(2);
        (void)ctx->unsubscribe(ctx, own, sit);
    }
    bool last_moments = false;
    atomic_fetch_add(&lives, 1);
    for (;;) {
        if (mine != 2 && !last_moments) { /* what it does before does not matter */
            last_moments = ctx->should_stop(ctx);
            vTaskDelay(last_moments ? pdMS_TO_TICKS(CONFIG_SYSTEM_APP_STOP_GRACE_MS - 2) : 1);
        }
        if (mine == 2) { /* waits for room */
            (void)ctx->post_event(ctx, full, NULL, 0, PRIORITY_NORMAL);
            vTaskDelay(1);
        } else {
            take_and_give(ctx);
            if (host_sched() == HOST_SCHED_THREADS) {
                host_busy(200); /* there a task stops at calls only, and would only in ours */
            }
        }
    }
}

static const service_quota_t wide = SYSTEM_UP_WIDE_QUOTA;
static const app_manifest_t manifest = {
    .name = "never_stops",
    .entry_point = never_stop,
    .stack_size = 4096,
    .priority = 5,
    .quota = &wide,
    .watchdog_timeout_ms = 3600000,
};

typedef struct {
    size_t heap;
    uint32_t blocks[MEMORY_POOL_CLASSES];
} holdings_t;

static holdings_t holdings(void)
{
    holdings_t h = {.heap = heap_caps_get_free_size(MALLOC_CAP_INTERNAL)};
    for (int c = 0; c < MEMORY_POOL_CLASSES; c++) {
        memory_pool_stats_t stats;
        SCENARIO_CHECK(memory_pool_get_stats((memory_pool_class_t)c, &stats) == ESP_OK);
        h.blocks[c] = stats.used;
    }
    return h;
}

static void one_life(uint32_t what)
{
    const uint32_t before = atomic_load(&lives);
    atomic_store(&kind, what);
    SCENARIO_CHECK_INT(app_manager_start("never_stops"), ==, ESP_OK);
    SCENARIO_CHECK(system_up_wait(&lives, before + 1, 10000));
    vTaskDelay(5 + esp_random() % 3);
    SCENARIO_CHECK_INT(app_manager_stop("never_stops"), ==, ESP_ERR_APP_STOP_TIMEOUT);
    SCENARIO_CHECK_INT(app_manager_set_aside_count(), ==, 0);
}

static void run(void)
{
    static const system_subscription_config_t patient = {.overflow = SYSTEM_OVERFLOW_BLOCK,
                                                         .block_ms = SYSTEM_EVENT_BLOCK_MS_MAX};
    const system_secure_key_t key = system_up();
    vTaskPrioritySet(NULL, 6);
    listener = system_up_service("listener");
    full = system_up_type("w03.full");
    own = system_up_type("w03.own");
    SCENARIO_CHECK_INT(system_event_subscribe_ex(listener, full, nothing, NULL, &patient, NULL), ==,
                       ESP_OK);
    event_mailbox_pause(system_id_slot(listener), true);
    while (event_mailbox(system_id_slot(listener))->queue.count[2] < CONFIG_SYSTEM_QUEUE_NORMAL) {
        SCENARIO_CHECK_INT(system_event_post(listener, full, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL),
                           ==, ESP_OK);
    }
    SCENARIO_CHECK_INT(app_manager_register(&manifest), ==, ESP_OK);
    one_life(0);
    one_life(1);
    const holdings_t before = holdings();
    for (uint32_t i = 0; i < CYCLES; i++) {
        one_life(i % 3);
    }
    const holdings_t after = holdings();
    SCENARIO_CHECK_INT(after.heap, ==, before.heap);
    for (int c = 0; c < MEMORY_POOL_CLASSES; c++) {
        SCENARIO_CHECK_INT(after.blocks[c], ==, before.blocks[c]);
    }
    struct mailbox_waiter *waiters[CONFIG_SYSTEM_MAX_BLOCKED_POSTERS];
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_BLOCKED_POSTERS; i++) {
        waiters[i] = event_waiter_begin(system_id_slot(listener));
        SCENARIO_CHECK(waiters[i] != NULL);
    }
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_BLOCKED_POSTERS; i++) {
        event_waiter_end(waiters[i]);
    }
    SCENARIO_CHECK_INT(memory_pool_check(), ==, ESP_OK);
    SCENARIO_CHECK_INT(memory_check(), ==, ESP_OK);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const scenario_t s = {.name = "w03_a_call_cut_half_way", .run = run};
    return scenario_main(argc, argv, &s);
}
