/* SPDX-License-Identifier: Apache-2.0 */
/* A board without a Bluetooth backend: there is no radio, and nothing of one is linked. */
#include "bluetooth_gap.h"
#include "bluetooth_gattc.h"
#include "bluetooth_gatts.h"

esp_err_t bluetooth_gap_open(bluetooth_address_t *own)
{
    *own = (bluetooth_address_t){0};
    return ESP_ERR_NOT_FOUND;
}

void bluetooth_gap_close(void)
{
}

esp_err_t bluetooth_gap_advertise(const uint8_t *data, size_t size, const uint8_t *response,
                                  size_t response_size)
{
    (void)data;
    (void)size;
    (void)response;
    (void)response_size;
    return ESP_ERR_NOT_FOUND;
}

esp_err_t bluetooth_gap_scan(bool on)
{
    (void)on;
    return ESP_ERR_NOT_FOUND;
}

esp_err_t bluetooth_gap_connect(const bluetooth_address_t *address)
{
    (void)address;
    return ESP_ERR_NOT_FOUND;
}

esp_err_t bluetooth_gap_disconnect(uint8_t link)
{
    (void)link;
    return ESP_ERR_NOT_FOUND;
}

esp_err_t bluetooth_gap_pair(uint8_t link)
{
    (void)link;
    return ESP_ERR_NOT_FOUND;
}

esp_err_t bluetooth_gap_passkey(uint8_t link, uint32_t passkey)
{
    (void)link;
    (void)passkey;
    return ESP_ERR_NOT_FOUND;
}

esp_err_t bluetooth_gatts_open(void)
{
    return ESP_ERR_NOT_FOUND;
}

esp_err_t bluetooth_gatts_notify(uint8_t link, uint8_t value, const void *data, size_t size)
{
    (void)link;
    (void)value;
    (void)data;
    (void)size;
    return ESP_ERR_NOT_FOUND;
}

esp_err_t bluetooth_gattc_discover(uint8_t link)
{
    (void)link;
    return ESP_ERR_NOT_FOUND;
}

esp_err_t bluetooth_gattc_read(uint8_t link, uint16_t handle)
{
    (void)link;
    (void)handle;
    return ESP_ERR_NOT_FOUND;
}

esp_err_t bluetooth_gattc_write(uint8_t link, uint16_t handle, const void *data, size_t size)
{
    (void)link;
    (void)handle;
    (void)data;
    (void)size;
    return ESP_ERR_NOT_FOUND;
}

esp_err_t bluetooth_gattc_subscribe(uint8_t link, uint16_t handle, bool on)
{
    (void)link;
    (void)handle;
    (void)on;
    return ESP_ERR_NOT_FOUND;
}
