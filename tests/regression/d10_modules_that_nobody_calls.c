// SPDX-License-Identifier: Apache-2.0
/*
 * The story: a third of the source had no caller: heap monitor, requests, log control, most of the
 * dependencies, every statistics function. The document said that health reports were logged, and
 * the boot said "Heap monitoring: Active"; neither was so.
 *
 * Here nobody asks for anything: a system that is left alone must report by itself, and the report
 * must hold what the modules saw.
 */
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "system_service/common_events.h"
#include "system_service/service_supervisor.h"

#include "host_log.h"
#include "ktest.h"
#include "system_up.h"

static _Atomic uint32_t reports, slow_notices, violation_notices;
static handler_slow_event_t slow_seen;

static void on_health(const system_event_t *event, void *user_data)
{
    (void)user_data;
    KTEST_CHECK(event->data_size == sizeof(health_event_t));
    reports++;
}

static void on_slow(const system_event_t *event, void *user_data)
{
    (void)user_data;
    memcpy(&slow_seen, event->data, sizeof(slow_seen));
    slow_notices++;
}

static void on_violation(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    violation_notices++;
}

static void slow(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    vTaskDelay(pdMS_TO_TICKS(4 * CONFIG_SYSTEM_HANDLER_WARN_MS));
}

static void the_system_reports_by_itself(void **state)
{
    (void)state;
    const system_secure_key_t key = system_up();
    const system_service_id_t witness = system_up_service("witness");
    const system_service_id_t subject = system_up_service("subject");
    const system_event_type_t type = system_up_type("test.event");
    const service_quota_t tight = {.max_events_per_sec = 1};
    static const char *const sections[] = {
        "Memory pool usage", "Heap fragmentation",   "Watchdog status",
        "Quota violations",  "Service dependencies", "Handler execution times",
    };

    assert_int_equal(system_event_subscribe(witness, SYSTEM_EVENT_HEALTH, on_health, NULL), ESP_OK);
    assert_int_equal(system_event_subscribe(witness, SYSTEM_EVENT_HANDLER_SLOW, on_slow, NULL),
                     ESP_OK);
    assert_int_equal(
        system_event_subscribe(witness, SYSTEM_EVENT_QUOTA_VIOLATION, on_violation, NULL), ESP_OK);
    assert_int_equal(system_event_subscribe(subject, type, slow, NULL), ESP_OK);
    host_log_capture_start(false);
    assert_int_equal(system_event_post(subject, type, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL),
                     ESP_OK);
    assert_int_equal(quota_set(subject, &tight), ESP_OK);
    esp_err_t ret = ESP_OK;
    for (int i = 0; i < 100 && ret == ESP_OK; i++) {
        ret = system_event_post(subject, type, NULL, 0, SYSTEM_EVENT_PRIORITY_LOW);
    }
    assert_int_equal(ret, ESP_ERR_QUOTA_EVENTS_EXCEEDED);
    vTaskDelay(pdMS_TO_TICKS((2 * CONFIG_SYSTEM_HEALTH_REPORT_PERIOD_S + 5) * 1000));
    host_log_capture_stop();

    assert_int_equal(slow_notices >= 1, true);
    assert_int_equal(slow_seen.id, subject);
    assert_string_equal(slow_seen.name, "subject");
    assert_true(slow_seen.handler == (uintptr_t)slow);
    assert_int_equal(violation_notices >= 1, true);
    assert_true(reports >= 2);
    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        assert_true(host_log_count(sections[i]) >= 2);
    }
    // What a report says is what happened.
    assert_true(host_log_count("event handlers ran too long") >= 1);
    assert_true(host_log_count("quotas were violated") >= 1);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_system_reports_by_itself),
    };
    return KTEST_MAIN(argc, argv, tests);
}
