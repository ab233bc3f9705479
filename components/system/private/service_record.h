/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The record of a service or app, and what the registry and the supervisor do with it.
 *
 * The registry (service_manager.c) owns the records and the reclaiming; the supervisor
 * (service_supervisor.c) decides about states and calls the lifecycle functions; the watchdog
 * (service_watchdog.c) keeps the signs of life and the counts.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "event_internal.h"
#include "system_internal.h"
#include "system_service/service_manager.h"

typedef struct {
    /* under the registry lock */
    char name[SYSTEM_NAME_MAX + 1];
    uint32_t generation;
    bool used;
    /* written under the registry lock, read without: apps come and go while others look */
    const system_service_descriptor_t *_Atomic descriptor; /* NULL: registered by name only */
    _Atomic bool is_app;
    _Atomic(TaskHandle_t) home_task; /* the task that registered it: its heartbeats count */
    /* one writer at a time (the supervisor, or set_state under the registry lock), many readers */
    _Atomic uint8_t state;          /* system_service_state_t */
    _Atomic uint8_t stop_requested; /* what system_service_should_stop() says */
    _Atomic uint32_t restart_count;
    _Atomic uint32_t fault_count;
    _Atomic esp_err_t last_error;
} service_record_t;

/* ---- service_manager.c ----------------------------------------------------------------------- */

void service_manager_init(void);
/** The system is down: every id is dead. */
void service_manager_deinit(void);
service_record_t *service_record(unsigned slot);
bool service_slot_used(unsigned slot);
/** A record has lifecycle functions to start it again with. */
bool service_restartable(unsigned slot);
system_service_state_t service_state(unsigned slot);
/** Register an owner; apps too. The name is checked. @return as system_service_register() */
esp_err_t service_register(const char *name, const system_service_descriptor_t *descriptor,
                           bool is_app, system_service_id_t *out);
/**
 * Take back everything an owner has: subscriptions (running handlers are waited for), waiting
 * events, timers, requests, loans and pool blocks, accounted memory. Called without locks, by the
 * supervisor or the app manager, when its code does not run any more or was quarantined.
 * @return ESP_OK; ESP_ERR_TIMEOUT a handler hangs and was not quarantined before
 */
esp_err_t service_reclaim(unsigned slot);
/** After service_reclaim(): open the mailbox again for the same owner, with a fresh worker if it
 *  had one of its own and lost it. @return ESP_OK; ESP_ERR_NO_MEM no worker */
esp_err_t service_reopen(unsigned slot);
/** After service_reclaim(): forget the owner; its id is dead.
 *  @return ESP_OK; ESP_ERR_SERVICE_STALE_ID somebody else forgot it before */
esp_err_t service_release(system_service_id_t id);
/** Number of owners registered now. */
unsigned service_count(void);

/* ---- service_watchdog.c ---------------------------------------------------------------------- */

void watchdog_init(void);
/** Watch a new owner; NULL = not watched until watchdog_register_service(). */
void watchdog_attach(unsigned slot, const service_watchdog_config_t *config);
void watchdog_reclaim(unsigned slot);
bool watchdog_is_critical(unsigned slot);
/** Time of the last proof of life, 0 = none yet. */
int64_t watchdog_last_alive_us(unsigned slot);

/* ---- service_supervisor.c -------------------------------------------------------------------- */

esp_err_t supervisor_start(void);
/** Stop all owners in reverse order and end the supervisor's tasks. */
esp_err_t supervisor_stop(void);
/** Stop an owner that is about to be unregistered, and reclaim it. */
esp_err_t supervisor_remove(system_service_id_t id);
/** Something changed that moves the next deadline: wake the supervisor. isr-ok. */
void supervisor_poke(void);
