// SPDX-License-Identifier: Apache-2.0
#include "lender_private.h"

int reaches_inside(void);

int reaches_inside(void)
{
    return 1;
}
