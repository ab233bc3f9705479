// SPDX-License-Identifier: Apache-2.0
#include "device_test.h"

#define main device_kapp_elf
#include "../../unit/test_kapp_elf.c"
