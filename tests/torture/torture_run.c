// SPDX-License-Identifier: Apache-2.0
/*
 * One seed. What has to survive the resets that belong to its faults lies in no-init memory.
 */
#include "torture.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "esp_attr.h"
#include "esp_log.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "host_system.h"
#include "system_service/flight_recorder.h"
#include "system_up.h"
#include "torture_story.h"

#define REST_S 61 // longer than the restart window: each fault starts with a clean record
_Static_assert(REST_S * 1000 > CONFIG_SYSTEM_RESTART_WINDOW_MS, "restarts must be forgotten");

static __NOINIT_ATTR torture_story_t s_story;
static const torture_plan_t *s_plan;
static int s_report_fd;
static bool s_verbose;

bool torture_is_real(void)
{
    return host_sched() != HOST_SCHED_SIM;
}

const torture_plan_t *torture_plan(void)
{
    return s_plan;
}

torture_report_t *torture_report(void)
{
    return &s_story.report;
}

torture_story_t *torture_story(void)
{
    return &s_story;
}

_Noreturn void torture_fail(const char *file, int line, const char *format, ...)
{
    char text[768];
    const char *base = strrchr(file, '/');
    const unsigned at = s_story.fault < s_plan->faults ? s_story.fault : 0;
    const planned_fault_t *fault = &s_plan->fault[at];
    int n = snprintf(text, sizeof(text),
                     "torture: seed %" PRIu64 ", life %" PRIu32 ", %" PRIu64
                     " us, fault %u (%s, %s, victim %u): %s:%d: ",
                     s_plan->seed, host_boot_count(), host_now_us(), at,
                     torture_kinds[fault->kind].name, torture_state_name(fault->state),
                     fault->victim, base != NULL ? base + 1 : file, line);
    va_list args;
    va_start(args, format);
    vsnprintf(text + n, sizeof(text) - (size_t)n - 1, format, args);
    va_end(args);
    strcat(text, "\n");
    // Not host_exit(): a failed check may stand in an interrupt or with a lock held.
    if (write(STDERR_FILENO, text, strlen(text)) < 0) {
        _exit(2);
    }
    _exit(1);
}

void torture_story_before_reset(void)
{
    s_story.report.virtual_us += host_now_us();
    s_story.report.reboots++;
    if (host_now_us() > (CONFIG_SYSTEM_CRASH_LOOP_HEALTHY_S + 1) * UINT64_C(1000000)) {
        s_story.crashes = 0;
    }
}

static void check_boot(void)
{
    boot_report_t boot;
    TORTURE_CHECK(boot_report_get(&boot) == ESP_OK, "no boot report");
    TORTURE_CHECK(boot.boots == host_boot_count() + 1, "boot %" PRIu32 " says it is %" PRIu32,
                  host_boot_count() + 1, boot.boots);
    TORTURE_CHECK(!boot.crash || s_story.reset_pending,
                  "a panic that nobody planned, in the code of '%s'", boot.culprit);
    TORTURE_CHECK(boot.crashes == s_story.crashes, "%" PRIu32 " crashes, %" PRIu32 " expected",
                  boot.crashes, s_story.crashes);
    const bool loop = s_story.crashes >= CONFIG_SYSTEM_CRASH_LOOP_BOOTS;
    TORTURE_CHECK(boot.crash_loop == loop &&
                      system_safe_mode_active() == (loop || s_story.last_resort),
                  "%" PRIu32 " crashes: crash loop %d, safe mode %d", boot.crashes, boot.crash_loop,
                  system_safe_mode_active());
}

static void enough_events(void)
{
    const uint64_t enough = torture_is_real() ? EVENTS_MIN / 10 : EVENTS_MIN;
    for (int i = 0; s_story.report.events < enough; i++) {
        TORTURE_CHECK(i < 2000, "only %" PRIu64 " events", s_story.report.events);
        vTaskDelay(pdMS_TO_TICKS(20));
    }
}

static void watch_all(uint32_t timeout_ms)
{
    for (unsigned i = 0; i < s_plan->services; i++) {
        actor_watch(&actors[i], timeout_ms);
    }
}

/** Nothing happens, and nobody is at fault. */
static void rest(uint32_t seconds)
{
    uint32_t faults[SERVICES_MAX];
    uint32_t ticks[SERVICES_MAX];
    if (torture_is_real()) {
        seconds = 1; // the clock is everybody's
    }
    load_pause(true);
    watch_all(NO_WATCHDOG_MS); // fewer pings: more days in a minute
    for (unsigned i = 0; i < s_plan->services; i++) {
        faults[i] = actor_info(&actors[i]).fault_count;
        ticks[i] = atomic_load(&actors[i].ticks);
    }
    vTaskDelay(pdMS_TO_TICKS(seconds * 1000));
    for (unsigned i = 0; i < s_plan->services; i++) {
        TORTURE_CHECK(actor_info(&actors[i]).fault_count == faults[i],
                      "%s is at fault while all rest", actors[i].name);
        ticks[i] = atomic_load(&actors[i].ticks) - ticks[i];
        const uint32_t due = seconds * 1000 / TICK_MS;
        TORTURE_CHECK((ticks[i] + 1 >= due && ticks[i] <= due + 1) || torture_is_real(),
                      "%s: its timer fired %" PRIu32 " times, not %" PRIu32, actors[i].name,
                      ticks[i], due);
    }
    watch_all(ACTOR_WATCHDOG_MS);
    load_pause(false);
}

static void live(void *arg)
{
    (void)arg;
    vTaskPrioritySet(NULL, 20); // a handler that computes must not keep this one from looking
    esp_log_level_set("*", s_verbose               ? ESP_LOG_INFO
                           : s_plan->restarts != 0 ? ESP_LOG_NONE
                                                   : ESP_LOG_WARN);
    if (host_boot_count() == 0) {
        memset(&s_story, 0, sizeof(s_story));
    }
    const system_secure_key_t key = system_up();
    check_boot();
    checks_begin();
    actors_up(s_plan);
    load_start(s_plan);
    fault_helper_start();
    if (s_story.reset_pending) {
        fault_after_reset(s_story.fault);
        s_story.reset_pending = false;
        s_story.last_resort = false;
        s_story.fault++;
    }
    checks_at_rest();
    if (s_plan->restarts != 0) {
        restarts_play(s_plan->restarts);
    }
    while (s_story.fault < s_plan->faults) {
        vTaskDelay(pdMS_TO_TICKS(s_plan->fault[s_story.fault].pick % 100));
        fault_play(s_story.fault);
        checks_at_rest();
        rest(REST_S);
        s_story.fault++;
    }
    enough_events();
    if (s_plan->restarts == 0) {
        rest(s_plan->idle_s);
    }
    checks_at_rest();
    fault_helper_stop();
    load_stop();
    life_end_state();
    actors_down(s_plan);
    checks_at_end();
    if (s_story.report.set_aside == 0) {
        system_down(key);
    }
    s_story.report.virtual_us += host_now_us();
    s_story.report.complete = TORTURE_COMPLETE;
    host_exit(0);
}

/* The board charges time for points that are passed while the clock stands still, and interrupts
 * take the core at one point in so many. Where each access of our own code to an atomic is a point,
 * the same work passes about this many times as many; it is to take no longer there, or limits that
 * are in milliseconds would be kept or broken by how many accesses the code makes. */
#if defined(TORTURE_EVERY_ACCESS) /* flavour sim */
#define POINTS_A_CALL 50
#else
#define POINTS_A_CALL 1
#endif

int torture_run(const torture_plan_t *plan, bool threads, bool verbose, int report_fd)
{
    const host_config_t config = {
        .sched = threads ? HOST_SCHED_THREADS : HOST_SCHED_SIM,
        .seed = plan->seed,
        .quiet = !verbose,
        .max_points = plan->restarts != 0 ? UINT64_MAX : 0,
        .spin_bound = 2000 * POINTS_A_CALL,
        .faults = {.preempt_ppm = (uint32_t)(plan->seed % 4) * 5000 / POINTS_A_CALL},
    };
    s_plan = plan;
    s_report_fd = report_fd;
    s_verbose = verbose;
    const int code = host_boot(&config, live, NULL);
    if (code != 0) {
        fprintf(stderr, "torture: seed %" PRIu64 ": the board ended with %d\n", plan->seed, code);
        return code;
    }
    if (s_report_fd >= 0 && write(s_report_fd, &s_story.report, sizeof(s_story.report)) !=
                                (ssize_t)sizeof(s_story.report)) {
        return 3;
    }
    return 0;
}
