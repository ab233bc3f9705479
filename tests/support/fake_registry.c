/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_registry.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "esp_timer.h"

#include "supervisor_wake.h"
#include "system_service/service_manager.h"

static struct {
    char name[SYSTEM_NAME_MAX + 1];
    uint32_t generation;
    bool used;
    bool is_app;
} s_owner[SYSTEM_SLOTS];

/* One per thread, as on the device: threads of a test may act for different owners. */
static _Thread_local unsigned s_current = SYSTEM_SLOT_NONE;
static int s_locks;
static _Atomic int64_t s_now;

void fake_registry_reset(void)
{
    memset(s_owner, 0, sizeof(s_owner));
    s_current = SYSTEM_SLOT_NONE;
    s_locks = 0;
    s_now = 0;
}

system_service_id_t fake_registry_add(unsigned slot, const char *name, bool is_app)
{
    assert(slot < SYSTEM_SLOTS && !s_owner[slot].used);
    snprintf(s_owner[slot].name, sizeof(s_owner[slot].name), "%s", name);
    s_owner[slot].generation++;
    s_owner[slot].used = true;
    s_owner[slot].is_app = is_app;
    return service_slot_id(slot);
}

void fake_registry_remove(unsigned slot)
{
    s_owner[slot].used = false;
}

void fake_registry_run_as(unsigned slot)
{
    s_current = slot;
}

bool fake_registry_locked(void)
{
    return s_locks > 0;
}

void fake_clock_set(int64_t us)
{
    s_now = us;
}

void fake_clock_advance(int64_t us)
{
    s_now += us;
}

int64_t esp_timer_get_time(void)
{
    return s_now;
}

esp_err_t service_slot_of(system_service_id_t id, unsigned *slot)
{
    const unsigned n = system_id_slot(id);

    if (n >= SYSTEM_SLOTS || id >> 8 == 0 || id >> 8 > s_owner[n].generation) {
        return ESP_ERR_SERVICE_NOT_FOUND;
    }
    if (!s_owner[n].used || id >> 8 != s_owner[n].generation) {
        return ESP_ERR_SERVICE_STALE_ID;
    }
    *slot = n;
    return ESP_OK;
}

esp_err_t service_slot_for_caller(system_service_id_t id, unsigned *slot)
{
    unsigned n = 0;
    const esp_err_t err = service_slot_of(id, &n);

    if (err != ESP_OK) {
        return err;
    }
    if (s_current != n && (s_current != SYSTEM_SLOT_NONE || s_owner[n].is_app)) {
        return ESP_ERR_NOT_OWNER;
    }
    *slot = n;
    return ESP_OK;
}

const char *service_slot_name(unsigned slot)
{
    return slot < SYSTEM_SLOTS && s_owner[slot].used ? s_owner[slot].name : "?";
}

system_service_id_t service_slot_id(unsigned slot)
{
    return slot < SYSTEM_SLOTS && s_owner[slot].used ? s_owner[slot].generation << 8 | slot
                                                     : SYSTEM_SERVICE_ID_NONE;
}

unsigned system_current_slot(void)
{
    return s_current;
}

void registry_lock(void)
{
    assert(s_locks == 0);
    s_locks++;
}

void registry_unlock(void)
{
    assert(s_locks == 1);
    s_locks--;
}

esp_err_t system_service_get_info(system_service_id_t id, system_service_info_t *out)
{
    unsigned slot = 0;
    const esp_err_t err = service_slot_of(id, &slot);

    if (err != ESP_OK) {
        return err;
    }
    *out = (system_service_info_t){.id = id, .is_app = s_owner[slot].is_app};
    snprintf(out->name, sizeof(out->name), "%s", s_owner[slot].name);
    return ESP_OK;
}

/* Nobody rests, so nobody is woken. */
_Atomic uint8_t supervisor_rests;

void supervisor_end_rest(void)
{
}
