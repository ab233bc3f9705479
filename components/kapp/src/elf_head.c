/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of a program: ELF header and program headers. No section header is looked at.
 */
#include <string.h>

#include "sdkconfig.h"

#include "elf_arch.h"
#include "elf_format.h"
#include "system_service/error_codes.h"

#define IMAGE_MAX (CONFIG_KAPP_MAX_IMAGE_KB * 1024u)
#define ALIGN_MAX 65536u

typedef struct {
    uint32_t type, flags;
    uint64_t address, file, memory, align;
} phdr_t;

static phdr_t read_phdr(const uint8_t *p, bool is_64)
{
    if (is_64) {
        return (phdr_t){
            .type = kapp_u32(p),
            .flags = kapp_u32(p + 4),
            .address = elf_u64(p + 16),
            .file = elf_u64(p + 32),
            .memory = elf_u64(p + 40),
            .align = elf_u64(p + 48),
        };
    }
    return (phdr_t){
        .type = kapp_u32(p),
        .address = kapp_u32(p + 8),
        .file = kapp_u32(p + 16),
        .memory = kapp_u32(p + 20),
        .flags = kapp_u32(p + 24),
        .align = kapp_u32(p + 28),
    };
}

/** The next segment lies behind the one before, and the whole stays within bounds. */
static esp_err_t add_segment(elf_layout_t *out, const phdr_t *h)
{
    if (out->segment_count == KAPP_SEGMENTS_MAX || h->memory == 0 || h->file > h->memory ||
        (h->flags & ~(ELF_FLAG_R | ELF_FLAG_W | ELF_FLAG_X)) != 0 ||
        (h->flags & (ELF_FLAG_W | ELF_FLAG_X)) == (ELF_FLAG_W | ELF_FLAG_X) ||
        h->align > ALIGN_MAX || (h->align & (h->align - 1)) != 0) {
        return ESP_ERR_LOADER_BAD_ELF;
    }
    if (h->memory > IMAGE_MAX) {
        return ESP_ERR_KAPP_TOO_LARGE;
    }
    if (out->segment_count == 0) {
        /* The memory begins with the first segment, which must stand where its alignment says. */
        out->base = h->address;
        out->align = 1;
    }
    if (h->align > out->align) {
        out->align = (uint32_t)h->align;
    }
    if (h->address < out->base || h->address - out->base < out->span) {
        return ESP_ERR_LOADER_BAD_ELF;
    }
    const uint64_t offset = h->address - out->base;
    if (offset > IMAGE_MAX || offset + h->memory > IMAGE_MAX) {
        return ESP_ERR_KAPP_TOO_LARGE;
    }
    out->span = (uint32_t)(offset + h->memory);
    out->segments[out->segment_count++] = (elf_segment_t){
        .offset = (uint32_t)offset,
        .memory = (uint32_t)h->memory,
        .file = (uint32_t)h->file,
        .flags = (uint8_t)h->flags,
    };
    return ESP_OK;
}

static esp_err_t read_phdrs(const uint8_t *p, unsigned count, bool is_64, elf_layout_t *out)
{
    for (unsigned i = 0; i < count; i++, p += ELF_PHDR_SIZE(is_64)) {
        const phdr_t h = read_phdr(p, is_64);
        esp_err_t ret = ESP_OK;
        switch (h.type) {
        case PT_LOAD:
            ret = add_segment(out, &h);
            break;
        case PT_DYNAMIC:
            if (out->dynamic_size != 0 || h.memory == 0 || h.memory > IMAGE_MAX) {
                return ESP_ERR_LOADER_BAD_ELF;
            }
            out->dynamic = h.address;
            out->dynamic_size = (uint32_t)h.memory;
            break;
        case PT_INTERP:
        case PT_TLS:
            return ESP_ERR_LOADER_BAD_ELF; /* a program with its own loader, or thread variables */
        default:
            break;
        }
        if (ret != ESP_OK) {
            return ret;
        }
    }
    /* No multiple of the alignment at the base, or an address space that wraps around. */
    if (out->segment_count == 0 || out->dynamic_size == 0 || out->base % out->align != 0 ||
        out->base + out->span < out->base || (!is_64 && out->base + out->span > UINT32_MAX)) {
        return ESP_ERR_LOADER_BAD_ELF;
    }
    return ESP_OK;
}

/** The entry point is code. */
static bool entry_valid(const elf_layout_t *layout)
{
    for (unsigned i = 0; i < layout->segment_count; i++) {
        const elf_segment_t *s = &layout->segments[i];
        const uint64_t from = layout->base + s->offset;
        if ((s->flags & ELF_FLAG_X) != 0 && layout->entry >= from &&
            layout->entry - from < s->memory) {
            return true;
        }
    }
    return false;
}

esp_err_t elf_parse_head(const elf_arch_t *arch, const uint8_t *head, uint32_t size,
                         elf_layout_t *out)
{
    const bool is_64 = arch->is_64;
    *out = (elf_layout_t){0};
    /* Magic, little-endian, version 1. */
    if (size < ELF_HEADER_SIZE(is_64) || memcmp(head, "\177ELF", 4) != 0 || head[5] != 1 ||
        head[6] != 1 || kapp_u32(head + 20) != 1) {
        return ESP_ERR_LOADER_BAD_ELF;
    }
    if (head[4] != (is_64 ? 2 : 1) || kapp_u16(head + 18) != arch->machine) {
        return ESP_ERR_LOADER_WRONG_TARGET;
    }
    /* From the entry point on the classes differ: three words, then flags and short numbers. */
    const unsigned word = ELF_ADDR_SIZE(is_64);
    const uint8_t *tail = head + 24 + (size_t)3 * word;
    const uint64_t phoff = elf_word(head + 24 + word, is_64);
    const unsigned phnum = kapp_u16(tail + 8);
    if (kapp_u16(head + 16) != ELF_TYPE_DYN || kapp_u16(tail + 4) != ELF_HEADER_SIZE(is_64) ||
        kapp_u16(tail + 6) != ELF_PHDR_SIZE(is_64) || phnum == 0 || phnum > ELF_PHDRS_MAX ||
        phoff != ELF_HEADER_SIZE(is_64) ||
        size != ELF_HEADER_SIZE(is_64) + phnum * ELF_PHDR_SIZE(is_64)) {
        return ESP_ERR_LOADER_BAD_ELF;
    }
    out->entry = elf_word(head + 24, is_64);
    const esp_err_t ret = read_phdrs(head + phoff, phnum, is_64, out);
    if (ret != ESP_OK) {
        return ret;
    }
    return entry_valid(out) ? ESP_OK : ESP_ERR_LOADER_BAD_ELF;
}
