// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "nvs.h"

#ifdef __cplusplus
extern "C" {
#endif

int lender_count(void);

#ifdef __cplusplus
}
#endif
