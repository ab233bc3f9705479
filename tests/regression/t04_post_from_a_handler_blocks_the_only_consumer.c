// SPDX-License-Identifier: Apache-2.0
/*
 * The story: a handler that posted into a full queue waited 100 ms for room that only its own task
 * could have made, and then failed. A LOW event that found the queue full waited 100 ms before the
 * oldest one was dropped, with a lock held.
 *
 * Here a handler fills its own mailbox, whose subscription asks posters to wait: it is refused at
 * once. And dropping the oldest takes no time either.
 */
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "ktest.h"
#include "system_up.h"

static system_service_id_t id;
static system_event_type_t trigger, fill, low;
static _Atomic uint32_t filled, lows, done;
static uint32_t accepted;
static int64_t took_us;

static void on_fill(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    filled++;
}

static void on_low(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    lows++;
}

static void on_trigger(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    const int64_t start = esp_timer_get_time();
    esp_err_t ret = ESP_OK;
    while (accepted < 1000 &&
           (ret = system_event_post(id, fill, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL)) == ESP_OK) {
        accepted++;
    }
    KTEST_CHECK(ret == ESP_ERR_EVENT_QUEUE_FULL);
    for (int i = 0; i < 3 * CONFIG_SYSTEM_QUEUE_LOW; i++) {
        KTEST_CHECK(system_event_post(id, low, NULL, 0, SYSTEM_EVENT_PRIORITY_LOW) == ESP_OK);
    }
    took_us = esp_timer_get_time() - start;
    done++;
}

static void a_handler_is_refused_at_once(void **state)
{
    (void)state;
    const system_secure_key_t key = system_up();
    const system_subscription_config_t waits = {.overflow = SYSTEM_OVERFLOW_BLOCK,
                                                .block_ms = 10000};
    const system_subscription_config_t drops = {.overflow = SYSTEM_OVERFLOW_DROP_OLDEST};

    id = system_up_service("subject");
    trigger = system_up_type("test.trigger");
    fill = system_up_type("test.fill");
    low = system_up_type("test.low");
    assert_int_equal(system_event_subscribe(id, trigger, on_trigger, NULL), ESP_OK);
    assert_int_equal(system_event_subscribe_ex(id, fill, on_fill, NULL, &waits, NULL), ESP_OK);
    assert_int_equal(system_event_subscribe_ex(id, low, on_low, NULL, &drops, NULL), ESP_OK);
    assert_int_equal(system_event_post(id, trigger, NULL, 0, SYSTEM_EVENT_PRIORITY_HIGH), ESP_OK);
    assert_true(system_up_wait(&done, 1, 60000));
    assert_int_equal(accepted, CONFIG_SYSTEM_QUEUE_NORMAL);
    if (host_sched() == HOST_SCHED_SIM) {
        assert_true(took_us < 1000); // virtual time: only waiting lets it pass
    }
    assert_true(system_up_wait(&filled, CONFIG_SYSTEM_QUEUE_NORMAL, 5000));
    assert_true(system_up_wait(&lows, CONFIG_SYSTEM_QUEUE_LOW, 5000));
    system_down(key);
    assert_int_equal(filled, CONFIG_SYSTEM_QUEUE_NORMAL);
    assert_int_equal(lows, CONFIG_SYSTEM_QUEUE_LOW);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handler_is_refused_at_once),
    };
    return KTEST_MAIN(argc, argv, tests);
}
