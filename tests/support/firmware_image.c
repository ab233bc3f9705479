// SPDX-License-Identifier: Apache-2.0
#include "firmware_image.h"

#include <string.h>

#include "esp_app_desc.h"
#include "kapp/kapp_trust.h"
#include "ktest.h"

#define HEAD   208u
#define SIGNED 144u

void fi_image(kb_bytes_t *out, uint32_t size, const char *product, const char *version,
              uint8_t filling)
{
    const uint32_t length = size - 24 - 8 - 16;
    esp_app_desc_t desc = {.magic_word = ESP_APP_DESC_MAGIC_WORD};
    uint8_t sum = 0xEF;
    kb_free(out);
    kb_zeros(out, size);
    strncpy(desc.project_name, product, sizeof(desc.project_name) - 1);
    strncpy(desc.version, version, sizeof(desc.version) - 1);
    memset(out->bytes + 32, filling, length);
    memcpy(out->bytes + 32, &desc, sizeof(desc));
    out->bytes[0] = 0xE9;
    out->bytes[1] = 1;
    memcpy(out->bytes + 28, &length, sizeof(length));
    for (uint32_t i = 0; i < length; i++) {
        sum ^= out->bytes[32 + i];
    }
    out->bytes[size - 1] = sum;
}

static void hash(const void *bytes, uint32_t size, uint8_t out[32])
{
    size_t length = 0;
    KTEST_CHECK(psa_hash_compute(PSA_ALG_SHA_256, bytes, size, out, 32, &length) == PSA_SUCCESS);
}

void fi_sign_again(kb_bytes_t *signed_image, const kb_key_t *key)
{
    size_t length = 0;
    uint8_t digest[32];
    KTEST_CHECK(kapp_key_id(key->public_key, signed_image->bytes + 112) == ESP_OK);
    hash(signed_image->bytes, SIGNED, digest);
    KTEST_CHECK(psa_sign_hash(key->id, PSA_ALG_ECDSA(PSA_ALG_SHA_256), digest, sizeof(digest),
                              signed_image->bytes + SIGNED, 64, &length) == PSA_SUCCESS);
}

void fi_sign(kb_bytes_t *out, const kb_bytes_t *image, const char *product, const char *version,
             const kb_key_t *key)
{
    kb_free(out);
    kb_append(out, "KFWI", 4);
    kb_u16(out, 1);
    kb_u16(out, HEAD);
    kb_u32(out, image->size);
    kb_u32(out, 0);
    kb_zeros(out, HEAD - out->size);
    strncpy((char *)out->bytes + 16, product, 31);
    strncpy((char *)out->bytes + 48, version, 31);
    hash(image->bytes, image->size, out->bytes + 80);
    fi_sign_again(out, key);
    kb_append(out, image->bytes, image->size);
}
