/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a package to a program that can run, and the list of those that are loaded.
 */
#include "kapp/kapp_program.h"

#include <stdlib.h>
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"

#include "elf_arch.h"
#include "image_memory.h"
#include "kapp_internal.h"
#include "system_service/error_codes.h"

struct kapp_program {
    struct kapp_program *next;
    char name[SYSTEM_NAME_MAX + 1];
    elf_image_t image;
};

typedef void (*function_t)(void);

/* The load map lock (a leaf: nothing is called while it is held): protects the list. */
static StaticSemaphore_t s_lock_storage;
static SemaphoreHandle_t s_lock;
static kapp_program_t *s_loaded;

void kapp_program_init(void)
{
    if (s_lock == NULL) {
        s_lock = xSemaphoreCreateMutexStatic(&s_lock_storage);
    }
}

static void lock(void)
{
    (void)xSemaphoreTake(s_lock, portMAX_DELAY);
}

static void unlock(void)
{
    (void)xSemaphoreGive(s_lock);
}

/* ---- loading -------------------------------------------------------------------------------- */

typedef struct {
    kapp_resolve_t resolve;
    void *arg;
} resolver_t;

static esp_err_t resolve_native(void *arg, const char *name, uint64_t *target)
{
    const resolver_t *resolver = arg;
    uintptr_t address = 0;
    const esp_err_t ret = resolver->resolve(resolver->arg, name, &address);
    *target = address;
    return ret;
}

/** Its segments are the sections of the package, one for one. */
static bool segments_match(const elf_layout_t *layout, const kapp_code_t *code)
{
    bool match = layout->segment_count == code->segment_count;
    for (unsigned i = 0; match && i < layout->segment_count; i++) {
        match = layout->segments[i].file == code->segments[i].size;
    }
    return match;
}

static esp_err_t read_head(const kapp_t *package, const kapp_code_t *code, const elf_arch_t *arch,
                           elf_layout_t *layout)
{
    uint8_t *head = malloc(code->head->size);
    if (head == NULL) {
        return ESP_ERR_NO_MEM;
    }
    esp_err_t ret = kapp_load_section(package, code->head, head);
    if (ret == ESP_OK) {
        ret = elf_parse_head(arch, head, code->head->size, layout);
    }
    free(head);
    if (ret == ESP_OK && !segments_match(layout, code)) {
        ret = ESP_ERR_LOADER_BAD_ELF;
    }
    return ret;
}

/** Every function that is to be called before the program runs is code of it. */
static esp_err_t check_init(const elf_image_t *image)
{
    uint64_t target;
    esp_err_t ret = ESP_OK;
    for (unsigned n = 0; ret == ESP_OK; n++) {
        ret = elf_init_function(image, n, &target);
    }
    return ret == ESP_ERR_NOT_FOUND ? ESP_OK : ret;
}

static esp_err_t fill(const kapp_t *package, const kapp_code_t *code, const resolver_t *resolver,
                      elf_image_t *image)
{
    for (unsigned i = 0; i < code->segment_count; i++) {
        const esp_err_t ret = kapp_load_section(
            package, &code->segments[i], image->memory.bytes + image->layout.segments[i].offset);
        if (ret != ESP_OK) {
            return ret;
        }
    }
    esp_err_t ret = elf_link(image, resolve_native, (void *)(uintptr_t)resolver);
    if (ret == ESP_OK) {
        ret = check_init(image);
    }
    if (ret == ESP_OK) {
        ret = image_memory_seal(&image->layout, &image->memory);
        ret = ret == ESP_ERR_INVALID_STATE ? ESP_ERR_LOADER_BAD_ELF : ret;
    }
    return ret;
}

static esp_err_t load(const kapp_t *package, const resolver_t *resolver, elf_image_t *image)
{
    kapp_code_t code;
    const kapp_target_t target = image_memory_target();
    image->arch = elf_arch_for(target);
    esp_err_t ret = kapp_find_code(package, target, &code);
    if (ret == ESP_OK) {
        ret = read_head(package, &code, image->arch, &image->layout);
    }
    if (ret != ESP_OK) {
        return ret;
    }
    if (image_memory_get(&image->layout, &image->memory) != ESP_OK) {
        return ESP_ERR_LOADER_NO_EXEC_MEMORY;
    }
    ret = fill(package, &code, resolver, image);
    if (ret != ESP_OK) {
        image_memory_put(&image->layout, &image->memory);
    }
    return ret;
}

esp_err_t kapp_program_load(const kapp_t *package, const char *name, kapp_resolve_t resolve,
                            void *arg, kapp_program_t **out)
{
    const resolver_t resolver = {resolve, arg};
    if (package == NULL || name == NULL || resolve == NULL || out == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    const size_t length = strnlen(name, SYSTEM_NAME_MAX + 1);
    if (length == 0 || length > SYSTEM_NAME_MAX) {
        return ESP_ERR_INVALID_ARG;
    }
    if (s_lock == NULL) {
        return ESP_ERR_INVALID_STATE;
    }
    kapp_program_t *program = calloc(1, sizeof(*program));
    if (program == NULL) {
        return ESP_ERR_NO_MEM;
    }
    memcpy(program->name, name, length);
    const esp_err_t ret = load(package, &resolver, &program->image);
    if (ret != ESP_OK) {
        free(program);
        return ret;
    }
    lock();
    program->next = s_loaded;
    s_loaded = program;
    unlock();
    *out = program;
    return ESP_OK;
}

void kapp_program_unload(kapp_program_t *program)
{
    if (program == NULL) {
        return;
    }
    lock();
    for (kapp_program_t **at = &s_loaded; *at != NULL; at = &(*at)->next) {
        if (*at == program) {
            *at = program->next;
            break;
        }
    }
    unlock();
    image_memory_put(&program->image.layout, &program->image.memory);
    free(program);
}

/* ---- running -------------------------------------------------------------------------------- */

static void call(uint64_t target)
{
    const function_t function = (function_t)(uintptr_t)target;
    function();
}

esp_err_t kapp_program_construct(kapp_program_t *program)
{
    uint64_t target;
    /* A constructor may change what the next one is: it is looked at again before each call. */
    esp_err_t ret = check_init(&program->image);
    for (unsigned n = 0; ret == ESP_OK; n++) {
        ret = elf_init_function(&program->image, n, &target);
        if (ret == ESP_OK) {
            call(target);
        }
    }
    return ret == ESP_ERR_NOT_FOUND ? ESP_OK : ret;
}

void kapp_program_destruct(kapp_program_t *program)
{
    uint64_t target;
    esp_err_t ret = ESP_OK;
    for (unsigned n = 0; ret != ESP_ERR_NOT_FOUND; n++) {
        ret = elf_fini_function(&program->image, n, &target);
        if (ret == ESP_OK) {
            call(target);
        }
    }
}

kapp_target_t kapp_program_target(void)
{
    return image_memory_target();
}

uintptr_t kapp_program_entry(const kapp_program_t *program)
{
    uint64_t target = 0;
    (void)elf_target(&program->image, program->image.layout.entry, &target); /* it is code */
    return (uintptr_t)target;
}

uint32_t kapp_program_size(const kapp_program_t *program)
{
    return program->image.layout.span;
}

/* ---- the load map --------------------------------------------------------------------------- */

static void describe(const kapp_program_t *program, uint64_t target, kapp_location_t *out)
{
    const elf_image_t *image = &program->image;
    *out = (kapp_location_t){.offset = (uint32_t)(target - image->memory.code_target)};
    memcpy(out->program, program->name, sizeof(out->program));
    const char *function = elf_symbol_at(image, target, &out->offset);
    if (function != NULL) {
        const size_t length = strnlen(function, sizeof(out->function) - 1);
        memcpy(out->function, function, length);
    }
}

esp_err_t kapp_program_locate(uintptr_t address, kapp_location_t *out)
{
    uint64_t unused;
    if (out == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    if (s_lock == NULL) {
        return ESP_ERR_NOT_FOUND;
    }
    lock();
    const kapp_program_t *program = s_loaded;
    while (program != NULL && !elf_code_address(&program->image, address, &unused)) {
        program = program->next;
    }
    if (program != NULL) {
        describe(program, address, out);
    }
    unlock();
    return program != NULL ? ESP_OK : ESP_ERR_NOT_FOUND;
}
