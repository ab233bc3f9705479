// SPDX-License-Identifier: Apache-2.0
#include "system_up.h"

#include <stdatomic.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "ktest.h"

system_secure_key_t system_up(void)
{
    system_secure_key_t key;
    KTEST_CHECK(system_service_init(&key) == ESP_OK);
    return key;
}

void system_down(system_secure_key_t key)
{
    const esp_err_t ret = system_service_deinit(key);
    if (ret != ESP_OK) {
        ktest_fail(__FILE__, __LINE__, system_error_to_string(ret));
    }
}

system_service_id_t system_up_service(const char *name)
{
    static const service_quota_t wide = SYSTEM_UP_WIDE_QUOTA;
    system_service_id_t id;
    KTEST_CHECK(system_service_register(name, NULL, &id) == ESP_OK);
    KTEST_CHECK(quota_set(id, &wide) == ESP_OK);
    return id;
}

system_event_type_t system_up_type(const char *name)
{
    system_event_type_t type;
    KTEST_CHECK(system_event_register_type(name, &type) == ESP_OK);
    return type;
}

bool system_up_wait(const _Atomic uint32_t *counter, uint32_t wanted, uint32_t ms)
{
    const uint32_t bound = ktest_patience_ms(ms);
    for (uint32_t waited = 0; atomic_load(counter) < wanted; waited++) {
        if (waited >= bound) {
            return false;
        }
        vTaskDelay(pdMS_TO_TICKS(1));
    }
    return true;
}
