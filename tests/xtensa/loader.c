// SPDX-License-Identifier: Apache-2.0

// On the bare core: the package reader and the loader take an app out of a package and run it. The
// start-up code and the small C library are those of bench/lx7.

#include <stdlib.h>
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "image_memory.h"
#include "inflate_backend.h"
#include "kapp_internal.h"
#include "lx7.h"

#include "kapp/kapp_program.h"
#include "system_service/error_codes.h"

extern const uint8_t package_begin[], package_end[]; // package.S

int lx7_main(void);

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

/* start.S begins tasks with it: there are none. */
void lx7_first(void);
void lx7_first(void)
{
    lx7_fail("a task", 0);
}

/* One task: a mutex is always free. */

QueueHandle_t xQueueCreateMutexStatic(const uint8_t type, StaticQueue_t *memory)
{
    (void)type;
    return (QueueHandle_t)memory;
}

BaseType_t xQueueSemaphoreTake(QueueHandle_t mutex, TickType_t ticks)
{
    (void)ticks;
    return mutex != NULL;
}

BaseType_t xQueueGenericSend(QueueHandle_t mutex, const void *const item, TickType_t ticks,
                             const BaseType_t position)
{
    (void)item;
    (void)ticks;
    (void)position;
    return mutex != NULL;
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

/* ---- the app's imports ---- */

static void host_note(const char *what, uint32_t value)
{
    lx7_put(what);
    lx7_put(" ");
    lx7_put_number(value);
    lx7_put("\n");
}

static uint32_t host_call_back(uint32_t (*function)(uint32_t), uint32_t value)
{
    return function(value) + 1;
}

static esp_err_t resolve(void *arg, const char *name, uintptr_t *address)
{
    (void)arg;
    if (strcmp(name, "host_note") == 0) {
        *address = (uintptr_t)host_note;
    } else if (strcmp(name, "host_call_back") == 0) {
        *address = (uintptr_t)host_call_back;
    } else {
        return ESP_ERR_NOT_FOUND;
    }
    return ESP_OK;
}

/* ---- the story ---- */

static esp_err_t read_memory(void *arg, uint32_t offset, void *to, size_t size)
{
    memcpy(to, (const uint8_t *)arg + offset, size);
    return ESP_OK;
}

static void check(esp_err_t ret, const char *what)
{
    if (ret != ESP_OK) {
        lx7_fail(what, (uint32_t)ret);
    }
}

static void refuse_damage(const kapp_source_t *source)
{
    kapp_t package;
    kapp_source_t shorter = *source;
    shorter.size--;
    if (kapp_open(&package, &shorter) != ESP_ERR_KAPP_TRUNCATED) {
        lx7_fail("a package that is cut short is taken", 0);
    }
}

int lx7_main(void)
{
    static kapp_t package;
    static kapp_manifest_t manifest;
    static kapp_location_t at;
    kapp_program_t *program;
    const kapp_source_t source = {
        .read = read_memory,
        .arg = (void *)(uintptr_t)package_begin,
        .size = (uint32_t)(package_end - package_begin),
    };
    kapp_program_init();
    refuse_damage(&source);
    check(kapp_open(&package, &source), "kapp_open");
    check(kapp_read_manifest(&package, &manifest), "kapp_read_manifest");
    check(kapp_program_load(&package, manifest.name, resolve, NULL, &program), "kapp_program_load");
    check(kapp_program_construct(program), "kapp_program_construct");
    const uintptr_t entry = kapp_program_entry(program);
    host_note("result", ((uint32_t(*)(uint32_t))entry)(4711));
    check(kapp_program_locate(entry + 3, &at), "kapp_program_locate");
    if (strcmp(at.function, "app_main") != 0 || at.offset != 3 || strcmp(at.program, "both") != 0) {
        lx7_fail("the load map names another function", at.offset);
    }
    kapp_program_destruct(program);
    kapp_program_unload(program);
    lx7_exit(0);
}
