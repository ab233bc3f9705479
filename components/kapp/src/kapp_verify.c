/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who signed a package, and whether it still is what was signed.
 */
#include "kapp/kapp.h"

#include <string.h>

#include "data_store.h"
#include "kapp/kapp_trust.h"
#include "kapp_format.h"
#include "kapp_internal.h"
#include "system_service/error_codes.h"

esp_err_t kapp_init(void)
{
    kapp_program_init();
    kapp_interface_init();
    kapp_app_init();
    kapp_store_init();
    data_store_init();
    kapp_install_init();
    const esp_err_t ret = kapp_crypto_init();
    return ret == ESP_OK ? kapp_trust_init() : ret;
}

/** Everything but the signature value itself: also its kind and its signer. */
static uint32_t signed_size(const kapp_t *package)
{
    return package->size - KAPP_SIGNATURE_SIZE;
}

static bool all_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

static esp_err_t check_signer(const uint8_t *block, const uint8_t hash[KAPP_HASH_SIZE])
{
    kapp_key_t key;
    const esp_err_t ret = kapp_trust_find(block + 4, &key);
    if (ret != ESP_OK) {
        /* A store that cannot be read trusts nobody. */
        return ret == ESP_ERR_KAPP_KEY_NOT_FOUND || ret == ESP_ERR_KAPP_KEYS_DAMAGED
                   ? ESP_ERR_KAPP_SIGNER_UNKNOWN
                   : ret;
    }
    if (key.revoked) {
        return ESP_ERR_KAPP_SIGNER_REVOKED;
    }
    return kapp_crypto_verify(key.key, hash, block + 4 + KAPP_HASH_SIZE);
}

esp_err_t kapp_verify(const kapp_t *package, bool allow_unsigned, kapp_verdict_t *out)
{
    uint8_t block[KAPP_SIGNATURE_BLOCK_SIZE];
    if (package == NULL || package->count == 0 || out == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    if (!kapp_crypto_ready()) {
        return ESP_ERR_INVALID_STATE;
    }
    *out = (kapp_verdict_t){0};
    esp_err_t ret =
        package->source.read(package->source.arg, package->signature_offset, block, sizeof(block));
    if (ret != ESP_OK) {
        return ret;
    }
    const uint16_t kind = kapp_u16(block);
    if (kind == KAPP_SIGNATURE_NONE) {
        if (!all_zero(block, sizeof(block))) {
            return ESP_ERR_KAPP_SIGNATURE_KIND;
        }
        if (!allow_unsigned) {
            return ESP_ERR_KAPP_UNSIGNED;
        }
    } else if (kind != KAPP_SIGNATURE_ECDSA_P256 || kapp_u16(block + 2) != KAPP_SIGNATURE_SIZE) {
        return ESP_ERR_KAPP_SIGNATURE_KIND;
    }
    ret = kapp_crypto_hash(&package->source, signed_size(package), out->hash);
    if (ret != ESP_OK || kind == KAPP_SIGNATURE_NONE) {
        return ret;
    }
    ret = check_signer(block, out->hash);
    if (ret == ESP_OK) {
        out->is_signed = true;
        memcpy(out->signer, block + 4, KAPP_HASH_SIZE);
    }
    return ret;
}

esp_err_t kapp_check_hash(const kapp_t *package, const uint8_t hash[KAPP_HASH_SIZE])
{
    uint8_t now[KAPP_HASH_SIZE];
    if (package == NULL || package->count == 0 || hash == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    if (!kapp_crypto_ready()) {
        return ESP_ERR_INVALID_STATE;
    }
    const esp_err_t ret = kapp_crypto_hash(&package->source, signed_size(package), now);
    if (ret != ESP_OK) {
        return ret;
    }
    return memcmp(now, hash, sizeof(now)) == 0 ? ESP_OK : ESP_ERR_KAPP_CHANGED;
}
