/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How boots end: counted, blamed on somebody, and answered with safe mode when it happens too
 * often.
 *
 * The record is kept twice, and written in turns: a reset in the middle of a write leaves the other
 * copy. A crash is a panic or a watchdog's reset, or a restart that somebody is blamed for or that
 * nobody asked for; a restart in order is none, and ends no row of crashes either. What ends it is
 * a boot that lasts, or power-on.
 */
#include "flight_recorder_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "esp_attr.h"
#include "esp_log.h"
#include "esp_timer.h"

#include "event_internal.h"
#include "system_service/service_supervisor.h"

#ifdef CONFIG_SYSTEM_RECORDER

static const char *TAG = "boot_record";

#define RECORDS_LOGGED 8
#define HEALTHY_US     (CONFIG_SYSTEM_CRASH_LOOP_HEALTHY_S * INT64_C(1000000))

enum {
    FLAG_BLAMED = 1,    /* the culprit's fields say who */
    FLAG_SAFE_NEXT = 2, /* the next boot is to be in safe mode */
    FLAG_UP = 4,        /* the system is up: no restart in order has taken it down */
};

typedef struct {
    uint32_t generation; /* the higher of the two copies counts */
    uint32_t boots;
    uint32_t crashes;
    uint32_t flags;
    uint32_t forced; /* restarts into safe mode that were asked for */
    char culprit[SYSTEM_NAME_MAX + 1];
    char event[SYSTEM_NAME_MAX + 1];
    uint32_t handler;
    uint32_t error;
    uint32_t time_ms;
    uint32_t check;
} copy_t;
#define CHECKED_WORDS (offsetof(copy_t, check) / sizeof(uint32_t))

static RTC_NOINIT_ATTR copy_t s_copies[2];

/* boot lock: protects s_now, and which copy is written. A panic does not take it: the other core
 * stands still. */
static portMUX_TYPE s_lock = portMUX_INITIALIZER_UNLOCKED;
static copy_t s_now;                            /* of this boot, as saved last */
static EXT_RAM_BSS_ATTR boot_report_t s_report; /* how it came about */
static bool s_read;
static bool s_safe_asked; /* the last boot asked for safe mode */
static esp_timer_handle_t s_timer;

/* ---- the two copies ------------------------------------------------------------------------- */

static uint32_t checksum(const copy_t *copy)
{
    uint32_t words[CHECKED_WORDS];
    memcpy(words, copy, sizeof(words));
    return flight_checksum(words, CHECKED_WORDS);
}

static bool is_intact(const copy_t *copy)
{
    return copy->check == checksum(copy);
}

/** The copy that counts. @return NULL: none is intact */
static const copy_t *newest(void)
{
    const bool first = is_intact(&s_copies[0]);
    const bool second = is_intact(&s_copies[1]);
    if (first && second) {
        return (int32_t)(s_copies[1].generation - s_copies[0].generation) > 0 ? &s_copies[1]
                                                                              : &s_copies[0];
    }
    return first ? &s_copies[0] : second ? &s_copies[1] : NULL;
}

static void save(void)
{
    const copy_t *keep = newest();
    copy_t *copy = keep == &s_copies[0] ? &s_copies[1] : &s_copies[0];
    s_now.generation = keep != NULL ? keep->generation + 1 : 1;
    s_now.check = checksum(&s_now);
    *copy = s_now;
}

static void save_up(bool up)
{
    portENTER_CRITICAL(&s_lock);
    s_now.flags = up ? s_now.flags | FLAG_UP : s_now.flags & ~(uint32_t)FLAG_UP;
    save();
    portEXIT_CRITICAL(&s_lock);
}

/* ---- the culprit ---------------------------------------------------------------------------- */

static void blame(const char *culprit, system_event_type_t type, uint32_t handler, esp_err_t error)
{
    s_now.flags |= FLAG_BLAMED;
    memset(s_now.culprit, 0, sizeof(s_now.culprit));
    memset(s_now.event, 0, sizeof(s_now.event));
    system_copy_name(s_now.culprit, culprit);
    if (event_type_known(type)) {
        system_copy_name(s_now.event, event_type_name(type));
    }
    s_now.handler = handler;
    s_now.error = (uint32_t)error;
    s_now.time_ms = (uint32_t)(esp_timer_get_time() / 1000);
}

static const char *name_of(unsigned slot)
{
    return slot < SYSTEM_SLOTS ? service_slot_name(slot) : "";
}

/** The chip panics: say in whose code. Nothing here waits, prints or allocates. */
static void on_panic(TaskHandle_t task)
{
    const system_identity_t *identity =
        task != NULL ? pvTaskGetThreadLocalStoragePointer(task, CONFIG_SYSTEM_TLS_INDEX) : NULL;
    unsigned slot = SYSTEM_SLOT_NONE;
    system_event_type_t type = SYSTEM_EVENT_TYPE_NONE;
    uint32_t handler = 0;
    if (identity != NULL) {
        slot = atomic_load(&identity->slot);
        if (identity->is_worker) {
            const event_worker_t *worker = (const event_worker_t *)identity;
            if (atomic_load(&worker->started_us) != 0) {
                type = atomic_load(&worker->running_type);
                handler = (uint32_t)(uintptr_t)atomic_load(
                    &event_sub(atomic_load(&worker->running_sub))->handler);
            }
        }
    }
    flight_record_slot(FLIGHT_PANIC, slot, type, handler, 0);
    blame(name_of(slot), type, handler, ESP_OK);
    save();
}

static void on_shutdown(void)
{
    flight_record(FLIGHT_SHUTDOWN, 0, 0, 0, 0);
    save_up(false);
}

void boot_restart_for(const char *culprit, esp_err_t reason)
{
    flight_record(FLIGHT_FAULT,
                  culprit[0] != '\0' ? flight_subject_of(culprit, flight_next_sequence()) : 0, 0,
                  (uint32_t)reason, 0);
    portENTER_CRITICAL(&s_lock);
    blame(culprit, SYSTEM_EVENT_TYPE_NONE, 0, reason);
    s_now.flags |= FLAG_SAFE_NEXT;
    s_now.forced++;
    save();
    portEXIT_CRITICAL(&s_lock);
    esp_restart();
}

void boot_restart_into_safe_mode(system_service_id_t id, esp_err_t reason)
{
    unsigned slot = SYSTEM_SLOT_NONE;
    if (service_slot_of(id, &slot) != ESP_OK) {
        slot = SYSTEM_SLOT_NONE;
    }
    ESP_LOGE(TAG, "%s: %s: restarting into safe mode", service_slot_name(slot),
             system_error_to_string(reason));
    boot_restart_for(name_of(slot), reason);
}

uint32_t boot_crashes_in_a_row(void)
{
    return s_now.crashes;
}

/* ---- this boot ------------------------------------------------------------------------------ */

static bool is_crash(esp_reset_reason_t reason, uint32_t flags)
{
    switch (reason) {
    case ESP_RST_PANIC:
    case ESP_RST_INT_WDT:
    case ESP_RST_TASK_WDT:
    case ESP_RST_WDT:
    case ESP_RST_CPU_LOCKUP:
        return true;
    default:
        /* A panic that fails itself resets the chip like this, and nobody says goodbye. */
        return reason == ESP_RST_SW && (flags & (FLAG_BLAMED | FLAG_UP)) != 0;
    }
}

static void report_last(const copy_t *last)
{
    s_report.culprit_known = s_report.crash && (last->flags & FLAG_BLAMED) != 0;
    if (s_report.culprit_known) {
        system_copy_name(s_report.culprit, last->culprit);
        system_copy_name(s_report.event, last->event);
        s_report.handler = last->handler;
        s_report.error = (esp_err_t)last->error;
        s_report.time_ms = last->time_ms;
    }
}

void boot_record_init(void)
{
    flight_names_forget_owners();
    if (s_read) {
        flight_recorder_init(false); /* taken down and brought up again: still the same boot */
        return;
    }
    s_read = true;
    const esp_reset_reason_t reason = esp_reset_reason();
    const copy_t *found = reason != ESP_RST_POWERON ? newest() : NULL;
    copy_t last = {0};
    if (found != NULL) {
        last = *found;
    } else {
        memset(s_copies, 0xFF, sizeof(s_copies)); /* intact is neither */
    }
    flight_recorder_init(found == NULL);
    s_report = (boot_report_t){.reason = reason, .crash = is_crash(reason, last.flags)};
    report_last(&last);
    s_now = (copy_t){
        .boots = last.boots + 1, .crashes = last.crashes + s_report.crash, .forced = last.forced};
    s_report.boots = s_now.boots;
    s_report.crashes = s_now.crashes;
    s_report.forced_restarts = s_now.forced;
    s_report.crash_loop = s_report.crashes >= CONFIG_SYSTEM_CRASH_LOOP_BOOTS;
    s_safe_asked = (last.flags & FLAG_SAFE_NEXT) != 0;
    save();
    flight_record(FLIGHT_BOOT, 0, 0, (uint32_t)reason, s_report.boots);
}

static void log_records(void)
{
    flight_record_t record;
    uint32_t cursor = 0;
    for (unsigned n = 0; n < RECORDS_LOGGED;) {
        if (flight_recorder_read(NULL, &cursor, &record) != ESP_OK) {
            break;
        }
        if (record.boots_ago == 0) {
            continue;
        }
        char text[96];
        (void)flight_record_describe(&record, text, sizeof(text));
        ESP_LOGW(TAG, "  %" PRIu32 ".%03" PRIu32 " s  %-9s %s  %s", record.time_ms / 1000,
                 record.time_ms % 1000, flight_kind_name(record.kind), record.name, text);
        n++;
    }
}

static void log_report(void)
{
    if (!s_report.crash) {
        ESP_LOGI(TAG, "boot %" PRIu32 " after %s", s_report.boots,
                 boot_reason_name(s_report.reason));
        return;
    }
    ESP_LOGE(TAG, "boot %" PRIu32 ": the last one ended by %s, crash %" PRIu32 " in a row",
             s_report.boots, boot_reason_name(s_report.reason), s_report.crashes);
    if (s_report.culprit_known) {
        ESP_LOGE(TAG, "culprit: %s, handler 0x%08" PRIx32 ", event '%s', %s, at %" PRIu32 " ms",
                 s_report.culprit[0] != '\0' ? s_report.culprit : "firmware", s_report.handler,
                 s_report.event, system_error_to_string(s_report.error), s_report.time_ms);
    }
    ESP_LOGW(TAG, "before it, newest first:");
    log_records();
}

static void on_healthy(void *arg)
{
    (void)arg;
    if (s_now.crashes != 0) {
        ESP_LOGI(TAG, "up for %d s: the row of crashes is over",
                 CONFIG_SYSTEM_CRASH_LOOP_HEALTHY_S);
    }
    flight_record(FLIGHT_HEALTHY, 0, 0, s_now.crashes, 0);
    portENTER_CRITICAL(&s_lock);
    s_now.crashes = 0;
    save();
    portEXIT_CRITICAL(&s_lock);
}

static void safe_mode_if_due(void)
{
    char text[80]; /* safe mode cuts it */
    if (s_report.crash_loop) {
        snprintf(text, sizeof(text), "crash loop: %" PRIu32 " in a row, the last by %s",
                 s_report.crashes,
                 !s_report.culprit_known       ? "?"
                 : s_report.culprit[0] == '\0' ? "firmware"
                                               : s_report.culprit);
    } else if (s_safe_asked) {
        snprintf(text, sizeof(text), "%s could not be mended",
                 s_report.culprit[0] != '\0' ? s_report.culprit : "the last boot");
    } else {
        return;
    }
    (void)system_safe_mode_enter(text);
}

esp_err_t boot_record_start(void)
{
    static const esp_timer_create_args_t args = {.callback = on_healthy, .name = "boot_healthy"};
    const esp_err_t ret = esp_timer_create(&args, &s_timer);
    if (ret != ESP_OK) {
        s_timer = NULL;
        return ret;
    }
    panic_backend_install(on_panic);
    if (esp_register_shutdown_handler(on_shutdown) == ESP_ERR_NO_MEM) {
        ESP_LOGW(TAG, "no place for a shutdown handler: restarts are not written down");
    } else {
        save_up(true);
    }
    (void)esp_timer_start_once(s_timer, HEALTHY_US);
    log_report();
    safe_mode_if_due();
    return ESP_OK;
}

void boot_record_stop(void)
{
    if (s_timer == NULL) {
        return;
    }
    (void)esp_timer_stop(s_timer); /* it may be over */
    (void)esp_timer_delete(s_timer);
    s_timer = NULL;
    (void)esp_unregister_shutdown_handler(on_shutdown);
    save_up(false);
    panic_backend_install(NULL);
}

esp_err_t boot_report_get(boot_report_t *out)
{
    if (out == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    if (!s_read) {
        return ESP_ERR_SYSTEM_NOT_INITIALIZED;
    }
    *out = s_report;
    return ESP_OK;
}

#endif
