/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @brief 32 random bits. @context any  @blocks never */
uint32_t esp_random(void);

#ifdef __cplusplus
}
#endif
