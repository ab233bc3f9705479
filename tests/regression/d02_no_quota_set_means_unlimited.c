// SPDX-License-Identifier: Apache-2.0
/*
 * The story: only services that had called quota_set() were limited. For all others "no entry"
 * meant no limit, so the defaults of the configuration were never applied to anybody. The memory
 * quota existed on paper: nothing ever recorded memory, and the check only wrote to the log and
 * said OK.
 *
 * Here a service sets no quota. Each default must bite, with its error and its count.
 */
#include "memory_utils.h"

#include "ktest.h"
#include "system_up.h"

static void ignore(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
}

static void the_defaults_bite_without_quota_set(void **state)
{
    (void)state;
    const system_secure_key_t key = system_up();
    const system_event_type_t type = system_up_type("test.event");
    static const uint8_t data[CONFIG_SYSTEM_QUOTA_EVENT_DATA_SIZE + 1];
    static int contexts[CONFIG_SYSTEM_QUOTA_SUBSCRIPTIONS + 1];
    system_service_id_t id;
    service_quota_t limits;
    quota_usage_t usage;
    esp_err_t ret = ESP_OK;
    uint32_t posts = 0;

    assert_int_equal(system_service_register("display", NULL, &id), ESP_OK);
    assert_int_equal(quota_get(id, &limits), ESP_OK);
    assert_int_equal(limits.max_events_per_sec, CONFIG_SYSTEM_QUOTA_EVENTS_PER_SEC);
    assert_int_equal(limits.max_subscriptions, CONFIG_SYSTEM_QUOTA_SUBSCRIPTIONS);
    assert_int_equal(limits.max_event_data_size, CONFIG_SYSTEM_QUOTA_EVENT_DATA_SIZE);
    assert_int_equal(limits.max_memory_bytes, CONFIG_SYSTEM_QUOTA_MEMORY_BYTES);

    assert_int_equal(system_event_post(id, type, data, sizeof(data), SYSTEM_EVENT_PRIORITY_NORMAL),
                     ESP_ERR_QUOTA_DATA_EXCEEDED);
    for (int i = 0; i <= CONFIG_SYSTEM_QUOTA_SUBSCRIPTIONS; i++) {
        ret = system_event_subscribe(id, type, ignore, &contexts[i]);
        assert_int_equal(ret, i < CONFIG_SYSTEM_QUOTA_SUBSCRIPTIONS ? ESP_OK
                                                                    : ESP_ERR_QUOTA_SUBS_EXCEEDED);
    }
    assert_int_equal(system_event_unsubscribe_type(id, type, NULL), ESP_OK);
    for (ret = ESP_OK; ret == ESP_OK && posts < 1000000; posts++) {
        ret = system_event_post(id, type, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL);
    }
    assert_int_equal(ret, ESP_ERR_QUOTA_EVENTS_EXCEEDED);
    assert_null(system_mem_alloc(id, CONFIG_SYSTEM_QUOTA_MEMORY_BYTES + 1, MEMORY_PURPOSE_GENERAL));

    assert_int_equal(quota_get_usage(id, &usage), ESP_OK);
    assert_int_equal(usage.violations[QUOTA_EVENTS], 1);
    assert_int_equal(usage.violations[QUOTA_SUBSCRIPTIONS], 1);
    assert_int_equal(usage.violations[QUOTA_EVENT_DATA], 1);
    assert_int_equal(usage.violations[QUOTA_MEMORY], 1);
    assert_int_equal(usage.memory_bytes, 0);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_bite_without_quota_set),
    };
    return KTEST_MAIN(argc, argv, tests);
}
