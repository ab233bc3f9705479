/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys as people have them: in PEM, as openssl and ./kraken app keygen write public keys, or as 130
 * hexadecimal digits.
 */
#include "kapp/kapp_trust.h"

#include <ctype.h>
#include <string.h>

#include "kapp_internal.h"
#include "system_service/error_codes.h"

#define PEM_BEGIN "-----BEGIN PUBLIC KEY-----"
#define PEM_END   "-----END PUBLIC KEY-----"

/* What DER puts before the 65 bytes: an EC public key on prime256v1, a string of 66 bytes. */
static const uint8_t s_der[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};
#define DER_SIZE (sizeof(s_der) + KAPP_PUBLIC_KEY_SIZE)

/** @return 0..63, or -1 */
static int base64_value(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

/** Decode size bytes exactly. @return behind what was read, or NULL */
static const char *base64_decode(const char *text, uint8_t *to, size_t size)
{
    uint32_t bits = 0;
    unsigned have = 0;
    size_t done = 0;
    for (; done < size; text++) {
        if (isspace((unsigned char)*text)) {
            continue;
        }
        const int value = base64_value(*text);
        if (value < 0) {
            return NULL;
        }
        bits = bits << 6 | (uint32_t)value;
        have += 6;
        if (have >= 8) {
            have -= 8;
            to[done++] = (uint8_t)(bits >> have);
        }
    }
    return text;
}

static bool parse_pem(const char *text, uint8_t key[KAPP_PUBLIC_KEY_SIZE])
{
    uint8_t der[DER_SIZE];
    const char *rest = base64_decode(text, der, sizeof(der));
    if (rest == NULL || memcmp(der, s_der, sizeof(s_der)) != 0) {
        return false;
    }
    rest += strspn(rest, "= \t\r\n"); /* 91 bytes end with padding */
    if (strncmp(rest, PEM_END, strlen(PEM_END)) != 0) {
        return false;
    }
    memcpy(key, der + sizeof(s_der), KAPP_PUBLIC_KEY_SIZE);
    return true;
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static bool parse_hex(const char *text, uint8_t key[KAPP_PUBLIC_KEY_SIZE])
{
    for (size_t i = 0; i < KAPP_PUBLIC_KEY_SIZE; i++, text += 2) {
        const int high = hex_value(text[0]);
        const int low = high < 0 ? -1 : hex_value(text[1]);
        if (low < 0) {
            return false;
        }
        key[i] = (uint8_t)(high << 4 | low);
    }
    return text[strspn(text, " \t\r\n")] == '\0';
}

esp_err_t kapp_key_parse(const char *text, uint8_t key[KAPP_PUBLIC_KEY_SIZE])
{
    if (text == NULL || key == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    const char *pem = strstr(text, PEM_BEGIN);
    const bool good = pem != NULL ? parse_pem(pem + strlen(PEM_BEGIN), key) : parse_hex(text, key);
    return good ? ESP_OK : ESP_ERR_KAPP_KEY_INVALID;
}
