// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>

#include "device_test.h"
#include "unity.h"

bool device_runner_run(const char *name, void (*fn)(void))
{
    const unsigned long failures = (unsigned long)Unity.TestFailures;
    UnityDefaultTestRun(fn, name, __LINE__);
    return (unsigned long)Unity.TestFailures == failures;
}

void device_runner_fail(const char *file, int line, const char *why)
{
    Unity.TestFile = file;
    UnityFail(why, (UNITY_LINE_TYPE)line);
    abort(); /* there is no test to leave */
}

void device_runner_stop(void)
{
    fflush(stdout);
    abort();
}
