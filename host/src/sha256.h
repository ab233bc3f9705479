// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES 32

void sha256_of(const void *data, size_t size, uint8_t digest[SHA256_BYTES]);
