// SPDX-License-Identifier: Apache-2.0
#include "device_test.h"

#define main device_time_ms
#include "../../unit/test_time_ms.c"
