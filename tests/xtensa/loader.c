// SPDX-License-Identifier: Apache-2.0

// On the bare core: the package reader and the loader take an app out of a package and run it. The
// start-up code and the small C library are those of bench/lx7.

#include <string.h>

#include "flat.h"

#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "lx7.h"

#include "kapp/kapp_program.h"
#include "system_service/error_codes.h"

int lx7_main(void);

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
    const kapp_source_t source = flat_package();
    kapp_program_init();
    refuse_damage(&source);
    flat_check(kapp_open(&package, &source), "kapp_open");
    flat_check(kapp_read_manifest(&package, &manifest), "kapp_read_manifest");
    flat_check(kapp_program_load(&package, manifest.name, resolve, NULL, &program),
               "kapp_program_load");
    flat_check(kapp_program_construct(program), "kapp_program_construct");
    const uintptr_t entry = kapp_program_entry(program);
    host_note("result", ((uint32_t(*)(uint32_t))entry)(4711));
    flat_check(kapp_program_locate(entry + 3, &at), "kapp_program_locate");
    if (strcmp(at.function, "app_main") != 0 || at.offset != 3 || strcmp(at.program, "both") != 0) {
        lx7_fail("the load map names another function", at.offset);
    }
    kapp_program_destruct(program);
    kapp_program_unload(program);
    lx7_exit(0);
}
