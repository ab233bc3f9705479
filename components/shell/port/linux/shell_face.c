/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shell on standard input: edited lines on a terminal, plain lines from a pipe or a file. Plain
 * lines are read a byte at a time, so that what follows a "reboot" is still there for the program
 * that starts again.
 */
#include "shell_face.h"

#include <stdatomic.h>
#include <stdio.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "host_control.h"
#include "host_record.h"
#include "shell_internal.h"
#include "shell_remote.h"
#include "shell_terminal.h"

#define FACE_STACK    16384 /* libedit's needs, not the device's */
#define FACE_PRIORITY 2

static _Atomic bool s_quit;

/** @return false: end of input, and nothing before it */
static bool read_plain(char *line, size_t size)
{
    size_t length = 0;
    bool any = false;
    for (;;) {
        const int byte = host_console_read();
        if (byte < 0 || byte == '\n') {
            line[length < size ? length : size - 1] = '\0';
            return byte >= 0 || any;
        }
        any = true;
        if (length < size) { /* one byte too many shows that it is too long */
            line[length++] = (char)byte;
        }
    }
}

static void face_task(void *arg)
{
    (void)arg;
    char line[SHELL_LINE_MAX + 3];
    bool failed = false;
    const bool terminal = host_console_interactive() && shell_terminal_open();

    if (terminal) {
        printf("Kraken-OS. \"help\" lists the commands, the tab key completes them.\n");
    }
    while (!atomic_load(&s_quit) &&
           (terminal ? shell_terminal_read(line, sizeof(line)) : read_plain(line, sizeof(line)))) {
        failed |= shell_execute(line, NULL, NULL) != SHELL_OK;
        fflush(stdout);
    }
    if (terminal) {
        shell_terminal_close();
    }
    host_exit(failed && !terminal ? 1 : 0);
}

esp_err_t shell_face_open(void)
{
    shell_remote_open();
    return xTaskCreatePinnedToCore(face_task, "shell", FACE_STACK, NULL, FACE_PRIORITY, NULL,
                                   tskNO_AFFINITY) == pdPASS
               ? ESP_OK
               : ESP_ERR_NO_MEM;
}

bool shell_face_quit(void)
{
    atomic_store(&s_quit, true);
    return true;
}
