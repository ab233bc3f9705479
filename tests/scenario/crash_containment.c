// SPDX-License-Identifier: Apache-2.0
/*
 * An app fails in every way there is, in its task and in its handlers, beside a service and an app
 * that work. Whatever it does, they go on and miss nothing, the app can be started again, what it
 * had comes back, and the report says what it did and where. As an app of the firmware, and as an
 * installed one from the same source.
 */
#include <stdlib.h>
#include <string.h>

#include "esp_heap_caps.h"
#include "event_internal.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "hello_app.h"
#include "scenario.h"
#ifdef PROGRAM_CRASHER
#include "nvs_flash.h"
#include "program_package.h"

#include "kapp/kapp_app.h"
#include "kapp/kapp_trust.h"
#else
#include "crasher_app.h"
#endif
#include "system_service/app_manager.h"
#include "system_service/common_events.h"
#include "system_service/flight_recorder.h"
#include "system_up.h"

typedef struct {
    const char *name;
    app_crash_cause_t cause; /* NONE: it is no fault of the processor */
    bool in_handler;         /* also to be tried there */
    const char *function;    /* of the report; NULL: as the compiler likes */
} way_t;

static const way_t s_ways[] = {
    {"null_store", APP_CRASH_ADDRESS, true, "null_store"},
    {"deep_null_store", APP_CRASH_ADDRESS, true, "null_store"},
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* their memcpy() is unknown   \
                                                                     */
    {"null_copy", APP_CRASH_ADDRESS, true, NULL},
#endif
    {"post_nowhere", APP_CRASH_ADDRESS, true, NULL},
    {"log_nowhere", APP_CRASH_ADDRESS, true, NULL},
    {"divide_by_zero", APP_CRASH_ARITHMETIC, true, "divide_by_zero"},
    {"wild_jump", APP_CRASH_JUMP, true, NULL},
    {"jump_to_data", APP_CRASH_JUMP, true, NULL},
    {"illegal_instruction", APP_CRASH_INSTRUCTION, true, "illegal_instruction"},
    {"stack_overflow", APP_CRASH_STACK, true, "without_end"},
    {"abort", APP_CRASH_ABORT, true, "call_abort"},
    {"assert", APP_CRASH_ABORT, true, "fail_assert"},
    {"scribble", APP_CRASH_JUMP, true, NULL},
};

/* No faults: the app goes on, or is taken for hung. */
static const char *const s_others[] = {"leak",       "flood",        "storm",
                                       "free_twice", "free_foreign", "exit"};

static system_service_id_t s_worker;
static system_event_type_t s_work;
static _Atomic uint32_t s_done, s_crashed, s_greetings;
static uint32_t s_posted;

static void on_work(const system_event_t *event, void *user_data)
{
    (void)user_data;
    SCENARIO_CHECK_INT(*(const uint32_t *)event->data, ==, s_done);
    s_done++;
}

static void on_greeting(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    s_greetings++;
}

static void on_crashed(const system_event_t *event, void *user_data)
{
    const service_event_t *crash = event->data;
    (void)user_data;
    SCENARIO_CHECK(strcmp(crash->name, "crasher") == 0);
    s_crashed++;
}

/** Work that somebody does, and has to be done in order and whole. On a busy machine he may not run
 *  for longer than his mailbox has room: no more waits than half of that. */
static void work(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        SCENARIO_CHECK(system_up_wait(&s_done, s_posted > 16 ? s_posted - 16 : 0, 20000));
        SCENARIO_CHECK_INT(system_event_post(s_worker, s_work, &s_posted, sizeof(s_posted),
                                             SYSTEM_EVENT_PRIORITY_NORMAL),
                           ==, ESP_OK);
        s_posted++;
        vTaskDelay(1);
    }
}

static app_info_t info_of(const char *name)
{
    app_info_t info;
    SCENARIO_CHECK_INT(app_manager_get_info(name, &info), ==, ESP_OK);
    return info;
}

static void tell(const char *how, const char *way)
{
    system_event_type_t type;
    SCENARIO_CHECK_INT(system_event_register_type(how, &type), ==, ESP_OK);
    while (system_event_post(s_worker, type, way, strlen(way) + 1, SYSTEM_EVENT_PRIORITY_NORMAL) !=
           ESP_OK) {
        vTaskDelay(1);
    }
}

static void start(void)
{
    SCENARIO_CHECK_INT(app_manager_start("crasher"), ==, ESP_OK);
    unsigned subscriptions = 0;
    while (subscriptions < 2) { /* it listens */
        vTaskDelay(5);
        subscriptions = event_subs_count(system_id_slot(info_of("crasher").id));
    }
}

#ifdef PROGRAM_CRASHER

/* Its functions are static, so only the program has a name. */
static bool is_named(const char *function, const char *expected)
{
    return expected == NULL || strcmp(function, "crasher") == 0;
}

static void register_crasher(void)
{
    static kb_key_t key;
    static kb_bytes_t package;
    SCENARIO_CHECK_INT(nvs_flash_init(), ==, ESP_OK);
    SCENARIO_CHECK_INT(kapp_init(), ==, ESP_OK);
    kb_key_make(&key);
    SCENARIO_CHECK_INT(kapp_trust_add("test", key.public_key), ==, ESP_OK);
    package = program_package(PROGRAM_CRASHER, "crasher", -1, &key);
    const kapp_source_t source = kapp_source_memory(package.bytes, package.size);
    SCENARIO_CHECK_INT(kapp_app_register(&source, false, NULL), ==, ESP_OK);
}

#else

static bool is_named(const char *function, const char *expected)
{
    return expected == NULL || strcmp(function, expected) == 0;
}

static void register_crasher(void)
{
    SCENARIO_CHECK_INT(app_manager_register(&crasher_app_manifest), ==, ESP_OK);
}

#endif

static void check_report(const way_t *way, bool in_handler)
{
    app_crash_report_t report;
    flight_record_t record;
    uint32_t cursor = 0;
    char text[192];
    SCENARIO_CHECK_INT(app_manager_get_crash("crasher", &report), ==, ESP_OK);
    SCENARIO_CHECK_INT(report.cause, ==, way->cause);
    SCENARIO_CHECK_INT(report.in_handler, ==, in_handler);
    SCENARIO_CHECK(!in_handler || strcmp(report.event, "crasher.fail_in_handler") == 0);
    SCENARIO_CHECK(is_named(report.function, way->function));
    SCENARIO_CHECK(app_crash_describe(&report, text, sizeof(text)) < (int)sizeof(text));
    do {
        SCENARIO_CHECK_INT(flight_recorder_read("crasher", &cursor, &record), ==, ESP_OK);
    } while (record.kind != FLIGHT_CRASH);
    SCENARIO_CHECK_INT(record.b & 0xFF, ==, way->cause);
    SCENARIO_CHECK_INT((record.b & APP_CRASH_IN_HANDLER) != 0, ==, in_handler);
}

static void crash(const way_t *way, bool in_handler)
{
    const uint32_t crashes = info_of("crasher").crashes;
    const uint32_t told = s_crashed;
    start();
    tell(in_handler ? "crasher.fail_in_handler" : "crasher.fail", way->name);
    work(20);
    SCENARIO_CHECK(system_up_wait(&s_crashed, told + 1, 20000));
    const app_info_t info = info_of("crasher");
    SCENARIO_CHECK_INT(info.state, ==, APP_STATE_CRASHED);
    SCENARIO_CHECK_INT(info.crashes, ==, crashes + 1);
    SCENARIO_CHECK_INT(info.last_error, ==, ESP_ERR_APP_CRASHED);
    SCENARIO_CHECK_INT(info.forced_stops, ==, 0);
    check_report(way, in_handler);
}

static void misbehave(const char *way)
{
    start();
    tell("crasher.fail", way);
    work(20);
    const esp_err_t ret = app_manager_stop("crasher"); /* it may be gone already */
    SCENARIO_CHECK(ret == ESP_OK || ret == ESP_ERR_APP_NOT_RUNNING);
    SCENARIO_CHECK_INT(info_of("crasher").state, ==, APP_STATE_STOPPED);
}

/** It never comes to a pause point. */
static void never_shows_up(void)
{
    const uint32_t told = s_crashed;
    start();
    tell("crasher.fail", "busy_loop");
    work(20);
    SCENARIO_CHECK(system_up_wait(&s_crashed, told + 1, 60000));
    SCENARIO_CHECK_INT(info_of("crasher").last_error, ==, ESP_ERR_WATCHDOG_TIMEOUT);
}

/** Its handler does not return, also when it is to stop. */
static void handler_hangs(void)
{
    esp_err_t ret = ESP_OK;
    for (unsigned n = 0; n < 50 && ret == ESP_OK; n++) { /* stopped before it began: once more */
        start();
        tell("crasher.fail_in_handler", "hang");
        work(20);
        ret = app_manager_stop("crasher");
    }
    SCENARIO_CHECK_INT(ret, ==, ESP_ERR_APP_STOP_TIMEOUT);
}

static void set_up(void)
{
    (void)system_up();
    s_worker = system_up_service("worker");
    s_work = system_up_type("worker.work");
    SCENARIO_CHECK_INT(system_event_subscribe(s_worker, s_work, on_work, NULL), ==, ESP_OK);
    SCENARIO_CHECK_INT(system_event_subscribe(s_worker, SYSTEM_EVENT_APP_CRASHED, on_crashed, NULL),
                       ==, ESP_OK);
    SCENARIO_CHECK_INT(
        system_event_subscribe(s_worker, system_up_type("hello.greeting"), on_greeting, NULL), ==,
        ESP_OK);
    SCENARIO_CHECK_INT(app_manager_register(&hello_app_manifest), ==, ESP_OK);
    SCENARIO_CHECK_INT(app_manager_start("hello"), ==, ESP_OK);
    register_crasher();
}

static void run(void)
{
    size_t before = 0;
    set_up();
    for (unsigned i = 0; i < sizeof(s_ways) / sizeof(s_ways[0]); i++) {
        crash(&s_ways[i], false);
        crash(&s_ways[i], s_ways[i].in_handler);
        const size_t now = heap_caps_get_free_size(MALLOC_CAP_8BIT);
        SCENARIO_CHECK(i == 0 || now == before); /* what the first use costs is behind us */
        before = now;
    }
    for (unsigned i = 0; i < sizeof(s_others) / sizeof(s_others[0]); i++) {
        misbehave(s_others[i]);
    }
    if (info_of("crasher").manifest->watchdog_timeout_ms != 0) {
        never_shows_up();
    }
    handler_hangs();
    SCENARIO_CHECK_INT(heap_caps_get_free_size(MALLOC_CAP_8BIT), ==, before);
    SCENARIO_CHECK_INT(app_manager_set_aside_count(), ==, 0);
    SCENARIO_CHECK(system_up_wait(&s_done, s_posted, 20000));
    const uint32_t greetings = s_greetings;
    SCENARIO_CHECK(greetings != 0 && system_up_wait(&s_greetings, greetings + 2, 20000));
}

int main(int argc, char **argv)
{
    static const scenario_t s = {.name = "crash_containment", .run = run};
    return scenario_main(argc, argv, &s);
}
