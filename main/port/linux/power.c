/* SPDX-License-Identifier: Apache-2.0 */
#include "power.h"

void power_start(void)
{
}
