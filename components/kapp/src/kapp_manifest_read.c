/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoding the manifest: fields of a number, a length and that many bytes, in ascending order.
 */
#include <string.h>

#include "sdkconfig.h"

#include "kapp_format.h"
#include "kapp_internal.h"
#include "system_service/app_manager.h"
#include "system_service/error_codes.h"

#define BIT_OF(field) (1u << (field))
#define REQUIRED                                                                                   \
    (BIT_OF(KAPP_FIELD_ID) | BIT_OF(KAPP_FIELD_NAME) | BIT_OF(KAPP_FIELD_VERSION) |                \
     BIT_OF(KAPP_FIELD_TASK) | BIT_OF(KAPP_FIELD_INTERFACES))

typedef struct {
    uint16_t number;
    uint16_t size;
    const uint8_t *bytes;
} field_t;

/** Takes fields off the front of what is left. */
typedef struct {
    const uint8_t *at;
    uint32_t left;
    uint32_t last; /* number of the field before */
} walk_t;

/** @return ESP_OK; ESP_ERR_NOT_FOUND there is no further one; ESP_ERR_KAPP_MANIFEST_DAMAGED */
static esp_err_t next_field(walk_t *walk, field_t *out)
{
    if (walk->left == 0) {
        return ESP_ERR_NOT_FOUND;
    }
    if (walk->left < 4) {
        return ESP_ERR_KAPP_MANIFEST_DAMAGED;
    }
    *out = (field_t){kapp_u16(walk->at), kapp_u16(walk->at + 2), walk->at + 4};
    /* The mark of optional fields is no part of the order. */
    const uint32_t number = out->number & ~KAPP_FIELD_OPTIONAL;
    if (out->size > walk->left - 4 || number <= walk->last) {
        return ESP_ERR_KAPP_MANIFEST_DAMAGED;
    }
    walk->at += 4u + out->size;
    walk->left -= 4u + out->size;
    walk->last = number;
    return ESP_OK;
}

/* ---- one kind of value each: true when it is right ------------------------------------------ */

static bool get_text(const field_t *f, char *to, uint32_t limit)
{
    if (f->size > limit || !kapp_text_printable(f->bytes, f->size)) {
        return false;
    }
    memcpy(to, f->bytes, f->size);
    to[f->size] = '\0';
    return true;
}

static bool get_name(const field_t *f, char *to, uint32_t limit)
{
    return kapp_text_name(f->bytes, f->size) && get_text(f, to, limit);
}

static bool get_version(const field_t *f, kapp_version_t *to)
{
    if (f->size != 6) {
        return false;
    }
    *to = (kapp_version_t){kapp_u16(f->bytes), kapp_u16(f->bytes + 2), kapp_u16(f->bytes + 4)};
    return true;
}

static bool stack_allowed(uint32_t size)
{
    return size >= APP_STACK_SIZE_MIN && size <= APP_STACK_SIZE_MAX && size % 16 == 0;
}

/** stack, handlers' stack, watchdog: 32 bits each; priority; flags, of which bit 0 is known */
static bool get_task(const field_t *f, kapp_manifest_t *m)
{
    if (f->size != 14) {
        return false;
    }
    m->stack_size = kapp_u32(f->bytes);
    m->handler_stack_size = kapp_u32(f->bytes + 4);
    m->watchdog_timeout_ms = kapp_u32(f->bytes + 8);
    m->priority = f->bytes[12];
    m->restart_on_crash = f->bytes[13] == 1;
    return stack_allowed(m->stack_size) &&
           (m->handler_stack_size == 0 || stack_allowed(m->handler_stack_size)) &&
           (m->watchdog_timeout_ms == 0 ||
            (m->watchdog_timeout_ms >= 10 && m->watchdog_timeout_ms <= 3600000)) &&
           m->priority != 0 && m->priority <= CONFIG_SYSTEM_WORKER_PRIORITY && f->bytes[13] <= 1;
}

/** group, zero, major, minor: 6 bytes each, groups ascending */
static bool get_interfaces(const field_t *f, kapp_manifest_t *m)
{
    if (f->size == 0 || f->size % 6 != 0 || f->size / 6 > KAPP_INTERFACES_MAX) {
        return false;
    }
    m->interface_count = (uint8_t)(f->size / 6);
    for (unsigned i = 0; i < m->interface_count; i++) {
        const uint8_t *p = f->bytes + (size_t)i * 6;
        if (p[0] >= KAPP_GROUP_COUNT || p[1] != 0 || (i != 0 && p[0] <= p[-6])) {
            return false;
        }
        m->interfaces[i] = (kapp_interface_t){p[0], kapp_u16(p + 2), kapp_u16(p + 4)};
    }
    return true;
}

static bool get_u32(const field_t *f, uint32_t *to)
{
    if (f->size != 4) {
        return false;
    }
    *to = kapp_u32(f->bytes);
    return true;
}

static bool get_permissions(const field_t *f, kapp_manifest_t *m)
{
    return get_u32(f, &m->permissions) && m->permissions < 1u << KAPP_GROUP_COUNT;
}

/** An event name, or the beginning of one followed by '*'. */
static bool pattern_allowed(const uint8_t *text, uint32_t size)
{
    const uint32_t name = size != 0 && text[size - 1] == '*' ? size - 1 : size;
    return size <= SYSTEM_NAME_MAX && kapp_text_name(text, name);
}

/** rights, length, text */
static bool get_patterns(const field_t *f, kapp_manifest_t *m)
{
    uint32_t at = 0;
    while (at < f->size) {
        if (f->size - at < 2 || m->pattern_count == KAPP_PATTERNS_MAX) {
            return false;
        }
        const uint8_t rights = f->bytes[at];
        const uint32_t size = f->bytes[at + 1];
        at += 2;
        if (size > f->size - at || rights == 0 ||
            (rights & ~(KAPP_PATTERN_POST | KAPP_PATTERN_SUBSCRIBE)) != 0 ||
            !pattern_allowed(f->bytes + at, size)) {
            return false;
        }
        kapp_pattern_t *pattern = &m->patterns[m->pattern_count++];
        pattern->rights = rights;
        memcpy(pattern->pattern, f->bytes + at, size);
        pattern->pattern[size] = '\0';
        at += size;
    }
    return true;
}

static bool get_quota(const field_t *f, service_quota_t *to)
{
    if (f->size != 20) {
        return false;
    }
    *to = (service_quota_t){
        .max_events_per_sec = kapp_u32(f->bytes),
        .max_subscriptions = kapp_u32(f->bytes + 4),
        .max_event_data_size = kapp_u32(f->bytes + 8),
        .max_memory_bytes = kapp_u32(f->bytes + 12),
        .max_cpu_percent = kapp_u32(f->bytes + 16),
    };
    return to->max_events_per_sec <= 1000000 &&
           to->max_subscriptions <= CONFIG_SYSTEM_MAX_SUBSCRIPTIONS &&
           to->max_event_data_size <= 4096 && to->max_cpu_percent <= 100;
}

/**
 * Names of assets: length, text. With name: find it.
 * @return true: the list is right. *index is the number of the name, or the count when it is absent
 */
static bool walk_assets(const field_t *f, const char *name, unsigned *index, unsigned *count)
{
    uint32_t at = 0;
    bool found = false;
    *count = 0;
    while (at < f->size) {
        const uint32_t size = f->bytes[at++];
        if (size > SYSTEM_NAME_MAX || size > f->size - at || *count == KAPP_ASSETS_MAX ||
            !kapp_text_name(f->bytes + at, size)) {
            return false;
        }
        if (name != NULL && !found && strlen(name) == size &&
            memcmp(name, f->bytes + at, size) == 0) {
            found = true;
            *index = *count;
        }
        (*count)++;
        at += size;
    }
    if (name != NULL && !found) {
        *index = *count;
    }
    return true;
}

static bool get_assets(const field_t *f, kapp_manifest_t *m)
{
    unsigned count;
    const bool ok = walk_assets(f, NULL, NULL, &count);
    m->asset_count = (uint8_t)count;
    return ok;
}

/* ---- the whole ------------------------------------------------------------------------------ */

static bool get_field(const field_t *f, kapp_manifest_t *m)
{
    switch (f->number) {
    case KAPP_FIELD_ID:
        return get_name(f, m->id, KAPP_ID_MAX);
    case KAPP_FIELD_NAME:
        return get_name(f, m->name, SYSTEM_NAME_MAX);
    case KAPP_FIELD_VERSION:
        return get_version(f, &m->version);
    case KAPP_FIELD_AUTHOR:
        return get_text(f, m->author, KAPP_AUTHOR_MAX);
    case KAPP_FIELD_DESCRIPTION:
        return get_text(f, m->description, KAPP_DESCRIPTION_MAX);
    case KAPP_FIELD_TASK:
        return get_task(f, m);
    case KAPP_FIELD_INTERFACES:
        return get_interfaces(f, m);
    case KAPP_FIELD_PERMISSIONS:
        return get_permissions(f, m);
    case KAPP_FIELD_PATTERNS:
        return get_patterns(f, m);
    case KAPP_FIELD_QUOTA:
        return get_quota(f, &m->quota);
    case KAPP_FIELD_MEMORY:
        return get_u32(f, &m->memory_bytes);
    default:
        return get_assets(f, m);
    }
}

esp_err_t kapp_manifest_decode(const uint8_t *bytes, uint32_t size, kapp_manifest_t *out)
{
    walk_t walk = {bytes, size, 0};
    field_t field;
    uint32_t seen = 0;
    esp_err_t ret;
    *out = (kapp_manifest_t){0};
    while ((ret = next_field(&walk, &field)) == ESP_OK) {
        if (field.number >= KAPP_FIELD_END) {
            if ((field.number & KAPP_FIELD_OPTIONAL) == 0) {
                return ESP_ERR_KAPP_MANIFEST_UNKNOWN;
            }
            continue;
        }
        if (!get_field(&field, out)) {
            return ESP_ERR_KAPP_MANIFEST_VALUE;
        }
        seen |= BIT_OF(field.number);
    }
    if (ret != ESP_ERR_NOT_FOUND) {
        return ret;
    }
    return (seen & REQUIRED) == REQUIRED ? ESP_OK : ESP_ERR_KAPP_MANIFEST_MISSING;
}

esp_err_t kapp_manifest_asset(const uint8_t *bytes, uint32_t size, const char *name,
                              unsigned *index)
{
    walk_t walk = {bytes, size, 0};
    field_t field;
    esp_err_t ret;
    while ((ret = next_field(&walk, &field)) == ESP_OK) {
        if (field.number == KAPP_FIELD_ASSETS) {
            unsigned count;
            if (!walk_assets(&field, name, index, &count)) {
                return ESP_ERR_KAPP_MANIFEST_VALUE;
            }
            return *index < count ? ESP_OK : ESP_ERR_NOT_FOUND;
        }
    }
    return ret;
}
