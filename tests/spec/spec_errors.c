// SPDX-License-Identifier: Apache-2.0
/*
 * The specification's sections "Error Codes", "Error Handling Pattern" and "System Statistics", as
 * written and run. Supplied here: the commas between the codes of the list, what the "..." in
 * system_event_post(...) stands for, the key and the log tag.
 */
#include <string.h>

#include "esp_log.h"

#include "system_service/error_codes.h"
#include "system_service/event_bus.h"
#include "system_service/system_service.h"

#include "host_log.h"
#include "ktest.h"
#include "system_up.h"

static const char *TAG = "spec";
static system_secure_key_t secure_key;

static int setup(void **state)
{
    (void)state;
    secure_key = system_up();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    system_down(secure_key);
    return 0;
}

#define ESP_ERR_SERVICE_NOT_FOUND     (ESP_ERR_SERVICE_NOT_FOUND),
#define ESP_ERR_EVENT_TYPE_NOT_FOUND  (ESP_ERR_EVENT_TYPE_NOT_FOUND),
#define ESP_ERR_QUOTA_EVENTS_EXCEEDED (ESP_ERR_QUOTA_EVENTS_EXCEEDED),
#define ESP_ERR_QUOTA_SUBS_EXCEEDED   (ESP_ERR_QUOTA_SUBS_EXCEEDED),
#define ESP_ERR_WATCHDOG_TIMEOUT      (ESP_ERR_WATCHDOG_TIMEOUT),
static const esp_err_t s_listed[] = {
#include "snippet_error_codes.inc"
};
#undef ESP_ERR_SERVICE_NOT_FOUND
#undef ESP_ERR_EVENT_TYPE_NOT_FOUND
#undef ESP_ERR_QUOTA_EVENTS_EXCEEDED
#undef ESP_ERR_QUOTA_SUBS_EXCEEDED
#undef ESP_ERR_WATCHDOG_TIMEOUT

static void the_listed_codes_exist_and_have_their_names(void **state)
{
    (void)state;
    static const char *const names[] = {
        "ESP_ERR_SERVICE_NOT_FOUND",     "ESP_ERR_EVENT_TYPE_NOT_FOUND",
        "ESP_ERR_QUOTA_EVENTS_EXCEEDED", "ESP_ERR_QUOTA_SUBS_EXCEEDED",
        "ESP_ERR_WATCHDOG_TIMEOUT",
    };
    assert_int_equal(sizeof(s_listed) / sizeof(s_listed[0]), sizeof(names) / sizeof(names[0]));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_string_equal(system_error_to_string(s_listed[i]), names[i]);
    }
}

#define COUNT_CODE(name, offset, text) +1

// "Kraken-OS provides 50+ specific error codes".
static void there_are_more_than_fifty_codes(void **state)
{
    (void)state;
    assert_true(0 SYSTEM_ERROR_LIST(COUNT_CODE) >= 50);
}

static struct {
    system_service_id_t service_id;
    system_event_type_t type;
} posted;

// The document leaves the arguments out; these are they.
#define system_event_post(dots)                                                                    \
    system_event_post(posted.service_id, posted.type, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL)

static esp_err_t post_it(void)
{
#include "snippet_error_pattern.inc"
    return ESP_OK;
}
#undef system_event_post

static void a_failed_post_is_logged_by_name_and_returned(void **state)
{
    (void)state;
    posted.service_id = system_up_service("spec");
    posted.type = system_up_type("spec.event");
    host_log_capture_start(false);
    assert_int_equal(post_it(), ESP_OK);
    assert_int_equal(host_log_count("Failed to post event"), 0);
    posted.type = 9999;
    assert_int_equal(post_it(), ESP_ERR_EVENT_TYPE_NOT_FOUND);
    host_log_capture_stop();
    assert_int_equal(host_log_count("Failed to post event: ESP_ERR_EVENT_TYPE_NOT_FOUND"), 1);
}

static void ignore(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
}

static void the_statistics_count_what_there_is(void **state)
{
    (void)state;
    uint32_t services, events, subscriptions;
    assert_int_equal(system_service_get_stats(secure_key, &services, &events, &subscriptions),
                     ESP_OK);
    {
        const system_service_id_t alice = system_up_service("alice");
        (void)system_up_service("bob");
        const system_event_type_t type = system_up_type("spec.event");
        assert_int_equal(system_event_subscribe(alice, type, ignore, NULL), ESP_OK);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(system_event_post(alice, type, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL),
                             ESP_OK);
        }
    }
#include "snippet_statistics.inc"
    assert_int_equal(total_services, services + 2);
    assert_int_equal(total_subscriptions, subscriptions + 1);
    // service.registered is posted for each of the two, besides the three above.
    assert_in_range(total_events, events + 3, events + 5);

    system_secure_key_t wrong = secure_key;
    wrong.bytes[15] ^= 1;
    assert_int_equal(system_service_get_stats(wrong, NULL, NULL, NULL), ESP_ERR_SYSTEM_BAD_KEY);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_listed_codes_exist_and_have_their_names),
        cmocka_unit_test(there_are_more_than_fifty_codes),
        cmocka_unit_test_setup_teardown(a_failed_post_is_logged_by_name_and_returned, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_statistics_count_what_there_is, setup, teardown),
    };
    return KTEST_MAIN(argc, argv, tests);
}
