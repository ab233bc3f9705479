// SPDX-License-Identifier: Apache-2.0
#include "nvs.h"

int requires_nvs(void);

int requires_nvs(void)
{
    return 1;
}
