// SPDX-License-Identifier: Apache-2.0
#include "device_test.h"

#define main device_app_manager
#include "../../unit/test_app_manager.c"
