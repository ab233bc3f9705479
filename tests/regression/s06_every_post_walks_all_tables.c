// SPDX-License-Identifier: Apache-2.0
/*
 * The story: one post took six mutexes, and looked at every subscription, at every service and, to
 * find a type, at every type, although the ids were indices.
 *
 * Here a post is made and handled while every mutex of the core that there is to hold is held by
 * somebody else; and in the simulator, which counts each step that a post takes, a post costs the
 * same whether the tables are empty or full.
 */
#include <stdio.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "ktest.h"
#include "system_internal.h"
#include "system_up.h"

static system_secure_key_t key;
static _Atomic uint32_t handled;

static int setup(void **state)
{
    (void)state;
    handled = 0;
    key = system_up();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    system_down(key);
    return 0;
}

static void on_event(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    handled++;
}

static void other(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
}

static struct {
    system_service_id_t id;
    system_event_type_t type;
    _Atomic uint32_t done;
} poster;

static void post_from_elsewhere(void *arg)
{
    (void)arg;
    KTEST_CHECK(system_event_post(poster.id, poster.type, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL) ==
                ESP_OK);
    poster.done++;
    vTaskDelete(NULL);
}

static void a_post_takes_no_mutex(void **state)
{
    (void)state;
    poster.id = system_up_service("poster");
    poster.type = system_up_type("test.event");
    assert_int_equal(system_event_subscribe(poster.id, poster.type, on_event, NULL), ESP_OK);
    registry_lock();
    const BaseType_t made = xTaskCreate(post_from_elsewhere, "poster", 4096, NULL, 5, NULL);
    const bool posted = system_up_wait(&poster.done, 1, 1000);
    const bool seen = system_up_wait(&handled, 1, 1000);
    registry_unlock();
    assert_int_equal(made, pdPASS);
    assert_true(posted);
    assert_true(seen);
}

// Steps of one post to one subscriber. The poster has the highest priority: nobody comes between.
static uint64_t steps_of_a_post(system_service_id_t id, system_event_type_t type)
{
    const UBaseType_t priority = uxTaskPriorityGet(NULL);
    vTaskDelay(pdMS_TO_TICKS(50));
    vTaskPrioritySet(NULL, configMAX_PRIORITIES - 1);
    const uint64_t before = host_trace_points();
    const esp_err_t ret = system_event_post(id, type, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL);
    const uint64_t steps = host_trace_points() - before;
    vTaskPrioritySet(NULL, priority);
    assert_int_equal(ret, ESP_OK);
    return steps;
}

static void full_tables_do_not_slow_a_post_down(void **state)
{
    (void)state;
    const system_service_id_t id = system_up_service("subject");
    const system_event_type_t type = system_up_type("test.event");
    system_event_type_t spare = SYSTEM_EVENT_TYPE_NONE;
    static int contexts[CONFIG_SYSTEM_MAX_SUBSCRIPTIONS];
    char name[24];

    if (host_sched() != HOST_SCHED_SIM) {
        skip();
    }
    assert_int_equal(system_event_subscribe(id, type, on_event, NULL), ESP_OK);
    uint64_t alone = UINT64_MAX, crowded = UINT64_MAX;
    for (int i = 0; i < 20; i++) {
        const uint64_t steps = steps_of_a_post(id, type);
        alone = steps < alone ? steps : alone;
    }
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), "crowd.%d", i);
        assert_int_equal(system_event_register_type(name, &spare), ESP_OK);
    }
    for (int owner = 0; owner < 6; owner++) {
        snprintf(name, sizeof(name), "crowd%d", owner);
        const system_service_id_t crowd = system_up_service(name);
        for (int i = 0; i < CONFIG_SYSTEM_MAX_SUBSCRIPTIONS / 8; i++) {
            assert_int_equal(system_event_subscribe(crowd, spare, other, &contexts[i]), ESP_OK);
        }
    }
    for (int i = 0; i < 20; i++) {
        const uint64_t steps = steps_of_a_post(id, type);
        crowded = steps < crowded ? steps : crowded;
    }
    assert_true(alone > 0);
    assert_in_range(crowded, 0, alone + 4);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_post_takes_no_mutex, setup, teardown),
        cmocka_unit_test_setup_teardown(full_tables_do_not_slow_a_post_down, setup, teardown),
    };
    return KTEST_MAIN(argc, argv, tests);
}
