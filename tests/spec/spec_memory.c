// SPDX-License-Identifier: Apache-2.0
/*
 * The specification's sections "Memory Pool System" and "Heap Monitoring", as written and run.
 * Supplied here: service_id, event_type, data, size and priority, and the log tag.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "esp_log.h"

#include "heap_monitor.h"
#include "memory_pool.h"
#include "system_service/event_bus.h"

#include "host_log.h"
#include "ktest.h"
#include "system_up.h"

static const char *TAG = "spec";
static system_secure_key_t key;

static int setup(void **state)
{
    (void)state;
    key = system_up();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    system_down(key);
    return 0;
}

static struct {
    _Atomic uint32_t count;
    size_t size;
    char text[200];
} got;

static void take(const system_event_t *event, void *user_data)
{
    (void)user_data;
    got.size = event->data_size;
    memcpy(got.text, event->data, event->data_size);
    got.count++;
}

static memory_pool_stats_t medium(void)
{
    memory_pool_stats_t stats;
    assert_int_equal(memory_pool_get_stats(MEMORY_POOL_MEDIUM, &stats), ESP_OK);
    return stats;
}

// Both ways of the snippet take a block of the pools, and give it back.
static void the_bus_and_manual_use_take_pool_blocks(void **state)
{
    (void)state;
    const system_service_id_t service_id = system_up_service("spec");
    const system_event_type_t event_type = system_up_type("spec.memory");
    const uint8_t priority = SYSTEM_EVENT_PRIORITY_NORMAL;
    const char data[150] = "a payload of the medium class";
    const size_t size = sizeof(data);
    const memory_pool_stats_t before = medium();

    memset(&got, 0, sizeof(got));
    assert_int_equal(system_event_subscribe(service_id, event_type, take, NULL), ESP_OK);
    {
#include "snippet_memory_pool.inc"
        assert_non_null(ptr);
    }
    assert_true(system_up_wait(&got.count, 1, 1000));
    assert_int_equal(got.size, size);
    assert_memory_equal(got.text, data, size);
    assert_int_equal(medium().allocations, before.allocations + 2);
    // The block goes back a moment after the handler returned.
    for (int i = 0; i < ktest_polls(1000) && medium().used != before.used; i++) {
        vTaskDelay(1);
    }
    assert_int_equal(medium().used, before.used);
}

// The four classes and their counts, as in the table of "Memory Pools".
static void the_pools_are_those_of_the_table(void **state)
{
    (void)state;
    static const uint32_t table[MEMORY_POOL_CLASSES][2] = {
        {64, 100}, {256, 50}, {1024, 20}, {4096, 10}};
    for (int i = 0; i < MEMORY_POOL_CLASSES; i++) {
        memory_pool_stats_t stats;
        assert_int_equal(memory_pool_get_stats((memory_pool_class_t)i, &stats), ESP_OK);
        assert_int_equal(stats.block_size, table[i][0]);
        assert_int_equal(stats.blocks, table[i][1]);
    }
}

// "Automatic fallback to heap": more blocks than all pools have, every one usable, all given back.
static void used_up_pools_fall_back_to_the_heap(void **state)
{
    (void)state;
    enum {
        MOST = CONFIG_SYSTEM_POOL_XLARGE_COUNT + CONFIG_SYSTEM_POOL_HEAP_BLOCKS
    };
    void *blocks[MOST];
    int count = 0;
    memory_pool_totals_t totals;

    for (; count < MOST; count++) {
        blocks[count] = memory_pool_alloc(4096);
        if (blocks[count] == NULL) {
            break;
        }
        memset(blocks[count], count, 4096);
    }
    assert_int_equal(memory_pool_get_totals(&totals), ESP_OK);
    assert_true(totals.heap_fallbacks > 0);
    assert_int_equal(totals.heap_blocks, totals.heap_fallbacks);
    assert_true(count > CONFIG_SYSTEM_POOL_XLARGE_COUNT / 2);
    for (int i = 0; i < count; i++) {
        assert_int_equal(*(const uint8_t *)blocks[i], i);
        assert_int_equal(memory_pool_free(blocks[i]), ESP_OK);
    }
    assert_int_equal(memory_pool_get_totals(&totals), ESP_OK);
    assert_int_equal(totals.heap_blocks, 0);
    assert_int_equal(memory_pool_check(), ESP_OK);
}

static void heap_usage(void)
{
#include "snippet_heap_monitor.inc"
}

// The figure printed is the figure of the heap, and a heap that is nearly empty is not healthy.
static void the_heap_is_judged_and_its_fragmentation_printed(void **state)
{
    (void)state;
    char expected[64];
    heap_stats_t now;

    host_log_capture_start(false);
    heap_usage();
    host_log_capture_stop();
    assert_int_equal(host_log_count("Fragmentation: "), 1);
    assert_int_equal(heap_monitor_get_stats(&now), ESP_OK);
    snprintf(expected, sizeof(expected), "Fragmentation: %d%%", now.fragmentation_percent);
    assert_int_equal(host_log_count(expected), 1);
    assert_true(now.fragmentation_percent >= 0 && now.fragmentation_percent <= 100);
    assert_int_equal(host_log_count("Heap fragmentation high!"),
                     heap_monitor_check_health() ? 0 : 1);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_bus_and_manual_use_take_pool_blocks, setup, teardown),
        cmocka_unit_test_setup_teardown(the_pools_are_those_of_the_table, setup, teardown),
        cmocka_unit_test_setup_teardown(used_up_pools_fall_back_to_the_heap, setup, teardown),
        cmocka_unit_test_setup_teardown(the_heap_is_judged_and_its_fragmentation_printed, setup,
                                        teardown),
    };
    return KTEST_MAIN(argc, argv, tests);
}
