/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/** @file @brief The types of FreeRTOS that apps meet. A tick is a millisecond. */

#include <stdint.h>

typedef int BaseType_t;
typedef uint32_t TickType_t;

#define pdFALSE           ((BaseType_t)0)
#define pdTRUE            ((BaseType_t)1)
#define pdMS_TO_TICKS(ms) ((TickType_t)(ms))
