/* SPDX-License-Identifier: Apache-2.0 */
#include "system_lock_internal.h"

#include "system_service/system_lock.h"

/* Locks that survive their holders are switched off. */
#ifndef CONFIG_SYSTEM_LOCKS

void system_locks_init(void)
{
}

void system_locks_holder_gone(const system_identity_t *identity)
{
    (void)identity;
}

void system_locks_end_waits(unsigned slot)
{
    (void)slot;
}

void system_locks_reclaim(unsigned slot)
{
    (void)slot;
}

void system_locks_release(unsigned slot)
{
    (void)slot;
}

unsigned system_locks_held(unsigned slot)
{
    (void)slot;
    return 0;
}

esp_err_t system_lock_create(system_service_id_t id, const char *name, uint8_t ceiling,
                             system_lock_t *out)
{
    (void)id;
    (void)ceiling;
    return name == NULL || out == NULL ? ESP_ERR_INVALID_ARG : ESP_ERR_SYSTEM_DISABLED;
}

esp_err_t system_lock_find(const char *name, system_lock_t *out)
{
    return name == NULL || out == NULL ? ESP_ERR_INVALID_ARG : ESP_ERR_SYSTEM_DISABLED;
}

esp_err_t system_lock_take(system_lock_t lock, uint32_t timeout_ms)
{
    (void)lock;
    (void)timeout_ms;
    return ESP_ERR_SYSTEM_DISABLED;
}

esp_err_t system_lock_give(system_lock_t id)
{
    (void)id;
    return ESP_ERR_SYSTEM_DISABLED;
}

esp_err_t system_lock_mend(system_lock_t id)
{
    (void)id;
    return ESP_ERR_SYSTEM_DISABLED;
}

esp_err_t system_lock_get_info(system_lock_t id, system_lock_info_t *out)
{
    (void)id;
    return out == NULL ? ESP_ERR_INVALID_ARG : ESP_ERR_SYSTEM_DISABLED;
}

#endif
