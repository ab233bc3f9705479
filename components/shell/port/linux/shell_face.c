/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shell on standard input: edited lines on a terminal, plain lines from a pipe or a file. Plain
 * lines are read a byte at a time, so that what follows a "reboot" is still there for the program
 * that starts again.
 */
#include "shell_face.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "host_control.h"
#include "shell_internal.h"
#include "shell_terminal.h"

#define FACE_STACK    16384 /* libedit's needs, not the device's */
#define FACE_PRIORITY 2
#define POLL_MS       100

static _Atomic bool s_quit;

/** Wait for input. In the simulator no virtual time passes meanwhile: a run depends on the input
 *  alone, not on when it comes. */
static void wait_for_input(void)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    const bool sim = host_sched() == HOST_SCHED_SIM;
    while (poll(&input, 1, sim ? -1 : POLL_MS) == 0) {
        vTaskDelay(0); /* a point where the board may be stopped */
    }
}

/** @return false: end of input, and nothing before it */
static bool read_plain(char *line, size_t size)
{
    size_t length = 0;
    bool any = false;
    for (;;) {
        char byte;
        wait_for_input();
        const ssize_t n = read(STDIN_FILENO, &byte, 1);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n != 1 || byte == '\n') {
            line[length < size ? length : size - 1] = '\0';
            return n == 1 || any;
        }
        any = true;
        if (length < size) { /* one byte too many shows that it is too long */
            line[length++] = byte;
        }
    }
}

static void face_task(void *arg)
{
    (void)arg;
    char line[SHELL_LINE_MAX + 3];
    bool failed = false;
    const bool terminal =
        isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 && shell_terminal_open();

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
