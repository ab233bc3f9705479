/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The app table (app_manager.c), its states (app_lifecycle.c), and the task that watches
 *        them and takes back what is left (app_keeper.c).
 *
 *   REGISTERED -> STARTING -> RUNNING <-> PAUSED
 *                     |          |           |
 *                     +----------+-----------+--> STOPPING -> STOPPED or CRASHED -> STARTING
 *
 * Whoever starts an app does so in its own task; STARTING keeps others off. From STOPPING on the
 * keeper alone works on it, so an app may stop itself.
 */

#include <stdbool.h>
#include <stdint.h>

#include "app_context_refcount.h"
#include "restart_policy.h"
#include "system_service/app_manager.h"
#include "system_service/service_manager.h"

typedef struct {
    /* under the app lock */
    const app_manifest_t *manifest; /* NULL = free */
    app_state_t state;
    app_life_t *life;    /* from STARTING until the keeper took everything back */
    bool start_again;    /* once it is stopped: a restart was asked for */
    bool stay_down;      /* somebody stopped it: a crash on the way does not start it again */
    bool forced;         /* this life was ended by force */
    bool crashed;        /* its code faulted: what is left of it is ended at once */
    esp_err_t fault;     /* why this life ends; ESP_OK: in order */
    esp_err_t result;    /* of the last stop or restart, for who waits */
    int64_t deadline_us; /* STOPPING: end of the grace period */
    int64_t restart_us;  /* CRASHED: when to start it again; 0 = not */
    restart_history_t history;
    uint32_t starts, crashes, forced_stops;
    esp_err_t last_error;
    int64_t started_us;
    /* what the registry is told; constant while a life goes on */
    system_service_descriptor_t descriptor;
    service_watchdog_config_t watchdog;
} app_t;

/* ---- app_manager.c -----------------------------------------------------------------------------
 */

void app_lock(void);
void app_unlock(void);
app_t *app_at(unsigned index);
unsigned app_index(const app_t *app);
/** Post app.* about an app. Called without locks. */
void app_post(const char *name, system_event_type_t type, system_service_id_t id, esp_err_t reason);

/* ---- app_lifecycle.c
 * --------------------------------------------------------------------------- */

void app_lifecycle_init(void);
/** Start an app whose state the caller set to STARTING. Called without locks.
 *  @return as app_manager_start() */
esp_err_t app_lifecycle_start(app_t *app);
/** Ask an app to stop. App lock held; call app_keeper_kick() after releasing it.
 *  @return ESP_OK also when it is stopping already; ESP_ERR_APP_NOT_RUNNING */
esp_err_t app_lifecycle_ask_stop_locked(app_t *app, esp_err_t fault);
/** Wait until an app that was asked to stop has. @return its result, or ESP_ERR_TIMEOUT */
esp_err_t app_lifecycle_wait(const app_t *app);
/** It has: wake who waits. */
void app_lifecycle_stopped(const app_t *app);
/** Set a state and tell the app's task. App lock held. */
void app_lifecycle_set_state_locked(app_t *app, app_state_t state);
/** Take back all that a life owns; its code does not run any more. */
void app_life_take_back(app_life_t *life);
/** Free what the task of a life needed. The task is gone. */
void app_life_free_task(app_life_t *life);

/* ---- app_keeper.c ------------------------------------------------------------------------------
 */

/** Make the keeper's task. @return ESP_OK; ESP_ERR_NO_MEM */
esp_err_t app_keeper_start(void);
/** End it; no app lives any more. */
void app_keeper_end(void);
/** Let it look. @context any task */
void app_keeper_kick(void);
/** Tasks set aside that still exist. @context any task */
uint32_t app_keeper_set_aside(void);
