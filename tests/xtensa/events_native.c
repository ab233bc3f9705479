// SPDX-License-Identifier: Apache-2.0

// The same story on the PC: the whole system on a board of one core, in the simulator. Its
// argument is the package, out of which it takes the program for this processor.

#include "events_story.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "esp_log.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host_control.h"
#include "kapp_internal.h"

#include "kapp/kapp_program.h"
#include "system_service/system_service.h"

#define ABOVE 24

static uint8_t s_bytes[256 * 1024];
static uint32_t s_size;

/* ---- what the story asks ---- */

void story_put(const char *what, uint32_t value)
{
    printf("%s %lu\n", what, (unsigned long)value);
}

void story_fail(const char *what, uint32_t value)
{
    printf("failed: %s %lu\n", what, (unsigned long)value);
    fflush(stdout);
    _Exit(1);
}

void story_settle(void)
{
    vTaskDelay(pdMS_TO_TICKS(50));
}

typedef struct {
    system_service_id_t poster;
    system_event_type_t type;
    const void *data;
    size_t size;
    uint8_t priority;
    esp_err_t ret;
} post_t;

static void post(void *arg)
{
    post_t *p = arg;
    BaseType_t woken = pdFALSE;
    p->ret = system_event_post_from_isr(p->poster, p->type, p->data, p->size, p->priority, &woken);
}

void story_post_as_isr(system_service_id_t poster, system_event_type_t type, const void *data,
                       size_t size, uint8_t priority)
{
    post_t p = {poster, type, data, size, priority, ESP_FAIL};
    host_isr_run(post, &p, 0);
    if (p.ret != ESP_OK) {
        story_fail("system_event_post_from_isr", (uint32_t)p.ret);
    }
}

/* ---- setting up ---- */

static esp_err_t read_memory(void *arg, uint32_t offset, void *to, size_t size)
{
    (void)arg;
    memcpy(to, s_bytes + offset, size);
    return ESP_OK;
}

static void check(esp_err_t ret, const char *what)
{
    if (ret != ESP_OK) {
        story_fail(what, (uint32_t)ret);
    }
}

static void story(void *arg)
{
    static kapp_t package;
    static kapp_manifest_t manifest;
    const kapp_source_t source = {.read = read_memory, .size = s_size};
    kapp_program_t *program;
    system_secure_key_t key;
    (void)arg;
    esp_log_level_set("*", ESP_LOG_ERROR);
    check(system_service_init(&key), "system_service_init");
    vTaskPrioritySet(NULL, ABOVE);
    kapp_program_init();
    check(kapp_open(&package, &source), "kapp_open");
    check(kapp_read_manifest(&package, &manifest), "kapp_read_manifest");
    check(kapp_program_load(&package, manifest.name, story_resolve, NULL, &program),
          "kapp_program_load");
    check(kapp_program_construct(program), "kapp_program_construct");
    story_tell((uint32_t(*)(uint32_t))kapp_program_entry(program));
    fflush(stdout);
    host_exit(0);
}

int main(int argc, char **argv)
{
    const host_config_t board = {
        .sched = HOST_SCHED_SIM, .seed = 1, .cores = 1, .restart_exits = true, .quiet = true};
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
    if (file == NULL) {
        fprintf(stderr, "usage: %s PACKAGE\n", argv[0]);
        return 2;
    }
    s_size = (uint32_t)fread(s_bytes, 1, sizeof(s_bytes), file);
    fclose(file);
    return host_boot(&board, story, NULL);
}
