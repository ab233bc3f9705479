/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses of a program.
 */
#include "elf_image.h"

#include <string.h>

const elf_segment_t *elf_segment_of(const elf_image_t *image, uint64_t address)
{
    const elf_layout_t *layout = &image->layout;
    if (address < layout->base || address - layout->base >= layout->span) {
        return NULL;
    }
    const uint32_t offset = (uint32_t)(address - layout->base);
    for (unsigned i = 0; i < layout->segment_count; i++) {
        const elf_segment_t *s = &layout->segments[i];
        if (offset >= s->offset && offset - s->offset < s->memory) {
            return s;
        }
    }
    return NULL;
}

uint8_t *elf_at(const elf_image_t *image, uint64_t address, uint64_t size)
{
    const elf_segment_t *s = elf_segment_of(image, address);
    if (s == NULL) {
        return NULL;
    }
    const uint32_t offset = (uint32_t)(address - image->layout.base);
    return size <= s->memory - (offset - s->offset) ? image->memory.bytes + offset : NULL;
}

bool elf_target(const elf_image_t *image, uint64_t address, uint64_t *target)
{
    const elf_layout_t *layout = &image->layout;
    const elf_segment_t *s = elf_segment_of(image, address);
    if (address < layout->base || address - layout->base > layout->span) {
        return false;
    }
    const bool code = s != NULL && (s->flags & ELF_FLAG_X) != 0;
    *target =
        (code ? image->memory.code_target : image->memory.data_target) + (address - layout->base);
    return true;
}

bool elf_code_address(const elf_image_t *image, uint64_t target, uint64_t *address)
{
    if (target < image->memory.code_target) {
        return false;
    }
    const uint64_t offset = target - image->memory.code_target;
    if (offset >= image->layout.span) {
        return false;
    }
    *address = image->layout.base + offset;
    const elf_segment_t *s = elf_segment_of(image, *address);
    return s != NULL && (s->flags & ELF_FLAG_X) != 0;
}

const char *elf_string(const elf_image_t *image, uint32_t offset)
{
    const elf_table_t *strings = &image->strings;
    if (offset >= strings->size) {
        return NULL;
    }
    const uint32_t left = strings->size - offset;
    const char *text = (const char *)elf_at(image, strings->address + offset, left);
    return text != NULL && memchr(text, '\0', left) != NULL ? text : NULL;
}
