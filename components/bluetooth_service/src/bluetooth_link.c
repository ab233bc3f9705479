/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the service and its backends: faults, as a radio has them. Above the backends, so that
 * the same can be tried on every board.
 */
#include "bluetooth_internal.h"

#include "sdkconfig.h"

#include "esp_log.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "system_service/error_codes.h"

#ifdef CONFIG_SYSTEM_FAULT_INJECTION

static const char *TAG = "bluetooth";

static bluetooth_fault_t s_fault; /* survives restarts, as a broken radio does */

static const char *const s_names[BLUETOOTH_FAULTS] = {
    [BLUETOOTH_FAULT_NONE] = "none",   [BLUETOOTH_FAULT_UNPLUGGED] = "unplugged",
    [BLUETOOTH_FAULT_STUCK] = "stuck", [BLUETOOTH_FAULT_SHORT] = "short",
    [BLUETOOTH_FAULT_WRONG] = "wrong",
};

esp_err_t bluetooth_link_inject(bluetooth_fault_t fault)
{
    if ((unsigned)fault >= BLUETOOTH_FAULTS) {
        return ESP_ERR_INVALID_ARG;
    }
    s_fault = fault;
    ESP_LOGW(TAG, "fault between us and the radio: %s", s_names[fault]);
    return ESP_OK;
}

esp_err_t bluetooth_link_call(void)
{
    if (s_fault == BLUETOOTH_FAULT_STUCK) {
        s_fault = BLUETOOTH_FAULT_NONE; /* the next life finds a radio that was reset */
        for (;;) {
            vTaskDelay(portMAX_DELAY);
        }
    }
    return s_fault == BLUETOOTH_FAULT_UNPLUGGED ? ESP_ERR_NOT_FOUND : ESP_OK;
}

bool bluetooth_link_take(bluetooth_radio_event_t *event)
{
    while (bluetooth_inbox_take(event)) {
        switch (s_fault) {
        case BLUETOOTH_FAULT_UNPLUGGED:
            continue;
        case BLUETOOTH_FAULT_SHORT:
            event->size /= 2;
            return true;
        case BLUETOOTH_FAULT_WRONG:
            for (unsigned i = 0; i < event->size; i++) {
                event->data[i] ^= 0x55;
            }
            return true;
        default:
            return true;
        }
    }
    return false;
}

#else /* a product: the backend alone */

esp_err_t bluetooth_link_inject(bluetooth_fault_t fault)
{
    (void)fault;
    return ESP_ERR_SYSTEM_DISABLED;
}

esp_err_t bluetooth_link_call(void)
{
    return ESP_OK;
}

bool bluetooth_link_take(bluetooth_radio_event_t *event)
{
    return bluetooth_inbox_take(event);
}

#endif
