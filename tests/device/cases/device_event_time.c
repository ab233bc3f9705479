// SPDX-License-Identifier: Apache-2.0
#include "device_test.h"

#define main device_event_time
#include "../../unit/test_event_time.c"
