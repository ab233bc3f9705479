// SPDX-License-Identifier: Apache-2.0

// The console's input: standard input, a byte at a time, or that of a recording.

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host_control.h"
#include "host_record.h"
#include "record_format.h"

#define POLL_MS 100

static const char s_channel[] = "console";

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

static int read_live(void)
{
    unsigned char byte;
    ssize_t n;
    do {
        wait_for_input();
        n = read(STDIN_FILENO, &byte, 1);
    } while (n < 0 && errno == EINTR);
    host_input_note(s_channel, &byte, n == 1 ? 1 : 0);
    return n == 1 ? byte : -1;
}

/** A recorded line may hold many bytes: they are given one by one. */
static int read_recorded(void)
{
    static uint8_t s_left[RECORD_BYTES_MAX];
    static uint32_t s_at;
    static uint32_t s_size;
    if (s_at == s_size) {
        s_at = 0;
        s_size = host_input_again(s_channel, s_left, sizeof(s_left));
    }
    return s_at < s_size ? s_left[s_at++] : -1;
}

int host_console_read(void)
{
    return host_replaying() ? read_recorded() : read_live();
}

void host_console_note(const char *line)
{
    if (line == NULL) {
        host_input_note(s_channel, NULL, 0);
        return;
    }
    host_input_note(s_channel, line, (uint32_t)strlen(line));
    host_input_note(s_channel, "\n", 1);
}

bool host_console_interactive(void)
{
    const bool plain = host_replaying() || (host_recording() && host_sched() == HOST_SCHED_SIM);
    return !plain && isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
}
