// SPDX-License-Identifier: Apache-2.0
#include "esp_err.h"

int common_only(void);

int common_only(void)
{
    return 1;
}
