/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "system_internal.h"
#include "system_service/heap_monitor.h"

/** Forget trend and failures; from now on the heap tells of allocations that fail. ESP-IDF has room
 *  for one such callback: this takes it.
 *  @context init only  @return ESP_OK; what heap_caps_register_failed_alloc_callback() returns */
esp_err_t heap_monitor_init(void);
