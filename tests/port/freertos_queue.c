// SPDX-License-Identifier: Apache-2.0

// Queues, queue sets, stream and message buffers.

#include "ktest.h"

#include <string.h>
#include "freertos/FreeRTOS.h"
#include "freertos/message_buffer.h"
#include "freertos/queue.h"
#include "freertos/semphr.h"
#include "freertos/stream_buffer.h"
#include "freertos/task.h"

static void items_come_out_in_order(void **state)
{
    (void)state;
    QueueHandle_t q = xQueueCreate(3, sizeof(int));
    int v = 1;
    assert_int_equal(xQueueSend(q, &v, 0), pdPASS);
    v = 2;
    assert_int_equal(xQueueSend(q, &v, 0), pdPASS);
    v = 0;
    assert_int_equal(xQueueSendToFront(q, &v, 0), pdPASS);
    assert_int_equal(xQueueSend(q, &v, 0), errQUEUE_FULL);
    assert_int_equal(uxQueueMessagesWaiting(q), 3);
    assert_int_equal(uxQueueSpacesAvailable(q), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(xQueuePeek(q, &v, 0), pdPASS);
        assert_int_equal(v, i);
        assert_int_equal(xQueueReceive(q, &v, 0), pdPASS);
        assert_int_equal(v, i);
    }
    assert_int_equal(xQueueReceive(q, &v, 2), errQUEUE_EMPTY);
    assert_int_equal(xQueuePeek(q, &v, 0), errQUEUE_EMPTY);
    vQueueDelete(q);
}

static void overwriting_keeps_the_latest(void **state)
{
    (void)state;
    QueueHandle_t q = xQueueCreate(1, sizeof(int));
    for (int i = 0; i < 5; i++) {
        assert_int_equal(xQueueOverwrite(q, &i), pdPASS);
    }
    int v = 0;
    assert_int_equal(uxQueueMessagesWaiting(q), 1);
    assert_int_equal(xQueueReceive(q, &v, 0), pdPASS);
    assert_int_equal(v, 4);
    vQueueDelete(q);
}

static void resetting_empties(void **state)
{
    (void)state;
    static uint8_t storage[2 * sizeof(int)];
    static StaticQueue_t memory;
    uint8_t *got_storage = NULL;
    StaticQueue_t *got_memory = NULL;
    QueueHandle_t q = xQueueCreateStatic(2, sizeof(int), storage, &memory);
    assert_int_equal(xQueueGetStaticBuffers(q, &got_storage, &got_memory), pdTRUE);
    assert_ptr_equal(got_storage, storage);
    assert_ptr_equal(got_memory, &memory);
    int v = 1;
    (void)xQueueSend(q, &v, 0);
    assert_int_equal(xQueueReset(q), pdPASS);
    assert_int_equal(uxQueueMessagesWaiting(q), 0);
    vQueueDelete(q);
}

typedef struct {
    QueueHandle_t q;
    int from;
} sender_t;

#define EACH 500

static void send_numbers(void *arg)
{
    const sender_t *s = arg;
    for (int i = 0; i < EACH; i++) {
        int v = s->from + i;
        KTEST_CHECK(xQueueSend(s->q, &v, portMAX_DELAY) == pdPASS);
    }
    vTaskDelete(NULL);
}

static void many_senders_lose_nothing(void **state)
{
    (void)state;
    QueueHandle_t q = xQueueCreate(2, sizeof(int));
    sender_t s[3];
    int next[3] = {0};
    for (int i = 0; i < 3; i++) {
        s[i] = (sender_t){q, i * EACH};
        xTaskCreate(send_numbers, "sender", 4096, &s[i], 5, NULL);
    }
    for (int i = 0; i < 3 * EACH; i++) {
        int v = -1;
        assert_int_equal(xQueueReceive(q, &v, portMAX_DELAY), pdPASS);
        assert_int_equal(v % EACH, next[v / EACH]); /* in order for each of them */
        next[v / EACH]++;
    }
    vTaskDelay(5);
    vQueueDelete(q);
}

static void a_set_names_the_ready_member(void **state)
{
    (void)state;
    QueueSetHandle_t set = xQueueCreateSet(3);
    QueueHandle_t q = xQueueCreate(2, sizeof(int));
    SemaphoreHandle_t sem = xSemaphoreCreateBinary();
    int v = 5;
    assert_int_equal(xQueueAddToSet(q, set), pdPASS);
    assert_int_equal(xQueueAddToSet(sem, set), pdPASS);
    assert_int_equal(xQueueAddToSet(q, set), pdFAIL);
    assert_null(xQueueSelectFromSet(set, 1));
    (void)xSemaphoreGive(sem);
    (void)xQueueSend(q, &v, 0);
    assert_int_equal(xQueueRemoveFromSet(q, set), pdFAIL); /* not empty */
    assert_ptr_equal(xQueueSelectFromSet(set, 0), sem);
    assert_int_equal(xSemaphoreTake(sem, 0), pdTRUE);
    assert_ptr_equal(xQueueSelectFromSet(set, 0), q);
    assert_int_equal(xQueueReceive(q, &v, 0), pdPASS);
    assert_int_equal(xQueueRemoveFromSet(q, set), pdPASS);
    assert_int_equal(xQueueRemoveFromSet(sem, set), pdPASS);
    vQueueDelete(q);
    vSemaphoreDelete(sem);
    vQueueDelete(set);
}

/* ---- stream and message buffers ---- */

static void a_stream_passes_bytes(void **state)
{
    (void)state;
    char got[16] = "";
    StreamBufferHandle_t b = xStreamBufferCreate(8, 1);
    assert_int_equal(xStreamBufferSpacesAvailable(b), 8);
    assert_int_equal(xStreamBufferSend(b, "abcdefghij", 10, 0), 8);
    assert_int_equal(xStreamBufferIsFull(b), pdTRUE);
    assert_int_equal(xStreamBufferReceive(b, got, 3, 0), 3);
    assert_memory_equal(got, "abc", 3);
    assert_int_equal(xStreamBufferSend(b, "xyz", 3, 0), 3); /* wraps round */
    assert_int_equal(xStreamBufferBytesAvailable(b), 8);
    assert_int_equal(xStreamBufferReceive(b, got, sizeof(got), 0), 8);
    assert_memory_equal(got, "defghxyz", 8);
    assert_int_equal(xStreamBufferReceive(b, got, sizeof(got), 2), 0);
    assert_int_equal(xStreamBufferSetTriggerLevel(b, 9), pdFALSE);
    assert_int_equal(xStreamBufferSetTriggerLevel(b, 8), pdTRUE);
    vStreamBufferDelete(b);
}

static void send_slowly(void *arg)
{
    for (int i = 0; i < 6; i++) {
        vTaskDelay(2);
        KTEST_CHECK(xStreamBufferSend(arg, "x", 1, 0) == 1);
    }
    vTaskDelete(NULL);
}

static void a_reader_wakes_at_the_trigger_level(void **state)
{
    (void)state;
    char got[16];
    StreamBufferHandle_t b = xStreamBufferCreate(16, 4);
    xTaskCreate(send_slowly, "sender", 4096, b, 5, NULL);
    /* On threads a busy machine may let more arrive before the woken reader looks. */
    const size_t first = xStreamBufferReceive(b, got, sizeof(got), portMAX_DELAY);
    assert_in_range(first, 4, host_sched() == HOST_SCHED_SIM ? 4 : 6);
    for (size_t rest = 6 - first; rest > 0;) {
        rest -=
            xStreamBufferReceive(b, got, rest, 1); /* fewer than the level come at the timeout */
    }
    vStreamBufferDelete(b);
}

static void messages_stay_whole(void **state)
{
    (void)state;
    char got[16] = "";
    MessageBufferHandle_t b = xMessageBufferCreate(20);
    assert_int_equal(xMessageBufferSend(b, "hello", 5, 0), 5);
    assert_int_equal(xMessageBufferSend(b, "world!", 6, 0), 6);
    assert_int_equal(xMessageBufferSend(b, "more", 4, 0), 0); /* 4 + 4 > 20 - 19 */
    assert_int_equal(xMessageBufferNextLengthBytes(b), 5);
    assert_int_equal(xMessageBufferReceive(b, got, 3, 0), 0); /* too small: it stays */
    assert_int_equal(xMessageBufferReceive(b, got, sizeof(got), 0), 5);
    assert_memory_equal(got, "hello", 5);
    assert_int_equal(xMessageBufferReceive(b, got, sizeof(got), 0), 6);
    assert_memory_equal(got, "world!", 6);
    assert_int_equal(xMessageBufferIsEmpty(b), pdTRUE);
    assert_int_equal(xMessageBufferReset(b), pdPASS);
    vMessageBufferDelete(b);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_come_out_in_order),
        cmocka_unit_test(overwriting_keeps_the_latest),
        cmocka_unit_test(resetting_empties),
        cmocka_unit_test(many_senders_lose_nothing),
        cmocka_unit_test(a_set_names_the_ready_member),
        cmocka_unit_test(a_stream_passes_bytes),
        cmocka_unit_test(a_reader_wakes_at_the_trigger_level),
        cmocka_unit_test(messages_stay_whole),
    };
    return KTEST_MAIN(argc, argv, tests);
}
