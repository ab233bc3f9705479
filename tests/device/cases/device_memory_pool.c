// SPDX-License-Identifier: Apache-2.0
#include "device_test.h"

#define main device_memory_pool
#include "../../unit/test_memory_pool.c"
