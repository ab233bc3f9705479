/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event types: numbers 1..n in the order of registration. A type is never taken back, so its name
 * can be read without a lock once the count says that it is there.
 */
#include <string.h>

#include "esp_attr.h"

#include "common_events_internal.h"
#include "event_internal.h"
#include "flight_recorder_internal.h"
#include "service_record.h"

EXT_RAM_BSS_ATTR event_type_t event_type_table[CONFIG_SYSTEM_MAX_EVENT_TYPES];
_Atomic uint16_t event_type_count;

static event_type_t *entry(system_event_type_t type)
{
    return &event_type_table[type - 1];
}

/* ---- for the bus ---------------------------------------------------------------------------- */

void event_types_init(void)
{
    memset(event_type_table, 0, sizeof(event_type_table));
    atomic_store(&event_type_count, 0);
}

void event_types_deinit(void)
{
    for (unsigned type = 1; type <= atomic_load(&event_type_count); type++) {
        event_routes_forget_retained((system_event_type_t)type);
    }
}

unsigned event_types_count(void)
{
    return atomic_load_explicit(&event_type_count, memory_order_relaxed);
}

bool event_pattern_matches(const char *pattern, const char *name)
{
    const size_t length = strlen(pattern);
    if (length > 0 && pattern[length - 1] == '*') {
        return strncmp(pattern, name, length - 1) == 0;
    }
    return strcmp(pattern, name) == 0;
}

void event_types_match(const char *pattern, void (*fn)(system_event_type_t type, void *arg),
                       void *arg)
{
    const unsigned count = event_types_count();
    for (unsigned type = 1; type <= count; type++) {
        if (event_pattern_matches(pattern, entry((system_event_type_t)type)->name)) {
            fn((system_event_type_t)type, arg);
        }
    }
}

/* ---- public API ----------------------------------------------------------------------------- */

static esp_err_t check_name(const char *name)
{
    const size_t length = strnlen(name, SYSTEM_NAME_MAX + 1);
    if (length == 0) {
        return ESP_ERR_INVALID_ARG;
    }
    if (length > SYSTEM_NAME_MAX) {
        return ESP_ERR_EVENT_NAME_TOO_LONG;
    }
    return service_name_valid(name) ? ESP_OK : ESP_ERR_EVENT_NAME_INVALID;
}

static system_event_type_t find_locked(const char *name)
{
    const unsigned count = event_types_count();
    for (unsigned type = 1; type <= count; type++) {
        if (strcmp(entry((system_event_type_t)type)->name, name) == 0) {
            return (system_event_type_t)type;
        }
    }
    return SYSTEM_EVENT_TYPE_NONE;
}

static esp_err_t register_locked(const char *name, system_event_type_t *out)
{
    *out = find_locked(name);
    if (*out != SYSTEM_EVENT_TYPE_NONE) {
        return ESP_OK;
    }
    const unsigned count = event_types_count();
    if (count == CONFIG_SYSTEM_MAX_EVENT_TYPES) {
        return ESP_ERR_EVENT_TYPES_FULL;
    }
    *out = (system_event_type_t)(count + 1);
    system_copy_name(entry(*out)->name, name);
    atomic_store(&entry(*out)->owner, service_slot_id(system_current_slot()));
    flight_tag_register(*out, name);
    atomic_store_explicit(&event_type_count, (uint16_t)(count + 1), memory_order_release);
    event_routes_type_added(*out);
    return ESP_OK;
}

esp_err_t system_event_register_type(const char *name, system_event_type_t *out)
{
    if (name == NULL || out == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    esp_err_t ret = check_name(name);
    if (ret != ESP_OK) {
        return ret;
    }
    if (!system_is_initialized()) {
        return ESP_ERR_SYSTEM_NOT_INITIALIZED;
    }
    system_event_type_t type;
    registry_lock();
    ret = register_locked(name, &type);
    registry_unlock();
    if (ret == ESP_OK) {
        *out = type;
    }
    return ret;
}

/** Whose type is it? Its owner's: who registered it, until a service makes it retained. Who
 * subscribes may have registered it before the one who publishes, so what nobody keeps yet is any
 * service's. */
static bool may_retain(system_event_type_t type)
{
    unsigned slot;
    const unsigned caller = system_current_slot();
    const system_service_id_t owner = atomic_load(&entry(type)->owner);
    if (caller == SYSTEM_SLOT_NONE) {
        return true;
    }
    const bool owned = service_slot_of(owner, &slot) == ESP_OK;
    if (owned && (slot == caller || atomic_load(&entry(type)->retained))) {
        return slot == caller;
    }
    return type > SYSTEM_EVENT_COMMON_COUNT && caller < SYSTEM_SLOTS &&
           !service_record(caller)->is_app;
}

esp_err_t system_event_set_retained(system_event_type_t type, bool retained)
{
    if (!event_type_known(type)) {
        return ESP_ERR_EVENT_TYPE_NOT_FOUND;
    }
    if (!may_retain(type)) {
        return ESP_ERR_NOT_OWNER;
    }
    system_identity_t *identity = system_enter(); /* not to be cut with the last value in hand */
    if (retained && system_current_slot() != SYSTEM_SLOT_NONE) {
        atomic_store(&entry(type)->owner, service_slot_id(system_current_slot()));
    }
    atomic_store(&entry(type)->retained, retained);
    if (!retained) {
        event_routes_forget_retained(type);
    }
    system_leave(identity);
    return ESP_OK;
}

esp_err_t system_event_find_type(const char *name, system_event_type_t *out)
{
    if (name == NULL || out == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    registry_lock();
    const system_event_type_t type = find_locked(name);
    registry_unlock();
    if (type == SYSTEM_EVENT_TYPE_NONE) {
        return ESP_ERR_EVENT_TYPE_NOT_FOUND;
    }
    *out = type;
    return ESP_OK;
}

esp_err_t system_event_get_type_name(system_event_type_t type, char *out, size_t len)
{
    if (out == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    if (len > 0) {
        out[0] = '\0';
    }
    if (!event_type_known(type)) {
        return ESP_ERR_EVENT_TYPE_NOT_FOUND;
    }
    const char *name = entry(type)->name;
    if (strlen(name) >= len) {
        return ESP_ERR_INVALID_SIZE;
    }
    system_copy_name(out, name);
    return ESP_OK;
}
