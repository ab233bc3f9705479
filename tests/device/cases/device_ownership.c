// SPDX-License-Identifier: Apache-2.0
#include "device_test.h"

#define main device_ownership
#include "../../unit/test_ownership.c"
