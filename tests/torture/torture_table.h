// SPDX-License-Identifier: Apache-2.0
#pragma once

// The table at the end of a campaign.

#include "torture.h"

void table_begin(void);
/** Add a seed that passed. */
void table_add(const torture_report_t *report);
/** @return false: a cell that can be filled is empty */
bool table_print(uint64_t seeds, unsigned seconds, int only_kind);
