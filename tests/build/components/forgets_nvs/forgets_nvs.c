// SPDX-License-Identifier: Apache-2.0
#include "nvs.h"

int forgets_nvs(void);

int forgets_nvs(void)
{
    return 1;
}
