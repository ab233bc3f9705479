/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The parts of the demonstration, grouped by the file that defines them.
 */

#include <stdbool.h>
#include <stdint.h>

#include "demo_service/demo_service.h"
#include "demo_service/demo_tell.h"
#include "system_service/system_types.h"

/* ---- demo_check.c: telling, and keeping the score ---------------------------------------------
 */

void demo_check_begin(const demo_config_t *config);
/** Print the score. @return true when there were checks and all held */
bool demo_check_end(void);
#define DEMO_TIME_BYTES 32
/** Microseconds as text: "832 us", "1.24 ms", "2.05 s". */
const char *demo_time(int64_t us, char text[DEMO_TIME_BYTES]);

/* ---- demo_observer.c: a service that watches and records ---------------------------------------
 */

/** What the observer saw; read with demo_observed(). */
typedef struct {
    uint32_t hello_events;
    uint32_t goodbye_events;
    uint32_t samples;
    uint32_t quota_reports; /* system.quota_violation events */
    int64_t slow_us;        /* when system.handler_slow came; 0 = never */
    int64_t restarting_us;  /* when service.restarting came */
    int64_t recovered_us;   /* when service.recovered came */
    uint32_t recovery_ms;   /* what it said */
    char slow_name[SYSTEM_NAME_MAX + 1];
    char restarted_name[SYSTEM_NAME_MAX + 1];
    bool dependant_paused;  /* service.paused for demo.logger */
    bool dependant_resumed; /* service.resumed for demo.logger */
} demo_observed_t;

/** Register and start the observer. */
esp_err_t demo_observer_start(void);
void demo_observer_stop(void);
demo_observed_t demo_observed(void);
/** Forget what was seen of the apps, faults and floods. */
void demo_observer_reset(void);

/** Letters posted per priority to show their order. */
#define DEMO_LETTERS 3
/** Events timed per priority. */
#define DEMO_TIMED 100

/** Keep the observer's handler busy, post DEMO_LETTERS of each priority with LOW first, let go.
 *  @param[out] order priorities' lanes in the order of delivery
 *  @return how many came */
unsigned demo_observer_order(uint8_t order[SYSTEM_EVENT_LANES * DEMO_LETTERS]);
/** Post DEMO_TIMED events of one priority, each after the last was handled.
 *  @param[out] p50_us, max_us from post to handler
 *  @return how many came */
unsigned demo_observer_latency(uint8_t priority, uint32_t *p50_us, uint32_t *max_us);

/* ---- demo_steps.c: the story's chapters --------------------------------------------------------
 */

void demo_step_boot(void);
void demo_step_apps(void);
void demo_step_priorities(void);
void demo_step_hang(void);
void demo_step_quota(void);
void demo_step_health(void);
