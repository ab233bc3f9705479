// SPDX-License-Identifier: Apache-2.0
#include "lender.h"

int forgets_lender(void);

int forgets_lender(void)
{
    return 1;
}
