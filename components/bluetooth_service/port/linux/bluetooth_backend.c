/* SPDX-License-Identifier: Apache-2.0 */
/* The seams: each call goes to the radio that the program was started with. */
#include "bluetooth_port.h"
#include "host_radio.h"

static const bluetooth_port_t *port(void)
{
    return host_radio_is_computers() ? &bluetooth_port_bluez : &bluetooth_port_virtual;
}

esp_err_t bluetooth_gap_open(bluetooth_address_t *own)
{
    return port()->open(own);
}

void bluetooth_gap_close(void)
{
    port()->close();
}

esp_err_t bluetooth_gap_advertise(const uint8_t *data, size_t size, const uint8_t *response,
                                  size_t response_size)
{
    return port()->advertise(data, size, response, response_size);
}

esp_err_t bluetooth_gap_scan(bool on)
{
    return port()->scan(on);
}

esp_err_t bluetooth_gap_connect(const bluetooth_address_t *address)
{
    return port()->connect(address);
}

esp_err_t bluetooth_gap_disconnect(uint8_t link)
{
    return port()->disconnect(link);
}

esp_err_t bluetooth_gap_pair(uint8_t link)
{
    return port()->pair(link);
}

esp_err_t bluetooth_gap_passkey(uint8_t link, uint32_t passkey)
{
    return port()->passkey(link, passkey);
}

esp_err_t bluetooth_gatts_open(void)
{
    return ESP_OK; /* offered since the radio is open */
}

esp_err_t bluetooth_gatts_notify(uint8_t link, uint8_t value, const void *data, size_t size)
{
    return port()->notify(link, value, data, size);
}

esp_err_t bluetooth_gattc_discover(uint8_t link)
{
    return port()->discover(link);
}

esp_err_t bluetooth_gattc_read(uint8_t link, uint16_t handle)
{
    return port()->read(link, handle);
}

esp_err_t bluetooth_gattc_write(uint8_t link, uint16_t handle, const void *data, size_t size)
{
    return port()->write(link, handle, data, size);
}

esp_err_t bluetooth_gattc_subscribe(uint8_t link, uint16_t handle, bool on)
{
    return port()->subscribe(link, handle, on);
}
