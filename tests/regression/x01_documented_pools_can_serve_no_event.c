// SPDX-License-Identifier: Apache-2.0
/*
 * The story: the document promised pools of 64, 256, 1024 and 4096 bytes, 100, 50, 20 and 10 of
 * them. The code had 64, 128, 256 and 512 bytes in smaller numbers, and since an event could carry
 * 512 bytes at most, the large ones could never have served one.
 *
 * Here an event of every class's full size arrives whole, out of a block of that class.
 */
#include <string.h>

#include "memory_pool.h"

#include "ktest.h"
#include "system_up.h"

static _Atomic uint32_t handled;
static uint8_t sent[MEMORY_POOL_MAX_BLOCK];

static void on_event(const system_event_t *event, void *user_data)
{
    const size_t *size = user_data;
    KTEST_CHECK(event->data_size == *size);
    KTEST_CHECK(memcmp(event->data, sent, *size) == 0);
    handled++;
}

static void each_class_carries_events_of_its_size(void **state)
{
    (void)state;
    static const uint32_t documented[MEMORY_POOL_CLASSES][2] = {
        {64, 100}, {256, 50}, {1024, 20}, {4096, 10}};
    const system_secure_key_t key = system_up();
    const system_service_id_t id = system_up_service("subject");
    const system_event_type_t type = system_up_type("test.event");
    size_t size = 0;

    for (size_t i = 0; i < sizeof(sent); i++) {
        sent[i] = (uint8_t)(i * 7);
    }
    assert_int_equal(system_event_subscribe(id, type, on_event, &size), ESP_OK);
    for (int i = 0; i < MEMORY_POOL_CLASSES; i++) {
        memory_pool_stats_t before, after;
        assert_int_equal(memory_pool_get_stats((memory_pool_class_t)i, &before), ESP_OK);
        assert_int_equal(before.block_size, documented[i][0]);
        assert_int_equal(before.blocks, documented[i][1]);
        size = documented[i][0];
        assert_int_equal(system_event_post(id, type, sent, size, SYSTEM_EVENT_PRIORITY_NORMAL),
                         ESP_OK);
        assert_true(system_up_wait(&handled, (uint32_t)i + 1, 1000));
        assert_int_equal(memory_pool_get_stats((memory_pool_class_t)i, &after), ESP_OK);
        assert_int_equal(after.allocations, before.allocations + 1);
        assert_int_equal(after.borrowed, before.borrowed);
    }
    system_down(key);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_class_carries_events_of_its_size),
    };
    return KTEST_MAIN(argc, argv, tests);
}
