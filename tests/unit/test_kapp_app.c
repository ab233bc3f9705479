// SPDX-License-Identifier: Apache-2.0

// Apps out of packages, under the app manager: the firmware's own hello, built the other way.

#include <stdlib.h>
#include <string.h>

#include "esp_heap_caps.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "kapp_builder.h"
#include "kapp_internal.h"
#include "ktest.h"
#include "nvs_flash.h"
#include "system_up.h"

#include "kapp/kapp_app.h"
#include "kapp/kapp_program.h"
#include "kapp/kapp_trust.h"
#include "program_package.h"
#include "system_service/app_manager.h"
#include "system_service/common_events.h"
#include "system_service/error_codes.h"

static kb_key_t s_key;
static system_service_id_t s_witness;
static _Atomic uint32_t s_greetings;
static kb_bytes_t s_hello;

static void on_greeting(const system_event_t *event, void *user_data)
{
    (void)user_data;
    if (event->data_size > 6 && memcmp(event->data, "Hello!", 6) == 0) {
        s_greetings++;
    }
}

static int set_up(void **state)
{
    (void)state;
    static bool done;
    if (!done) {
        const kapp_source_t none = kapp_source_memory("", 0);
        KTEST_CHECK(kapp_app_register(&none, true, NULL) == ESP_ERR_INVALID_STATE);
        KTEST_CHECK(nvs_flash_init() == ESP_OK);
        KTEST_CHECK(kapp_init() == ESP_OK);
        kb_key_make(&s_key);
        KTEST_CHECK(kapp_trust_add("test", s_key.public_key) == ESP_OK);
        (void)system_up();
        s_witness = system_up_service("witness");
        KTEST_CHECK(system_event_subscribe_pattern(s_witness, "hello.*", on_greeting, NULL, NULL,
                                                   NULL) == ESP_OK);
        done = true;
    }
    s_hello = program_package(PROGRAM_HELLO, "hello", -1, &s_key);
    s_greetings = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    kb_free(&s_hello);
    return 0;
}

static kapp_source_t source_of(const kb_bytes_t *b)
{
    return kapp_source_memory(b->bytes, b->size);
}

static app_state_t state_of(const char *name)
{
    app_info_t info;
    assert_int_equal(app_manager_get_info(name, &info), ESP_OK);
    return info.state;
}

static void hello_runs_out_of_a_package(void **state)
{
    (void)state;
    char name[SYSTEM_NAME_MAX + 1];
    app_info_t info;
    const kapp_source_t source = source_of(&s_hello);
    assert_int_equal(kapp_app_register(&source, false, name), ESP_OK);
    assert_string_equal(name, "hello");
    assert_int_equal(kapp_app_register(&source, false, NULL), ESP_ERR_APP_ALREADY_REGISTERED);
    assert_int_equal(app_manager_start("hello"), ESP_OK);
    assert_true(system_up_wait(&s_greetings, 2, 20000));
    assert_int_equal(kapp_app_unregister("hello"), ESP_ERR_APP_IN_USE);
    assert_int_equal(app_manager_pause("hello"), ESP_OK);
    assert_int_equal(app_manager_resume("hello"), ESP_OK);
    assert_int_equal(app_manager_restart("hello"), ESP_OK);
    const uint32_t before = s_greetings;
    assert_true(system_up_wait(&s_greetings, before + 2, 20000));
    assert_int_equal(app_manager_stop("hello"), ESP_OK);
    assert_int_equal(app_manager_get_info("hello", &info), ESP_OK);
    assert_string_equal(info.manifest->version, "1.2.3");
    assert_int_equal(info.forced_stops, 0);
    assert_int_equal(info.crashes, 0);
    assert_int_equal(kapp_app_unregister("hello"), ESP_OK);
    assert_int_equal(kapp_app_unregister("hello"), ESP_ERR_APP_NOT_FOUND);
    assert_int_equal(app_manager_start("hello"), ESP_ERR_APP_NOT_FOUND);
}

static void nothing_is_left_of_it(void **state)
{
    (void)state;
    const kapp_source_t source = source_of(&s_hello);
    size_t before = 0;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(kapp_app_register(&source, false, NULL), ESP_OK);
        assert_int_equal(app_manager_start("hello"), ESP_OK);
        if (i % 2 == 0) { // some are stopped before they said anything
            const uint32_t greetings = s_greetings;
            assert_true(system_up_wait(&s_greetings, greetings + 1, 20000));
        }
        assert_int_equal(app_manager_stop("hello"), ESP_OK);
        assert_int_equal(kapp_app_unregister("hello"), ESP_OK);
        const size_t now = heap_caps_get_free_size(MALLOC_CAP_8BIT);
        assert_true(i < 2 || now == before); // what the first use costs is behind us
        before = now;
    }
}

static void what_changed_since_does_not_start(void **state)
{
    (void)state;
    kapp_t package;
    const kapp_source_t source = source_of(&s_hello);
    assert_int_equal(kapp_app_register(&source, false, NULL), ESP_OK);
    assert_int_equal(kapp_open(&package, &source), ESP_OK);
    s_hello.bytes[package.sections[3].offset + 9] ^= 1;
    assert_int_equal(app_manager_start("hello"), ESP_ERR_KAPP_CHANGED);
    assert_int_equal(state_of("hello"), APP_STATE_STOPPED);
    s_hello.bytes[package.sections[3].offset + 9] ^= 1;
    assert_int_equal(app_manager_start("hello"), ESP_OK);
    assert_int_equal(app_manager_stop("hello"), ESP_OK);
    assert_int_equal(kapp_app_unregister("hello"), ESP_OK);
}

static void packages_that_are_not_right_are_not_registered(void **state)
{
    (void)state;
    const size_t before = heap_caps_get_free_size(MALLOC_CAP_8BIT);
    kapp_source_t source = source_of(&s_hello);
    source.size--;
    assert_int_equal(kapp_app_register(&source, true, NULL), ESP_ERR_KAPP_TRUNCATED);
    source.size++;
    s_hello.bytes[s_hello.size - 1] ^= 1;
    assert_int_equal(kapp_app_register(&source, true, NULL), ESP_ERR_KAPP_SIGNATURE_WRONG);
    assert_int_equal(heap_caps_get_free_size(MALLOC_CAP_8BIT), before);
    kb_bytes_t b = program_package(PROGRAM_HELLO, "hello", -1, NULL);
    source = source_of(&b);
    assert_int_equal(kapp_app_register(&source, false, NULL), ESP_ERR_KAPP_UNSIGNED);
    assert_int_equal(kapp_app_register(NULL, false, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(app_manager_start("hello"), ESP_ERR_APP_NOT_FOUND);
    kb_free(&b);
}

static void an_import_that_is_not_there_fails_the_start(void **state)
{
    (void)state;
    kb_bytes_t b = program_package(PROGRAM_LACKING, "lacking", -1, &s_key);
    const kapp_source_t source = source_of(&b);
    assert_int_equal(kapp_app_register(&source, false, NULL), ESP_OK);
    assert_int_equal(app_manager_start("lacking"), ESP_ERR_LOADER_UNRESOLVED_SYMBOL);
    assert_int_equal(app_manager_start("lacking"), ESP_ERR_LOADER_UNRESOLVED_SYMBOL);
    assert_int_equal(state_of("lacking"), APP_STATE_STOPPED);
    assert_int_equal(kapp_app_unregister("lacking"), ESP_OK);
    kb_free(&b);
}

static void one_that_does_not_stop_is_ended_and_taken_out(void **state)
{
    (void)state;
    kb_bytes_t b = program_package(PROGRAM_DEAF, "deaf", -1, &s_key);
    const kapp_source_t source = source_of(&b);
    size_t before = 0;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(kapp_app_register(&source, false, NULL), ESP_OK);
        assert_int_equal(app_manager_start("deaf"), ESP_OK);
        for (int ms = 0; state_of("deaf") != APP_STATE_RUNNING; ms++) { // its task says so
            assert_true(ms < ktest_polls(1000));
            vTaskDelay(1);
        }
        vTaskDelay(20);
        assert_int_equal(app_manager_stop("deaf"), ESP_ERR_APP_STOP_TIMEOUT);
        assert_int_equal(app_manager_set_aside_count(), 0);
        assert_int_equal(kapp_app_unregister("deaf"), ESP_OK);
        const size_t now = heap_caps_get_free_size(MALLOC_CAP_8BIT);
        assert_true(i < 2 || now == before);
        before = now;
    }
    kb_free(&b);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(hello_runs_out_of_a_package, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_left_of_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_changed_since_does_not_start, set_up, tear_down),
        cmocka_unit_test_setup_teardown(packages_that_are_not_right_are_not_registered, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(one_that_does_not_stop_is_ended_and_taken_out, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_import_that_is_not_there_fails_the_start, set_up,
                                        tear_down),
    };
    return KTEST_MAIN(argc, argv, tests);
}
