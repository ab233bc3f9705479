/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/** @file @brief Advertising data (Core Specification Supplement, Part A; Vol 3 Part C 11). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bluetooth_gap.h"

/** What we advertise: flags and the Kraken service's UUID. @return bytes */
size_t bluetooth_ad_build(uint8_t out[BLUETOOTH_ADV]);
/** What we answer to a scan: our name, shortened if it must be. @return bytes */
size_t bluetooth_ad_build_response(uint8_t out[BLUETOOTH_ADV], const char *name);
/** Find in what a peer advertises; name is left alone if there is none. */
void bluetooth_ad_read(const uint8_t *data, size_t size, bool *kraken, char name[BLUETOOTH_NAME]);
