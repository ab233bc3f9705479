// SPDX-License-Identifier: Apache-2.0
#include "device_test.h"

#define main device_request_response
#include "../../unit/test_request_response.c"
