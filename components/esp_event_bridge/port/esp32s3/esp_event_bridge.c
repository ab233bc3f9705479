/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Neither side waits for the other: a loop of esp_event whose queue is full, or a bus that refuses,
 * costs the event, which is counted.
 */
#include "esp_event_bridge/esp_event_bridge.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "esp_check.h"
#include "system_service/event_bus.h"

static const char *TAG = "esp_event_bridge";

static const esp_event_bridge_entry_t *s_table;
static size_t s_count;
static esp_event_loop_handle_t s_loop;

static _Atomic system_service_id_t s_id; /* NONE while the service does not run */
static _Atomic uint32_t s_in;
static _Atomic uint32_t s_out;
static _Atomic uint32_t s_dropped;

/* ---- inwards: in the task of esp_event's loop ---------------------------------------------------
 */

static void on_esp_event(void *arg, esp_event_base_t base, int32_t id, void *data)
{
    const esp_event_bridge_entry_t *entry = arg;
    const system_service_id_t self = atomic_load(&s_id);
    system_event_type_t type;
    (void)base;
    (void)id;
    if (self == SYSTEM_SERVICE_ID_NONE) {
        return; /* it came while the service stops */
    }
    esp_err_t ret = system_event_find_type(entry->type, &type);
    if (ret == ESP_OK) {
        ret = system_event_post(self, type, data, data != NULL ? entry->size : 0, entry->priority);
    }
    /* With QUEUE_FULL all others got it. */
    atomic_fetch_add(ret == ESP_OK || ret == ESP_ERR_EVENT_QUEUE_FULL ? &s_in : &s_dropped, 1);
}

static esp_err_t listen(const esp_event_bridge_entry_t *entry)
{
    void *arg = (void *)(uintptr_t)entry;
    return s_loop != NULL
               ? esp_event_handler_register_with(s_loop, *entry->base, entry->id, on_esp_event, arg)
               : esp_event_handler_register(*entry->base, entry->id, on_esp_event, arg);
}

/** Fine for what was not listened to. */
static void ignore(const esp_event_bridge_entry_t *entry)
{
    if (s_loop != NULL) {
        (void)esp_event_handler_unregister_with(s_loop, *entry->base, entry->id, on_esp_event);
    } else {
        (void)esp_event_handler_unregister(*entry->base, entry->id, on_esp_event);
    }
}

/* ---- outwards: in the bridge's mailbox ----------------------------------------------------------
 */

static void on_bus_event(const system_event_t *event, void *user_data)
{
    const esp_event_bridge_entry_t *entry = user_data;
    esp_err_t ret = ESP_ERR_INVALID_SIZE;
    if (event->data_size >= entry->size) {
        const void *data = entry->size != 0 ? event->data : NULL;
        ret = s_loop != NULL
                  ? esp_event_post_to(s_loop, *entry->base, entry->id, data, entry->size, 0)
                  : esp_event_post(*entry->base, entry->id, data, entry->size, 0);
    }
    atomic_fetch_add(ret == ESP_OK ? &s_out : &s_dropped, 1);
}

/* ---- the service --------------------------------------------------------------------------------
 */

static void ignore_all(void)
{
    atomic_store(&s_id, SYSTEM_SERVICE_ID_NONE);
    for (size_t i = 0; i < s_count; i++) {
        if (s_table[i].way == ESP_EVENT_BRIDGE_IN) {
            ignore(&s_table[i]);
        }
    }
}

static esp_err_t open_entry(system_service_id_t id, const esp_event_bridge_entry_t *entry)
{
    system_event_type_t type;
    ESP_RETURN_ON_ERROR(system_event_register_type(entry->type, &type), TAG, "type %s",
                        entry->type);
    if (entry->way == ESP_EVENT_BRIDGE_IN) {
        return listen(entry);
    }
    return system_event_subscribe(id, type, on_bus_event, (void *)(uintptr_t)entry);
}

static esp_err_t bridge_start(system_service_id_t id, void *arg)
{
    (void)arg;
    ESP_RETURN_ON_FALSE(s_table != NULL, ESP_ERR_INVALID_STATE, TAG,
                        "call esp_event_bridge_configure() first");
    ignore_all(); /* whatever an earlier life left behind */
    for (size_t i = 0; i < s_count; i++) {
        const esp_err_t ret = open_entry(id, &s_table[i]);
        if (ret != ESP_OK) {
            ESP_LOGE(TAG, "%s of %s cannot cross: %s", s_table[i].type, *s_table[i].base,
                     esp_err_to_name(ret));
            ignore_all();
            return ret;
        }
    }
    atomic_store(&s_id, id);
    return ESP_OK;
}

static esp_err_t bridge_stop(system_service_id_t id, void *arg)
{
    (void)id;
    (void)arg;
    ignore_all();
    return ESP_OK;
}

/** It would cross both ways, or twice. */
static bool is_refused(const esp_event_bridge_entry_t *entry)
{
    for (size_t i = 0; i < s_count; i++) {
        const esp_event_bridge_entry_t *other = &s_table[i];
        if (other->way == entry->way) {
            /* esp_event keeps one entry for a handler and an event. */
            if (other != entry && entry->way == ESP_EVENT_BRIDGE_IN && other->base == entry->base &&
                other->id == entry->id) {
                return true;
            }
            continue;
        }
        const bool same = other->base == entry->base &&
                          (other->id == entry->id || other->id == ESP_EVENT_ANY_ID ||
                           entry->id == ESP_EVENT_ANY_ID);
        if (same || strcmp(other->type, entry->type) == 0) {
            return true;
        }
    }
    return false;
}

esp_err_t esp_event_bridge_configure(const esp_event_bridge_entry_t *table, size_t count,
                                     esp_event_loop_handle_t loop)
{
    esp_err_t ret = table != NULL && count != 0 ? ESP_OK : ESP_ERR_INVALID_ARG;
    s_table = table;
    s_count = ret == ESP_OK ? count : 0;
    s_loop = loop;
    for (size_t i = 0; i < s_count && ret == ESP_OK; i++) {
        const bool any_out =
            table[i].way == ESP_EVENT_BRIDGE_OUT && table[i].id == ESP_EVENT_ANY_ID;
        if (table[i].base == NULL || table[i].type == NULL || any_out || is_refused(&table[i])) {
            ESP_LOGE(TAG, "entry %u: a field is missing, or its event is in another one",
                     (unsigned)i);
            ret = ESP_ERR_INVALID_ARG;
        }
    }
    if (ret != ESP_OK) {
        s_table = NULL;
        s_count = 0;
    }
    return ret;
}

void esp_event_bridge_get_stats(esp_event_bridge_stats_t *stats)
{
    *stats = (esp_event_bridge_stats_t){
        .in = atomic_load(&s_in), .out = atomic_load(&s_out), .dropped = atomic_load(&s_dropped)};
}

static const service_watchdog_config_t s_watchdog = {.timeout_ms = 3000, .auto_restart = true};

const system_service_descriptor_t esp_event_bridge_service = {
    .name = "esp_event",
    .lifecycle = {.start = bridge_start, .stop = bridge_stop},
    .watchdog = &s_watchdog,
};
