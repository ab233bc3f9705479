// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdint.h>
#include "sdkconfig.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @return milliseconds since boot, in the sim those of the virtual clock; wraps after 49 days */
uint32_t esp_log_timestamp(void);

/** @return milliseconds since boot; usable before the scheduler runs */
uint32_t esp_log_early_timestamp(void);

/** @return "HH:MM:SS.mmm" of the system time, in a buffer of the calling thread */
char *esp_log_system_timestamp(void);

#ifdef __cplusplus
}
#endif
