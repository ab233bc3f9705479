/* SPDX-License-Identifier: Apache-2.0 */
/* The three seams over the PC's host stack and the virtual radio. */
#include <stdbool.h>

#include "bluetooth_bonds.h"
#include "bluetooth_host.h"
#include "bluetooth_port.h"
#include "bluetooth_security.h"

/* ---- GAP ---------------------------------------------------------------------------------------
 */

static esp_err_t advertise(const uint8_t *data, size_t size, const uint8_t *response,
                           size_t response_size)
{
    bluetooth_host_lock();
    host_radio_t *radio = bluetooth_host_radio();
    if (radio != NULL) {
        host_radio_advertise(radio, data, size, response, response_size);
    }
    bluetooth_host_unlock();
    return radio != NULL ? ESP_OK : ESP_ERR_NOT_FOUND;
}

static esp_err_t scan(bool on)
{
    bluetooth_host_lock();
    host_radio_t *radio = bluetooth_host_radio();
    if (radio != NULL) {
        host_radio_scan(radio, on);
    }
    bluetooth_host_unlock();
    return radio != NULL ? ESP_OK : ESP_ERR_NOT_FOUND;
}

static esp_err_t connect_to(const bluetooth_address_t *address)
{
    bluetooth_host_lock();
    host_radio_t *radio = bluetooth_host_radio();
    if (radio != NULL) {
        host_radio_connect(radio, address != NULL ? address->bytes : NULL);
    }
    bluetooth_host_unlock();
    return radio != NULL ? ESP_OK : ESP_ERR_NOT_FOUND;
}

static esp_err_t disconnect(uint8_t link)
{
    bluetooth_host_lock();
    const bool done = bluetooth_host_link(link) != NULL &&
                      host_radio_disconnect(bluetooth_host_radio(), link, HOST_RADIO_BY_PEER);
    bluetooth_host_unlock();
    return done ? ESP_OK : ESP_ERR_NOT_FOUND;
}

static esp_err_t pair(uint8_t link)
{
    bluetooth_host_lock();
    if (link == BLUETOOTH_NO_LINK) {
        bluetooth_bonds_forget(NULL);
        bluetooth_host_unlock();
        return ESP_OK;
    }
    const bluetooth_host_link_t *peer = bluetooth_host_link(link);
    esp_err_t ret = peer == NULL ? ESP_ERR_NOT_FOUND : ESP_OK;
    if (peer != NULL && smp_is_going_on(&peer->smp)) {
        ret = ESP_ERR_INVALID_STATE;
    }
    if (ret == ESP_OK) {
        bluetooth_security_pair(link);
    }
    bluetooth_host_unlock();
    return ret;
}

static esp_err_t enter_passkey(uint8_t link, uint32_t passkey)
{
    uint8_t pdu[SMP_PDU];
    bluetooth_host_lock();
    bluetooth_host_link_t *peer = bluetooth_host_link(link);
    const size_t size = peer != NULL ? smp_passkey(&peer->smp, passkey, pdu) : 0;
    if (size != 0) {
        bluetooth_host_send(link, BLUETOOTH_OUT_SMP, pdu, size);
    }
    bluetooth_host_unlock();
    return peer == NULL ? ESP_ERR_NOT_FOUND : size != 0 ? ESP_OK : ESP_ERR_INVALID_STATE;
}

/* ---- GATT server -------------------------------------------------------------------------------
 */

static esp_err_t notify(uint8_t link, uint8_t value, const void *data, size_t size)
{
    uint8_t pdu[ATT_MTU];
    bluetooth_host_lock();
    const bluetooth_host_link_t *peer = bluetooth_host_link(link);
    esp_err_t ret = ESP_ERR_NOT_FOUND;
    if (peer != NULL) {
        const size_t length = att_server_notify(&peer->server, value, data, size, pdu);
        ret = length == 0                                ? ESP_ERR_INVALID_STATE
              : bluetooth_host_notify(link, pdu, length) ? ESP_OK
                                                         : ESP_ERR_NO_MEM;
    }
    bluetooth_host_unlock();
    return ret;
}

/* ---- GATT client -------------------------------------------------------------------------------
 */

typedef enum {
    DISCOVER,
    READ,
    WRITE,
    SUBSCRIBE
} request_t;

static esp_err_t request(uint8_t number, request_t what, uint16_t handle, bool on, const void *data,
                         size_t size)
{
    uint8_t pdu[ATT_MTU];
    size_t length = 0;
    esp_err_t ret = ESP_OK;
    bluetooth_host_lock();
    bluetooth_host_link_t *link = bluetooth_host_link(number);
    if (link == NULL) {
        ret = ESP_ERR_NOT_FOUND;
    } else if (link->client.state != ATT_CLIENT_IDLE) {
        ret = ESP_ERR_INVALID_STATE;
    } else if (what == DISCOVER) {
        length = att_client_discover(&link->client, pdu);
    } else if (what == READ) {
        length = att_client_read(&link->client, handle, pdu);
    } else if (what == WRITE) {
        length = att_client_write(&link->client, handle, data, size, pdu);
    } else {
        length = att_client_subscribe(&link->client, handle, on, pdu);
    }
    if (length != 0) {
        bluetooth_host_send(number, BLUETOOTH_OUT_CLIENT, pdu, length);
        bluetooth_host_expect(number);
    } else if (ret == ESP_OK) {
        ret = ESP_ERR_INVALID_SIZE;
    }
    bluetooth_host_unlock();
    return ret;
}

static esp_err_t discover(uint8_t link)
{
    return request(link, DISCOVER, 0, false, NULL, 0);
}

static esp_err_t read_value(uint8_t link, uint16_t handle)
{
    return request(link, READ, handle, false, NULL, 0);
}

static esp_err_t write_value(uint8_t link, uint16_t handle, const void *data, size_t size)
{
    return request(link, WRITE, handle, false, data, size);
}

static esp_err_t subscribe(uint8_t link, uint16_t handle, bool on)
{
    return request(link, SUBSCRIBE, handle, on, NULL, 0);
}

const bluetooth_port_t bluetooth_port_virtual = {
    .open = bluetooth_host_open,
    .close = bluetooth_host_close,
    .advertise = advertise,
    .scan = scan,
    .connect = connect_to,
    .disconnect = disconnect,
    .pair = pair,
    .passkey = enter_passkey,
    .notify = notify,
    .discover = discover,
    .read = read_value,
    .write = write_value,
    .subscribe = subscribe,
};
