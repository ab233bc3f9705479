// SPDX-License-Identifier: Apache-2.0
#include "program_package.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "ktest.h"

static kb_bytes_t read_all(const char *path)
{
    kb_bytes_t b = {0};
    char part[4096];
    size_t got;
    FILE *file = fopen(path, "rb");
    KTEST_CHECK(file != NULL);
    while ((got = fread(part, 1, sizeof(part), file)) != 0) {
        kb_append(&b, part, (uint32_t)got);
    }
    fclose(file);
    return b;
}

/** @param manifest  is released */
static kb_bytes_t pack(const char *path, kb_bytes_t *manifest, int skip, const kb_key_t *key)
{
    kb_package_t p = {0};
    kb_bytes_t elf = read_all(path);
    Elf64_Ehdr header;
    memcpy(&header, elf.bytes, sizeof(header));
    kb_section(&p, KAPP_SECTION_MANIFEST, 0, manifest->bytes, manifest->size, -1);
    kb_section(&p, KAPP_SECTION_HEAD, KAPP_TARGET_X86_64_LINUX, elf.bytes,
               (uint32_t)(header.e_phoff + header.e_phnum * sizeof(Elf64_Phdr)), -1);
    for (int i = 0; i < header.e_phnum; i++) {
        Elf64_Phdr phdr;
        memcpy(&phdr, elf.bytes + header.e_phoff + (size_t)i * sizeof(phdr), sizeof(phdr));
        if (phdr.p_type == PT_LOAD && skip-- != 0) {
            kb_section(&p, KAPP_SECTION_SEGMENT, KAPP_TARGET_X86_64_LINUX,
                       elf.bytes + phdr.p_offset, (uint32_t)phdr.p_filesz, 9);
        }
    }
    kb_free(manifest);
    kb_free(&elf);
    return kb_finish(&p, key);
}

kb_bytes_t program_package(const char *path, const char *name, int skip, const kb_key_t *key)
{
    return program_package_with(path, name, skip, key, NULL);
}

/** What hello says and hears, whatever it is called. */
static void grant_talk(kb_bytes_t *manifest)
{
    static const uint8_t pattern[] = "\x02\x09goodbye.*\x03\x07hello.*";
    const uint8_t permissions[4] = {1u << KAPP_GROUP_EVENTS};
    kb_field(manifest, 8, permissions, sizeof(permissions));
    kb_field(manifest, 9, pattern, sizeof(pattern) - 1);
}

kb_bytes_t program_package_with(const char *path, const char *name, int skip, const kb_key_t *key,
                                const kb_bytes_t *fields)
{
    kb_bytes_t manifest = {0};
    kb_manifest(&manifest, name);
    if (fields != NULL) {
        kb_append(&manifest, fields->bytes, fields->size);
    } else {
        grant_talk(&manifest);
    }
    return pack(path, &manifest, skip, key);
}

kb_bytes_t program_package_of(const char *path, const char *id, const char *name, unsigned major,
                              const kb_key_t *key)
{
    kb_bytes_t manifest = {0};
    kb_manifest_of(&manifest, id, name, major);
    grant_talk(&manifest);
    return pack(path, &manifest, -1, key);
}

kb_bytes_t program_package_storing(const char *path, const char *id, const char *name,
                                   unsigned major, const kb_key_t *key)
{
    kb_bytes_t manifest = {0};
    kb_manifest_storing(&manifest, id, name, major);
    return pack(path, &manifest, -1, key);
}
