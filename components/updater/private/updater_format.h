/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What a signed image begins with, and how versions are compared.
 *
 * All numbers little-endian. Behind these bytes comes the image, as ESP-IDF's build makes it, and
 * nothing more. Everything up to the signature is signed; the image is by its hash, so that a wrong
 * signer is known before the first byte is written.
 *
 * | offset | size | what                                                        |
 * |--------|------|-------------------------------------------------------------|
 * | 0      | 4    | "KFWI"                                                      |
 * | 4      | 2    | version of the format, 1                                    |
 * | 6      | 2    | bytes of this head, 208                                     |
 * | 8      | 4    | bytes of the image                                          |
 * | 12     | 4    | 0                                                           |
 * | 16     | 32   | product and, from 48 on, version: as the image says, with 0 |
 * | 80     | 32   | SHA-256 of the image                                        |
 * | 112    | 32   | SHA-256 of the signer's public key                          |
 * | 144    | 64   | ECDSA on P-256 over SHA-256 of the bytes 0 to 143: r, s     |
 */

#include <stdbool.h>
#include <stdint.h>

#include "esp_err.h"

#include "kapp/kapp.h"

#define UPDATER_HEAD_SIZE   208u
#define UPDATER_SIGNED_SIZE 144u
#define UPDATER_TEXT_SIZE   32u

typedef struct {
    uint32_t image_bytes;
    char product[UPDATER_TEXT_SIZE]; /* terminated */
    char version[UPDATER_TEXT_SIZE]; /* likewise */
    uint8_t hash[KAPP_HASH_SIZE];
    uint8_t signer[KAPP_HASH_SIZE];
    uint8_t signature[KAPP_SIGNATURE_SIZE];
} updater_head_t;

/** @return ESP_OK; ESP_ERR_UPDATE_FORMAT */
esp_err_t updater_head_read(const uint8_t bytes[UPDATER_HEAD_SIZE], updater_head_t *out);

typedef enum {
    UPDATER_OLDER = -1, /**< also what cannot be compared */
    UPDATER_SAME = 0,
    UPDATER_NEWER = 1,
} updater_order_t;

/** Where version stands as against base: "1.2.3", "v1.2", "1.2.3-4-gabcdef" (4 changes later).
 *  What comes before a release, "1.2.3-rc1", is older than it. */
updater_order_t updater_compare(const char *version, const char *base);
