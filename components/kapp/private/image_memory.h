/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief Memory that code can run from.
 */

#include "elf_image.h"

/** The target whose programs can run here. */
kapp_target_t image_memory_target(void);

/** Get memory for an image, zeroed and writable.
 *  @return ESP_OK; ESP_ERR_NO_MEM */
esp_err_t image_memory_get(const elf_layout_t *layout, elf_memory_t *out);

/** Make the image ready to run: code executable, and not writable where the platform can tell.
 *  @return ESP_OK; ESP_ERR_INVALID_STATE a page would need the rights of two segments;
 *          ESP_ERR_NO_MEM */
esp_err_t image_memory_seal(const elf_layout_t *layout, const elf_memory_t *memory);

/** Give the memory back. Nothing may run in it any more. */
void image_memory_put(const elf_layout_t *layout, const elf_memory_t *memory);
