/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Supervisors: which services restart together, and how often before the supervisor above is asked.
 */
#include "supervisor_internal.h"

#include <string.h>

#include "esp_attr.h"
#include "esp_log.h"

#include "event_internal.h"

static const char *TAG = "supervisor";

typedef struct {
    char name[SYSTEM_NAME_MAX + 1];
    uint8_t strategy; /* system_strategy_t */
    system_supervisor_t parent;
    uint8_t max_restarts;
    uint32_t window_ms;
    restart_history_t history; /* the supervisor task's own */
} group_t;

/* Number 0 is the root: one for one, and no limit but those of the services. Groups are added under
 * the registry lock and never change; s_count grows when one is complete. */
static EXT_RAM_BSS_ATTR group_t s_groups[CONFIG_SYSTEM_MAX_SUPERVISORS + 1];
static _Atomic uint8_t s_count;

void supervisor_groups_init(void)
{
    memset(s_groups, 0, sizeof(s_groups));
    system_copy_name(s_groups[SYSTEM_SUPERVISOR_ROOT].name, "root");
    atomic_store(&s_count, 1);
}

static esp_err_t check(const system_supervisor_config_t *config)
{
    if ((unsigned)config->strategy > SYSTEM_STRATEGY_REST_FOR_ONE ||
        config->parent >= atomic_load(&s_count) || config->max_restarts > RESTART_HISTORY) {
        return ESP_ERR_INVALID_ARG;
    }
    const size_t length = strnlen(config->name, SYSTEM_NAME_MAX + 1);
    if (length == 0 || !service_name_valid(config->name)) {
        return ESP_ERR_INVALID_ARG;
    }
    return length > SYSTEM_NAME_MAX ? ESP_ERR_SERVICE_NAME_TOO_LONG : ESP_OK;
}

esp_err_t system_supervisor_create(const system_supervisor_config_t *config,
                                   system_supervisor_t *out)
{
    if (config == NULL || config->name == NULL || out == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    if (!system_is_initialized()) {
        return ESP_ERR_SYSTEM_NOT_INITIALIZED;
    }
    if (system_current_slot() != SYSTEM_SLOT_NONE) {
        return ESP_ERR_NOT_OWNER;
    }
    registry_lock();
    esp_err_t ret = check(config);
    const uint8_t number = atomic_load(&s_count);
    for (uint8_t n = 0; ret == ESP_OK && n < number; n++) {
        if (strcmp(s_groups[n].name, config->name) == 0) {
            ret = ESP_ERR_SERVICE_ALREADY_REGISTERED;
        }
    }
    if (ret == ESP_OK && number > CONFIG_SYSTEM_MAX_SUPERVISORS) {
        ret = ESP_ERR_SERVICE_TABLE_FULL;
    }
    if (ret == ESP_OK) {
        group_t *group = &s_groups[number];
        system_copy_name(group->name, config->name);
        group->strategy = (uint8_t)config->strategy;
        group->parent = config->parent;
        group->max_restarts = (uint8_t)(config->max_restarts ? config->max_restarts
                                                             : CONFIG_SYSTEM_WATCHDOG_MAX_RESTARTS);
        group->window_ms = config->window_ms ? config->window_ms : CONFIG_SYSTEM_RESTART_WINDOW_MS;
        atomic_store(&s_count, (uint8_t)(number + 1));
        *out = number;
    }
    registry_unlock();
    return ret;
}

esp_err_t system_supervisor_assign(system_service_id_t id, system_supervisor_t supervisor)
{
    unsigned slot;
    if (supervisor >= atomic_load(&s_count)) {
        return ESP_ERR_INVALID_ARG;
    }
    if (system_current_slot() != SYSTEM_SLOT_NONE) {
        return ESP_ERR_NOT_OWNER;
    }
    registry_lock();
    esp_err_t ret = service_slot_of(id, &slot);
    if (ret == ESP_OK && service_record(slot)->is_app) {
        ret = ESP_ERR_SERVICE_NOT_FOUND;
    }
    if (ret == ESP_OK) {
        atomic_store(&supervised(slot)->group, supervisor);
    }
    registry_unlock();
    return ret;
}

system_supervisor_t supervisor_group_of(unsigned slot)
{
    return atomic_load(&supervised(slot)->group);
}

/** The group is the other one, or below it. */
static bool is_within(system_supervisor_t group, system_supervisor_t other)
{
    while (group != other && group != SYSTEM_SUPERVISOR_ROOT) {
        group = s_groups[group].parent;
    }
    return group == other;
}

slot_set_t supervisor_group_members(system_supervisor_t group)
{
    slot_set_t set = 0;
    for (unsigned slot = 0; slot < SYSTEM_SLOTS; slot++) {
        if (supervised_present(slot) && !service_record(slot)->is_app &&
            is_within(supervisor_group_of(slot), group)) {
            set |= SLOT_BIT(slot);
        }
    }
    return set;
}

slot_set_t supervisor_group_companions(unsigned slot)
{
    const system_supervisor_t group = supervisor_group_of(slot);
    if (group == SYSTEM_SUPERVISOR_ROOT ||
        s_groups[group].strategy == SYSTEM_STRATEGY_ONE_FOR_ONE) {
        return 0;
    }
    slot_set_t set = supervisor_group_members(group) & ~SLOT_BIT(slot);
    if (s_groups[group].strategy == SYSTEM_STRATEGY_REST_FOR_ONE) {
        registry_lock();
        set &= dependencies_dependants_of(slot);
        registry_unlock();
    }
    return set;
}

bool supervisor_group_count(system_supervisor_t *group, uint32_t now_ms)
{
    while (*group != SYSTEM_SUPERVISOR_ROOT) {
        group_t *g = &s_groups[*group];
        if (restart_history_count(&g->history, now_ms, g->window_ms) < g->max_restarts) {
            restart_history_add(&g->history, now_ms);
            return true;
        }
        ESP_LOGE(TAG, "supervisor %s: too many restarts", g->name);
        if (g->parent == SYSTEM_SUPERVISOR_ROOT) {
            return false;
        }
        *group = g->parent;
    }
    return true;
}
