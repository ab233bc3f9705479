/* SPDX-License-Identifier: Apache-2.0 */
#include "updater_format.h"

#include <stdlib.h>
#include <string.h>

#include "system_service/error_codes.h"

#define FORMAT 1u
#define PARTS  3

static uint16_t u16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static uint32_t u32(const uint8_t *at)
{
    return u16(at) | (uint32_t)u16(at + 2) << 16;
}

/** A text, zeros behind it, and at least one of them. */
static bool take_text(char out[UPDATER_TEXT_SIZE], const uint8_t *at)
{
    memcpy(out, at, UPDATER_TEXT_SIZE);
    const size_t length = strnlen(out, UPDATER_TEXT_SIZE);
    for (size_t i = length; i < UPDATER_TEXT_SIZE; i++) {
        if (out[i] != '\0') {
            return false;
        }
    }
    return length != 0 && length < UPDATER_TEXT_SIZE;
}

esp_err_t updater_head_read(const uint8_t bytes[UPDATER_HEAD_SIZE], updater_head_t *out)
{
    out->image_bytes = u32(bytes + 8);
    if (memcmp(bytes, "KFWI", 4) != 0 || u16(bytes + 4) != FORMAT ||
        u16(bytes + 6) != UPDATER_HEAD_SIZE || u32(bytes + 12) != 0 || out->image_bytes == 0 ||
        !take_text(out->product, bytes + 16) || !take_text(out->version, bytes + 48)) {
        return ESP_ERR_UPDATE_FORMAT;
    }
    memcpy(out->hash, bytes + 80, sizeof(out->hash));
    memcpy(out->signer, bytes + 112, sizeof(out->signer));
    memcpy(out->signature, bytes + 144, sizeof(out->signature));
    return ESP_OK;
}

/* ---- versions ------------------------------------------------------------------------------- */

typedef struct {
    uint32_t part[PARTS]; /* of the release */
    bool before;          /* it is one on the way to that release */
    uint32_t changes;     /* since then */
} version_t;

static bool number(const char **at, uint32_t *out)
{
    char *end;
    if (**at < '0' || **at > '9') {
        return false;
    }
    const unsigned long value = strtoul(*at, &end, 10);
    *out = (uint32_t)value;
    const bool fits = value <= UINT32_MAX && end - *at <= 9;
    *at = end;
    return fits;
}

/** "-4-gabcdef", as git describes what comes after a release; true for nothing at all, too. */
static bool changes(const char *at, version_t *out)
{
    const char *from = at + 1;
    if (*at == '\0') {
        return true;
    }
    return *at == '-' && number(&from, &out->changes) && strncmp(from, "-g", 2) == 0;
}

static bool parse(const char *text, version_t *out)
{
    const char *at = text + (text[0] == 'v');
    *out = (version_t){0};
    for (unsigned i = 0; i < PARTS; i++) {
        if (!number(&at, &out->part[i])) {
            return false;
        }
        if (*at != '.') {
            break;
        }
        at++;
    }
    const char *rest = at;
    if (strcmp(rest, "-dirty") == 0) {
        return true;
    }
    out->before = !changes(rest, out);
    return !out->before || *rest == '-';
}

static updater_order_t order(uint32_t a, uint32_t b)
{
    return a == b ? UPDATER_SAME : a > b ? UPDATER_NEWER : UPDATER_OLDER;
}

updater_order_t updater_compare(const char *version, const char *base)
{
    version_t a;
    version_t b;
    if (strcmp(version, base) == 0) {
        return UPDATER_SAME;
    }
    if (!parse(version, &a) || !parse(base, &b)) {
        return UPDATER_OLDER;
    }
    updater_order_t found = UPDATER_SAME;
    for (unsigned i = 0; i < PARTS && found == UPDATER_SAME; i++) {
        found = order(a.part[i], b.part[i]);
    }
    if (found == UPDATER_SAME && a.before != b.before) {
        return a.before ? UPDATER_OLDER : UPDATER_NEWER;
    }
    found = found == UPDATER_SAME ? order(a.changes, b.changes) : found;
    /* Two texts that mean one release but are not alike: who knows which of them is newer. */
    return found == UPDATER_SAME ? UPDATER_OLDER : found;
}
