/* SPDX-License-Identifier: Apache-2.0 */
/* The seams over BlueZ: each becomes an order. */
#include <string.h>

#include "bluetooth_ad.h"
#include "bluetooth_port.h"
#include "bluez.h"

static bool is_link(uint8_t link)
{
    return link < BLUETOOTH_LINKS && (atomic_load(&bluez_links) >> link & 1) != 0;
}

static esp_err_t order(bluez_order_t what, const void *data, size_t size)
{
    return bluez_order(&what, data, size) ? ESP_OK : ESP_ERR_NO_MEM;
}

static esp_err_t advertise(const uint8_t *data, size_t size, const uint8_t *response,
                           size_t response_size)
{
    char name[BLUETOOTH_NAME] = "";
    bool kraken = false;
    if (data != NULL) {
        bluetooth_ad_read(data, size, &kraken, name);
        bluetooth_ad_read(response, response_size, &kraken, name);
    }
    return order((bluez_order_t){.kind = BLUEZ_ADVERTISE, .on = data != NULL, .value = kraken},
                 name, sizeof(name));
}

static esp_err_t scan(bool on)
{
    return order((bluez_order_t){.kind = BLUEZ_SCAN, .on = on}, NULL, 0);
}

static esp_err_t connect_to(const bluetooth_address_t *address)
{
    bluez_order_t what = {.kind = BLUEZ_CONNECT, .on = address != NULL};
    if (address != NULL) {
        what.address = *address;
    }
    return order(what, NULL, 0);
}

static esp_err_t on_link(bluez_order_kind_t kind, uint8_t link, uint32_t number)
{
    return is_link(link)
               ? order((bluez_order_t){.kind = (uint8_t)kind, .link = link, .number = number}, NULL,
                       0)
               : ESP_ERR_NOT_FOUND;
}

static esp_err_t disconnect(uint8_t link)
{
    return on_link(BLUEZ_DISCONNECT, link, 0);
}

static esp_err_t pair(uint8_t link)
{
    return link == BLUETOOTH_NO_LINK ? order((bluez_order_t){.kind = BLUEZ_FORGET}, NULL, 0)
                                     : on_link(BLUEZ_PAIR, link, 0);
}

static esp_err_t passkey(uint8_t link, uint32_t number)
{
    return is_link(link) && atomic_load(&bluez_asked) != link
               ? ESP_ERR_INVALID_STATE
               : on_link(BLUEZ_PASSKEY, link, number);
}

static esp_err_t notify(uint8_t link, uint8_t value, const void *data, size_t size)
{
    const uint8_t links = atomic_load(&bluez_links);
    if (!is_link(link)) {
        return ESP_ERR_NOT_FOUND;
    }
    if ((atomic_load(&bluez_wanted) >> value & 1) == 0) {
        return ESP_ERR_INVALID_STATE;
    }
    if ((links & ((1u << link) - 1)) != 0) {
        return ESP_OK; /* BlueZ sends what was sent on the first link to all */
    }
    return order((bluez_order_t){.kind = BLUEZ_NOTIFY, .value = value}, data, size);
}

/** One thing at a time on each link. */
static esp_err_t ask(bluez_order_t what, const void *data, size_t size)
{
    const uint8_t bit = (uint8_t)(1u << what.link);
    if (!is_link(what.link)) {
        return ESP_ERR_NOT_FOUND;
    }
    if ((atomic_fetch_or(&bluez_busy, bit) & bit) != 0) {
        return ESP_ERR_INVALID_STATE;
    }
    const esp_err_t ret = order(what, data, size);
    if (ret != ESP_OK) {
        atomic_fetch_and(&bluez_busy, (uint8_t)~bit);
    }
    return ret;
}

static esp_err_t discover(uint8_t link)
{
    return ask((bluez_order_t){.kind = BLUEZ_DISCOVER, .link = link}, NULL, 0);
}

static esp_err_t read_value(uint8_t link, uint16_t handle)
{
    return ask((bluez_order_t){.kind = BLUEZ_READ, .link = link, .handle = handle}, NULL, 0);
}

static esp_err_t write_value(uint8_t link, uint16_t handle, const void *data, size_t size)
{
    return ask((bluez_order_t){.kind = BLUEZ_WRITE, .link = link, .handle = handle}, data, size);
}

static esp_err_t subscribe(uint8_t link, uint16_t handle, bool on)
{
    return ask((bluez_order_t){.kind = BLUEZ_SUBSCRIBE, .link = link, .handle = handle, .on = on},
               NULL, 0);
}

const bluetooth_port_t bluetooth_port_bluez = {
    .open = bluez_open,
    .close = bluez_close,
    .advertise = advertise,
    .scan = scan,
    .connect = connect_to,
    .disconnect = disconnect,
    .pair = pair,
    .passkey = passkey,
    .notify = notify,
    .discover = discover,
    .read = read_value,
    .write = write_value,
    .subscribe = subscribe,
};
