// SPDX-License-Identifier: Apache-2.0
/*
 * The story: a pool counted a taker, then looked whether that was one too many, and took it back.
 * A task that was interrupted between the two made the pool look fuller than it was, down to the
 * reserve for CRITICAL events; and once takers and givers were counted apart, one that was
 * interrupted while others took and gave back saw more given back than taken, which as an unsigned
 * number is more than any pool holds: it was refused although every block was free.
 *
 * Here tasks take one block each and give it back, fewer tasks than the pool has blocks for them,
 * while others find it full. Nobody who has a block due to him is refused or sent to another class.
 */
#include <stdatomic.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "memory_pool_internal.h"
#include "scenario.h"
#include "system_service/memory_pool.h"
#include "system_up.h"

#define TAKERS 4
#define ROUNDS 100
#define SIZE   MEMORY_POOL_MAX_BLOCK

static _Atomic uint32_t done;

static void take_one(bool critical)
{
    const pool_index_t block =
        pool_block_take(SIZE, SYSTEM_SERVICE_ID_NONE, POOL_KIND_EVENT, critical);
    SCENARIO_CHECK(block != POOL_NONE);
    pool_block_release(block);
}

static void take_and_give(void *arg)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        take_one(false);
        if (i % 8 == (uintptr_t)arg) {
            vTaskDelay(1);
        }
    }
    atomic_fetch_add(&done, 1);
    vTaskDelete(NULL);
}

/** Asks a full pool, again and again. */
static void ask_in_vain(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < ROUNDS; i++) {
        SCENARIO_CHECK(pool_block_take(SIZE, SYSTEM_SERVICE_ID_NONE, POOL_KIND_EVENT, false) ==
                       POOL_NONE);
        if (i % 8 == 0) {
            vTaskDelay(1);
        }
    }
    atomic_fetch_add(&done, 1);
    vTaskDelete(NULL);
}

static void start(TaskFunction_t task, unsigned n)
{
    SCENARIO_CHECK(xTaskCreate(task, "taker", 4096, (void *)(uintptr_t)n, 1 + n, NULL) == pdPASS);
}

static void run(void)
{
    memory_pool_stats_t pool;
    pool_index_t held[CONFIG_SYSTEM_POOL_XLARGE_COUNT];
    const system_secure_key_t key = system_up();
    for (unsigned i = 0; i < TAKERS; i++) {
        start(take_and_give, i);
    }
    SCENARIO_CHECK(system_up_wait(&done, TAKERS, 60000));

    SCENARIO_CHECK_INT(memory_pool_get_stats(MEMORY_POOL_XLARGE, &pool), ==, ESP_OK);
    const unsigned open_to_all = pool.blocks - pool.reserved;
    for (unsigned i = 0; i < open_to_all; i++) {
        held[i] = pool_block_take(SIZE, SYSTEM_SERVICE_ID_NONE, POOL_KIND_EVENT, false);
        SCENARIO_CHECK(held[i] != POOL_NONE);
    }
    for (unsigned i = 0; i < TAKERS; i++) {
        start(ask_in_vain, i);
    }
    while (atomic_load(&done) < 2 * TAKERS) {
        take_one(true); /* the reserve is there for CRITICAL whatever the others do */
        vTaskDelay(atomic_load(&done) % 2);
    }
    for (unsigned i = 0; i < open_to_all; i++) {
        pool_block_release(held[i]);
    }
    SCENARIO_CHECK_INT(memory_pool_check(), ==, ESP_OK);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const scenario_t s = {.name = "w02_a_pool_refuses_while_it_has_blocks", .run = run};
    return scenario_main(argc, argv, &s);
}
