// SPDX-License-Identifier: Apache-2.0

// What an installed app may use: event names of its own and those it was granted, memory within its
// account; and that nothing of it is left.

#include <string.h>

#include "esp_heap_caps.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "kapp_builder.h"
#include "ktest.h"
#include "nvs_flash.h"
#include "programs/asks.h"
#include "system_up.h"

#include "kapp/kapp_app.h"
#include "kapp/kapp_interface.h"
#include "kapp/kapp_trust.h"
#include "program_package.h"
#include "system_service/app_manager.h"
#include "system_service/error_codes.h"

#define DENIED ESP_ERR_APP_PERMISSION_DENIED

static kb_key_t s_key;
static system_service_id_t s_witness;
static asks_answers_t s_answers;
static _Atomic uint32_t s_answered;

static void on_answers(const system_event_t *event, void *user_data)
{
    (void)user_data;
    KTEST_CHECK(event->data_size == sizeof(s_answers));
    memcpy(&s_answers, event->data, sizeof(s_answers));
    s_answered++;
}

static int set_up(void **state)
{
    (void)state;
    static bool done;
    if (!done) {
        KTEST_CHECK(nvs_flash_init() == ESP_OK);
        KTEST_CHECK(kapp_init() == ESP_OK);
        kb_key_make(&s_key);
        KTEST_CHECK(kapp_trust_add("test", s_key.public_key) == ESP_OK);
        (void)system_up();
        s_witness = system_up_service("witness");
        KTEST_CHECK(system_event_subscribe(s_witness, system_up_type("asks.answers"), on_answers,
                                           NULL) == ESP_OK);
        done = true;
    }
    memset(&s_answers, 0x55, sizeof(s_answers));
    return 0;
}

/** asks, with a permission and patterns, or without. */
static kb_bytes_t package(bool permission)
{
    static const uint8_t patterns[] = "\x03\x09granted.*\x02\x09read.only";
    const uint8_t permissions[4] = {permission ? 1u << KAPP_GROUP_EVENTS : 0};
    kb_bytes_t fields = {0};
    kb_field(&fields, 8, permissions, sizeof(permissions));
    kb_field(&fields, 9, patterns, sizeof(patterns) - 1);
    kb_bytes_t b = program_package_with(PROGRAM_ASKS, "asks", -1, &s_key, &fields);
    kb_free(&fields);
    return b;
}

static void run_it(const kb_bytes_t *b)
{
    const kapp_source_t source = kapp_source_memory(b->bytes, b->size);
    const uint32_t before = s_answered;
    assert_int_equal(kapp_app_register(&source, false, NULL), ESP_OK);
    assert_int_equal(app_manager_start("asks"), ESP_OK);
    assert_true(system_up_wait(&s_answered, before + 1, 20000));
}

static void end_it(kb_bytes_t *b)
{
    (void)app_manager_stop("asks");
    assert_int_equal(kapp_app_unregister("asks"), ESP_OK);
    kb_free(b);
}

static void what_is_beyond_its_names_must_be_granted(void **state)
{
    (void)state;
    kb_bytes_t b = package(true);
    run_it(&b);
    assert_int_equal(s_answers.own, ESP_OK);
    assert_int_equal(s_answers.own_pattern, ESP_OK);
    assert_int_equal(s_answers.post, ESP_OK);
    assert_int_equal(s_answers.subscribe, ESP_OK);
    assert_int_equal(s_answers.serve, ESP_OK);
    assert_int_equal(s_answers.request, DENIED); // may be read only
    assert_int_equal(s_answers.register_other, DENIED);
    assert_int_equal(s_answers.post_other, DENIED);
    assert_int_equal(s_answers.subscribe_other, DENIED);
    assert_int_equal(s_answers.pattern_other, DENIED);
    end_it(&b);
}

static void without_the_permission_there_are_its_own_alone(void **state)
{
    (void)state;
    kb_bytes_t b = package(false);
    run_it(&b);
    assert_int_equal(s_answers.own, ESP_OK);
    assert_int_not_equal(s_answers.post, ESP_OK);
    assert_int_not_equal(s_answers.subscribe, ESP_OK);
    end_it(&b);
}

static uint32_t nothing(const kapp_manifest_t *manifest, const uint8_t *signed_by)
{
    KTEST_CHECK(strcmp(manifest->name, "asks") == 0 && signed_by != NULL);
    return 0;
}

static void a_policy_may_grant_less(void **state)
{
    (void)state;
    kapp_policy_set(nothing);
    kb_bytes_t b = package(true);
    run_it(&b);
    kapp_policy_set(NULL);
    assert_int_equal(s_answers.own, ESP_OK);
    assert_int_not_equal(s_answers.post, ESP_OK);
    end_it(&b);
}

static void its_memory_is_its_account(void **state)
{
    (void)state;
    size_t before = 0;
    for (int i = 0; i < 4; i++) {
        kb_bytes_t b = package(true);
        run_it(&b);
        assert_true(s_answers.memory_works);
        assert_true(s_answers.limit_works);
        end_it(&b);
        const size_t now = heap_caps_get_free_size(MALLOC_CAP_8BIT);
        assert_true(i < 2 || now == before);
        before = now;
    }
}

/** Its own events are "NAME.*": they must not be those of somebody else. */
static void a_name_is_not_a_claim_to_others_events(void **state)
{
    (void)state;
    static const char *const names[] = {"system",  "service.failed", "app",
                                        "witness", "witness.other",  "sensors"};
    (void)system_up_service("sensors.inside");
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        kb_bytes_t b = program_package(PROGRAM_ASKS, names[i], -1, &s_key);
        const kapp_source_t source = kapp_source_memory(b.bytes, b.size);
        assert_int_equal(kapp_app_register(&source, false, NULL), ESP_ERR_KAPP_NAME_RESERVED);
        kb_free(&b);
    }
}

static void free_twice_ends_it(void **state)
{
    (void)state;
    app_info_t info;
    app_crash_report_t report;
    kb_bytes_t b = package(true);
    run_it(&b);
    assert_int_equal(system_event_post(s_witness, system_up_type("asks.free_twice"), NULL, 0,
                                       SYSTEM_EVENT_PRIORITY_NORMAL),
                     ESP_OK);
    do {
        vTaskDelay(5);
        assert_int_equal(app_manager_get_info("asks", &info), ESP_OK);
    } while (info.state != APP_STATE_CRASHED);
    assert_int_equal(app_manager_get_crash("asks", &report), ESP_OK);
    assert_int_equal(report.cause, APP_CRASH_HEAP);
    assert_true(report.in_handler);
    assert_string_equal(report.what, "free()");
    assert_string_equal(report.function, "asks"); // the function is static: only the program's name
    end_it(&b);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_beyond_its_names_must_be_granted, set_up),
        cmocka_unit_test_setup(without_the_permission_there_are_its_own_alone, set_up),
        cmocka_unit_test_setup(a_policy_may_grant_less, set_up),
        cmocka_unit_test_setup(its_memory_is_its_account, set_up),
        cmocka_unit_test_setup(a_name_is_not_a_claim_to_others_events, set_up),
        cmocka_unit_test_setup(free_twice_ends_it, set_up),
    };
    return KTEST_MAIN(argc, argv, tests);
}
