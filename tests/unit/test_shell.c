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
#include "shell/shell.h"
#include "shell_internal.h"
#include "system_service/app_manager.h"
#include "system_service/common_events.h"
#include "system_service/event_bus.h"
#include "system_service/health_report.h"
#include "system_service/resource_quota.h"
#include "system_service/service_supervisor.h"
#include "system_service/system_service.h"

static system_secure_key_t s_key;

// ---- a system to look at -----------------------------------------------------------------------

static esp_err_t start_nothing(system_service_id_t id, void *arg)
{
    (void)id;
    (void)arg;
    return ESP_OK;
}

static const system_service_descriptor_t s_base = {
    .name = "base",
    .lifecycle = {.start = start_nothing},
};
static const char *const s_needs[] = {"base", NULL};
static const system_service_descriptor_t s_upper = {
    .name = "upper",
    .lifecycle = {.start = start_nothing},
    .depends_on = s_needs,
};

static void app_main_loop(app_context_t *ctx)
{
    (void)ctx->set_state(ctx, APP_STATE_RUNNING);
    while (ctx->get_state(ctx) == APP_STATE_RUNNING) {
        (void)ctx->sleep_ms(ctx, 10);
    }
}

static const app_manifest_t s_app = {
    .name = "idler",
    .version = "1.2.3",
    .description = "does nothing, for ever",
    .entry_point = app_main_loop,
    .stack_size = 4096,
    .priority = 5,
};

static int boot(void **state)
{
    (void)state;
    static const system_service_descriptor_t *const services[] = {&shell_service, &s_base,
                                                                  &s_upper};
    system_service_id_t id;
    if (system_service_init(&s_key) != ESP_OK) {
        return -1;
    }
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
        if (system_service_register(services[i]->name, services[i], &id) != ESP_OK) {
            return -1;
        }
    }
    if (system_service_start_all() != ESP_OK || app_manager_register(&s_app) != ESP_OK ||
        app_manager_start("idler") != ESP_OK) {
        return -1;
    }
    vTaskDelay(pdMS_TO_TICKS(50));
    return 0;
}

static int shut_down(void **state)
{
    (void)state;
    return system_service_deinit(s_key) == ESP_OK ? 0 : -1;
}

// ---- what a command prints ---------------------------------------------------------------------

static char s_output[32768];

static void keep(const char *line, void *arg)
{
    char *output = arg;
    const size_t length = strlen(output);
    KTEST_CHECK(strchr(line, '\n') == NULL);
    snprintf(output + length, sizeof(s_output) - length, "%s\n", line);
}

static int run(const char *line)
{
    s_output[0] = '\0';
    return shell_execute(line, keep, s_output);
}

static void assert_prints(const char *line, int status, const char *text)
{
    const int got = run(line);
    if (got != status || strstr(s_output, text) == NULL) {
        print_error("%s: status %d, printed:\n%s", line, got, s_output);
    }
    assert_int_equal(got, status);
    assert_non_null(strstr(s_output, text));
}

typedef struct {
    const char *line;
    int status;
    const char *text; // somewhere in what is printed
} example_t;

static void check_examples(const example_t *examples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_prints(examples[i].line, examples[i].status, examples[i].text);
    }
}
#define CHECK_EXAMPLES(list) check_examples(list, sizeof(list) / sizeof((list)[0]))

// ---- the line ----------------------------------------------------------------------------------

static void empty_lines_and_comments_do_nothing(void **state)
{
    (void)state;
    static const char *const lines[] = {"", "   ", "\t\r\n", "# services", "  #x"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        assert_int_equal(run(lines[i]), SHELL_OK);
        assert_string_equal(s_output, "");
    }
}

static void lines_are_cut_into_words(void **state)
{
    (void)state;
    char longest[SHELL_LINE_MAX + 2];
    static const example_t examples[] = {
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
    CHECK_EXAMPLES(examples);
    memset(longest, 'x', sizeof(longest) - 1);
    longest[SHELL_LINE_MAX + 1] = '\0';
    assert_prints(longest, SHELL_USAGE, "at most 255 bytes");
    longest[SHELL_LINE_MAX] = '\0';
    assert_prints(longest, SHELL_USAGE, "no such command");
}

static void every_command_is_listed_and_refuses_too_many_arguments(void **state)
{
    (void)state;
    char line[64];
    char name[16];
    size_t count;
    const shell_command_t *commands = shell_commands(&count);
    assert_int_equal(run("help"), SHELL_OK);
    char *list = strdup(s_output);
    assert_non_null(list);
    for (size_t i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "%s ", commands[i].name);
        assert_non_null(strstr(list, name));
        snprintf(line, sizeof(line), "%s 1 2 3 4 5 6", commands[i].name);
        assert_prints(line, SHELL_USAGE, "usage: ");
        assert_true(i == 0 || strcmp(commands[i - 1].name, commands[i].name) < 0);
    }
    free(list);
}

// ---- the commands ------------------------------------------------------------------------------

static void commands_show_what_there_is(void **state)
{
    (void)state;
    static const example_t examples[] = {
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
    CHECK_EXAMPLES(examples);
}

static void services_are_stopped_and_started(void **state)
{
    (void)state;
    static const example_t examples[] = {
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
    CHECK_EXAMPLES(examples);
}

static void apps_are_controlled(void **state)
{
    (void)state;
    static const example_t examples[] = {
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
    CHECK_EXAMPLES(examples);
}

static void log_levels_are_changed(void **state)
{
    (void)state;
    static const example_t examples[] = {
        {"log base error", SHELL_OK, ""},
        {"log", SHELL_OK, "base             error  (changed)"},
        {"log reset", SHELL_OK, ""},
        {"log", SHELL_OK, "base             info"},
        {"log base loud", SHELL_USAGE, "usage: log"},
        {"log base", SHELL_USAGE, "usage: log"},
        {"log nobody error", SHELL_FAILED, "ESP_ERR_NOT_FOUND"},
    };
    CHECK_EXAMPLES(examples);
}

static system_service_info_t info_of(const char *name)
{
    system_service_id_t id;
    system_service_info_t info = {0};
    assert_int_equal(system_service_find(name, &id), ESP_OK);
    assert_int_equal(system_service_get_info(id, &info), ESP_OK);
    return info;
}

static quota_usage_t usage_of(const char *name)
{
    quota_usage_t usage;
    assert_int_equal(quota_get_usage(info_of(name).id, &usage), ESP_OK);
    return usage;
}

static void a_tap_shows_events(void **state)
{
    (void)state;
    system_service_id_t id;
    system_event_type_t type;
    assert_int_equal(system_service_find("base", &id), ESP_OK);
    assert_int_equal(system_event_register_type("base.news", &type), ESP_OK);
    assert_prints("events tap off", SHELL_FAILED, "ESP_ERR_EVENT_NOT_SUBSCRIBED");
    assert_prints("events tap base.*", SHELL_OK, "tapping base.*");
    host_log_capture_start(false);
    assert_int_equal(system_event_post(id, type, "\x12\xAB", 2, SYSTEM_EVENT_PRIORITY_HIGH),
                     ESP_OK);
    for (int i = 0; i < ktest_polls(100) && info_of("shell").events_handled == 0; i++) {
        vTaskDelay(pdMS_TO_TICKS(10));
    }
    host_log_capture_stop();
    assert_int_equal(info_of("shell").events_handled, 1);
    assert_prints("events tap off", SHELL_OK, "");
    static const example_t examples[] = {
        {"events tap base.* 1", SHELL_OK, "tapping base.* for 1 s"}, /* and it does not wait */
        {"events tap base.*x", SHELL_FAILED, "ESP_ERR_EVENT_PATTERN_INVALID"},
        {"events tap base.* 0", SHELL_USAGE, "usage: events"},
    };
    CHECK_EXAMPLES(examples);
    assert_prints("events tap base.* 1", SHELL_OK, "tapping base.* for 1 s");
    for (int i = 0; i < ktest_polls(110) && usage_of("shell").subscriptions != 0; i++) {
        vTaskDelay(pdMS_TO_TICKS(10));
    }
    assert_prints("events tap off", SHELL_FAILED, "ESP_ERR_EVENT_NOT_SUBSCRIBED"); /* it is over */
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
    assert_prints("events tap base.news 1", SHELL_OK, "tapping base.news for 1 s");
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
    for (int i = 0; i < polls && (run(line) != SHELL_OK || strstr(s_output, text) == NULL); i++) {
        vTaskDelay(pdMS_TO_TICKS(10));
    }
    assert_prints(line, SHELL_OK, text);
}

static void safe_mode_is_entered_and_left(void **state)
{
    (void)state;
    assert_prints("safe leave", SHELL_FAILED, "ESP_ERR_INVALID_STATE");
    assert_prints("safe enter", SHELL_OK, "");
    wait_until_printed("services", "upper            STOPPED");
    wait_until_printed("apps", "STOPPED");
    static const example_t examples[] = {
        {"safe", SHELL_OK, "safe mode is on"},
        {"services", SHELL_OK, "shell            RUNNING"}, // it is critical
        {"services", SHELL_OK, "upper            STOPPED"},
        {"app start idler", SHELL_FAILED, "ESP_ERR_SYSTEM_SAFE_MODE"},
        {"safe now", SHELL_USAGE, "usage: safe"},
        {"safe leave", SHELL_OK, ""},
    };
    CHECK_EXAMPLES(examples);
    wait_until_printed("services", "upper            RUNNING");
}

// ---- inject ------------------------------------------------------------------------------------

static void wait_for_restart(const char *name)
{
    for (int i = 0; i < ktest_polls(1000) && info_of(name).restart_count == 0; i++) {
        vTaskDelay(pdMS_TO_TICKS(10));
    }
    assert_int_equal(info_of(name).restart_count, 1);
    assert_int_equal(info_of(name).state, SYSTEM_SERVICE_STATE_RUNNING);
}

static void an_injected_hang_is_recovered_from(void **state)
{
    (void)state;
    assert_prints("inject hang base", SHELL_OK, "");
    wait_for_restart("base");
    assert_int_equal(info_of("upper").fault_count, 0);
}

static void an_injected_crash_is_recovered_from(void **state)
{
    (void)state;
    assert_prints("inject crash base", SHELL_OK, "");
    wait_for_restart("base");
    assert_int_equal(info_of("base").last_error, ESP_ERR_SERVICE_CRASHED);
}

static void an_injected_flood_is_refused(void **state)
{
    (void)state;
    assert_prints("inject flood base 300", SHELL_OK, "");
    for (int i = 0; i < ktest_polls(500) && usage_of("base").violations[QUOTA_EVENTS] < 150; i++) {
        vTaskDelay(pdMS_TO_TICKS(10));
    }
    assert_true(usage_of("base").violations[QUOTA_EVENTS] >= 150);
    assert_int_equal(usage_of("upper").violations[QUOTA_EVENTS], 0);
}

static void an_injected_leak_is_taken_back(void **state)
{
    (void)state;
    assert_prints("inject leak base 7", SHELL_OK, "");
    for (int i = 0; i < ktest_polls(500) && usage_of("base").memory_bytes < 7 * 64; i++) {
        vTaskDelay(pdMS_TO_TICKS(10));
    }
    assert_int_equal(usage_of("base").memory_bytes, 7 * 64);
    assert_prints("service stop base", SHELL_OK, "");
    assert_int_equal(usage_of("base").memory_bytes, 0);
}

static void an_injected_delay_is_slow(void **state)
{
    (void)state;
    uint32_t slow = 0;
    assert_prints("inject slow base 250", SHELL_OK, "");
    for (int i = 0; i < ktest_polls(500) && slow == 0; i++) {
        health_report_t report;
        vTaskDelay(pdMS_TO_TICKS(10));
        assert_int_equal(health_report_get(&report), ESP_OK);
        slow = report.slow_handlers;
    }
    assert_int_equal(slow, 1);
    assert_int_equal(info_of("base").fault_count, 0);
}

static void inject_refuses_nonsense(void **state)
{
    (void)state;
    static const example_t examples[] = {
        {"inject", SHELL_USAGE, "usage: inject"},
        {"inject hang", SHELL_USAGE, "usage: inject"},
        {"inject hug base", SHELL_USAGE, "usage: inject"},
        {"inject slow base 0", SHELL_USAGE, "usage: inject"},
        {"inject slow base -1", SHELL_USAGE, "usage: inject"},
        {"inject slow base 1000001", SHELL_USAGE, "usage: inject"},
        {"inject slow base 99999999999999999999", SHELL_USAGE, "usage: inject"},
        {"inject hang nobody", SHELL_FAILED, "ESP_ERR_SERVICE_NOT_FOUND"},
    };
    CHECK_EXAMPLES(examples);
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

#define SYSTEM_TEST(name) cmocka_unit_test_setup_teardown(name, boot, shut_down)

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
        SYSTEM_TEST(an_injected_hang_is_recovered_from),
        SYSTEM_TEST(an_injected_crash_is_recovered_from),
        SYSTEM_TEST(an_injected_flood_is_refused),
        SYSTEM_TEST(an_injected_leak_is_taken_back),
        SYSTEM_TEST(an_injected_delay_is_slow),
        SYSTEM_TEST(inject_refuses_nonsense),
        SYSTEM_TEST(words_are_completed),
    };
    return KTEST_MAIN(argc, argv, tests);
}
