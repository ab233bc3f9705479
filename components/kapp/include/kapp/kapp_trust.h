/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The trust store: whose packages are accepted.
 *
 * Keys are kept in NVS, namespace "kapp", one blob; every change is one nvs_commit(), so a power
 * cut leaves the store as it was before or after. A key is known by the SHA-256 of its 65 bytes. A
 * revoked key stays in the store, so that nobody adds it again by mistake.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "esp_err.h"

#include "kapp/kapp.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes of a key's label, without the final NUL. */
#define KAPP_LABEL_MAX 15u

typedef struct {
    char label[KAPP_LABEL_MAX + 1]; /**< whose it is, for people */
    uint8_t key[KAPP_PUBLIC_KEY_SIZE];
    bool revoked;
    uint8_t line; /**< keys that took each other's place have the same; 0: it took nobody's */
} kapp_key_t;

/**
 * @brief Trust a key.
 * @context any task; not for apps  @blocks on a flash write
 * @param   label  1..KAPP_LABEL_MAX printable bytes
 * @return ESP_OK, an error of NVS, or
 *  - ESP_ERR_INVALID_ARG          an argument is NULL, or the label is empty, too long or not
 *                                 printable
 *  - ESP_ERR_INVALID_STATE        kapp_init() was not called
 *  - ESP_ERR_KAPP_KEYS_DAMAGED    the store could not be read: see kapp_trust_erase()
 *  - ESP_ERR_KAPP_KEY_INVALID     not a point of the curve
 *  - ESP_ERR_KAPP_KEY_EXISTS      it is trusted already
 *  - ESP_ERR_KAPP_SIGNER_REVOKED  it was revoked: remove it first
 *  - ESP_ERR_KAPP_KEYS_FULL       CONFIG_KAPP_MAX_KEYS are in the store
 */
esp_err_t kapp_trust_add(const char *label, const uint8_t key[KAPP_PUBLIC_KEY_SIZE]);

/**
 * @brief Trust a key no longer, for good.
 * @context any task; not for apps  @blocks on a flash write
 * @param   id  SHA-256 of the key
 * @return ESP_OK also when it was revoked before, an error of NVS; ESP_ERR_INVALID_ARG;
 *         ESP_ERR_INVALID_STATE; ESP_ERR_KAPP_KEYS_DAMAGED; ESP_ERR_KAPP_KEY_NOT_FOUND
 */
esp_err_t kapp_trust_revoke(const uint8_t id[KAPP_HASH_SIZE]);

/**
 * @brief Trust a new key in place of an old one, which is revoked: both or neither. The new one
 *        counts as the same signer: it may update the old one's apps, as long as the old key is
 *        not removed.
 * @context any task; not for apps  @blocks on a flash write
 * @return as kapp_trust_add() for the new and kapp_trust_revoke() for the old
 */
esp_err_t kapp_trust_rotate(const uint8_t old_id[KAPP_HASH_SIZE], const char *label,
                            const uint8_t key[KAPP_PUBLIC_KEY_SIZE]);

/** @brief Forget a key, trusted or revoked. @context, @blocks, @return as kapp_trust_revoke() */
esp_err_t kapp_trust_remove(const uint8_t id[KAPP_HASH_SIZE]);

/** @brief Forget all keys, also of a store that could not be read.
 *  @context any task; not for apps  @blocks on a flash write
 *  @return ESP_OK, an error of NVS; ESP_ERR_INVALID_STATE */
esp_err_t kapp_trust_erase(void);

/**
 * @brief Look a key up.
 * @context any task  @blocks on the trust lock
 * @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_INVALID_STATE; ESP_ERR_KAPP_KEYS_DAMAGED;
 *         ESP_ERR_KAPP_KEY_NOT_FOUND
 */
esp_err_t kapp_trust_find(const uint8_t id[KAPP_HASH_SIZE], kapp_key_t *out);

/**
 * @brief All keys in the order in which they were added.
 * @context any task  @blocks on the trust lock
 * @param[in,out] count in: room in out; out: how many there are, also when that is more
 * @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_INVALID_STATE; ESP_ERR_KAPP_KEYS_DAMAGED;
 *         ESP_ERR_INVALID_SIZE some did not fit
 */
esp_err_t kapp_trust_list(kapp_key_t *out, size_t *count);

/**
 * @brief Is this the signature of one whom we trust?
 * @context any task  @blocks on the trust and crypto locks; about 0.3 s on the device
 * @param   id         of the key that is said to have signed
 * @param   hash       of what is signed
 * @param   signature  ECDSA on P-256: r, s
 * @param[out] signer  the key; only with ESP_OK
 * @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_INVALID_STATE; ESP_ERR_NO_MEM; or
 *  - ESP_ERR_KAPP_KEYS_DAMAGED     the store could not be read
 *  - ESP_ERR_KAPP_SIGNER_UNKNOWN   no such key is in it
 *  - ESP_ERR_KAPP_SIGNER_REVOKED   the key is not trusted any more
 *  - ESP_ERR_KAPP_SIGNATURE_WRONG  the key did not sign that
 */
esp_err_t kapp_trust_verify(const uint8_t id[KAPP_HASH_SIZE], const uint8_t hash[KAPP_HASH_SIZE],
                            const uint8_t signature[KAPP_SIGNATURE_SIZE], kapp_key_t *signer);

/** @brief SHA-256 of the first size bytes of a source; of bytes that come from anywhere.
 *  @context any task  @blocks as the source does, and on the crypto lock
 *  @return ESP_OK; of the source; ESP_ERR_INVALID_ARG; ESP_ERR_INVALID_STATE; ESP_ERR_NO_MEM */
esp_err_t kapp_hash(const kapp_source_t *source, uint32_t size, uint8_t hash[KAPP_HASH_SIZE]);

/** @brief The id of a key: the SHA-256 of its bytes. @context any task  @blocks never
 *  @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_INVALID_STATE; ESP_ERR_NO_MEM */
esp_err_t kapp_key_id(const uint8_t key[KAPP_PUBLIC_KEY_SIZE], uint8_t id[KAPP_HASH_SIZE]);

/** @brief Read a public key as people have it: in PEM, or as 130 hexadecimal digits.
 *  @context any task  @blocks never
 *  @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_KAPP_KEY_INVALID it is neither. That it is a point
 *          of the curve is for kapp_trust_add() to find out. */
esp_err_t kapp_key_parse(const char *text, uint8_t key[KAPP_PUBLIC_KEY_SIZE]);

#ifdef __cplusplus
}
#endif
