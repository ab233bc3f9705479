// SPDX-License-Identifier: Apache-2.0
#pragma once

// The NOR chip under esp_partition: reads anywhere, turns ones into zeros, erases whole sectors.

#include <stddef.h>
#include <stdint.h>
#include "esp_err.h"

#define FLASH_SECTOR 4096u

/** All return ESP_OK or ESP_ERR_FLASH_OP_FAIL (no power), ESP_ERR_INVALID_ARG outside the chip. */
esp_err_t flash_read(uint32_t address, void *to, size_t size);
esp_err_t flash_write(uint32_t address, const void *from, size_t size);
esp_err_t flash_erase(uint32_t address, size_t size);

/** @return the chip as read-only memory, that later writes show through */
const uint8_t *flash_view(void);
size_t flash_size(void);
