// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include "sdkconfig.h"
#include "esp_attr.h"
#include "esp_err.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef uint32_t esp_cpu_cycle_count_t;

/** @return the core the caller runs on */
int esp_cpu_get_core_id(void);

/** @return cycles since boot at the configured CPU clock, derived from the board's clock; wraps */
esp_cpu_cycle_count_t esp_cpu_get_cycle_count(void);

/** Stores new_value if *addr is compare_value, as one step. @return true if it stored */
bool esp_cpu_compare_and_set(volatile uint32_t *addr, uint32_t compare_value, uint32_t new_value);

/** @return false: no debugger changes the course of the program on the virtual board */
bool esp_cpu_dbgr_is_attached(void);

#ifdef __cplusplus
}
#endif
