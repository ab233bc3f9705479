/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole lines to whoever asked: the task that executes a command has an output of its own, every
 * other task (a tap's handler) prints to the default one.
 */
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "shell_internal.h"

typedef struct {
    shell_output_t out;
    void *arg;
} output_t;

/* s_lock: protects what follows; never held while an output is called. */
static portMUX_TYPE s_lock = portMUX_INITIALIZER_UNLOCKED;
static TaskHandle_t s_task; /* executes a command now, or NULL */
static output_t s_output;   /* its output */
static output_t s_default;

static void to_stdout(const char *line, void *arg)
{
    (void)arg;
    printf("%s\n", line); /* one call a line: other tasks' lines stay whole */
}

void shell_output_begin(shell_output_t out, void *arg)
{
    const TaskHandle_t self = xTaskGetCurrentTaskHandle();
    portENTER_CRITICAL(&s_lock);
    s_task = self;
    s_output = (output_t){out, arg};
    portEXIT_CRITICAL(&s_lock);
}

void shell_output_end(void)
{
    portENTER_CRITICAL(&s_lock);
    s_task = NULL;
    portEXIT_CRITICAL(&s_lock);
}

bool shell_output_get(shell_output_t *out, void **arg)
{
    const TaskHandle_t self = xTaskGetCurrentTaskHandle();
    portENTER_CRITICAL(&s_lock);
    const bool own = self == s_task;
    *out = s_output.out;
    *arg = s_output.arg;
    portEXIT_CRITICAL(&s_lock);
    return own;
}

void shell_output_set_default(shell_output_t out, void *arg)
{
    portENTER_CRITICAL(&s_lock);
    s_default = (output_t){out, arg};
    portEXIT_CRITICAL(&s_lock);
}

void shell_print(const char *format, ...)
{
    char line[SHELL_OUTPUT_MAX + 1];
    const TaskHandle_t self = xTaskGetCurrentTaskHandle();
    va_list args;

    va_start(args, format);
    (void)vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    portENTER_CRITICAL(&s_lock);
    const output_t output = self == s_task ? s_output : s_default;
    portEXIT_CRITICAL(&s_lock);
    if (output.out != NULL) {
        output.out(line, output.arg);
    } else {
        to_stdout(line, NULL);
    }
}
