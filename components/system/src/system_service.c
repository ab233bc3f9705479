/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bringing the core up and down, the secure key, the seal.
 */
#include "system_service/system_service.h"

#include <string.h>

#include "esp_log.h"
#include "esp_random.h"

#include "app_manager_internal.h"
#include "common_events_internal.h"
#include "flight_recorder_internal.h"
#include "handler_monitor_internal.h"
#include "health_report_internal.h"
#include "heap_monitor_internal.h"
#include "log_control_internal.h"
#include "memory_utils_internal.h"
#include "request_internal.h"
#include "resource_quota_internal.h"
#include "service_dependencies_internal.h"
#include "service_record.h"
#include "system_lock_internal.h"
#include "task_end.h"

static const char *TAG = "system_service";

static _Atomic bool s_initialized;
static _Atomic bool s_sealed;
static bool s_taken_down = true; /* nothing of a system before this one is left */
static system_secure_key_t s_key;

bool system_is_initialized(void)
{
    return atomic_load_explicit(&s_initialized, memory_order_acquire);
}

/* ---- the key -------------------------------------------------------------------------------- */

bool system_service_key_valid(system_secure_key_t key)
{
    /* Every byte is looked at, whatever the first ones say: the time taken tells nothing. */
    volatile uint8_t difference = 0;
    for (size_t i = 0; i < sizeof(key.bytes); i++) {
        difference |= (uint8_t)(key.bytes[i] ^ s_key.bytes[i]);
    }
    return difference == 0 && system_is_initialized();
}

static esp_err_t check_key(system_secure_key_t key)
{
    if (!system_is_initialized()) {
        return ESP_ERR_SYSTEM_NOT_INITIALIZED;
    }
    return system_service_key_valid(key) ? ESP_OK : ESP_ERR_SYSTEM_BAD_KEY;
}

/* ---- up and down ---------------------------------------------------------------------------- */

static void init_state(void)
{
    boot_record_init(); /* first: it finds out what the last boot left */
    service_manager_init();
    dependencies_init();
    quota_init();
    watchdog_init();
    handler_monitor_init();
    event_types_init();
    event_routes_init();
    event_subs_init();
    event_mailbox_init();
    event_bus_init();
    requests_init();
    system_locks_init();
    memory_accounts_init();
    log_control_init();
    task_end_self_test();
}

/** No id is alive any more: wait for those who looked at one before. @return false: they stay */
static bool posts_end(void)
{
    for (TickType_t waited = 0;
         atomic_load(&system_posts_of_firmware) != 0 || attached_tasks_inside(); waited++) {
        if (waited >= pdMS_TO_TICKS(CONFIG_SYSTEM_STOP_GRACE_MS)) {
            return false;
        }
        vTaskDelay(1);
    }
    return true;
}

/** @return false: somebody is inside a post and does not come back; what it uses is kept */
static bool take_down(void)
{
    (void)event_workers_stop();
    service_manager_deinit();
    s_taken_down = posts_end();
    if (!s_taken_down) {
        ESP_LOGE(TAG, "a task is inside a post and does not go on: the pools are kept for it");
        return false;
    }
    requests_stop();
    event_timers_deinit();
    event_types_deinit();
    memory_pool_deinit();
    return true;
}

esp_err_t system_service_init(system_secure_key_t *key)
{
    if (system_is_initialized() || (!s_taken_down && !take_down())) {
        return ESP_ERR_INVALID_STATE;
    }
    init_state();
    esp_err_t ret = memory_pool_init();
    if (ret == ESP_OK) {
        ret = event_timers_init();
    }
    if (ret == ESP_OK) {
        ret = requests_start();
    }
    if (ret == ESP_OK) {
        ret = event_workers_start();
    }
    if (ret != ESP_OK) {
        ESP_LOGE(TAG, "cannot start: %s", system_error_to_string(ret));
        (void)take_down();
        return ret;
    }
    esp_fill_random(s_key.bytes, sizeof(s_key.bytes));
    atomic_store(&s_sealed, false);
    atomic_store_explicit(&s_initialized, true, memory_order_release);
    ret = common_events_register();
    if (ret == ESP_OK) {
        ret = supervisor_start();
    }
    if (ret == ESP_OK) {
        ret = heap_monitor_init();
    }
    if (ret == ESP_OK) {
        app_manager_init();
        ret = health_report_init();
    }
    if (ret == ESP_OK) {
        ret = boot_record_start();
    }
    if (ret != ESP_OK) {
        ESP_LOGE(TAG, "cannot start: %s", system_error_to_string(ret));
        boot_record_stop();
        health_report_deinit();
        app_manager_deinit();
        (void)supervisor_stop();
        atomic_store(&s_initialized, false);
        (void)take_down();
        return ret;
    }
    if (key != NULL) {
        *key = s_key;
    }
    ESP_LOGI(TAG, "up: %u services, %u apps, %u event types, %u subscriptions at most",
             CONFIG_SYSTEM_MAX_SERVICES, CONFIG_SYSTEM_MAX_APPS, CONFIG_SYSTEM_MAX_EVENT_TYPES,
             CONFIG_SYSTEM_MAX_SUBSCRIPTIONS);
    return ESP_OK;
}

esp_err_t system_service_deinit(system_secure_key_t key)
{
    esp_err_t ret = check_key(key);
    if (ret != ESP_OK) {
        return ret;
    }
    common_event_post(SYSTEM_EVENT_SHUTDOWN, NULL, 0, SYSTEM_EVENT_PRIORITY_CRITICAL);
    app_manager_stop_all();
    ret = supervisor_stop();
    if (ret != ESP_OK) {
        return ret;
    }
    boot_record_stop();
    app_manager_deinit();
    health_report_deinit();
    memory_unseal();
    atomic_store(&s_sealed, false);
    atomic_store(&s_initialized, false);
    memset(&s_key, 0, sizeof(s_key));
    return take_down() ? ESP_OK : ESP_ERR_TIMEOUT;
}

esp_err_t system_service_seal(system_secure_key_t key)
{
    const esp_err_t ret = check_key(key);
    if (ret != ESP_OK) {
        return ret;
    }
    bool expected = false;
    if (!atomic_compare_exchange_strong(&s_sealed, &expected, true)) {
        return ESP_ERR_INVALID_STATE;
    }
    memory_seal();
    common_event_post(SYSTEM_EVENT_SYSTEM_READY, NULL, 0, SYSTEM_EVENT_PRIORITY_HIGH);
    return ESP_OK;
}

uint32_t system_seal_violations(void)
{
    return memory_seal_violations();
}

esp_err_t system_service_get_stats(system_secure_key_t key, uint32_t *total_services,
                                   uint32_t *total_events, uint32_t *total_subscriptions)
{
    const esp_err_t ret = check_key(key);
    if (ret != ESP_OK) {
        return ret;
    }
    system_event_bus_stats_t bus;
    (void)system_event_get_bus_stats(&bus);
    if (total_services != NULL) {
        *total_services = service_count();
    }
    if (total_events != NULL) {
        *total_events = bus.posted;
    }
    if (total_subscriptions != NULL) {
        *total_subscriptions = event_subs_count(SYSTEM_SLOT_NONE);
    }
    return ESP_OK;
}
