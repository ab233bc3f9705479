/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/** @file @brief What pairing computes with, for smp_ops_t. @context any task  @blocks never */

#include "smp.h"

/** As smp_cipher_t. */
bool smp_crypto_cipher(const uint8_t key[16], const uint8_t in[16], uint8_t out[16]);
/** As smp_ops_t has them. */
bool smp_crypto_key_pair(uint8_t own[SMP_PRIVATE], uint8_t public[SMP_PUBLIC]);
bool smp_crypto_shared(const uint8_t own[SMP_PRIVATE], const uint8_t peer[SMP_PUBLIC],
                       uint8_t out[SMP_PRIVATE]);
