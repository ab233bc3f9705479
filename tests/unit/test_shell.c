// SPDX-License-Identifier: Apache-2.0

// Every command of the shell, well and badly used, on a system with two services and an app.

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "host_log.h"
#include "ktest.h"
#include "shell_board.h"
#include "shell_internal.h"
#include "shell_test.h"
#include "system_service/app_manager.h"
#include "system_service/common_events.h"
#include "system_service/event_bus.h"
#include "system_service/service_supervisor.h"
#include "system_service/system_service.h"

// ---- the line ----------------------------------------------------------------------------------

static void empty_lines_and_comments_do_nothing(void **state)
{
    (void)state;
    static const char *const lines[] = {"", "   ", "\t\r\n", "# services", "  #x"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        assert_int_equal(shell_test_run(lines[i]), SHELL_OK);
        assert_string_equal(shell_test_output, "");
    }
}

static void lines_are_cut_into_words(void **state)
{
    (void)state;
    char longest[SHELL_LINE_MAX + 2];
    static const shell_test_example_t examples[] = {
        {"help services", SHELL_OK, "services"},
        {"  help\tservices \r\n", SHELL_OK, "services"},
        {"help \"services\"", SHELL_OK, "services"},
        {"help \"services", SHELL_OK, "services"},
        {"\"help\" services", SHELL_OK, "services"},
        {"help \"services \"", SHELL_USAGE, "usage: help"},
        {"nonsense", SHELL_USAGE, "no such command: nonsense"},
        {"SERVICES", SHELL_USAGE, "no such command"},
        {"help a b c d e f g h i j k l m n o", SHELL_USAGE, "usage: help"},
        {"help a b c d e f g h i j k l m n o p", SHELL_USAGE, "at most 16 words"},
    };
    SHELL_TEST_EXAMPLES(examples);
    memset(longest, 'x', sizeof(longest) - 1);
    longest[SHELL_LINE_MAX + 1] = '\0';
    shell_test_prints(longest, SHELL_USAGE, "at most 255 bytes");
    longest[SHELL_LINE_MAX] = '\0';
    shell_test_prints(longest, SHELL_USAGE, "no such command");
}

static void every_command_is_listed_and_refuses_too_many_arguments(void **state)
{
    (void)state;
    char line[64];
    char name[16];
    size_t count;
    const shell_command_t *commands = shell_commands(&count);
    assert_int_equal(shell_test_run("help"), SHELL_OK);
    char *list = strdup(shell_test_output);
    assert_non_null(list);
    for (size_t i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "%s ", commands[i].name);
        assert_non_null(strstr(list, name));
        snprintf(line, sizeof(line), "%s 1 2 3 4 5 6", commands[i].name);
        shell_test_prints(line, SHELL_USAGE, "usage: ");
        assert_true(i == 0 || strcmp(commands[i - 1].name, commands[i].name) < 0);
    }
    free(list);
}

// ---- the commands ------------------------------------------------------------------------------

static void commands_show_what_there_is(void **state)
{
    (void)state;
    static const shell_test_example_t examples[] = {
        {"services", SHELL_OK, "upper            RUNNING"},
        {"services", SHELL_OK, "critical"},
        {"deps", SHELL_OK, "upper            needs base (RUNNING)"},
        {"deps", SHELL_OK, "start order: shell base upper"},
        {"events", SHELL_OK, "system.ready"},
        {"events", SHELL_OK, "posted "},
        {"pools", SHELL_OK, "  4096     10"},
        {"heap", SHELL_OK, "internal RAM"},
        {"quota", SHELL_OK, "base"},
        {"quota base", SHELL_OK, "limit 100/s"},
        {"quota nobody", SHELL_FAILED, "ESP_ERR_SERVICE_NOT_FOUND"},
        {"handlers", SHELL_OK, "p99 us"},
        {"handlers nobody", SHELL_FAILED, "ESP_ERR_SERVICE_NOT_FOUND"},
        {"apps", SHELL_OK, "idler            1.2.3    RUNNING"},
        {"stats", SHELL_OK, "services      3, apps alive 1"},
        {"health", SHELL_OK, "Handler execution times"},
        {"blackbox", SHELL_OK, "crashes in a row: 0"},
        {"blackbox 3", SHELL_OK, "room for "},
        {"blackbox 0", SHELL_USAGE, "usage: blackbox"},
        {"why upper", SHELL_OK, "service.started"},
        {"why nobody", SHELL_FAILED, "nothing is recorded"},
        {"why", SHELL_USAGE, "usage: why"},
        {"safe", SHELL_OK, "safe mode is off"},
        {"log", SHELL_OK, "base"},
        {"sleep 1", SHELL_OK, ""},
        {"sleep", SHELL_USAGE, "usage: sleep"},
        {"sleep long", SHELL_USAGE, "usage: sleep"},
        {"quit", SHELL_OK, ""}, // nobody reads: nothing to leave
    };
    SHELL_TEST_EXAMPLES(examples);
}

static void services_are_stopped_and_started(void **state)
{
    (void)state;
    static const shell_test_example_t examples[] = {
        {"service stop upper", SHELL_OK, ""},
        {"services", SHELL_OK, "upper            STOPPED"},
        {"service start upper", SHELL_OK, ""},
        {"services", SHELL_OK, "upper            RUNNING"},
        {"service stop base", SHELL_OK, ""},
        {"services", SHELL_OK, "upper            STOPPED"}, // it needs base
        {"service start upper", SHELL_OK, ""},
        {"services", SHELL_OK, "base             RUNNING"},
        {"service stop shell", SHELL_FAILED, "it would end what you are using"},
        {"service stop nobody", SHELL_FAILED, "ESP_ERR_SERVICE_NOT_FOUND"},
        {"service kill base", SHELL_USAGE, "usage: service"},
        {"service stop", SHELL_USAGE, "usage: service"},
    };
    SHELL_TEST_EXAMPLES(examples);
}

static void apps_are_controlled(void **state)
{
    (void)state;
    static const shell_test_example_t examples[] = {
        {"app pause idler", SHELL_OK, ""},
        {"apps", SHELL_OK, "PAUSED"},
        {"app pause idler", SHELL_FAILED, "ESP_ERR_APP_INVALID_TRANSITION"},
        {"app resume idler", SHELL_OK, ""},
        {"app resume idler", SHELL_FAILED, "ESP_ERR_APP_NOT_PAUSED"},
        {"app restart idler", SHELL_OK, ""},
        {"app stop idler", SHELL_OK, ""},
        {"apps", SHELL_OK, "STOPPED"},
        {"app stop idler", SHELL_FAILED, "ESP_ERR_APP_NOT_RUNNING"},
        {"app start idler", SHELL_OK, ""},
        {"app start nobody", SHELL_FAILED, "ESP_ERR_APP_NOT_FOUND"},
        {"app dance idler", SHELL_USAGE, "usage: app"},
    };
    SHELL_TEST_EXAMPLES(examples);
}

static void log_levels_are_changed(void **state)
{
    (void)state;
    static const shell_test_example_t examples[] = {
        {"log base error", SHELL_OK, ""},
        {"log", SHELL_OK, "base             error  (changed)"},
        {"log reset", SHELL_OK, ""},
        {"log", SHELL_OK, "base             info"},
        {"log base loud", SHELL_USAGE, "usage: log"},
        {"log base", SHELL_USAGE, "usage: log"},
        {"log nobody error", SHELL_FAILED, "ESP_ERR_NOT_FOUND"},
    };
    SHELL_TEST_EXAMPLES(examples);
}

static void a_tap_shows_events(void **state)
{
    (void)state;
    system_service_id_t id;
    system_event_type_t type;
    assert_int_equal(system_service_find("base", &id), ESP_OK);
    assert_int_equal(system_event_register_type("base.news", &type), ESP_OK);
    shell_test_prints("events tap off", SHELL_FAILED, "ESP_ERR_EVENT_NOT_SUBSCRIBED");
    shell_test_prints("events tap base.*", SHELL_OK, "tapping base.*");
    host_log_capture_start(false);
    assert_int_equal(system_event_post(id, type, "\x12\xAB", 2, SYSTEM_EVENT_PRIORITY_HIGH),
                     ESP_OK);
    for (int i = 0; i < ktest_polls(100) && shell_board_info("shell").events_handled == 0; i++) {
        vTaskDelay(pdMS_TO_TICKS(10));
    }
    host_log_capture_stop();
    assert_int_equal(shell_board_info("shell").events_handled, 1);
    shell_test_prints("events tap off", SHELL_OK, "");
    static const shell_test_example_t examples[] = {
        {"events tap base.* 1", SHELL_OK, "tapping base.* for 1 s"}, /* and it does not wait */
        {"events tap base.*x", SHELL_FAILED, "ESP_ERR_EVENT_PATTERN_INVALID"},
        {"events tap base.* 0", SHELL_USAGE, "usage: events"},
    };
    SHELL_TEST_EXAMPLES(examples);
    shell_test_prints("events tap base.* 1", SHELL_OK, "tapping base.* for 1 s");
    for (int i = 0; i < ktest_polls(110) && shell_board_usage("shell").subscriptions != 0; i++) {
        vTaskDelay(pdMS_TO_TICKS(10));
    }
    shell_test_prints("events tap off", SHELL_FAILED,
                      "ESP_ERR_EVENT_NOT_SUBSCRIBED"); /* it is over */
}

/** What is printed by no command: the tap's lines, by the shell's worker alone. */
static char s_tapped[1024];
static _Atomic size_t s_tapped_size;

static void keep_line(const char *line, void *arg)
{
    (void)arg;
    const size_t at = atomic_load(&s_tapped_size);
    const size_t length = strlen(line);
    KTEST_CHECK(at + length + 2 < sizeof(s_tapped));
    memcpy(s_tapped + at, line, length);
    s_tapped[at + length] = '\n';
    atomic_store(&s_tapped_size, at + length + 1);
}

static bool tapped(const char *text)
{
    char all[sizeof(s_tapped)];
    const size_t size = atomic_load(&s_tapped_size);
    memcpy(all, s_tapped, size);
    all[size] = '\0';
    return strstr(all, text) != NULL;
}

static void a_tap_of_one_type_shows_all_of_a_payload(void **state)
{
    (void)state;
    system_service_id_t id;
    system_event_type_t type;
    uint8_t payload[52] = {0x12, 0xAB};
    memcpy(payload + 33, "text", 4);
    assert_int_equal(system_service_find("base", &id), ESP_OK);
    assert_int_equal(system_event_register_type("base.news", &type), ESP_OK);
    shell_output_set_default(keep_line, NULL);
    shell_test_prints("events tap base.news 1", SHELL_OK, "tapping base.news for 1 s");
    assert_int_equal(
        system_event_post(id, type, payload, sizeof(payload), SYSTEM_EVENT_PRIORITY_NORMAL),
        ESP_OK);
    for (int i = 0; i < ktest_polls(300) && !tapped("events in 1 s"); i++) {
        vTaskDelay(pdMS_TO_TICKS(10));
    }
    shell_output_set_default(NULL, NULL);
    assert_true(tapped("base.news                from base, 52 bytes \n"));
    assert_true(tapped("\n     0  12 ab 00 "));
    assert_false(tapped("\n    16  ")); // zeros
    assert_true(tapped("\n    32  00 74 65 78 74 00 "));
    assert_true(tapped(" .text..........."));
    assert_true(tapped("1 events in 1 s"));
}

static void wait_until_printed(const char *line, const char *text)
{
    const int polls = ktest_polls(500);
    for (int i = 0;
         i < polls && (shell_test_run(line) != SHELL_OK || strstr(shell_test_output, text) == NULL);
         i++) {
        vTaskDelay(pdMS_TO_TICKS(10));
    }
    shell_test_prints(line, SHELL_OK, text);
}

static void safe_mode_is_entered_and_left(void **state)
{
    (void)state;
    shell_test_prints("safe leave", SHELL_FAILED, "ESP_ERR_INVALID_STATE");
    shell_test_prints("safe enter", SHELL_OK, "");
    wait_until_printed("services", "upper            STOPPED");
    wait_until_printed("apps", "STOPPED");
    static const shell_test_example_t examples[] = {
        {"safe", SHELL_OK, "safe mode is on"},
        {"services", SHELL_OK, "shell            RUNNING"}, // it is critical
        {"services", SHELL_OK, "upper            STOPPED"},
        {"app start idler", SHELL_FAILED, "ESP_ERR_SYSTEM_SAFE_MODE"},
        {"safe now", SHELL_USAGE, "usage: safe"},
        {"safe leave", SHELL_OK, ""},
    };
    SHELL_TEST_EXAMPLES(examples);
    wait_until_printed("services", "upper            RUNNING");
}

// ---- completion --------------------------------------------------------------------------------

static void join(const char *name, size_t length, void *arg)
{
    strncat(arg, name, length);
    strcat(arg, " ");
}

static void words_are_completed(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        size_t begin;
        const char *proposals;
    } examples[] = {
        {"serv", 0, "service services "},
        {"", 0, NULL},
        {"x", 0, ""},
        {"app pa", 4, "pause "},
        {"app pause i", 10, "idler "},
        {"service stop up", 13, "upper "},
        {"inject fl", 7, "flood "},
        {"nonsense b", 9, "base "},
    };
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        char proposals[1024] = "";
        const char *line = examples[i].line;
        assert_int_equal(shell_propose(line, strlen(line), join, proposals), examples[i].begin);
        if (examples[i].proposals != NULL) {
            assert_string_equal(proposals, examples[i].proposals);
        }
    }
}

#define SYSTEM_TEST(name) cmocka_unit_test_setup_teardown(name, shell_board_up, shell_board_down)

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        SYSTEM_TEST(empty_lines_and_comments_do_nothing),
        SYSTEM_TEST(lines_are_cut_into_words),
        SYSTEM_TEST(every_command_is_listed_and_refuses_too_many_arguments),
        SYSTEM_TEST(commands_show_what_there_is),
        SYSTEM_TEST(services_are_stopped_and_started),
        SYSTEM_TEST(apps_are_controlled),
        SYSTEM_TEST(log_levels_are_changed),
        SYSTEM_TEST(a_tap_shows_events),
        SYSTEM_TEST(a_tap_of_one_type_shows_all_of_a_payload),
        SYSTEM_TEST(safe_mode_is_entered_and_left),
        SYSTEM_TEST(words_are_completed),
    };
    return KTEST_MAIN(argc, argv, tests);
}
