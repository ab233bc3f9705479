// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Counts of a scenario over all of its seeds, although each runs in a process of its own: memory
 * that all of them share. Its fields are _Atomic.
 */

#include <stdbool.h>
#include <stddef.h>

/** Call it first in main(). @return zeros; ends the program when there is no memory
 *  @param[out] prints  this is the process that began: it prints what was counted */
void *tally_share(size_t size, bool *prints);
