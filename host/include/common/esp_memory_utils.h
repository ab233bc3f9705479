// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include "sdkconfig.h"
#include "esp_attr.h"

#ifdef __cplusplus
extern "C" {
#endif

// Where a pointer points, by the arenas of the virtual board. Statics and stacks live in internal
// RAM on the device, so any pointer outside the PSRAM arena counts as internal. May be called from
// an ISR.

bool esp_ptr_internal(const void *p);
bool esp_ptr_external_ram(const void *p);
bool esp_ptr_dma_capable(const void *p);
bool esp_ptr_dma_ext_capable(const void *p);
bool esp_ptr_byte_accessible(const void *p);
bool esp_ptr_executable(const void *p);
bool esp_ptr_in_dram(const void *p);
bool esp_ptr_in_iram(const void *p);

static inline bool esp_ptr_word_aligned(const void *p)
{
    return ((uintptr_t)p) % 4 == 0;
}

#ifdef __cplusplus
}
#endif
