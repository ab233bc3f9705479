// SPDX-License-Identifier: Apache-2.0
#include "device_test.h"

#define main device_task_memory
#include "../../unit/test_task_memory.c"
