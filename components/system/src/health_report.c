/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verdict: gathers what the other modules counted, compares it with what they had counted some
 * time ago, and says what is wrong. A task of its own does so every
 * CONFIG_SYSTEM_HEALTH_REPORT_PERIOD_S, below all workers. How a report looks is in
 * health_report_text.c.
 */
#include "health_report_internal.h"

#include <string.h>

#include "esp_attr.h"
#include "esp_log.h"
#include "esp_timer.h"
#include "freertos/semphr.h"

#include "common_events_internal.h"
#include "event_internal.h"
#include "handler_monitor_internal.h"
#include "memory_utils_internal.h"
#include "resource_quota_internal.h"
#include "service_dependencies_internal.h"
#include "service_record.h"
#include "system_service/memory_utils.h"
#include "system_service/service_supervisor.h"
#include "system_service/system_service.h"
#include "task_memory.h"
#include "task_ref.h"

#ifdef CONFIG_SYSTEM_HEALTH_REPORT

static const char *TAG = "health";

/** A class is nearly used up when less than this share of it, in percent, is free for everybody. */
#define POOL_LOW_PERCENT 10

#define REPORT_STACK    3584
#define REPORT_PRIORITY 1

/* ---- what happened recently ------------------------------------------------------------------ */

/** Counters that only grow: a reason holds when one grew recently. */
typedef struct {
    int64_t taken_us;
    uint32_t corrupted;
    uint32_t bad_frees;
    uint32_t timeouts;
    uint32_t restarts_failed;
    uint32_t pool_exhausted;
    uint32_t quota_violations;
    uint32_t slow_handlers;
    uint32_t events_refused;
} counters_t;

/* s_lock (leaf): protects s_past. [0] begins "recently", [1] the present period. */
static portMUX_TYPE s_lock = portMUX_INITIALIZER_UNLOCKED;
static EXT_RAM_BSS_ATTR counters_t s_past[2];

static void count_up(const health_report_t *report, counters_t *out)
{
    memory_totals_t memory;
    (void)memory_get_totals(&memory);
    *out = (counters_t){
        .taken_us = esp_timer_get_time(),
        .corrupted = report->pool_totals.overruns + memory.overruns,
        .bad_frees = report->pool_totals.double_frees + report->pool_totals.foreign_frees +
                     memory.double_frees + memory.foreign_frees,
        .timeouts = report->watchdog.timeouts,
        .restarts_failed = report->watchdog.restarts_failed,
        .slow_handlers = report->slow_handlers,
        .events_refused = report->bus.refused,
    };
    for (unsigned i = 0; i < MEMORY_POOL_CLASSES; i++) {
        out->pool_exhausted += report->pools[i].exhausted;
    }
    for (unsigned i = 0; i < QUOTA_KINDS; i++) {
        out->quota_violations += report->quota_violations[i];
    }
}

/* ---- gathering ------------------------------------------------------------------------------- */

static void gather_memory(health_report_t *out)
{
    for (unsigned i = 0; i < MEMORY_POOL_CLASSES; i++) {
        (void)memory_pool_get_stats((memory_pool_class_t)i, &out->pools[i]);
    }
    (void)memory_pool_get_totals(&out->pool_totals);
    (void)heap_monitor_get_stats(&out->heap);
    out->seal_violations = memory_seal_violations();
}

/** Count owners by state. @return true when a critical one is down */
static bool gather_owners(health_report_t *out)
{
    bool critical_down = false;
    registry_lock();
    for (unsigned slot = 0; slot < SYSTEM_SLOTS; slot++) {
        if (!service_slot_used(slot)) {
            continue;
        }
        const system_service_state_t state = service_state(slot);
        out->owners++;
        out->running += state == SYSTEM_SERVICE_STATE_RUNNING;
        out->restarting += state == SYSTEM_SERVICE_STATE_RESTARTING;
        out->down += state == SYSTEM_SERVICE_STATE_ERROR;
        critical_down |= state == SYSTEM_SERVICE_STATE_ERROR && watchdog_is_critical(slot);
    }
    registry_unlock();
    return critical_down;
}

/* ---- judging --------------------------------------------------------------------------------- */

static bool pool_low(const health_report_t *report)
{
    for (unsigned i = 0; i < MEMORY_POOL_CLASSES; i++) {
        const memory_pool_stats_t *pool = &report->pools[i];
        const uint32_t taken = pool->used + pool->reserved;
        const uint32_t left = taken < pool->blocks ? pool->blocks - taken : 0;
        if (left * 100 < pool->blocks * POOL_LOW_PERCENT) {
            return true;
        }
    }
    return false;
}

static uint32_t judge_now(const health_report_t *report, bool critical_down)
{
    uint32_t reasons = 0;
    reasons |= report->safe_mode ? HEALTH_REASON_SAFE_MODE : 0;
    reasons |= critical_down ? HEALTH_REASON_CRITICAL_DOWN : 0;
    reasons |= report->down != 0 ? HEALTH_REASON_SERVICE_DOWN : 0;
    reasons |= report->restarting != 0 ? HEALTH_REASON_RESTARTING : 0;
    reasons |= event_workers_quarantined() != 0 ? HEALTH_REASON_TASK_QUARANTINED : 0;
    reasons |= !report->watchdog_enabled ? HEALTH_REASON_WATCHDOG_OFF : 0;
    reasons |= pool_low(report) ? HEALTH_REASON_POOL_LOW : 0;
    reasons |= report->heap.issues != 0 ? HEALTH_REASON_HEAP : 0;
    reasons |= report->missing_dependencies != 0 ? HEALTH_REASON_DEPENDENCY_MISSING : 0;
    reasons |= report->seal_violations != 0 ? HEALTH_REASON_SEAL_BROKEN : 0;
    return reasons;
}

static uint32_t judge_recent(const counters_t *now, const counters_t *then)
{
    uint32_t reasons = 0;
    reasons |= now->corrupted != then->corrupted ? HEALTH_REASON_MEMORY_CORRUPTED : 0;
    reasons |= now->bad_frees != then->bad_frees ? HEALTH_REASON_BAD_FREE : 0;
    reasons |= now->timeouts != then->timeouts ? HEALTH_REASON_WATCHDOG_TIMEOUT : 0;
    reasons |= now->restarts_failed != then->restarts_failed ? HEALTH_REASON_RESTART_FAILED : 0;
    reasons |= now->pool_exhausted != then->pool_exhausted ? HEALTH_REASON_POOL_EXHAUSTED : 0;
    reasons |= now->quota_violations != then->quota_violations ? HEALTH_REASON_QUOTA_VIOLATED : 0;
    reasons |= now->slow_handlers != then->slow_handlers ? HEALTH_REASON_HANDLER_SLOW : 0;
    reasons |= now->events_refused != then->events_refused ? HEALTH_REASON_EVENTS_REFUSED : 0;
    return reasons;
}

#define HEALTH_REASON_ROW(constant, bit, verdict, text) {constant, verdict, text},
static const struct {
    uint32_t bit;
    health_verdict_t verdict;
    const char *text;
} s_reasons[] = {HEALTH_REASON_LIST(HEALTH_REASON_ROW)};
#define REASONS (sizeof(s_reasons) / sizeof(s_reasons[0]))

static health_verdict_t worst_of(uint32_t reasons)
{
    health_verdict_t verdict = HEALTH_OK;
    for (size_t i = 0; i < REASONS; i++) {
        if ((reasons & s_reasons[i].bit) != 0 && s_reasons[i].verdict > verdict) {
            verdict = s_reasons[i].verdict;
        }
    }
    return verdict;
}

/* ---- the periodic report --------------------------------------------------------------------- */

static StaticTask_t s_tcb;
static StackType_t s_task_stack[REPORT_STACK / sizeof(StackType_t)];
static task_ref_t s_task;
static task_deleter_t s_deleter;
static StaticSemaphore_t s_ended_storage;
static SemaphoreHandle_t s_ended;
static _Atomic bool s_stop;

static void log_line(const char *line, void *arg)
{
    (void)arg;
    ESP_LOGI(TAG, "%s", line);
}

/** The present moment becomes the past that later reports are compared with. */
static void begin_period(const health_report_t *report)
{
    counters_t now;
    count_up(report, &now);
    portENTER_CRITICAL(&s_lock);
    s_past[0] = s_past[1];
    s_past[1] = now;
    portEXIT_CRITICAL(&s_lock);
}

static void publish(const health_report_t *report)
{
    const health_event_t event = {
        .verdict = (uint8_t)report->verdict,
        .reasons = report->reasons,
    };
    common_event_post(SYSTEM_EVENT_HEALTH, &event, sizeof(event), SYSTEM_EVENT_PRIORITY_NORMAL);
    if ((report->reasons & HEALTH_REASON_HEAP) != 0) {
        common_event_post(SYSTEM_EVENT_HEAP_LOW, NULL, 0, SYSTEM_EVENT_PRIORITY_HIGH);
    }
}

static void on_deleted(int index, void *identity)
{
    (void)index;
    (void)identity;
    (void)task_memory_lost(&s_task, &s_deleter);
    (void)xSemaphoreGive(s_ended);
}

static void report_task(void *arg)
{
    (void)arg;
    system_identity_set_until(NULL, on_deleted);
    health_report_t report;
    const TickType_t period = pdMS_TO_TICKS(CONFIG_SYSTEM_HEALTH_REPORT_PERIOD_S * 1000ull);
    TickType_t next = xTaskGetTickCount() + period;

    while (!atomic_load(&s_stop)) {
        const TickType_t left = next - xTaskGetTickCount();
        if (left != 0 && left <= period && ulTaskNotifyTake(pdTRUE, left) != 0) {
            continue; /* asked to end */
        }
        next += period;
        if (health_report_get(&report) != ESP_OK) {
            continue;
        }
        (void)health_report_print(log_line, NULL);
        publish(&report);
        begin_period(&report);
    }
    xSemaphoreGive(s_ended);
    vTaskSuspend(NULL); /* the task and its stack are static: health_report_deinit() deletes it */
}

esp_err_t health_report_init(void)
{
    health_report_t report;
    memset(s_past, 0, sizeof(s_past));
    const esp_err_t ret = health_report_get(&report);
    if (ret != ESP_OK) {
        return ret;
    }
    begin_period(&report);
    begin_period(&report); /* both of s_past are now */
    if (CONFIG_SYSTEM_HEALTH_REPORT_PERIOD_S == 0) {
        return ESP_OK;
    }
    if (s_ended == NULL) {
        s_ended = xSemaphoreCreateBinaryStatic(&s_ended_storage);
    }
    (void)xSemaphoreTake(s_ended, 0);
    atomic_store(&s_stop, false);
    if (!task_memory_wait(&s_tcb, &s_deleter)) {
        return ESP_ERR_NOT_FINISHED;
    }
    const TaskHandle_t task =
        xTaskCreateStaticPinnedToCore(report_task, "health", REPORT_STACK, NULL, REPORT_PRIORITY,
                                      s_task_stack, &s_tcb, tskNO_AFFINITY);
    task_ref_set(&s_task, task);
    return task != NULL ? ESP_OK : ESP_ERR_NO_MEM;
}

static bool is_there(void)
{
    task_refs_lock();
    const bool there = task_ref_is_there_locked(&s_task);
    task_refs_unlock();
    return there;
}

void health_report_deinit(void)
{
    atomic_store(&s_stop, true);
    if (!task_ref_notify(&s_task, NULL)) {
        return;
    }
    /* It gives it, or its deletion callback does, unless it was deleted before it had one. */
    while (xSemaphoreTake(s_ended, pdMS_TO_TICKS(1000)) != pdTRUE && is_there()) {
    }
    while (atomic_load(&s_task) != NULL && !task_ref_is_suspended(&s_task)) {
        vTaskDelay(1); /* it is about to suspend itself */
    }
    (void)task_ref_delete(&s_task);
}

/* ---- public ---------------------------------------------------------------------------------- */

esp_err_t health_report_get(health_report_t *out)
{
    if (out == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    if (!system_is_initialized()) {
        return ESP_ERR_SYSTEM_NOT_INITIALIZED;
    }
    memset(out, 0, sizeof(*out));
#ifdef CONFIG_SYSTEM_WATCHDOG_ENABLE
    out->watchdog_enabled = true;
#endif
    gather_memory(out);
    (void)watchdog_get_totals(&out->watchdog);
    out->safe_mode = system_safe_mode_active();
    const bool critical_down = gather_owners(out);
    out->missing_dependencies = (uint32_t)dependencies_count_missing();
    for (unsigned i = 0; i < QUOTA_KINDS; i++) {
        out->quota_violations[i] = quota_total_violations((quota_kind_t)i);
    }
    out->slow_handlers = handler_monitor_total_slow();
    (void)system_event_get_bus_stats(&out->bus);

    counters_t now;
    count_up(out, &now);
    portENTER_CRITICAL(&s_lock);
    const counters_t then = s_past[0];
    portEXIT_CRITICAL(&s_lock);
    out->uptime_s = (uint32_t)(now.taken_us / 1000000);
    out->recent_s = (uint32_t)((now.taken_us - then.taken_us) / 1000000);
    out->reasons = judge_now(out, critical_down) | judge_recent(&now, &then);
    out->verdict = worst_of(out->reasons);
    return ESP_OK;
}

const char *health_verdict_name(health_verdict_t verdict)
{
    switch (verdict) {
    case HEALTH_OK:
        return "OK";
    case HEALTH_WARNING:
        return "WARNING";
    case HEALTH_CRITICAL:
        return "CRITICAL";
    }
    return "?";
}

const char *health_reason_text(uint32_t reason)
{
    for (size_t i = 0; i < REASONS; i++) {
        if (s_reasons[i].bit == reason) {
            return s_reasons[i].text;
        }
    }
    return "?";
}

#endif
