// SPDX-License-Identifier: Apache-2.0
#include "lender.h"

int requires_lender(void);

int requires_lender(void)
{
    return 1;
}
