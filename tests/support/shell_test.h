// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Command lines for the shell, and what they print, for tests of commands. In the task "main".
 */

#include <stddef.h>

#include "shell/shell.h"

/** What the last line printed, each of its lines ended by '\n'. */
extern char shell_test_output[32768];

/** Carry out a line. @return its status */
int shell_test_run(const char *line);

/** Carry out a line; ends the test unless it has this status and prints this somewhere. */
void shell_test_prints(const char *line, int status, const char *text);

typedef struct {
    const char *line;
    int status;
    const char *text; // somewhere in what is printed
} shell_test_example_t;

void shell_test_examples(const shell_test_example_t *examples, size_t count);
#define SHELL_TEST_EXAMPLES(list) shell_test_examples(list, sizeof(list) / sizeof((list)[0]))
