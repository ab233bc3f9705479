// SPDX-License-Identifier: Apache-2.0
/*
 * The story: to find out whether a pointer was one of its own, the pool read the twelve bytes
 * before it, whatever it was. It took interior pointers and took blocks twice. When its mutex was
 * busy for 100 ms, free() gave up and the block was lost, and alloc() returned NULL instead of
 * asking the heap.
 *
 * Here wrong pointers are refused without being looked at (the first of a page that is preceded by
 * nothing), and tasks that hammer the pool lose nothing.
 */
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "memory_pool.h"

#include "scenario.h"
#include "system_up.h"

#define TASKS 4
#define TURNS 100

static _Atomic uint32_t done;

static void wrong_pointers_are_refused(void)
{
    memory_pool_totals_t totals;
    uint8_t stack[64];

    // Two pages, of which the first may not be read: what stands before the second is out of
    // bounds.
    uint8_t *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    SCENARIO_CHECK(pages != MAP_FAILED && mprotect(pages, 4096, PROT_NONE) == 0);
    SCENARIO_CHECK(memory_pool_free(pages + 4096) == ESP_ERR_MEMORY_FOREIGN_POINTER);
    SCENARIO_CHECK(memory_pool_free(stack + 32) == ESP_ERR_MEMORY_FOREIGN_POINTER);
    SCENARIO_CHECK(munmap(pages, 8192) == 0);

    uint8_t *block = memory_pool_alloc(64);
    SCENARIO_CHECK(block != NULL);
    SCENARIO_CHECK(memory_pool_free(block + 8) == ESP_ERR_MEMORY_FOREIGN_POINTER);
    SCENARIO_CHECK(memory_pool_free(block) == ESP_OK);
    SCENARIO_CHECK(memory_pool_free(block) == ESP_ERR_MEMORY_DOUBLE_FREE);
    block = memory_pool_alloc(64);
    memset(block, 0xEE, 72); // eight too many
    SCENARIO_CHECK(memory_pool_free(block) == ESP_ERR_MEMORY_CORRUPTED);
    SCENARIO_CHECK(memory_pool_get_totals(&totals) == ESP_OK);
    SCENARIO_CHECK_INT(totals.foreign_frees, ==, 3);
    SCENARIO_CHECK_INT(totals.double_frees, ==, 1);
    SCENARIO_CHECK_INT(totals.overruns, ==, 1);
}

static void hammer(void *arg)
{
    const uint8_t mark = (uint8_t)(uintptr_t)arg;
    for (unsigned turn = 0; turn < TURNS; turn++) {
        const size_t size = 1 + (turn * 37 + mark * 11) % 1500;
        uint8_t *block = memory_pool_alloc(size);
        SCENARIO_CHECK(block != NULL);
        memset(block, mark, size);
        if (turn % 7 == 0) {
            vTaskDelay(1);
        }
        for (size_t i = 0; i < size; i++) {
            SCENARIO_CHECK(block[i] == mark); // nobody else has it
        }
        SCENARIO_CHECK(memory_pool_free(block) == ESP_OK);
    }
    atomic_fetch_add(&done, 1);
    vTaskDelete(NULL);
}

static void run(void)
{
    const system_secure_key_t key = system_up();
    uint32_t used[MEMORY_POOL_CLASSES];
    memory_pool_stats_t stats;
    memory_pool_totals_t totals;

    for (int i = 0; i < MEMORY_POOL_CLASSES; i++) {
        SCENARIO_CHECK(memory_pool_get_stats((memory_pool_class_t)i, &stats) == ESP_OK);
        used[i] = stats.used;
    }
    for (uintptr_t i = 1; i <= TASKS; i++) {
        SCENARIO_CHECK(xTaskCreate(hammer, "hammer", 4096, (void *)i, 5, NULL) == pdPASS);
    }
    SCENARIO_CHECK(system_up_wait(&done, TASKS, 60000));
    for (int i = 0; i < MEMORY_POOL_CLASSES; i++) {
        SCENARIO_CHECK(memory_pool_get_stats((memory_pool_class_t)i, &stats) == ESP_OK);
        SCENARIO_CHECK_INT(stats.used, ==, used[i]);
    }
    SCENARIO_CHECK(memory_pool_get_totals(&totals) == ESP_OK);
    SCENARIO_CHECK_INT(totals.heap_blocks, ==, 0);
    SCENARIO_CHECK(memory_pool_check() == ESP_OK);
    wrong_pointers_are_refused();
    system_down(key);
}

int main(int argc, char **argv)
{
    static const scenario_t s = {.name = "t08_pool_believes_any_pointer", .run = run};
    return scenario_main(argc, argv, &s);
}
