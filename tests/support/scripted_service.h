// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Services that misbehave as the test says: each lifecycle function and the handler can be made to
 * fail or hang a number of times. And an observer that writes down what the core announces.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "system_service/common_events.h"
#include "system_service/event_bus.h"
#include "system_service/service_manager.h"
#include "system_service/service_supervisor.h"
#include "system_service/service_watchdog.h"

typedef enum {
    SCRIPTED_INIT,
    SCRIPTED_START,
    SCRIPTED_STOP,
    SCRIPTED_DEINIT,
    SCRIPTED_HANDLER,
    SCRIPTED_CODES,
} scripted_code_t;

typedef enum {
    SCRIPTED_SLEEP = 0, /* for ever, in vTaskDelay() */
    SCRIPTED_SPIN,      /* computing for ever */
} scripted_hang_t;

typedef struct {
    system_service_descriptor_t descriptor;
    service_watchdog_config_t watchdog;
    service_quota_t quota;
    system_service_id_t id;
    system_event_type_t work; /* "<name>.work": its handler counts */
    scripted_hang_t how;
    _Atomic uint32_t fail[SCRIPTED_CODES]; /* so many times it returns ESP_FAIL */
    _Atomic uint32_t hang[SCRIPTED_CODES]; /* so many times it does not return */
    _Atomic uint32_t slow_ms;              /* the handler takes so long, each time */
    _Atomic uint32_t calls[SCRIPTED_CODES];
    _Atomic uint32_t
        inside; /* code of it that runs now: more than one is a failure of the system */
} scripted_t;

/** Fill in a descriptor: restarted on faults, not critical. depends_on as in the descriptor. */
void scripted_prepare(scripted_t *service, const char *name, const char *const *depends_on);

/** Register it and its event type; ends the test when that fails. */
void scripted_register(scripted_t *service);

/** Post it an event as firmware would. @return as system_event_post() */
esp_err_t scripted_post(const scripted_t *service, system_service_id_t poster);

/** Wait for a state, at most ms. @return false: it did not come */
bool scripted_wait_state(system_service_id_t id, system_service_state_t state, uint32_t ms);

/** Snapshot; ends the test when there is none. */
system_service_info_t scripted_info(system_service_id_t id);

/* ---- code that somebody deletes ---- */

/** Stay here, asleep, until somebody deletes the task. One task at a time. */
_Noreturn void scripted_sit(void);

/** Wait for the task that sits; it is not waited for again. Ends the test when none comes. */
TaskHandle_t scripted_who_sits(void);

/* ---- what the core announces ---- */

#define OBSERVED_MAX 256

typedef struct {
    system_event_type_t type;
    char name[SYSTEM_NAME_MAX + 1]; /* of the service */
    esp_err_t reason;
    uint32_t attempt;
    uint32_t recovery_ms;
    uint64_t at_us;
    handler_slow_event_t slow; /* of system.handler_slow */
} observed_t;

/** Start observing service.* and system.*, as a service "observer". */
system_service_id_t observer_start(void);

/** How many events of this type about this service came so far; name NULL = any. */
uint32_t observer_count(system_event_type_t type, const char *name);

/** The last of them. @return false: none */
bool observer_last(system_event_type_t type, const char *name, observed_t *out);

/** Wait until observer_count() is at least n. @return false: not within ms */
bool observer_wait(system_event_type_t type, const char *name, uint32_t n, uint32_t ms);
