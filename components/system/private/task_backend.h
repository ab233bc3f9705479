/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What only the platform knows of a task. One implementation in port/esp32s3, one in
 *        port/linux.
 */

#include <stdint.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

/** Number of mutexes that a task holds. Exact only for the calling task and for suspended ones. */
uint32_t task_backend_mutexes_held(TaskHandle_t task);
