/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief Two services without hardware, and the narrated demonstration that uses them.
 *
 * demo.sensor "measures" a triangle wave and posts it; demo.logger needs demo.sensor and keeps the
 * extremes. They are real services in every respect but what they measure.
 */

#include <stdbool.h>
#include <stdint.h>

#include "esp_err.h"

#include "system_service/service_manager.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Event of demo.sensor, NORMAL, every DEMO_SAMPLE_PERIOD_MS. */
#define DEMO_SAMPLE_EVENT     "demo.sample"
#define DEMO_SAMPLE_PERIOD_MS 100

/** Its payload. */
typedef struct {
    uint32_t number;   /**< counts the samples of this life of the sensor, from 1 */
    int32_t millivolt; /**< 0..3300 */
} demo_sample_t;

extern const system_service_descriptor_t demo_sensor_service;
extern const system_service_descriptor_t demo_logger_service;

/** How the demonstration is told. */
typedef struct {
    bool colour;       /**< use ANSI colours */
    uint32_t pause_ms; /**< between two chapters, for somebody who reads along */
    /** A chapter about what else this firmware has, told before the last one with what is in
     *  demo_tell.h; NULL = none. */
    void (*chapter)(void);
} demo_config_t;

/**
 * @brief Tell and show what the system can do, in a few seconds, and judge by what the system
 *        recorded whether all of it was seen.
 *
 * Wants both demonstration services running and the apps hello and goodbye registered. Prints to
 * standard output.
 *
 * @context the main task, after the seal; once per boot  @blocks a few seconds and the pauses
 * @return true when every check held
 */
bool demo_run(const demo_config_t *config);

#ifdef __cplusplus
}
#endif
