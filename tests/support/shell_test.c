// SPDX-License-Identifier: Apache-2.0
#include "shell_test.h"

#include <stdio.h>
#include <string.h>

#include "ktest.h"

char shell_test_output[32768];

static void keep(const char *line, void *arg)
{
    (void)arg;
    const size_t length = strlen(shell_test_output);
    KTEST_CHECK(strchr(line, '\n') == NULL);
    snprintf(shell_test_output + length, sizeof(shell_test_output) - length, "%s\n", line);
}

int shell_test_run(const char *line)
{
    shell_test_output[0] = '\0';
    return shell_execute(line, keep, NULL);
}

void shell_test_prints(const char *line, int status, const char *text)
{
    const int got = shell_test_run(line);
    if (got != status || strstr(shell_test_output, text) == NULL) {
        print_error("%s: status %d, printed:\n%s", line, got, shell_test_output);
    }
    assert_int_equal(got, status);
    assert_non_null(strstr(shell_test_output, text));
}

void shell_test_examples(const shell_test_example_t *examples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        shell_test_prints(examples[i].line, examples[i].status, examples[i].text);
    }
}
