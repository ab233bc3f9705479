/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PSRAM. A page of it that the data bus sees is seen by the instruction bus as well, at a fixed
 * distance; the two caches know nothing of each other, so what was written is written back, and
 * what may be left of an earlier program at the same address is dropped.
 */
#include "image_memory.h"

#include <string.h>

#include "esp_cache.h"
#include "esp_heap_caps.h"
#include "soc/ext_mem_defs.h"

#define TO_INSTRUCTION_BUS ((uintptr_t)SOC_IRAM0_CACHE_ADDRESS_LOW - SOC_DRAM0_CACHE_ADDRESS_LOW)
#define CACHE_LINE         64u /* the largest that can be configured */

kapp_target_t image_memory_target(void)
{
    return KAPP_TARGET_XTENSA_ESP32S3;
}

static size_t lines(size_t size)
{
    return (size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
}

esp_err_t image_memory_get(const elf_layout_t *layout, elf_memory_t *out)
{
    const size_t align = layout->align > CACHE_LINE ? layout->align : CACHE_LINE;
    const size_t size = lines(layout->span);
    uint8_t *bytes = heap_caps_aligned_alloc(align, size, MALLOC_CAP_SPIRAM | MALLOC_CAP_8BIT);
    if (bytes == NULL) {
        return ESP_ERR_NO_MEM;
    }
    memset(bytes, 0, size);
    *out = (elf_memory_t){bytes, (uintptr_t)bytes, (uintptr_t)bytes + TO_INSTRUCTION_BUS};
    return ESP_OK;
}

esp_err_t image_memory_seal(const elf_layout_t *layout, const elf_memory_t *memory)
{
    const size_t size = lines(layout->span);
    const esp_err_t ret = esp_cache_msync(
        memory->bytes, size, ESP_CACHE_MSYNC_FLAG_DIR_C2M | ESP_CACHE_MSYNC_FLAG_TYPE_DATA);
    if (ret != ESP_OK) {
        return ret;
    }
    return esp_cache_msync((void *)(uintptr_t)memory->code_target, size,
                           ESP_CACHE_MSYNC_FLAG_DIR_M2C | ESP_CACHE_MSYNC_FLAG_TYPE_INST);
}

void image_memory_put(const elf_layout_t *layout, const elf_memory_t *memory)
{
    (void)layout;
    heap_caps_free(memory->bytes);
}
