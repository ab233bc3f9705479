// SPDX-License-Identifier: Apache-2.0
/*
 * The story: an event was counted as posted and as queued before it was sent; when the send failed
 * the counts stayed. When the statistics' mutex was busy, the sequence number was 0 again.
 *
 * Here posts fail for every reason there is, between others that succeed, and all counts add up.
 */
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "freertos/task.h"

#include "ktest.h"
#include "system_up.h"

static SemaphoreHandle_t gate;
static _Atomic uint32_t entered, handled;
static uint32_t sequences[64];

static void on_event(const system_event_t *event, void *user_data)
{
    (void)user_data;
    KTEST_CHECK(handled < 64);
    sequences[handled] = event->sequence;
    entered++;
    if (handled == 0) {
        xSemaphoreTake(gate, portMAX_DELAY);
    }
    handled++;
}

static system_event_bus_stats_t bus(void)
{
    system_event_bus_stats_t out;
    assert_int_equal(system_event_get_bus_stats(&out), ESP_OK);
    return out;
}

static void only_what_happened_is_counted(void **state)
{
    (void)state;
    const system_secure_key_t key = system_up();
    const system_service_id_t id = system_up_service("subject");
    const system_event_type_t type = system_up_type("test.event");
    const uint8_t normal = SYSTEM_EVENT_PRIORITY_NORMAL;
    static const uint8_t large[4097];
    system_post_result_t result;

    gate = xSemaphoreCreateBinary();
    assert_int_equal(system_event_subscribe(id, type, on_event, NULL), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(20));
    const system_event_bus_stats_t before = bus();

    // Refused as a whole: nothing is posted.
    assert_int_equal(system_event_post(id, 9999, NULL, 0, normal), ESP_ERR_EVENT_TYPE_NOT_FOUND);
    assert_int_equal(system_event_post(id, type, NULL, 1, normal), ESP_ERR_INVALID_ARG);
    assert_int_not_equal(system_event_post(id, type, large, sizeof(large), normal), ESP_OK);
    assert_int_equal(system_event_post(id + 256, type, NULL, 0, normal), ESP_ERR_SERVICE_STALE_ID);
    assert_int_equal(bus().posted, before.posted);
    assert_int_equal(bus().delivered, before.delivered);

    // One is being handled, a lane full of them waits, and one more finds no room.
    assert_int_equal(system_event_post(id, type, NULL, 0, normal), ESP_OK);
    assert_true(system_up_wait(&entered, 1, 5000));
    for (int i = 0; i < CONFIG_SYSTEM_QUEUE_NORMAL; i++) {
        assert_int_equal(system_event_post_ex(id, type, NULL, 0, normal, &result), ESP_OK);
        assert_int_equal(result.matched, 1);
        assert_int_equal(result.delivered, 1);
    }
    assert_int_equal(system_event_post_ex(id, type, NULL, 0, normal, &result),
                     ESP_ERR_EVENT_QUEUE_FULL);
    assert_int_equal(result.delivered, 0);
    assert_int_equal(result.refused, 1);
    // One more where the machine was so busy that the system posted a handler's slowness: for
    // nobody.
    const uint64_t more = bus().posted - (before.posted + CONFIG_SYSTEM_QUEUE_NORMAL + 2);
    assert_true(more == 0 || (more == 1 && host_sched() == HOST_SCHED_THREADS));
    assert_int_equal(bus().delivered, before.delivered + CONFIG_SYSTEM_QUEUE_NORMAL + 1);
    assert_int_equal(bus().refused, before.refused + 1);
    assert_int_equal(bus().handled, before.handled);

    xSemaphoreGive(gate);
    assert_true(system_up_wait(&handled, CONFIG_SYSTEM_QUEUE_NORMAL + 1, 5000));
    for (int i = 0; bus().handled < before.handled + CONFIG_SYSTEM_QUEUE_NORMAL + 1; i++) {
        assert_true(i < ktest_polls(20)); // it is counted when the last handler has returned
        vTaskDelay(1);
    }
    vTaskDelay(pdMS_TO_TICKS(20));
    assert_int_equal(bus().handled, before.handled + CONFIG_SYSTEM_QUEUE_NORMAL + 1);
    for (int i = 1; i <= CONFIG_SYSTEM_QUEUE_NORMAL; i++) {
        assert_true(sequences[i] > sequences[i - 1]);
    }
    system_down(key);
    vSemaphoreDelete(gate);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_happened_is_counted),
    };
    return KTEST_MAIN(argc, argv, tests);
}
