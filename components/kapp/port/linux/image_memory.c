/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages of their own: nothing is ever writable and executable at once.
 */
#include "image_memory.h"

#include <sys/mman.h>

#define PAGE 4096u

kapp_target_t image_memory_target(void)
{
    return KAPP_TARGET_X86_64_LINUX;
}

static size_t pages(size_t size)
{
    return (size + PAGE - 1) / PAGE * PAGE;
}

esp_err_t image_memory_get(const elf_layout_t *layout, elf_memory_t *out)
{
    void *bytes = layout->align > PAGE ? MAP_FAILED
                                       : mmap(NULL, pages(layout->span), PROT_READ | PROT_WRITE,
                                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED) {
        return ESP_ERR_NO_MEM;
    }
    *out = (elf_memory_t){bytes, (uintptr_t)bytes, (uintptr_t)bytes};
    return ESP_OK;
}

static int protection(uint8_t flags)
{
    return PROT_READ | ((flags & ELF_FLAG_W) != 0 ? PROT_WRITE : 0) |
           ((flags & ELF_FLAG_X) != 0 ? PROT_EXEC : 0);
}

esp_err_t image_memory_seal(const elf_layout_t *layout, const elf_memory_t *memory)
{
    size_t end = 0; /* of the pages of the segment before */
    for (unsigned i = 0; i < layout->segment_count; i++) {
        const elf_segment_t *s = &layout->segments[i];
        const size_t from = s->offset / PAGE * PAGE;
        if (from < end && s->flags != layout->segments[i - 1].flags) {
            return ESP_ERR_INVALID_STATE; /* a page with two kinds of segment */
        }
        end = pages((size_t)s->offset + s->memory);
        if (mprotect(memory->bytes + from, end - from, protection(s->flags)) != 0) {
            return ESP_ERR_NO_MEM;
        }
    }
    return ESP_OK;
}

void image_memory_put(const elf_layout_t *layout, const elf_memory_t *memory)
{
    (void)munmap(memory->bytes, pages(layout->span));
}
