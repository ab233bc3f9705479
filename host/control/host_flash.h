// SPDX-License-Identifier: Apache-2.0
#pragma once

// The flash chip of the virtual board, seen from outside: its wear, and its power.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    uint64_t bytes_written;
    uint64_t writes;
    uint64_t sectors_erased;
    uint32_t most_erased; // times the most worn sector was erased in this run
} host_flash_stats_t;

/** @context any */
void host_flash_get_stats(host_flash_stats_t *stats);

/** @return how often the sector holding this address was erased in this run */
uint32_t host_flash_erase_count(uint32_t address);

typedef enum {
    HOST_POWER_CUT_FAILS,  // from then on every operation fails, until host_flash_power_on()
    HOST_POWER_CUT_RESETS, // the board resets as after a brown-out, or ends as configured
} host_power_cut_t;

/**
 * Cuts the power during a later write or erase. A byte programmed counts 1, a sector erased 4096;
 * the operation that passes the limit is done in part: of the byte being programmed some bits, of
 * the sector being erased some bytes.
 * @param budget how much still succeeds, 0 cuts in the next operation
 * @param seed decides which bits and bytes
 * @context any
 */
void host_flash_cut_power_after(uint64_t budget, host_power_cut_t what, uint64_t seed);

/** Takes the script back and makes the chip answer again. @context any */
void host_flash_power_on(void);

/** @return true after a scripted cut until the power is back */
bool host_flash_is_off(void);

/**
 * Reads or changes the chip behind everybody's back, free of charge and of NOR rules.
 * @return false if the range is outside the chip
 */
bool host_flash_peek(uint32_t address, void *to, size_t size);
bool host_flash_poke(uint32_t address, const void *from, size_t size);

/**
 * Uses this partition table (text as in partitions.csv) instead of the project's, with a chip of
 * erased sectors. NULL: the project's again.
 * @context plain program code before host_boot(); the text is copied
 */
void host_flash_use_table(const char *csv);

#ifdef __cplusplus
}
#endif
