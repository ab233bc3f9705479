// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The five services of the hardware on one board, with an app that plays, a hand that presses keys
 * and a phone that listens. Each can be asked to prove that it works: it does something, and what
 * comes of it is looked at from outside.
 *
 * For stories: whatever cannot be set up ends them.
 */

#include <stdbool.h>
#include <stdint.h>

#include "system_service/event_bus.h"
#include "system_service/service_manager.h"

typedef enum {
    WORK_AUDIO = 0,
    WORK_BLUETOOTH,
    WORK_DISPLAY,
    WORK_INPUT,
    WORK_NETWORK,
    WORK_SERVICES, /* how many there are */
} work_service_t;

/** What is to go wrong between a service and its hardware. Each service has all of them. */
typedef enum {
    WORK_FAULT_NONE = 0,
    WORK_FAULT_UNPLUGGED,
    WORK_FAULT_STUCK,
    WORK_FAULT_SHORT,
    WORK_FAULT_WRONG,
    WORK_FAULTS,
} work_fault_t;

/** Start them and the music, and wait until all of them work. The core is up. */
void work_begin(void);
/** Stop the music. */
void work_end(void);
/** Music again, after work_end(). */
void work_again(void);

const char *work_name(work_service_t which);
system_service_id_t work_id(work_service_t which);
uint32_t work_restarts(work_service_t which);

/** Does it do its work now? Takes it half a second to show at most. */
bool work_is_done(work_service_t which);
/** Does it within ms? */
bool work_soon(work_service_t which, uint32_t ms);
/** Does it answer a request within 200 ms, whatever its hardware is like? */
bool work_answers(work_service_t which);

/** Let something of its hardware go wrong, or be well again. @return its answer */
esp_err_t work_fault(work_service_t which, work_fault_t fault);
