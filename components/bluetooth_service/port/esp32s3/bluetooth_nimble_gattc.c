/* SPDX-License-Identifier: Apache-2.0 */
/* What peers offer. NimBLE would queue; the seam wants one thing at a time on each link. */
#include <string.h>

#include "bluetooth_gattc.h"
#include "bluetooth_nimble.h"
#include "bluetooth_table.h"
#include "host/ble_hs.h"

#define LAST_HANDLE 0xffff

static _Atomic bool s_busy[BLUETOOTH_LINKS];
static uint16_t s_handle[BLUETOOTH_LINKS]; /* that is read, written or subscribed to */
static bool s_on[BLUETOOTH_LINKS];         /* to be subscribed to */

void nimble_gattc_link(uint8_t link)
{
    atomic_store(&s_busy[link], false);
}

static uint8_t link_of(const void *arg)
{
    return (uint8_t)(uintptr_t)arg;
}

/** An error of ATT. */
static uint8_t code_of(int status)
{
    return status == 0 || status == BLE_HS_EDONE ? 0
           : status > BLE_HS_ERR_ATT_BASE && status < BLE_HS_ERR_HCI_BASE
               ? (uint8_t)(status - BLE_HS_ERR_ATT_BASE)
               : BLE_ATT_ERR_UNLIKELY;
}

/** What was under way is over; a link that has ended was told of by itself. */
static void finish(uint8_t link, uint16_t handle, bluetooth_radio_kind_t kind, int status,
                   const void *data, size_t size)
{
    atomic_store(&s_busy[link], false);
    if (nimble_link(handle) == link) {
        nimble_tell((bluetooth_radio_event_t){.kind = (uint8_t)kind,
                                              .link = link,
                                              .code = code_of(status),
                                              .handle = s_handle[link]},
                    data, size);
    }
}

/* ---- answers, in the host's task ---------------------------------------------------------------
 */

/** A UUID of 32 bits, which nobody uses, is told as the one of 128 bits that it stands for. */
static size_t uuid_bytes(const ble_uuid_any_t *uuid, uint8_t out[16])
{
    static const uint8_t s_base[16] = {0xfb, 0x34, 0x9b, 0x5f, 0x80, 0x00, 0x00, 0x80, 0x00, 0x10};
    if (uuid->u.type == BLE_UUID_TYPE_16) {
        out[0] = (uint8_t)uuid->u16.value;
        out[1] = (uint8_t)(uuid->u16.value >> 8);
        return 2;
    }
    memcpy(out, uuid->u.type == BLE_UUID_TYPE_128 ? uuid->u128.value : s_base, 16);
    for (unsigned i = 0; uuid->u.type == BLE_UUID_TYPE_32 && i < 4; i++) {
        out[12 + i] = (uint8_t)(uuid->u32.value >> (8 * i));
    }
    return 16;
}

static int on_characteristic(uint16_t handle, const struct ble_gatt_error *error,
                             const struct ble_gatt_chr *found, void *arg)
{
    const uint8_t link = link_of(arg);
    uint8_t uuid[16];
    if (error->status != 0) {
        s_handle[link] = 0;
        finish(link, handle, BLUETOOTH_RADIO_DISCOVERED, error->status, NULL, 0);
    } else if (nimble_link(handle) == link) {
        const size_t size = uuid_bytes(&found->uuid, uuid);
        nimble_tell((bluetooth_radio_event_t){.kind = BLUETOOTH_RADIO_CHARACTERISTIC,
                                              .link = link,
                                              .handle = found->val_handle,
                                              .number = found->properties},
                    uuid, size);
    }
    return 0;
}

static int on_read(uint16_t handle, const struct ble_gatt_error *error,
                   struct ble_gatt_attr *attribute, void *arg)
{
    uint8_t data[BLUETOOTH_VALUE];
    uint16_t size = 0;
    if (error->status == 0 && attribute != NULL) {
        (void)ble_hs_mbuf_to_flat(attribute->om, data, sizeof(data), &size);
    }
    finish(link_of(arg), handle, BLUETOOTH_RADIO_READ, error->status, data, size);
    return 0;
}

static int on_written(uint16_t handle, const struct ble_gatt_error *error,
                      struct ble_gatt_attr *attribute, void *arg)
{
    (void)attribute;
    finish(link_of(arg), handle, BLUETOOTH_RADIO_WRITTEN, error->status, NULL, 0);
    return 0;
}

/** Look for the client configuration of our value, which comes before the next characteristic. */
static int on_descriptor(uint16_t handle, const struct ble_gatt_error *error, uint16_t value_handle,
                         const struct ble_gatt_dsc *found, void *arg)
{
    const uint8_t link = link_of(arg);
    (void)value_handle;
    if (error->status != 0) { /* the last one, too, was not it */
        const int status = error->status == BLE_HS_EDONE
                               ? BLE_HS_ATT_ERR(BLE_ATT_ERR_ATTR_NOT_FOUND)
                               : error->status;
        finish(link, handle, BLUETOOTH_RADIO_WRITTEN, status, NULL, 0);
        return 0;
    }
    const uint16_t type = ble_uuid_u16(&found->uuid.u);
    if (type == GATT_UUID_CLIENT_CONFIG) {
        const uint8_t value[2] = {s_on[link] ? 1 : 0, 0};
        const int rc =
            ble_gattc_write_flat(handle, found->handle, value, sizeof(value), on_written, arg);
        if (rc != 0) {
            finish(link, handle, BLUETOOTH_RADIO_WRITTEN, rc, NULL, 0);
        }
        return BLE_HS_EDONE; /* look no further */
    }
    if (type == GATT_UUID_CHARACTERISTIC || type == GATT_UUID_PRIMARY_SERVICE) {
        finish(link, handle, BLUETOOTH_RADIO_WRITTEN, BLE_HS_ATT_ERR(BLE_ATT_ERR_ATTR_NOT_FOUND),
               NULL, 0);
        return BLE_HS_EDONE;
    }
    return 0;
}

/* ---- the seam ----------------------------------------------------------------------------------
 */

/** @return BLE_HS_CONN_HANDLE_NONE, and why in *ret */
static uint16_t begin(uint8_t link, uint16_t handle, esp_err_t *ret)
{
    const uint16_t connection = nimble_handle(link);
    *ret = ESP_OK;
    if (connection == BLE_HS_CONN_HANDLE_NONE) {
        *ret = ESP_ERR_NOT_FOUND;
    } else if (atomic_exchange(&s_busy[link], true)) {
        *ret = ESP_ERR_INVALID_STATE;
        return BLE_HS_CONN_HANDLE_NONE;
    } else {
        s_handle[link] = handle;
    }
    return connection;
}

static esp_err_t began(uint8_t link, int rc)
{
    if (rc != 0) {
        atomic_store(&s_busy[link], false);
    }
    return nimble_error(rc);
}

esp_err_t bluetooth_gattc_discover(uint8_t link)
{
    esp_err_t ret;
    const uint16_t connection = begin(link, 0, &ret);
    return ret != ESP_OK
               ? ret
               : began(link, ble_gattc_disc_all_chrs(connection, 1, LAST_HANDLE, on_characteristic,
                                                     (void *)(uintptr_t)link));
}

esp_err_t bluetooth_gattc_read(uint8_t link, uint16_t handle)
{
    esp_err_t ret;
    const uint16_t connection = begin(link, handle, &ret);
    return ret != ESP_OK
               ? ret
               : began(link, ble_gattc_read(connection, handle, on_read, (void *)(uintptr_t)link));
}

esp_err_t bluetooth_gattc_write(uint8_t link, uint16_t handle, const void *data, size_t size)
{
    esp_err_t ret;
    const uint16_t connection = begin(link, handle, &ret);
    if (ret != ESP_OK) {
        return ret;
    }
    if (size + 3 > ble_att_mtu(connection)) {
        (void)began(link, BLE_HS_EMSGSIZE);
        return ESP_ERR_INVALID_SIZE;
    }
    return began(link, ble_gattc_write_flat(connection, handle, data, (uint16_t)size, on_written,
                                            (void *)(uintptr_t)link));
}

esp_err_t bluetooth_gattc_subscribe(uint8_t link, uint16_t handle, bool on)
{
    esp_err_t ret;
    const uint16_t connection = begin(link, handle, &ret);
    if (ret != ESP_OK) {
        return ret;
    }
    s_on[link] = on;
    return began(link, ble_gattc_disc_all_dscs(connection, handle, LAST_HANDLE, on_descriptor,
                                               (void *)(uintptr_t)link));
}
