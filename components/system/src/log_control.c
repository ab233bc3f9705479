/* SPDX-License-Identifier: Apache-2.0 */
#include "system_service/log_control.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "esp_attr.h"

#include "log_control_internal.h"

#ifdef CONFIG_SYSTEM_LOG_CONTROL

#define TAGS CONFIG_SYSTEM_LOG_MAX_TAGS

#ifdef CONFIG_LOG_DYNAMIC_LEVEL_CONTROL
#define CAN_CHANGE true
#else
#define CAN_CHANGE false
#endif

/* One tag: added to a service, or the name of a service whose level was changed. */
typedef struct {
    const char *tag; /* NULL = the owner's name, or with `used` false nothing */
    system_service_id_t owner;
    uint8_t normal; /* the level before it was changed here */
    bool changed;
    bool used;
} tag_t;

/* Under the registry lock. The log has a lock of its own, which is taken below it. */
static EXT_RAM_BSS_ATTR tag_t s_tags[TAGS];
static uint8_t s_normal_all; /* level of "*" before it was changed here */
static bool s_changed_all;

/* ---- helpers, registry lock held ------------------------------------------------------------ */

static const char *text_of(const tag_t *t)
{
    return t->tag != NULL ? t->tag : service_slot_name(system_id_slot(t->owner));
}

static void put_back(tag_t *t)
{
    /* The name of a service that is gone cannot be had any more. That its level stays does no harm:
     * if the name comes back, it is listed as it is. */
    const bool named = t->tag != NULL || service_slot_id(system_id_slot(t->owner)) == t->owner;

    if (t->changed && named) {
        esp_log_level_set(text_of(t), (esp_log_level_t)t->normal);
    }
    t->changed = false;
}

static void forget(tag_t *t)
{
    put_back(t);
    *t = (tag_t){.used = false};
}

static bool is_gone(const tag_t *t)
{
    return t->used && t->owner != SYSTEM_SERVICE_ID_NONE &&
           service_slot_id(system_id_slot(t->owner)) != t->owner;
}

/* Tags of owners that went without a word. */
static void forget_the_gone(void)
{
    for (unsigned i = 0; i < TAGS; i++) {
        if (is_gone(&s_tags[i])) {
            forget(&s_tags[i]);
        }
    }
}

static tag_t *find_tag(const char *tag)
{
    for (unsigned i = 0; i < TAGS; i++) {
        if (s_tags[i].used && s_tags[i].tag != NULL && strcmp(s_tags[i].tag, tag) == 0) {
            return &s_tags[i];
        }
    }
    return NULL;
}

static tag_t *find_name(system_service_id_t owner)
{
    for (unsigned i = 0; i < TAGS; i++) {
        if (s_tags[i].used && s_tags[i].tag == NULL && s_tags[i].owner == owner) {
            return &s_tags[i];
        }
    }
    return NULL;
}

static tag_t *take_free(void)
{
    for (unsigned i = 0; i < TAGS; i++) {
        if (!s_tags[i].used) {
            return &s_tags[i];
        }
    }
    return NULL;
}

static system_service_id_t find_service(const char *name)
{
    for (unsigned slot = 0; slot < SYSTEM_SLOTS; slot++) {
        const system_service_id_t id = service_slot_id(slot);

        if (id != SYSTEM_SERVICE_ID_NONE && strcmp(service_slot_name(slot), name) == 0) {
            return id;
        }
    }
    return SYSTEM_SERVICE_ID_NONE;
}

static void change(tag_t *t, esp_log_level_t level)
{
    if (!t->changed) {
        t->normal = (uint8_t)esp_log_level_get(text_of(t));
        t->changed = true;
    }
    esp_log_level_set(text_of(t), level);
}

static esp_err_t set_service(system_service_id_t owner, esp_log_level_t level)
{
    tag_t *name = find_name(owner);

    if (name == NULL) {
        name = take_free();
        if (name == NULL) {
            return ESP_ERR_LOG_TAGS_FULL;
        }
        *name = (tag_t){.owner = owner, .used = true};
    }
    for (unsigned i = 0; i < TAGS; i++) {
        if (s_tags[i].used && s_tags[i].owner == owner) {
            change(&s_tags[i], level);
        }
    }
    return ESP_OK;
}

/* "*" makes the log forget the levels of single tags, so they are set again one by one. */
static void set_all(esp_log_level_t level)
{
    if (!s_changed_all) {
        s_normal_all = (uint8_t)esp_log_level_get("*");
        s_changed_all = true;
    }
    for (unsigned i = 0; i < TAGS; i++) {
        if (s_tags[i].used && !s_tags[i].changed) {
            s_tags[i].normal = (uint8_t)esp_log_level_get(text_of(&s_tags[i]));
            s_tags[i].changed = true;
        }
    }
    esp_log_level_set("*", level);
}

static void reset_all(void)
{
    if (s_changed_all) {
        esp_log_level_set("*", (esp_log_level_t)s_normal_all);
        s_changed_all = false;
    }
    for (unsigned i = 0; i < TAGS; i++) {
        if (s_tags[i].used) {
            put_back(&s_tags[i]);
        }
    }
}

static esp_err_t reset_one(const char *name)
{
    const system_service_id_t owner = find_service(name);
    tag_t *tag = find_tag(name);

    if (owner != SYSTEM_SERVICE_ID_NONE) {
        for (unsigned i = 0; i < TAGS; i++) {
            if (s_tags[i].used && s_tags[i].owner == owner) {
                put_back(&s_tags[i]);
            }
        }
        return ESP_OK;
    }
    if (tag == NULL) {
        return ESP_ERR_NOT_FOUND;
    }
    put_back(tag);
    return ESP_OK;
}

/* ---- life of an owner ----------------------------------------------------------------------- */

void log_control_init(void)
{
    reset_all();
    memset(s_tags, 0, sizeof(s_tags));
}

void log_control_reclaim(unsigned slot)
{
    const system_service_id_t owner = service_slot_id(slot);

    for (unsigned i = 0; i < TAGS && owner != SYSTEM_SERVICE_ID_NONE; i++) {
        if (s_tags[i].used && s_tags[i].owner == owner) {
            forget(&s_tags[i]);
        }
    }
}

/* ---- public API ----------------------------------------------------------------------------- */

static esp_err_t add_locked(system_service_id_t id, const char *tag)
{
    tag_t *t = find_tag(tag);

    if (t != NULL) {
        return t->owner == id ? ESP_OK : ESP_ERR_LOG_TAG_TAKEN;
    }
    const system_service_id_t named = find_service(tag);

    if (named != SYSTEM_SERVICE_ID_NONE) {
        return named == id ? ESP_OK : ESP_ERR_LOG_TAG_TAKEN;
    }
    t = take_free();
    if (t == NULL) {
        return ESP_ERR_LOG_TAGS_FULL;
    }
    *t = (tag_t){.tag = tag, .owner = id, .used = true};
    return ESP_OK;
}

esp_err_t log_control_add_tag(system_service_id_t id, const char *tag)
{
    unsigned slot;
    esp_err_t err = ESP_OK;

    if (tag == NULL || tag[0] == '\0' || strnlen(tag, SYSTEM_NAME_MAX + 1) > SYSTEM_NAME_MAX) {
        return ESP_ERR_INVALID_ARG;
    }
    registry_lock();
    if (id != SYSTEM_SERVICE_ID_NONE) {
        err = service_slot_for_caller(id, &slot);
    } else if (system_current_slot() != SYSTEM_SLOT_NONE) {
        err = ESP_ERR_NOT_OWNER;
    }
    if (err == ESP_OK) {
        forget_the_gone();
        err = add_locked(id, tag);
    }
    registry_unlock();
    return err;
}

static esp_err_t set_locked(const char *name, esp_log_level_t level)
{
    forget_the_gone();
    if (strcmp(name, LOG_CONTROL_ALL) == 0) {
        set_all(level);
        return ESP_OK;
    }
    const system_service_id_t owner = find_service(name);
    tag_t *tag = find_tag(name);

    if (owner != SYSTEM_SERVICE_ID_NONE) {
        return set_service(owner, level);
    }
    if (tag == NULL) {
        return ESP_ERR_NOT_FOUND;
    }
    change(tag, level);
    return ESP_OK;
}

esp_err_t log_control_set(const char *name, esp_log_level_t level)
{
    if (name == NULL || (int)level < ESP_LOG_NONE || level > ESP_LOG_VERBOSE) {
        return ESP_ERR_INVALID_ARG;
    }
    if (!CAN_CHANGE) {
        return ESP_ERR_SYSTEM_DISABLED;
    }
    if ((int)level > CONFIG_LOG_MAXIMUM_LEVEL) {
        return ESP_ERR_NOT_SUPPORTED;
    }
    registry_lock();
    const esp_err_t err = set_locked(name, level);

    registry_unlock();
    return err;
}

esp_err_t log_control_get(const char *name, esp_log_level_t *out)
{
    if (name == NULL || out == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    *out = esp_log_level_get(strcmp(name, LOG_CONTROL_ALL) == 0 ? "*" : name);
    return ESP_OK;
}

esp_err_t log_control_reset(const char *name)
{
    esp_err_t err = ESP_OK;

    if (name == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    registry_lock();
    forget_the_gone();
    if (strcmp(name, LOG_CONTROL_ALL) == 0) {
        reset_all();
    } else {
        err = reset_one(name);
    }
    registry_unlock();
    return err;
}

static void describe(const char *tag, system_service_id_t owner, const tag_t *t,
                     log_control_tag_t *out)
{
    snprintf(out->tag, sizeof(out->tag), "%s", tag);
    out->owner = owner;
    out->level = esp_log_level_get(tag);
    out->changed = t != NULL && t->changed;
    out->normal = out->changed ? (esp_log_level_t)t->normal : out->level;
}

esp_err_t log_control_list(log_control_tag_t *out, size_t *count)
{
    size_t found = 0;

    if (count == NULL || (out == NULL && *count > 0)) {
        return ESP_ERR_INVALID_ARG;
    }
    registry_lock();
    forget_the_gone();
    for (unsigned slot = 0; slot < SYSTEM_SLOTS; slot++) {
        const system_service_id_t id = service_slot_id(slot);

        if (id != SYSTEM_SERVICE_ID_NONE && found++ < *count) {
            describe(service_slot_name(slot), id, find_name(id), &out[found - 1]);
        }
    }
    for (unsigned i = 0; i < TAGS; i++) {
        if (s_tags[i].used && s_tags[i].tag != NULL && found++ < *count) {
            describe(s_tags[i].tag, s_tags[i].owner, &s_tags[i], &out[found - 1]);
        }
    }
    registry_unlock();
    const bool all = found <= *count;

    *count = found;
    return all ? ESP_OK : ESP_ERR_INVALID_SIZE;
}

static const char *const s_level_names[] = {"none", "error", "warn", "info", "debug", "verbose"};

const char *log_control_level_name(esp_log_level_t level)
{
    return (unsigned)level <= ESP_LOG_VERBOSE ? s_level_names[level] : "?";
}

esp_err_t log_control_level_from_name(const char *name, esp_log_level_t *out)
{
    if (name == NULL || out == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    for (unsigned level = 0; level <= ESP_LOG_VERBOSE; level++) {
        if (strcasecmp(name, s_level_names[level]) == 0 ||
            (strlen(name) == 1 && strncasecmp(name, s_level_names[level], 1) == 0)) {
            *out = (esp_log_level_t)level;
            return ESP_OK;
        }
    }
    return ESP_ERR_INVALID_ARG;
}

#endif
