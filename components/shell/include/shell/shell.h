/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The operator's commands, once for every face: terminal, pipe, UART.
 *
 * A command is `int (*)(int argc, char **argv)`, as ESP-IDF's console component wants it, and
 * stands in one table. It prints whole lines through the output of whoever executes it.
 */

#include <stdbool.h>
#include <stddef.h>

#include "esp_err.h"

#include "system_service/service_manager.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Longest command line in bytes, without the final NUL. */
#define SHELL_LINE_MAX 255
/** Most words of a command line, the command itself included. */
#define SHELL_ARGS_MAX 16

/** What a command returns, and so shell_execute(). */
enum {
    SHELL_OK = 0,
    SHELL_FAILED = 1, /**< it could not be done; the reason was printed */
    SHELL_USAGE = 2,  /**< no such command, or wrong arguments; the usage was printed */
};

/** One command. */
typedef struct {
    const char *name;
    const char *arguments; /**< for people, e.g. "start|stop NAME"; "" = none */
    const char *help;      /**< one line */
    int (*func)(int argc, char **argv);
} shell_command_t;

/** Receives one line of output, without a line end. */
typedef void (*shell_output_t)(const char *line, void *arg);

/** The shell's service: owns the taps, is critical so that it survives safe mode. */
extern const system_service_descriptor_t shell_service;

/** @brief All commands, sorted by name. @param[out] count how many @context any */
const shell_command_t *shell_commands(size_t *count);

/**
 * @brief Execute one command line. Words are separated by blanks; "..." keeps blanks in a word; a
 *        line that is empty or begins with # does nothing.
 *
 * One line at a time: a second caller waits. Commands may start, stop and restart services, so the
 * caller must be nobody's code.
 *
 * @context firmware: a task that belongs to no service or app  @blocks as the command
 * @param[in] out receives the lines; NULL = standard output
 * @return SHELL_OK, SHELL_FAILED, SHELL_USAGE
 */
int shell_execute(const char *line, shell_output_t out, void *arg);

/**
 * @brief Open the shell where an operator is: on a PC standard input, on a device the console UART.
 * @context main task, after the services were started  @blocks never
 * @return ESP_OK; ESP_ERR_NO_MEM; ESP_ERR_INVALID_STATE it is open; on a device also the errors of
 *         esp_console_new_repl_uart()
 */
esp_err_t shell_open(void);

#ifdef __cplusplus
}
#endif
