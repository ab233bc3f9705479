/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tasks that a service creates itself and attaches, so that they act with its identity. A task that
 * is deleted without detaching gives its place back through FreeRTOS' deletion callback.
 */
#include "service_record.h"
#include "system_lock_internal.h"

static system_identity_t s_attached[CONFIG_SYSTEM_MAX_ATTACHED_TASKS];
static _Atomic bool s_taken[CONFIG_SYSTEM_MAX_ATTACHED_TASKS];

static void on_task_deleted(int index, void *identity)
{
    (void)index;
    if (identity != NULL) {
        system_locks_holder_gone(identity);
        atomic_store(&s_taken[(system_identity_t *)identity - s_attached], false);
    }
}

esp_err_t system_service_attach_task(system_service_id_t id)
{
    unsigned slot;
    esp_err_t ret = service_slot_of(id, &slot);
    if (ret != ESP_OK) {
        return ret;
    }
    if (system_identity() != NULL || service_record(slot)->is_app) {
        return ESP_ERR_NOT_OWNER;
    }
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_ATTACHED_TASKS; i++) {
        bool expected = false;
        if (atomic_compare_exchange_strong(&s_taken[i], &expected, true)) {
            atomic_store(&s_attached[i].slot, (uint8_t)slot);
            atomic_store(&s_attached[i].depth, 0);
            atomic_store(&s_attached[i].locks, 0);
            system_identity_set_until(&s_attached[i], on_task_deleted);
            return ESP_OK;
        }
    }
    return ESP_ERR_NO_MEM;
}

esp_err_t system_service_detach_task(void)
{
    system_identity_t *identity = system_identity();
    if (identity < s_attached || identity >= s_attached + CONFIG_SYSTEM_MAX_ATTACHED_TASKS) {
        return ESP_ERR_INVALID_STATE;
    }
    system_locks_forgotten(identity);
    system_identity_set_until(NULL, NULL);
    atomic_store(&s_taken[identity - s_attached], false);
    return ESP_OK;
}

bool attached_tasks_inside(void)
{
    bool inside = false;
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_ATTACHED_TASKS; i++) {
        inside |= atomic_load(&s_taken[i]) && atomic_load(&s_attached[i].depth) != 0;
    }
    return inside;
}
