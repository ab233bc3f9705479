/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What the files of this component know of each other.
 */

#include "kapp/kapp.h"
#include "kapp/kapp_interface.h"
#include "kapp/kapp_install.h"

/* ---- kapp_manifest_read.c ---------------------------------------------------------------------
 */

/** Decode the bytes of a manifest. @return as kapp_read_manifest() */
esp_err_t kapp_manifest_decode(const uint8_t *bytes, uint32_t size, kapp_manifest_t *out);

/** The number of the asset called so, from its own field of the manifest.
 *  @return ESP_OK; ESP_ERR_NOT_FOUND; as kapp_read_manifest() */
esp_err_t kapp_manifest_asset(const uint8_t *bytes, uint32_t size, const char *name,
                              unsigned *index);

/* ---- kapp_text.c ------------------------------------------------------------------------------
 */

/** Valid UTF-8 without control characters. */
bool kapp_text_printable(const uint8_t *text, uint32_t size);
/** Letters, digits, '_', '.' and '-' alone, at least one. */
bool kapp_text_name(const uint8_t *text, uint32_t size);

/* ---- kapp_crypto.c ----------------------------------------------------------------------------
 * The one place that calls the PSA Crypto API. The library need not be safe for several tasks: the
 * crypto lock (order 3, below the trust lock) is held around each use of it.
 */

esp_err_t kapp_crypto_init(void);
bool kapp_crypto_ready(void);
/** SHA-256 of the first size bytes of a source. @return ESP_OK, of the source; ESP_ERR_NO_MEM */
esp_err_t kapp_crypto_hash(const kapp_source_t *source, uint32_t size,
                           uint8_t hash[KAPP_HASH_SIZE]);
/** @return ESP_OK; ESP_ERR_KAPP_KEY_INVALID; ESP_ERR_NO_MEM */
esp_err_t kapp_crypto_check_key(const uint8_t key[KAPP_PUBLIC_KEY_SIZE]);
/** @return ESP_OK; ESP_ERR_KAPP_SIGNATURE_WRONG; ESP_ERR_KAPP_KEY_INVALID; ESP_ERR_NO_MEM */
esp_err_t kapp_crypto_verify(const uint8_t key[KAPP_PUBLIC_KEY_SIZE],
                             const uint8_t hash[KAPP_HASH_SIZE], const uint8_t *signature);

/* ---- kapp_trust.c -----------------------------------------------------------------------------
 */

/** Read the store. @return ESP_OK, an error of NVS; ESP_ERR_KAPP_KEYS_DAMAGED */
esp_err_t kapp_trust_init(void);
/** May a package run that this signer signed; NULL: nobody?
 *  @return ESP_OK; ESP_ERR_KAPP_SIGNER_UNKNOWN; ESP_ERR_KAPP_SIGNER_REVOKED; ESP_ERR_KAPP_UNSIGNED
 */
esp_err_t kapp_trust_check(const kapp_verdict_t *verdict, bool allow_unsigned);
/** Are these two keys, known by their SHA-256, one signer's: the same, or rotated into each other?
 */
bool kapp_trust_same_signer(const uint8_t a[KAPP_HASH_SIZE], const uint8_t b[KAPP_HASH_SIZE]);

/* ---- kapp_program.c ---------------------------------------------------------------------------
 */

/** Get the load map ready. */
void kapp_program_init(void);

/* ---- kapp_interface.c -------------------------------------------------------------------------
 */

/** Make the list, of what is offered, and sort it. */
void kapp_interface_init(void);
/** The part that was added for a group; NULL: none. */
const kapp_interface_part_t *kapp_interface_part(unsigned group);

/* ---- kapp_app.c -------------------------------------------------------------------------------
 */

/** Get the list of packaged apps ready. */
void kapp_app_init(void);
/** Check a package completely, and that this system can run it. @return as kapp_app_register() */
esp_err_t kapp_app_check(const kapp_source_t *source, bool allow_unsigned, kapp_t *package,
                         kapp_verdict_t *verdict, kapp_manifest_t *manifest);
/** Load and link its program, and unload it again: can it be started?
 *  @return ESP_OK also if memory for it is short just now; as kapp_program_load() */
esp_err_t kapp_app_try(const kapp_t *package, const kapp_verdict_t *verdict,
                       const kapp_manifest_t *manifest);
/** kapp_app_register() for a package that was verified before, as this verdict says.
 *  @return as kapp_app_register(); ESP_ERR_KAPP_CHANGED it is not that package */
esp_err_t kapp_app_register_verified(const kapp_source_t *source, const kapp_verdict_t *verdict,
                                     bool allow_unsigned);

/* Ids of apps that are built in, in the directory of the store. No package may have one like it. */
#define KAPP_BUILT_IN_PREFIX "firmware."

/* ---- store.c, kapp_install.c ------------------------------------------------------------------
 */

/** Make the store's lock. */
void kapp_store_init(void);
/** Make the lock of the operations. */
void kapp_install_init(void);
