// SPDX-License-Identifier: Apache-2.0
#include "lender.h"
#include "lender_private.h"

int lender_count(void)
{
    return LENDER_SECRET;
}
