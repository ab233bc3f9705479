/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chapters. Each does something, waits for what the system says about it, and compares the
 * system's own counters from before and after with what should have happened.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "esp_attr.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "demo_internal.h"
#include "system_service/app_manager.h"
#include "system_service/event_bus.h"
#include "system_service/fault_injection.h"
#include "system_service/health_report.h"
#include "system_service/service_watchdog.h"
#include "system_service/system_service.h"

#define VICTIM          "demo.sensor"
#define POLL_MS         7 /* none of the periods of what it waits for: never at the very same moment */
#define APPS_MS         3000 /* for the apps to talk */
#define RECOVERY_MS     5000 /* the promise: from the fault noticed to running again */
#define WATCHDOG_MS     4000 /* for the fault to be noticed */
#define AFTERWARDS_MS   1000 /* for events that follow the recovery */
#define FLOOD_EVENTS    500
#define QUOTA_REPORT_MS (2 * CONFIG_SYSTEM_QUOTA_VIOLATION_WINDOW_MS)

/** Wait until done() or the time is up. @return done() */
static bool wait_until(bool (*done)(void), uint32_t ms)
{
    const TickType_t start = xTaskGetTickCount();
    while (!done() && xTaskGetTickCount() - start < pdMS_TO_TICKS(ms)) {
        vTaskDelay(pdMS_TO_TICKS(POLL_MS));
    }
    return done();
}

/* ---- boot -------------------------------------------------------------------------------------
 */

void demo_step_boot(void)
{
    static EXT_RAM_BSS_ATTR system_service_info_t
        s_owners[CONFIG_SYSTEM_MAX_SERVICES + CONFIG_SYSTEM_MAX_APPS];
    size_t count = sizeof(s_owners) / sizeof(s_owners[0]);
    unsigned services = 0;
    unsigned running = 0;
    char took[DEMO_TIME_BYTES];

    demo_step("Boot: services come up in the order of their dependencies");
    if (system_service_list(s_owners, &count) != ESP_OK) {
        count = 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (!s_owners[i].is_app) {
            services++;
            running += s_owners[i].state == SYSTEM_SERVICE_STATE_RUNNING;
            demo_say("%-14s %s%s", s_owners[i].name, system_service_state_name(s_owners[i].state),
                     s_owners[i].is_critical ? ", critical" : "");
        }
    }
    demo_check(services >= 3 && running == services, "%u of %u services run, %s after power-on",
               running, services, demo_time(esp_timer_get_time(), took));
}

/* ---- apps -------------------------------------------------------------------------------------
 */

static bool app_lived(const char *name, app_info_t *info)
{
    return app_manager_get_info(name, info) == ESP_OK && info->starts != 0 && info->crashes == 0;
}

static bool apps_talked(void)
{
    const demo_observed_t seen = demo_observed();
    return seen.hello_events >= 2 && seen.goodbye_events >= 1;
}

void demo_step_apps(void)
{
    static const char *const names[] = {"hello", "goodbye"};
    app_info_t info;

    demo_step("Apps: hello and goodbye talk over the event bus");
    const bool talked = wait_until(apps_talked, APPS_MS);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const bool lived = app_lived(names[i], &info);
        demo_check(lived, "%s was started and has not crashed (%s)", names[i],
                   lived ? app_state_name(info.state) : "no such app, or it crashed");
    }
    const demo_observed_t seen = demo_observed();
    demo_check(talked, "heard on the bus: %" PRIu32 " events of hello, %" PRIu32 " of goodbye",
               seen.hello_events, seen.goodbye_events);
}

/* ---- priorities -------------------------------------------------------------------------------
 */

static const char *const s_lane_names[SYSTEM_EVENT_LANES] = {"CRITICAL", "HIGH", "NORMAL", "LOW"};

static void check_latency(void)
{
    static const uint8_t priorities[SYSTEM_EVENT_LANES] = {
        SYSTEM_EVENT_PRIORITY_CRITICAL,
        SYSTEM_EVENT_PRIORITY_HIGH,
        SYSTEM_EVENT_PRIORITY_NORMAL,
        SYSTEM_EVENT_PRIORITY_LOW,
    };
    unsigned came = 0;

    for (unsigned lane = 0; lane < SYSTEM_EVENT_LANES; lane++) {
        uint32_t p50;
        uint32_t longest;
        char a[DEMO_TIME_BYTES];
        char b[DEMO_TIME_BYTES];
        const unsigned n = demo_observer_latency(priorities[lane], &p50, &longest);
        came += n;
        demo_say("%-8s %3u events, from post to handler: half within %s, the slowest %s",
                 s_lane_names[lane], n, demo_time(p50, a), demo_time(longest, b));
    }
    demo_check(came == SYSTEM_EVENT_LANES * DEMO_TIMED, "%u of %u events were handled", came,
               SYSTEM_EVENT_LANES * DEMO_TIMED);
}

void demo_step_priorities(void)
{
    uint8_t order[SYSTEM_EVENT_LANES * DEMO_LETTERS] = {0};
    char text[sizeof(order) * 9 + 1] = "";
    bool sorted = true;

    demo_step("Priorities: a subscriber is busy while events of all priorities arrive, LOW first");
    const unsigned came = demo_observer_order(order);
    for (unsigned i = 0; i < came; i++) {
        sorted &= order[i] == i / DEMO_LETTERS;
        if (order[i] < SYSTEM_EVENT_LANES) {
            const size_t used = strlen(text);
            snprintf(text + used, sizeof(text) - used, "%s%s", i != 0 ? " " : "",
                     s_lane_names[order[i]]);
        }
    }
    demo_say("handled as: %s", text);
    demo_check(came == sizeof(order) && sorted, "the most urgent first, %u of %u delivered", came,
               (unsigned)sizeof(order));
    check_latency();
}

/* ---- a hang -----------------------------------------------------------------------------------
 */

static bool fault_noticed(void)
{
    return demo_observed().restarting_us != 0;
}

static bool recovered(void)
{
    return demo_observed().recovered_us != 0;
}

static bool dependant_resumed(void)
{
    return demo_observed().dependant_resumed;
}

static bool sample_came(void)
{
    return demo_observed().samples != 0;
}

static void check_recovery(const watchdog_totals_t *before, int64_t injected_us)
{
    watchdog_totals_t after;
    system_service_state_t state = SYSTEM_SERVICE_STATE_ERROR;
    system_service_id_t id;
    char text[DEMO_TIME_BYTES];
    char more[DEMO_TIME_BYTES];

    const bool noticed = wait_until(fault_noticed, WATCHDOG_MS);
    const bool back = noticed && wait_until(recovered, RECOVERY_MS);
    const bool resumed = back && wait_until(dependant_resumed, AFTERWARDS_MS);
    const demo_observed_t seen = demo_observed();
    demo_check(seen.slow_us != 0 && strcmp(seen.slow_name, VICTIM) == 0,
               "noticed while the handler runs: %s is over its limit, after %s",
               seen.slow_us != 0 ? seen.slow_name : "nobody",
               demo_time(seen.slow_us != 0 ? seen.slow_us - injected_us : 0, text));
    demo_check(noticed && strcmp(seen.restarted_name, VICTIM) == 0,
               "declared hung and named: %s, after %s", noticed ? seen.restarted_name : "nobody",
               demo_time(noticed ? seen.restarting_us - injected_us : 0, text));
    demo_check(back && seen.recovery_ms <= RECOVERY_MS,
               back ? "recovered: runs again %" PRIu32 " ms later (the promise: %u ms)"
                    : "NOT recovered within %" PRIu32 " ms (the promise: %u ms)",
               back ? seen.recovery_ms : (uint32_t)RECOVERY_MS, RECOVERY_MS);
    demo_check(resumed && seen.dependant_paused,
               "demo.logger, which needs it, was paused meanwhile and goes on");
    (void)watchdog_get_totals(&after);
    (void)(system_service_find(VICTIM, &id) == ESP_OK &&
           system_service_get_state(id, &state) == ESP_OK);
    demo_check(after.restarts == before->restarts + 1 && after.timeouts > before->timeouts &&
                   state == SYSTEM_SERVICE_STATE_RUNNING,
               "the watchdog counts: %" PRIu32 " timeout, %" PRIu32 " restart; %s is %s",
               after.timeouts - before->timeouts, after.restarts - before->restarts, VICTIM,
               system_service_state_name(state));
    demo_observer_reset();
    const int64_t from = esp_timer_get_time();
    const bool sampled = wait_until(sample_came, AFTERWARDS_MS);
    demo_check(sampled, "a sample of the new life came within %s",
               demo_time(sampled ? esp_timer_get_time() - from : AFTERWARDS_MS * 1000, more));
}

void demo_step_hang(void)
{
    watchdog_totals_t before;
    system_service_id_t id = SYSTEM_SERVICE_ID_NONE;

    demo_step("Fault: a handler of " VICTIM " never returns");
    (void)watchdog_get_totals(&before);
    demo_observer_reset();
    (void)system_service_find(VICTIM, &id);
    const int64_t injected = esp_timer_get_time();
    const esp_err_t ret = system_fault_inject(id, SYSTEM_FAULT_HANG, 0);
    if (demo_check(ret == ESP_OK, "a handler that hangs was injected (%s)",
                   system_error_to_string(ret))) {
        check_recovery(&before, injected);
    }
}

/* ---- a burst ----------------------------------------------------------------------------------
 */

static system_service_id_t s_flooder;
static uint32_t s_refused_before;

static uint32_t refused_now(void)
{
    quota_usage_t usage;
    return quota_get_usage(s_flooder, &usage) == ESP_OK ? usage.violations[QUOTA_EVENTS] : 0;
}

static bool some_refused(void)
{
    return refused_now() != s_refused_before;
}

static bool quota_reported(void)
{
    return demo_observed().quota_reports != 0;
}

void demo_step_quota(void)
{
    service_quota_t quota = {0};
    system_event_bus_stats_t before;
    system_event_bus_stats_t after;

    demo_step("Quota: " VICTIM " posts far more than it may");
    demo_observer_reset();
    (void)system_event_get_bus_stats(&before);
    (void)(system_service_find(VICTIM, &s_flooder) == ESP_OK &&
           quota_get(s_flooder, &quota) == ESP_OK);
    s_refused_before = refused_now();
    const esp_err_t ret = system_fault_inject(s_flooder, SYSTEM_FAULT_FLOOD, FLOOD_EVENTS);
    const bool refused = ret == ESP_OK && wait_until(some_refused, AFTERWARDS_MS);
    const bool reported = refused && wait_until(quota_reported, QUOTA_REPORT_MS);
    const uint32_t count = refused_now() - s_refused_before;
    (void)system_event_get_bus_stats(&after);
    demo_say("%u events at once; its quota is %" PRIu32 " a second", FLOOD_EVENTS,
             quota.max_events_per_sec);
    /* One second's worth may pass, and as much again while the burst runs. */
    demo_check(refused && count + 2 * quota.max_events_per_sec >= FLOOD_EVENTS,
               "%" PRIu32 " of them were refused with ESP_ERR_QUOTA_EVENTS_EXCEEDED", count);
    const demo_observed_t seen = demo_observed();
    demo_check(reported && seen.quota_reports <= 3,
               "told once a window, not once a refusal: %" PRIu32 " system.quota_violation",
               seen.quota_reports);
    demo_check(after.refused == before.refused && after.no_memory == before.no_memory,
               "nobody else suffered: %" PRIu32 " deliveries refused, %" PRIu32
               " posts without memory",
               after.refused - before.refused, after.no_memory - before.no_memory);
}

/* ---- health -----------------------------------------------------------------------------------
 */

static void print_line(const char *line, void *arg)
{
    (void)arg;
    printf("           %s\n", line);
}

void demo_step_health(void)
{
    static EXT_RAM_BSS_ATTR health_report_t s_report;
    const uint32_t expected =
        HEALTH_REASON_WATCHDOG_TIMEOUT | HEALTH_REASON_HANDLER_SLOW | HEALTH_REASON_QUOTA_VIOLATED;

    demo_step("Health: the report tells what happened");
    (void)health_report_print(print_line, NULL);
    const esp_err_t ret = health_report_get(&s_report);
    demo_check(ret == ESP_OK && s_report.verdict == HEALTH_WARNING &&
                   (s_report.reasons & expected) == expected,
               "the verdict is %s, and knows of the hang and of the burst",
               ret == ESP_OK ? health_verdict_name(s_report.verdict) : "missing");
    demo_check(s_report.down == 0 && s_report.restarting == 0 && !s_report.safe_mode,
               "everything runs: %" PRIu32 " down, safe mode %s", s_report.down,
               s_report.safe_mode ? "on" : "off");
    demo_check(s_report.seal_violations == 0,
               "the core made %" PRIu32 " heap allocations since boot ended",
               s_report.seal_violations);
    demo_check(s_report.pool_totals.double_frees + s_report.pool_totals.foreign_frees +
                       s_report.pool_totals.overruns ==
                   0,
               "no memory block was freed twice, foreign, or overrun");
}
