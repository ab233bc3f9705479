// SPDX-License-Identifier: Apache-2.0
#include "host_control.h"

int reaches_control(void);

int reaches_control(void)
{
    return 1;
}
