/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line in, its command found and called, its status out; and the service that owns the taps.
 */
#include "shell/shell.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "esp_attr.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"

#include "shell_face.h"
#include "shell_internal.h"
#include "system_service/service_supervisor.h"

static _Atomic system_service_id_t s_id;
static _Atomic bool s_open;

/* s_executing: held while a line is executed; commands have static scratch memory. */
static StaticSemaphore_t s_executing_storage;
static SemaphoreHandle_t s_executing;

/* ---- the service ----------------------------------------------------------------------------- */

static esp_err_t service_start(system_service_id_t id, void *arg)
{
    (void)arg;
    atomic_store(&s_id, id);
    return ESP_OK;
}

static esp_err_t service_stop(system_service_id_t id, void *arg)
{
    (void)id;
    (void)arg;
    atomic_store(&s_id, SYSTEM_SERVICE_ID_NONE);
    events_tap_forget();
    return ESP_OK;
}

static const service_watchdog_config_t s_watchdog = {.auto_restart = true, .is_critical = true};

const system_service_descriptor_t shell_service = {
    .name = "shell",
    .lifecycle = {.start = service_start, .stop = service_stop},
    .watchdog = &s_watchdog,
};

system_service_id_t shell_id(void)
{
    return atomic_load(&s_id);
}

esp_err_t shell_open(void)
{
    bool expected = false;
    if (!atomic_compare_exchange_strong(&s_open, &expected, true)) {
        return ESP_ERR_INVALID_STATE;
    }
    const esp_err_t ret = shell_face_open();
    if (ret != ESP_OK) {
        atomic_store(&s_open, false);
    }
    return ret;
}

/* ---- help for commands ------------------------------------------------------------------------
 */

int shell_usage(const char *name)
{
    const shell_command_t *command = shell_command(name);
    if (command != NULL) {
        shell_print("usage: %s%s%s", name, command->arguments[0] != '\0' ? " " : "",
                    command->arguments);
    }
    return SHELL_USAGE;
}

int shell_result(const char *what, esp_err_t ret)
{
    if (ret == ESP_OK) {
        return SHELL_OK;
    }
    shell_print("%s: %s", what, system_error_to_string(ret));
    return SHELL_FAILED;
}

bool shell_find(const char *name, system_service_id_t *id)
{
    return shell_result(name, system_service_find(name, id)) == SHELL_OK;
}

const system_service_info_t *shell_owners(size_t *count)
{
    static EXT_RAM_BSS_ATTR system_service_info_t
        s_owners[CONFIG_SYSTEM_MAX_SERVICES + CONFIG_SYSTEM_MAX_APPS];

    *count = sizeof(s_owners) / sizeof(s_owners[0]);
    if (system_service_list(s_owners, count) != ESP_OK) {
        *count = 0;
    }
    return s_owners;
}

bool shell_number(const char *text, uint32_t min, uint32_t max, uint32_t *out)
{
    char *end;
    errno = 0;
    const unsigned long value = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value < min ||
        value > max) {
        return false;
    }
    *out = (uint32_t)value;
    return true;
}

/* ---- executing --------------------------------------------------------------------------------
 */

/** Cut line into words, in place. @return how many, SHELL_ARGS_MAX + 1 when there are more */
static int split(char *line, char *argv[SHELL_ARGS_MAX + 1])
{
    int argc = 0;
    char *from = line;
    for (;;) {
        from += strspn(from, " \t\r\n");
        if (*from == '\0' || argc > SHELL_ARGS_MAX) {
            return argc;
        }
        const bool quoted = *from == '"';
        from += quoted;
        char *end = from + strcspn(from, quoted ? "\"" : " \t\r\n");
        const bool last = *end == '\0';
        *end = '\0';
        if (argc < SHELL_ARGS_MAX) {
            argv[argc] = from;
            argv[argc + 1] = NULL;
        }
        argc++;
        if (last) {
            return argc;
        }
        from = end + 1;
    }
}

static int execute(const char *line)
{
    char words[SHELL_LINE_MAX + 1];
    char *argv[SHELL_ARGS_MAX + 1] = {NULL};

    const size_t length = strlen(line);
    if (length > SHELL_LINE_MAX) {
        shell_print("a line has at most %d bytes", SHELL_LINE_MAX);
        return SHELL_USAGE;
    }
    memcpy(words, line, length + 1);
    const int argc = split(words, argv);
    if (argc == 0 || argv[0][0] == '#') {
        return SHELL_OK;
    }
    if (argc > SHELL_ARGS_MAX) {
        shell_print("a line has at most %d words", SHELL_ARGS_MAX);
        return SHELL_USAGE;
    }
    const shell_command_t *command = shell_command(argv[0]);
    if (command == NULL) {
        shell_print("no such command: %s (try help)", argv[0]);
        return SHELL_USAGE;
    }
    return command->func(argc, argv);
}

/** The lock, made by whoever comes first. */
static SemaphoreHandle_t executing(void)
{
    enum {
        NONE,
        BEING_MADE,
        THERE
    };
    static _Atomic int s_state;
    int expected = NONE;

    if (atomic_compare_exchange_strong(&s_state, &expected, BEING_MADE)) {
        s_executing = xSemaphoreCreateMutexStatic(&s_executing_storage);
        atomic_store(&s_state, THERE);
    }
    while (atomic_load(&s_state) != THERE) {
        vTaskDelay(1);
    }
    return s_executing;
}

void shell_wait(uint32_t ms)
{
    shell_output_t out;
    void *arg;
    const SemaphoreHandle_t lock = executing();
    const bool own = shell_output_get(&out, &arg);
    if (own) {
        shell_output_end();
    }
    (void)xSemaphoreGive(lock);
    vTaskDelay(pdMS_TO_TICKS(ms));
    (void)xSemaphoreTake(lock, portMAX_DELAY);
    if (own) {
        shell_output_begin(out, arg);
    }
}

bool shell_enter(void)
{
    return xSemaphoreTake(executing(), 0) == pdTRUE;
}

void shell_leave(void)
{
    (void)xSemaphoreGive(executing());
}

int shell_execute(const char *line, shell_output_t out, void *arg)
{
    const SemaphoreHandle_t lock = executing();
    (void)xSemaphoreTake(lock, portMAX_DELAY);
    shell_output_begin(out, arg);
    const int status = execute(line);
    shell_output_end();
    (void)xSemaphoreGive(lock);
    return status;
}

int shell_call(int argc, char **argv)
{
    const shell_command_t *command = argc > 0 ? shell_command(argv[0]) : NULL;
    if (command == NULL) {
        return SHELL_USAGE;
    }
    const SemaphoreHandle_t lock = executing();
    (void)xSemaphoreTake(lock, portMAX_DELAY);
    const int status = command->func(argc, argv);
    (void)xSemaphoreGive(lock);
    return status;
}
