/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hashes and signatures through the PSA Crypto API: ESP-IDF's mbedTLS on the device, Debian's on
 * the PC.
 */
#include <stdatomic.h>

#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "psa/crypto.h"

#include "kapp/kapp_trust.h"
#include "kapp_format.h"
#include "kapp_internal.h"
#include "system_service/error_codes.h"

#define BLOCK 512u

static StaticSemaphore_t s_lock_storage;
static SemaphoreHandle_t s_lock; /* the crypto lock; set once, before s_ready */
static atomic_bool s_ready;

static void lock(void)
{
    (void)xSemaphoreTake(s_lock, portMAX_DELAY);
}

static void unlock(void)
{
    (void)xSemaphoreGive(s_lock);
}

static esp_err_t from_psa(psa_status_t status, esp_err_t otherwise)
{
    switch (status) {
    case PSA_SUCCESS:
        return ESP_OK;
    case PSA_ERROR_INSUFFICIENT_MEMORY:
    case PSA_ERROR_INSUFFICIENT_STORAGE: /* no free key slot */
        return ESP_ERR_NO_MEM;
    default:
        return otherwise;
    }
}

esp_err_t kapp_crypto_init(void)
{
    if (kapp_crypto_ready()) {
        return ESP_OK;
    }
    const esp_err_t ret = from_psa(psa_crypto_init(), ESP_ERR_INVALID_STATE);
    if (ret == ESP_OK) {
        s_lock = xSemaphoreCreateMutexStatic(&s_lock_storage);
        atomic_store(&s_ready, true);
    }
    return ret;
}

bool kapp_crypto_ready(void)
{
    return atomic_load(&s_ready);
}

static esp_err_t hash_all(psa_hash_operation_t *operation, const kapp_source_t *source,
                          uint32_t size, uint8_t hash[KAPP_HASH_SIZE])
{
    uint8_t block[BLOCK];
    psa_status_t status = psa_hash_setup(operation, PSA_ALG_SHA_256);
    for (uint32_t at = 0; status == PSA_SUCCESS && at < size;) {
        const uint32_t part = size - at < BLOCK ? size - at : BLOCK;
        const esp_err_t ret = source->read(source->arg, at, block, part);
        if (ret != ESP_OK) {
            return ret;
        }
        status = psa_hash_update(operation, block, part);
        at += part;
    }
    size_t length = 0;
    if (status == PSA_SUCCESS) {
        status = psa_hash_finish(operation, hash, KAPP_HASH_SIZE, &length);
    }
    return from_psa(status, ESP_FAIL);
}

esp_err_t kapp_crypto_hash(const kapp_source_t *source, uint32_t size, uint8_t hash[KAPP_HASH_SIZE])
{
    psa_hash_operation_t operation = PSA_HASH_OPERATION_INIT;
    lock();
    const esp_err_t ret = hash_all(&operation, source, size, hash);
    (void)psa_hash_abort(&operation); /* does nothing to one that is finished */
    unlock();
    return ret;
}

/** Crypto lock held. */
static psa_status_t import(const uint8_t key[KAPP_PUBLIC_KEY_SIZE], psa_key_id_t *id)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&attributes, 256);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_VERIFY_HASH);
    psa_set_key_algorithm(&attributes, PSA_ALG_ECDSA(PSA_ALG_SHA_256));
    return psa_import_key(&attributes, key, KAPP_PUBLIC_KEY_SIZE, id);
}

esp_err_t kapp_crypto_check_key(const uint8_t key[KAPP_PUBLIC_KEY_SIZE])
{
    psa_key_id_t id;
    lock();
    const psa_status_t status = import(key, &id);
    if (status == PSA_SUCCESS) {
        (void)psa_destroy_key(id);
    }
    unlock();
    return from_psa(status, ESP_ERR_KAPP_KEY_INVALID);
}

esp_err_t kapp_crypto_verify(const uint8_t key[KAPP_PUBLIC_KEY_SIZE],
                             const uint8_t hash[KAPP_HASH_SIZE], const uint8_t *signature)
{
    psa_key_id_t id;
    lock();
    esp_err_t ret = from_psa(import(key, &id), ESP_ERR_KAPP_KEY_INVALID);
    if (ret == ESP_OK) {
        ret = from_psa(psa_verify_hash(id, PSA_ALG_ECDSA(PSA_ALG_SHA_256), hash, KAPP_HASH_SIZE,
                                       signature, KAPP_SIGNATURE_SIZE),
                       ESP_ERR_KAPP_SIGNATURE_WRONG);
        (void)psa_destroy_key(id);
    }
    unlock();
    return ret;
}

esp_err_t kapp_key_id(const uint8_t key[KAPP_PUBLIC_KEY_SIZE], uint8_t id[KAPP_HASH_SIZE])
{
    if (key == NULL || id == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    if (!kapp_crypto_ready()) {
        return ESP_ERR_INVALID_STATE;
    }
    const kapp_source_t source = kapp_source_memory(key, KAPP_PUBLIC_KEY_SIZE);
    return kapp_crypto_hash(&source, KAPP_PUBLIC_KEY_SIZE, id);
}

esp_err_t kapp_hash(const kapp_source_t *source, uint32_t size, uint8_t hash[KAPP_HASH_SIZE])
{
    if (source == NULL || hash == NULL || size > source->size) {
        return ESP_ERR_INVALID_ARG;
    }
    return kapp_crypto_ready() ? kapp_crypto_hash(source, size, hash) : ESP_ERR_INVALID_STATE;
}
