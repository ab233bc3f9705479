/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry: names, ids with generations, and taking back what an owner had.
 */
#include "service_record.h"

#include <string.h>

#include "esp_attr.h"
#include "esp_log.h"
#include "freertos/semphr.h"

#include "flight_recorder_internal.h"
#include "log_control_internal.h"
#include "memory_utils_internal.h"
#include "request_internal.h"
#include "resource_quota_internal.h"
#include "service_dependencies_internal.h"
#include "system_lock_internal.h"

static const char *TAG = "service_manager";

/* registry_lock (order 2): protects the records, event type names, the subscription table, and the
 * dependency graph. Never held across a callback. */
static StaticSemaphore_t s_lock_storage;
static SemaphoreHandle_t s_lock;

static EXT_RAM_BSS_ATTR service_record_t s_records[SYSTEM_SLOTS];
/* The ids that are alive: read without a lock by every call that takes an id. */
_Atomic system_service_id_t service_ids[SYSTEM_SLOTS];
static _Atomic unsigned s_used;

void service_manager_deinit(void)
{
    for (unsigned i = 0; i < SYSTEM_SLOTS; i++) {
        atomic_store(&service_ids[i], SYSTEM_SERVICE_ID_NONE);
    }
    atomic_store(&s_used, 0);
}

void service_manager_init(void)
{
    for (unsigned i = 0; i < SYSTEM_SLOTS; i++) {
        const uint32_t generation = s_records[i].generation; /* an id of before stays dead */
        memset(&s_records[i], 0, sizeof(s_records[i]));
        s_records[i].generation = generation;
    }
    service_manager_deinit();
    if (s_lock == NULL) {
        s_lock = xSemaphoreCreateMutexStatic(&s_lock_storage);
    }
}

void registry_lock(void)
{
    lock_order_wants(LOCK_RANK_REGISTRY);
    (void)xSemaphoreTake(s_lock, portMAX_DELAY);
    lock_order_has(LOCK_RANK_REGISTRY);
}

void registry_unlock(void)
{
    lock_order_gives(LOCK_RANK_REGISTRY);
    (void)xSemaphoreGive(s_lock);
}

/* ---- ids ------------------------------------------------------------------------------------ */

esp_err_t service_slot_of(system_service_id_t id, unsigned *slot)
{
    return registry_slot_of(id, slot);
}

esp_err_t service_slot_for_caller(system_service_id_t id, unsigned *slot)
{
    return service_slot_for(id, system_current_slot(), slot);
}

esp_err_t service_slot_for(system_service_id_t id, unsigned caller, unsigned *slot)
{
    const esp_err_t ret = registry_slot_of(id, slot);
    if (ret != ESP_OK) {
        return ret;
    }
    if (caller == *slot || (caller == SYSTEM_SLOT_NONE && !s_records[*slot].is_app)) {
        return ESP_OK;
    }
    return ESP_ERR_NOT_OWNER;
}

const char *service_slot_name(unsigned slot)
{
    return slot < SYSTEM_SLOTS && service_slot_used(slot) ? s_records[slot].name : "?";
}

system_service_id_t service_slot_id(unsigned slot)
{
    return registry_slot_id(slot);
}

bool service_slot_used(unsigned slot)
{
    return service_slot_id(slot) != SYSTEM_SERVICE_ID_NONE;
}

service_record_t *service_record(unsigned slot)
{
    return &s_records[slot];
}

system_service_state_t service_state(unsigned slot)
{
    return (system_service_state_t)atomic_load(&s_records[slot].state);
}

bool service_restartable(unsigned slot)
{
    const system_service_descriptor_t *descriptor = s_records[slot].descriptor;
    return descriptor != NULL && descriptor->lifecycle.start != NULL;
}

unsigned service_count(void)
{
    return atomic_load(&s_used);
}

bool service_name_valid(const char *name)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
    return name[strspn(name, allowed)] == '\0';
}

/* ---- registering ---------------------------------------------------------------------------- */

static unsigned find_locked(const char *name)
{
    for (unsigned slot = 0; slot < SYSTEM_SLOTS; slot++) {
        if (s_records[slot].used && strcmp(s_records[slot].name, name) == 0) {
            return slot;
        }
    }
    return SYSTEM_SLOT_NONE;
}

/** Services and apps share the table, but neither can take the other's places. */
static unsigned free_slot_locked(bool is_app)
{
    const unsigned first = is_app ? CONFIG_SYSTEM_MAX_SERVICES : 0;
    const unsigned end = is_app ? SYSTEM_SLOTS : CONFIG_SYSTEM_MAX_SERVICES;
    for (unsigned slot = first; slot < end; slot++) {
        if (!s_records[slot].used) {
            return slot;
        }
    }
    return SYSTEM_SLOT_NONE;
}

static esp_err_t check_name(const char *name)
{
    const size_t length = strnlen(name, SYSTEM_NAME_MAX + 1);
    if (length == 0) {
        return ESP_ERR_INVALID_ARG;
    }
    if (length > SYSTEM_NAME_MAX) {
        return ESP_ERR_SERVICE_NAME_TOO_LONG;
    }
    return service_name_valid(name) ? ESP_OK : ESP_ERR_SERVICE_NAME_INVALID;
}

static esp_err_t open_mailbox(unsigned slot)
{
    const system_service_descriptor_t *descriptor = s_records[slot].descriptor;
    event_worker_t *own = NULL;
    if (descriptor != NULL && descriptor->own_worker) {
        own = event_worker_create_private(slot, descriptor->worker_stack_size,
                                          descriptor->worker_priority);
        if (own == NULL) {
            return ESP_ERR_NO_MEM;
        }
    }
    event_mailbox_open(slot, own);
    return ESP_OK;
}

static esp_err_t register_locked(const char *name, const system_service_descriptor_t *descriptor,
                                 bool is_app, system_service_id_t *out)
{
    if (find_locked(name) != SYSTEM_SLOT_NONE) {
        return ESP_ERR_SERVICE_ALREADY_REGISTERED;
    }
    const unsigned slot = free_slot_locked(is_app);
    if (slot == SYSTEM_SLOT_NONE) {
        return is_app ? ESP_ERR_APP_TABLE_FULL : ESP_ERR_SERVICE_TABLE_FULL;
    }
    service_record_t *record = &s_records[slot];
    system_copy_name(record->name, name);
    record->generation = (record->generation + 1u) & 0xFFFFFFu;
    record->generation += record->generation == 0; /* generation 0 is never used */
    atomic_store(&record->descriptor, descriptor);
    atomic_store(&record->is_app, is_app);
    atomic_store(&record->home_task, xTaskGetCurrentTaskHandle());
    atomic_store(&record->stop_requested, 0);
    atomic_store(&record->restart_count, 0);
    atomic_store(&record->fault_count, 0);
    atomic_store(&record->last_error, ESP_OK);
    atomic_store(&record->state, SYSTEM_SERVICE_STATE_REGISTERED);
    esp_err_t ret = dependencies_attach(slot, name, descriptor ? descriptor->depends_on : NULL);
    if (ret != ESP_OK) {
        return ret;
    }
    quota_attach(slot, descriptor ? descriptor->quota : NULL);
    flight_names_attach(slot, name, flight_next_sequence());
    ret = open_mailbox(slot);
    if (ret != ESP_OK) {
        dependencies_reclaim(slot);
        quota_reclaim(slot);
        return ret;
    }
    static const service_watchdog_config_t watched = SERVICE_WATCHDOG_CONFIG_DEFAULT();
    watchdog_attach(slot, descriptor == NULL     ? NULL
                          : descriptor->watchdog ? descriptor->watchdog
                                                 : &watched);
    record->used = true;
    *out = record->generation << 8 | slot;
    atomic_store_explicit(&service_ids[slot], *out, memory_order_release);
    atomic_fetch_add(&s_used, 1);
    return ESP_OK;
}

esp_err_t service_register(const char *name, const system_service_descriptor_t *descriptor,
                           bool is_app, system_service_id_t *out)
{
    esp_err_t ret = check_name(name);
    if (ret != ESP_OK) {
        return ret;
    }
    if (descriptor != NULL && !quota_is_valid(descriptor->quota)) {
        return ESP_ERR_QUOTA_INVALID;
    }
    registry_lock();
    ret = register_locked(name, descriptor, is_app, out);
    registry_unlock();
    if (ret == ESP_OK) {
        supervisor_poke();
    }
    return ret;
}

esp_err_t system_service_register(const char *name, const system_service_descriptor_t *descriptor,
                                  system_service_id_t *out)
{
    if (name == NULL || out == NULL ||
        (descriptor != NULL && descriptor->name != NULL && strcmp(descriptor->name, name) != 0)) {
        return ESP_ERR_INVALID_ARG;
    }
    if (!system_is_initialized()) {
        return ESP_ERR_SYSTEM_NOT_INITIALIZED;
    }
    return service_register(name, descriptor, false, out);
}

/* ---- taking back ---------------------------------------------------------------------------- */

esp_err_t service_reclaim(unsigned slot)
{
    event_timers_reclaim(slot); /* nothing new is posted in its name */
    requests_reclaim(slot);     /* whoever waits for its answer is told */
    system_locks_reclaim(slot);
    event_worker_t *own = event_mailbox(slot)->own;
    (void)event_mailbox_close(slot); /* nothing new is delivered */
    requests_reclaim(slot);          /* what was asked after the first look, and before the close */
    esp_err_t ret = event_subs_reclaim(slot);
    if (own != NULL && atomic_load(&own->quarantined) == 0 &&
        event_worker_destroy_private(own) != ESP_OK) {
        ret = ESP_ERR_TIMEOUT;
    }
    const system_service_id_t id = service_slot_id(slot);
    const uint32_t blocks = memory_pool_reclaim(id);
    const size_t bytes = memory_reclaim(slot);
    /* A service may have given plain blocks to others, who free them; an app cannot. */
    const bool is_app = s_records[slot].is_app;
    const size_t plain = memory_reclaim_plain(slot, is_app);
    quota_reclaim(slot);
    /* Apps may leave their memory to the system; of a service it is a mistake. */
    const esp_log_level_t level = is_app ? ESP_LOG_DEBUG : ESP_LOG_WARN;
    if (blocks != 0 || bytes != 0 || (is_app && plain != 0)) {
        ESP_LOG_LEVEL(level, TAG, "%s left %u pool blocks and %u bytes behind: taken back",
                      s_records[slot].name, (unsigned)blocks,
                      (unsigned)(bytes + (is_app ? plain : 0)));
    }
    if (!is_app && plain != 0) {
        ESP_LOG_LEVEL(level, TAG,
                      "%s left %u bytes from malloc() behind: not freed, others may use them",
                      s_records[slot].name, (unsigned)plain);
    }
    return ret;
}

esp_err_t service_reopen(unsigned slot)
{
    const system_service_descriptor_t *descriptor = s_records[slot].descriptor;
    registry_lock();
    quota_attach(slot, descriptor ? descriptor->quota : NULL);
    const esp_err_t ret = open_mailbox(slot);
    registry_unlock();
    atomic_store(&s_records[slot].stop_requested, 0);
    return ret;
}

esp_err_t service_release(system_service_id_t id)
{
    unsigned slot;
    registry_lock();
    const esp_err_t ret = service_slot_of(id, &slot); /* somebody may have been faster */
    if (ret != ESP_OK) {
        registry_unlock();
        return ret;
    }
    event_worker_forget_private(slot);
    log_control_reclaim(slot);
    system_locks_release(slot);
    atomic_store(&service_ids[slot], SYSTEM_SERVICE_ID_NONE);
    dependencies_reclaim(slot);
    watchdog_reclaim(slot);
    s_records[slot].used = false;
    s_records[slot].descriptor = NULL;
    atomic_fetch_sub(&s_used, 1);
    registry_unlock();
    return ESP_OK;
}

esp_err_t system_service_unregister(system_service_id_t id)
{
    unsigned slot;
    esp_err_t ret = service_slot_for_caller(id, &slot);
    if (ret != ESP_OK) {
        return ret;
    }
    if (system_current_slot() != SYSTEM_SLOT_NONE) {
        return ESP_ERR_INVALID_STATE; /* its own code would be cut from under it */
    }
    ret = supervisor_remove(id);
    return ret == ESP_OK ? service_release(id) : ret;
}

/* ---- asking --------------------------------------------------------------------------------- */

bool system_service_should_stop(void)
{
    const unsigned slot = system_current_slot();
    return slot < SYSTEM_SLOTS && atomic_load(&s_records[slot].stop_requested);
}

system_service_id_t system_service_current(void)
{
    return service_slot_id(system_current_slot());
}

esp_err_t system_service_get_state(system_service_id_t id, system_service_state_t *out)
{
    unsigned slot;
    if (out == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    const esp_err_t ret = service_slot_of(id, &slot);
    if (ret == ESP_OK) {
        *out = service_state(slot);
    }
    return ret;
}

esp_err_t system_service_find(const char *name, system_service_id_t *out)
{
    if (name == NULL || out == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    if (!system_is_initialized()) {
        return ESP_ERR_SYSTEM_NOT_INITIALIZED;
    }
    registry_lock();
    const unsigned slot = find_locked(name);
    registry_unlock();
    if (slot == SYSTEM_SLOT_NONE) {
        return ESP_ERR_SERVICE_NOT_FOUND;
    }
    *out = service_slot_id(slot);
    return ESP_OK;
}

static void describe_locked(unsigned slot, system_service_info_t *out)
{
    const service_record_t *record = &s_records[slot];
    mailbox_t *mailbox = event_mailbox(slot);
    *out = (system_service_info_t){
        .id = service_slot_id(slot),
        .state = service_state(slot),
        .is_app = record->is_app,
        .is_critical = watchdog_is_critical(slot),
        .restartable = service_restartable(slot),
        .restart_count = atomic_load(&record->restart_count),
        .fault_count = atomic_load(&record->fault_count),
        .subscriptions = event_subs_count(slot),
        .locks_held = system_locks_held(slot),
        .last_heartbeat_us = watchdog_last_alive_us(slot),
        .last_error = atomic_load(&record->last_error),
    };
    system_copy_name(out->name, record->name);
    portENTER_CRITICAL(&mailbox->lock);
    out->events_waiting = priority_queue_count(&mailbox->queue);
    out->mailbox_high_water = mailbox->queue.high_water;
    out->events_handled = mailbox->handled;
    out->events_refused = mailbox->refused;
    out->events_displaced = mailbox->displaced;
    portEXIT_CRITICAL(&mailbox->lock);
}

esp_err_t system_service_get_info(system_service_id_t id, system_service_info_t *out)
{
    unsigned slot;
    if (out == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    if (!system_is_initialized()) {
        return ESP_ERR_SERVICE_NOT_FOUND;
    }
    registry_lock();
    const esp_err_t ret = service_slot_of(id, &slot);
    if (ret == ESP_OK) {
        describe_locked(slot, out);
    }
    registry_unlock();
    return ret;
}

esp_err_t system_service_list(system_service_info_t *out, size_t *count)
{
    if (count == NULL || (out == NULL && *count != 0)) {
        return ESP_ERR_INVALID_ARG;
    }
    const size_t room = *count;
    *count = 0;
    if (!system_is_initialized()) {
        return ESP_OK;
    }
    registry_lock();
    for (unsigned slot = 0; slot < SYSTEM_SLOTS; slot++) {
        if (!s_records[slot].used) {
            continue;
        }
        if (*count < room) {
            describe_locked(slot, &out[*count]);
        }
        (*count)++;
    }
    registry_unlock();
    return *count > room ? ESP_ERR_INVALID_SIZE : ESP_OK;
}

const char *system_service_state_name(system_service_state_t state)
{
    static const char *const names[] = {
        [SYSTEM_SERVICE_STATE_REGISTERED] = "REGISTERED",
        [SYSTEM_SERVICE_STATE_STARTING] = "STARTING",
        [SYSTEM_SERVICE_STATE_RUNNING] = "RUNNING",
        [SYSTEM_SERVICE_STATE_PAUSED] = "PAUSED",
        [SYSTEM_SERVICE_STATE_STOPPING] = "STOPPING",
        [SYSTEM_SERVICE_STATE_STOPPED] = "STOPPED",
        [SYSTEM_SERVICE_STATE_RESTARTING] = "RESTARTING",
        [SYSTEM_SERVICE_STATE_ERROR] = "ERROR",
    };
    return (unsigned)state < sizeof(names) / sizeof(names[0]) ? names[state] : "?";
}
