// SPDX-License-Identifier: Apache-2.0
#include "device_test.h"

#define main device_event_bus
#include "../../unit/test_event_bus.c"
