// SPDX-License-Identifier: Apache-2.0
#include "device_test.h"

#define main device_error_codes
#include "../../unit/test_error_codes.c"
