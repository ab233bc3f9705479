// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "device_test.h"
#include "unity.h"

void app_main(void)
{
    UnityBegin("tests/unit");
    (void)device_test_all();
    fflush(stdout);
}
