/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults in the code of apps. The trap may do next to nothing, and the task that faulted may have
 * next to no stack left, so both only pass a note to the keeper, which does everything else.
 */
#include "app_crash.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "esp_attr.h"
#include "esp_log.h"
#include "esp_timer.h"

#include "app_lifecycle.h"
#include "flight_recorder_internal.h"
#include "service_record.h"
#include "symbol_backend.h"
#include "task_backend.h"

#ifdef CONFIG_SYSTEM_APPS

static const char *TAG = "app_manager";

enum {
    NOTE_FREE = 0,
    NOTE_TAKEN,  /* its task is on the way to app_crash_land() */
    NOTE_LANDED, /* for the keeper */
};

/* One for each app, and its handlers beside it. */
static EXT_RAM_BSS_ATTR app_crash_t s_notes[2 * CONFIG_SYSTEM_MAX_APPS];
/* Under the app lock: the last crash of each place in the app table. .cause NONE: there was none */
static EXT_RAM_BSS_ATTR app_crash_report_t s_reports[CONFIG_SYSTEM_MAX_APPS];
static _Atomic bool s_on;

void app_crash_init(void)
{
    memset(s_notes, 0, sizeof(s_notes));
    memset(s_reports, 0, sizeof(s_reports));
    if (crash_backend_install(true) == ESP_OK) {
        atomic_store(&s_on, true);
    } else {
        ESP_LOGW(TAG, "faults of apps cannot be contained here");
    }
}

void app_crash_deinit(void)
{
    atomic_store(&s_on, false);
    (void)crash_backend_install(false);
}

/* ---- in the trap ---------------------------------------------------------------------------- */

typedef struct {
    const system_identity_t *identity;
    app_life_t *found;
} life_of_t;

static void match_life(app_life_t *life, void *arg)
{
    life_of_t *search = arg;
    if (life->identity == search->identity) {
        search->found = life;
    }
}

/** @return false: it runs no handler of an app */
static bool identify_worker(const event_worker_t *worker, app_crash_t *out)
{
    const unsigned slot = atomic_load(&worker->identity.slot);
    const bool aside = atomic_load(&worker->quarantined) != 0;
    out->in_handler = true;
    out->event = atomic_load(&worker->running_type);
    out->life = NULL;
    if (aside) { /* whoever has the slot now did not do this */
        out->id = SYSTEM_SERVICE_ID_NONE;
        return atomic_load(&worker->of_app) != 0;
    }
    out->id = service_slot_id(slot);
    return slot < SYSTEM_SLOTS && service_record(slot)->is_app;
}

/** @return false: it is no task of an app */
static bool identify_main(const system_identity_t *identity, app_crash_t *out)
{
    const unsigned slot = atomic_load(&identity->slot);
    life_of_t search = {identity, NULL};
    app_contexts_for_each(match_life, &search);
    const app_life_t *life = search.found;
    out->in_handler = false;
    out->event = SYSTEM_EVENT_TYPE_NONE;
    out->life = search.found;
    if (slot == SYSTEM_SLOT_DEAD && life != NULL && life->set_aside) {
        out->id = SYSTEM_SERVICE_ID_NONE;
        return true;
    }
    out->id = service_slot_id(slot);
    return life != NULL && slot < SYSTEM_SLOTS && service_record(slot)->is_app;
}

/** Whose task it is. @return false: none of an app's that runs its code now */
static bool identify(TaskHandle_t task, app_crash_t *out)
{
    const system_identity_t *identity =
        task != NULL ? pvTaskGetThreadLocalStoragePointer(task, CONFIG_SYSTEM_TLS_INDEX) : NULL;
    if (identity == NULL || atomic_load(&identity->depth) != 0) {
        return false;
    }
    return identity->is_worker ? identify_worker((const event_worker_t *)identity, out)
                               : identify_main(identity, out);
}

app_crash_t *app_crash_take(TaskHandle_t task, const app_crash_facts_t *facts)
{
    app_crash_t whose = {0};
    if (!atomic_load(&s_on) || !identify(task, &whose) || task_backend_mutexes_held(task) != 0) {
        return NULL;
    }
    for (unsigned i = 0; i < sizeof(s_notes) / sizeof(s_notes[0]); i++) {
        app_crash_t *note = &s_notes[i];
        uint8_t expected = NOTE_FREE;
        if (atomic_compare_exchange_strong(&note->state, &expected, NOTE_TAKEN)) {
            note->in_handler = whose.in_handler;
            note->event = whose.event;
            note->id = whose.id;
            note->life = whose.life;
            note->facts = *facts;
            return note;
        }
    }
    return NULL;
}

bool app_crash_stack(TaskHandle_t task, uintptr_t *base, uint32_t *size)
{
    app_crash_t whose = {0};
    if (!identify(task, &whose)) {
        return false;
    }
    if (whose.life != NULL) {
        const app_life_t *life = whose.life;
        *base = (uintptr_t)life->stack;
        *size = life->stack_size;
        return true;
    }
    const event_worker_t *worker =
        (const event_worker_t *)pvTaskGetThreadLocalStoragePointer(task, CONFIG_SYSTEM_TLS_INDEX);
    *base = (uintptr_t)worker->private_stack;
    *size = worker->private_stack_bytes;
    return worker->private_stack != NULL;
}

void app_crash_land(void *crash)
{
    app_crash_t *note = crash;
    app_life_t *life = note->life;
    /* In this order: who finds the task parked finds the note, see app_keeper.c. */
    atomic_store(&note->state, NOTE_LANDED);
    if (life != NULL) {
        atomic_store(&life->task_state, APP_TASK_PARKED);
    }
    app_keeper_kick();
    for (;;) { /* deleted by the keeper when it is certain that it does not run */
        vTaskSuspend(NULL);
    }
}

void app_manager_abort(app_crash_cause_t cause, const char *what, const void *where)
{
    const app_crash_facts_t facts = {.cause = cause, .what = what, .pc = (uintptr_t)where};
    app_crash_t *note = xPortInIsrContext() || !xPortCanYield()
                            ? NULL
                            : app_crash_take(xTaskGetCurrentTaskHandle(), &facts);
    if (note == NULL) {
        abort();
    }
    app_crash_land(note);
}

/* ---- for the keeper ------------------------------------------------------------------------- */

app_crash_t *app_crash_next(void)
{
    for (unsigned i = 0; i < sizeof(s_notes) / sizeof(s_notes[0]); i++) {
        if (atomic_load(&s_notes[i].state) == NOTE_LANDED) {
            return &s_notes[i];
        }
    }
    return NULL;
}

void app_crash_cut(system_service_id_t id)
{
    for (unsigned i = 0; i < sizeof(s_notes) / sizeof(s_notes[0]); i++) {
        uint8_t expected = NOTE_TAKEN;
        if (atomic_load(&s_notes[i].state) == NOTE_TAKEN && s_notes[i].id == id) {
            (void)atomic_compare_exchange_strong(&s_notes[i].state, &expected, NOTE_LANDED);
        }
    }
}

void app_crash_done(app_crash_t *crash)
{
    atomic_store(&crash->state, NOTE_FREE);
}

/** Name a place in code. @return false: nobody knows it */
static bool locate(const app_manifest_t *manifest, void *image, uintptr_t pc,
                   char name[APP_CRASH_NAME_MAX], uint32_t *offset)
{
    if (manifest->image != NULL && manifest->image->locate != NULL && image != NULL &&
        manifest->image->locate(image, pc, name, offset)) {
        return true;
    }
    return symbol_backend_locate(pc, name, APP_CRASH_NAME_MAX, offset);
}

static void log_frames(const app_manifest_t *manifest, void *image, const app_crash_facts_t *facts)
{
    char name[APP_CRASH_NAME_MAX];
    uint32_t offset;
    for (unsigned i = 0; i < facts->frame_count; i++) {
        /* It returns to behind the call, which may be the next function. */
        if (locate(manifest, image, facts->frames[i] - 1, name, &offset)) {
            ESP_LOGE(TAG, "  called from %s+0x%" PRIx32, name, offset + 1);
        } else {
            ESP_LOGE(TAG, "  called from 0x%08" PRIxPTR, facts->frames[i]);
        }
    }
}

void app_crash_report_locked(unsigned app, const char *name, const app_manifest_t *manifest,
                             void *image, const app_crash_t *crash)
{
    const app_crash_facts_t *facts = &crash->facts;
    app_crash_report_t *report = &s_reports[app];
    *report = (app_crash_report_t){
        .cause = facts->cause,
        .what = facts->what,
        .pc = facts->pc,
        .address = facts->address,
        .time_ms = (uint32_t)(esp_timer_get_time() / 1000),
        .in_handler = crash->in_handler,
    };
    system_copy_name(report->event, crash->in_handler ? event_type_name(crash->event) : "");
    /* Who jumped to where no code is tells more than where that is. */
    const bool jumped = facts->cause == APP_CRASH_JUMP && facts->frame_count != 0;
    if (!locate(manifest, image, jumped ? facts->frames[0] - 1 : facts->pc, report->function,
                &report->offset)) {
        report->function[0] = '\0';
    }
    char text[192];
    (void)app_crash_describe(report, text, sizeof(text));
    ESP_LOGE(TAG, "%s: %s", name, text);
    log_frames(manifest, image, facts);
    flight_record_slot(FLIGHT_CRASH, system_id_slot(crash->id), crash->event,
                       report->function[0] != '\0' ? report->offset : (uint32_t)facts->pc,
                       (uint32_t)facts->cause | (crash->in_handler ? APP_CRASH_IN_HANDLER : 0u));
}

void app_crash_report_aside(const app_crash_t *crash)
{
    const app_crash_facts_t *facts = &crash->facts;
    const app_life_t *life = crash->life;
    app_crash_report_t report = {
        .cause = facts->cause,
        .what = facts->what,
        .pc = facts->pc,
        .address = facts->address,
        .in_handler = crash->in_handler,
    };
    char text[192];
    system_copy_name(report.event, crash->in_handler ? event_type_name(crash->event) : "");
    if (!symbol_backend_locate(facts->pc, report.function, APP_CRASH_NAME_MAX, &report.offset)) {
        report.function[0] = '\0';
    }
    (void)app_crash_describe(&report, text, sizeof(text));
    ESP_LOGE(TAG, "%s: set aside before, and now: %s",
             life != NULL ? life->name : "a handler of an app that is gone", text);
}

/* ---- public API ----------------------------------------------------------------------------- */

const char *app_crash_cause_name(app_crash_cause_t cause)
{
    static const char *const names[] = {
        [APP_CRASH_NONE] = "none",
        [APP_CRASH_ADDRESS] = "bad address",
        [APP_CRASH_JUMP] = "jump to no code",
        [APP_CRASH_ALIGNMENT] = "bus error",
        [APP_CRASH_ARITHMETIC] = "bad arithmetic",
        [APP_CRASH_INSTRUCTION] = "illegal instruction",
        [APP_CRASH_STACK] = "stack overflow",
        [APP_CRASH_ABORT] = "abort",
        [APP_CRASH_HEAP] = "misuse of its heap",
    };
    _Static_assert(sizeof(names) / sizeof(names[0]) == APP_CRASH_CAUSES, "a name for each cause");
    return (unsigned)cause < APP_CRASH_CAUSES ? names[cause] : "?";
}

int app_crash_describe(const app_crash_report_t *report, char *out, size_t size)
{
    char address[32] = "";
    char place[APP_CRASH_NAME_MAX + 16];
    char where[SYSTEM_NAME_MAX + 24] = "its task";
    if (report->address != 0 || report->cause == APP_CRASH_ADDRESS) {
        (void)snprintf(address, sizeof(address), " at address 0x%" PRIxPTR, report->address);
    }
    if (report->function[0] != '\0') {
        (void)snprintf(place, sizeof(place), "%s+0x%" PRIx32, report->function, report->offset);
    } else {
        (void)snprintf(place, sizeof(place), "0x%08" PRIxPTR, report->pc);
    }
    if (report->in_handler) {
        (void)snprintf(where, sizeof(where), "its handler for '%s'", report->event);
    }
    return snprintf(out, size, "%s (%s)%s in %s, in %s", report->what,
                    app_crash_cause_name(report->cause), address, place, where);
}

esp_err_t app_manager_get_crash(const char *name, app_crash_report_t *out)
{
    app_info_t info;
    esp_err_t ret = out == NULL ? ESP_ERR_INVALID_ARG : app_manager_get_info(name, &info);
    if (ret != ESP_OK) {
        return ret;
    }
    ret = ESP_ERR_APP_NOT_FOUND;
    app_lock();
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_APPS; i++) {
        const app_manifest_t *manifest = app_at(i)->manifest;
        if (manifest != NULL && strcmp(manifest->name, name) == 0) {
            *out = s_reports[i];
            ret = out->cause != APP_CRASH_NONE ? ESP_OK : ESP_ERR_NOT_FOUND;
        }
    }
    app_unlock();
    return ret;
}

void app_crash_forget_locked(unsigned app)
{
    s_reports[app] = (app_crash_report_t){0};
}

#endif
