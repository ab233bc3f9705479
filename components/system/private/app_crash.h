/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief A fault in an app's code ends the app, not the system.
 *
 *   port/.../crash_backend.c   catches the fault and knows what only the platform can tell: not in
 *                              an interrupt, not masked, stack pointer in the stack
 *   app_crash_take()           decides: is it an app's own code, also of one that was set aside,
 *                              inside no call of ours, with no mutex held?
 *   app_crash_land()           the faulting task goes on here, and suspends itself for good
 *   app_crash_next()           the keeper takes the report, and takes the app back
 *
 * Any other fault is a panic, as ever.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event_internal.h"
#include "system_service/app_manager.h"

#define APP_CRASH_FRAMES 8

/** What the platform says of a fault. */
typedef struct {
    app_crash_cause_t cause;
    const char *what; /* its name on this platform; lives for ever */
    uintptr_t pc;
    uintptr_t address; /* that could not be used, or 0 */
    uint8_t frame_count;
    uintptr_t frames[APP_CRASH_FRAMES]; /* return addresses, innermost first */
} app_crash_facts_t;

/** A fault on its way from the trap to the keeper. */
typedef struct {
    _Atomic uint8_t state;
    bool in_handler;
    system_event_type_t event; /* that its handler worked on */
    system_service_id_t id;    /* of the life; NONE: that is over, its task had been set aside */
    void *life;                /* app_life_t: the app's own task faulted; NULL: its worker */
    app_crash_facts_t facts;
} app_crash_t;

/* ---- app_crash.c ------------------------------------------------------------------------------
 */

/** @context init only */
void app_crash_init(void);
/** From now on every fault is a panic. */
void app_crash_deinit(void);

/**
 * Decide about a fault of the running task.
 * @context the trap: may not wait, print or allocate
 * @return what app_crash_land() gets; NULL: not an app's, or it cannot be ended here
 */
app_crash_t *app_crash_take(TaskHandle_t task, const app_crash_facts_t *facts);

/** Go on here. Needs less than 512 bytes of stack on the device. */
void app_crash_land(void *crash) __attribute__((noreturn));

/** The stack of a task of an app. @return false: it is none. @context as app_crash_take() */
bool app_crash_stack(TaskHandle_t task, uintptr_t *base, uint32_t *size);

/** A fault whose task has landed. Give it back with app_crash_done(). @return NULL: none */
app_crash_t *app_crash_next(void);

/** No task of this app or of its handlers runs any more: what was cut on its way to
 * app_crash_land() has landed. */
void app_crash_cut(system_service_id_t id);
void app_crash_done(app_crash_t *crash);

/** Put a fault into words, on the log and in the app's report. App lock held.
 *  @param image  of the life, for app_image_t.locate */
void app_crash_report_locked(unsigned app, const char *name, const app_manifest_t *manifest,
                             void *image, const app_crash_t *crash);

/** Say that a task which had been set aside faulted. No report: its life is over. */
void app_crash_report_aside(const app_crash_t *crash);

/** A new app has this place in the table. App lock held. */
void app_crash_forget_locked(unsigned app);

/* ---- port: crash_backend.c ---------------------------------------------------------------------
 */

/** Catch faults, or no more. @return ESP_OK; ESP_ERR_NOT_SUPPORTED every fault is a panic here */
esp_err_t crash_backend_install(bool on);
