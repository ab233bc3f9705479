// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/** What an input made of what it should not. */
#define FUZZ_CHECK(condition) ((condition) ? (void)0 : abort())

/** One input; called by libFuzzer. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
