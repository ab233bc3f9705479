// SPDX-License-Identifier: Apache-2.0

// On the bare core: the event core runs, and calls handlers of an app that the loader took out of a
// package. Kernel, start-up code and the small C library are those of bench/lx7.

#include <string.h>

#include "events_story.h"
#include "flat.h"
#include "lx7.h"

#include "kapp/kapp_program.h"
#include "system_service/event_bus.h"

#define ABOVE 30u

int lx7_main(void);

/* One core: whoever unsubscribes never finds a handler in the middle of its work. */
void vTaskDelay(const TickType_t ticks)
{
    lx7_fail("vTaskDelay", ticks);
}

char *strchr(const char *s, int c)
{
    while (*s != (char)c) {
        if (*s++ == '\0') {
            return NULL;
        }
    }
    return (char *)(uintptr_t)s;
}

/* ---- what the story asks ---- */

void story_put(const char *what, uint32_t value)
{
    lx7_put(what);
    lx7_put(" ");
    lx7_put_number(value);
    lx7_put("\n");
}

void story_fail(const char *what, uint32_t value)
{
    lx7_fail(what, value);
}

void story_settle(void)
{
    lx7_drain();
}

void story_post_as_isr(system_service_id_t poster, system_event_type_t type, const void *data,
                       size_t size, uint8_t priority)
{
    BaseType_t woken = pdFALSE;
    lx7_set_isr(pdTRUE);
    const esp_err_t ret = system_event_post_from_isr(poster, type, data, size, priority, &woken);
    lx7_set_isr(pdFALSE);
    flat_check(ret, "system_event_post_from_isr");
}

/* ---- setting up ---- */

static void set_up(void)
{
    lx7_core_init();
    lx7_set_priority(ABOVE);
}

int lx7_main(void)
{
    static kapp_t package;
    static kapp_manifest_t manifest;
    const kapp_source_t source = flat_package();
    kapp_program_t *program;
    set_up();
    kapp_program_init();
    flat_check(kapp_open(&package, &source), "kapp_open");
    flat_check(kapp_read_manifest(&package, &manifest), "kapp_read_manifest");
    flat_check(kapp_program_load(&package, manifest.name, story_resolve, NULL, &program),
               "kapp_program_load");
    flat_check(kapp_program_construct(program), "kapp_program_construct");
    story_tell((uint32_t(*)(uint32_t))kapp_program_entry(program));
    lx7_exit(0);
}
