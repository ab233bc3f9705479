// SPDX-License-Identifier: Apache-2.0
#pragma once

// The boot loader of the virtual board, for tests that look at both sides of a reset in one
// process.

#include "esp_partition.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Does what the boot loader does between a reset and the program: gives up an image that was
 * started once and did not confirm itself, starts the newest one that is whole. Runs by itself once
 * a boot.
 * @return the partition that runs from now on
 * @context any task
 */
const esp_partition_t *host_bootloader_run(void);

#ifdef __cplusplus
}
#endif
