// SPDX-License-Identifier: Apache-2.0

// What the package reader and the loader ask of a bare core, beside what bench/lx7 has: an
// allocator, memory that is flat and not cached, and a package that is read from memory.

#include "flat.h"

#include <stdlib.h>
#include <string.h>

#include "image_memory.h"
#include "inflate_backend.h"
#include "lx7.h"

#include "system_service/error_codes.h"

extern const uint8_t package_begin[], package_end[]; // package.S

/* ---- what the sources call ---- */

void *malloc(size_t size)
{
    return heap_caps_malloc(size, 0);
}

void *calloc(size_t count, size_t size)
{
    void *block = malloc(count * size);
    return block != NULL ? memset(block, 0, count * size) : NULL;
}

void free(void *block)
{
    heap_caps_free(block);
}

int memcmp(const void *a, const void *b, size_t n)
{
    const uint8_t *x = a;
    const uint8_t *y = b;
    for (; n > 0; n--, x++, y++) {
        if (*x != *y) {
            return *x - *y;
        }
    }
    return 0;
}

void *memchr(const void *s, int c, size_t n)
{
    for (const uint8_t *p = s; n > 0; n--, p++) {
        if (*p == (uint8_t)c) {
            return (void *)(uintptr_t)p;
        }
    }
    return NULL;
}

uint64_t __udivdi3(uint64_t a, uint64_t b);
uint64_t __umoddi3(uint64_t a, uint64_t b);
uint64_t __umoddi3(uint64_t a, uint64_t b)
{
    return a - __udivdi3(a, b) * b;
}

/* ---- the platform: memory is flat and not cached ---- */

kapp_target_t image_memory_target(void)
{
    return KAPP_TARGET_XTENSA_ESP32S3;
}

esp_err_t image_memory_get(const elf_layout_t *layout, elf_memory_t *out)
{
    uint8_t *bytes =
        heap_caps_aligned_alloc(layout->align > 64 ? layout->align : 64, layout->span, 0);
    if (bytes == NULL) {
        return ESP_ERR_NO_MEM;
    }
    memset(bytes, 0, layout->span);
    *out = (elf_memory_t){bytes, (uintptr_t)bytes, (uintptr_t)bytes};
    return ESP_OK;
}

esp_err_t image_memory_seal(const elf_layout_t *layout, const elf_memory_t *memory)
{
    (void)layout;
    (void)memory;
    return ESP_OK;
}

void image_memory_put(const elf_layout_t *layout, const elf_memory_t *memory)
{
    (void)layout;
    (void)memory;
}

/* On the chip it is in the ROM: here nothing is compressed. */
esp_err_t inflate_backend(inflate_read_t read, void *arg, uint8_t *to, size_t size)
{
    (void)read;
    (void)arg;
    (void)to;
    (void)size;
    return ESP_ERR_NOT_SUPPORTED;
}

/* ---- the package ---- */

static esp_err_t read_memory(void *arg, uint32_t offset, void *to, size_t size)
{
    memcpy(to, (const uint8_t *)arg + offset, size);
    return ESP_OK;
}

kapp_source_t flat_package(void)
{
    return (kapp_source_t){
        .read = read_memory,
        .arg = (void *)(uintptr_t)package_begin,
        .size = (uint32_t)(package_end - package_begin),
    };
}

void flat_check(esp_err_t ret, const char *what)
{
    if (ret != ESP_OK) {
        lx7_fail(what, (uint32_t)ret);
    }
}
