// SPDX-License-Identifier: Apache-2.0
#include "device_test.h"

#define main device_system_lock
#include "../../unit/test_system_lock.c"
