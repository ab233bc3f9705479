// SPDX-License-Identifier: Apache-2.0

// Any bytes as a program. An input is: processor (1), size of the head (2), number of segments (1),
// size of each (2); then the head and the segments.

#include <string.h>

#include "elf_builder.h"
#include "fuzz.h"
#include "kapp_format.h"
#include "system_service/error_codes.h"

static esp_err_t resolve(void *arg, const char *name, uint64_t *target)
{
    (void)arg;
    *target = 0x40001234;
    return name[0] == 'h' ? ESP_OK : ESP_ERR_NOT_FOUND;
}

/** Take size bytes, or as many as there are. */
static const uint8_t *take(const uint8_t **data, size_t *left, uint32_t *size)
{
    const uint8_t *from = *data;
    *size = *size < *left ? *size : (uint32_t)*left;
    *data += *size;
    *left -= *size;
    return from;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    elf_parts_t parts = {0};
    if (size < 4) {
        return 0;
    }
    const elf_arch_t *arch = elf_arch_for(data[0] % 4);
    parts.head_size = kapp_u16(data + 1);
    parts.segment_count = data[3] % (KAPP_SEGMENTS_MAX + 1);
    const uint8_t *sizes = data + 4;
    if (arch == NULL || size - 4 < 2 * parts.segment_count) {
        return 0;
    }
    data = sizes + 2 * parts.segment_count;
    size -= 4 + 2 * parts.segment_count;
    parts.head = take(&data, &size, &parts.head_size);
    for (unsigned i = 0; i < parts.segment_count; i++) {
        parts.segments[i].size = kapp_u16(sizes + (size_t)2 * i);
        parts.segments[i].bytes = take(&data, &size, &parts.segments[i].size);
    }
    (void)elf_feed(arch, &parts, resolve, NULL);
    return 0;
}
