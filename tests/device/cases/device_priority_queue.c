// SPDX-License-Identifier: Apache-2.0
#include "device_test.h"

#define main device_priority_queue
#include "../../unit/test_priority_queue.c"
