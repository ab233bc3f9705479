// SPDX-License-Identifier: Apache-2.0
#include "device_test.h"

#define main device_input_edges
#include "../../unit/test_input_edges.c"
