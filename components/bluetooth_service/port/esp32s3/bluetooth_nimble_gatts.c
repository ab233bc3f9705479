/* SPDX-License-Identifier: Apache-2.0 */
/* The table of bluetooth_table.h as NimBLE wants it, and who reads and writes it. */
#include <string.h>

#include "sdkconfig.h"

#include "bluetooth_gatts.h"
#include "bluetooth_nimble.h"
#include "bluetooth_table.h"
#include "esp_attr.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host/ble_hs.h"
#include "nimble/nimble_port.h"
#include "services/gap/ble_svc_gap.h"
#include "services/gatt/ble_svc_gatt.h"

#define SERVICES 4  /* at most, and one that ends the list */
#define WAIT_MS  10 /* between two looks for room, in the inbox or for a notification */
#define WAITS    20

/* NimBLE keeps pointers into all of these. */
static EXT_RAM_BSS_ATTR struct ble_gatt_svc_def s_services[SERVICES + 1];
static EXT_RAM_BSS_ATTR struct ble_gatt_chr_def s_characteristics[GATT_VALUES + SERVICES];
static EXT_RAM_BSS_ATTR ble_uuid_any_t s_uuids[GATT_VALUES + SERVICES];
static uint16_t s_handles[GATT_VALUES];

static _Atomic uint16_t s_wanted[BLUETOOTH_LINKS]; /* bit n: notifications of value n */
static _Atomic uint8_t s_waits;                    /* bit n: link n found no room */
static struct ble_npl_callout s_room;

/* ---- what peers do, in the host's task ---------------------------------------------------------
 */

static int give_value(uint8_t value, struct os_mbuf *to)
{
    uint8_t data[BLUETOOTH_VALUE];
    const size_t size = bluetooth_value_get(value, data, sizeof(data));
    return os_mbuf_append(to, data, (uint16_t)size) == 0 ? 0 : BLE_ATT_ERR_INSUFFICIENT_RES;
}

/** A service that is behind lets the peer wait: the controller takes no more meanwhile. */
static bool wait_for_room(void)
{
    for (unsigned i = 0; i < WAITS && bluetooth_inbox_room() == 0; i++) {
        vTaskDelay(pdMS_TO_TICKS(WAIT_MS));
    }
    return bluetooth_inbox_room() != 0;
}

static int take_value(uint8_t link, uint8_t value, const struct os_mbuf *from)
{
    uint8_t data[BLUETOOTH_VALUE];
    uint16_t size = 0;
    if (OS_MBUF_PKTLEN(from) > gatt_characteristic(value)->longest) {
        return BLE_ATT_ERR_INVALID_ATTR_VALUE_LEN;
    }
    if (ble_hs_mbuf_to_flat(from, data, sizeof(data), &size) != 0) {
        return BLE_ATT_ERR_UNLIKELY;
    }
    if (!wait_for_room()) {
        return BLE_ATT_ERR_INSUFFICIENT_RES;
    }
    nimble_tell(
        (bluetooth_radio_event_t){.kind = BLUETOOTH_RADIO_WRITE, .link = link, .value = value},
        data, size);
    explicit_bzero(data, size); /* it may have been a secret */
    return 0;
}

static int on_access(uint16_t handle, uint16_t attribute, struct ble_gatt_access_ctxt *context,
                     void *arg)
{
    const gatt_characteristic_t *characteristic = arg;
    const uint8_t link = nimble_link(handle);
    (void)attribute;
    if (context->op == BLE_GATT_ACCESS_OP_READ_CHR) {
        return give_value(characteristic->value, context->om);
    }
    if (context->op == BLE_GATT_ACCESS_OP_WRITE_CHR && link != BLUETOOTH_NO_LINK) {
        return take_value(link, characteristic->value, context->om);
    }
    return BLE_ATT_ERR_UNLIKELY;
}

uint8_t nimble_gatts_value(uint16_t handle)
{
    uint8_t value = 0;
    while (value < GATT_VALUES && (handle == 0 || s_handles[value] != handle)) {
        value++;
    }
    return value;
}

void nimble_gatts_link(uint8_t link)
{
    atomic_store(&s_wanted[link], 0);
    atomic_fetch_and(&s_waits, (uint8_t) ~(1u << link));
}

void nimble_gatts_subscribed(uint8_t link, uint8_t value, bool on)
{
    const uint16_t bit = (uint16_t)(1u << value);
    if (on) {
        atomic_fetch_or(&s_wanted[link], bit);
    } else {
        atomic_fetch_and(&s_wanted[link], (uint16_t)~bit);
    }
    nimble_tell(
        (bluetooth_radio_event_t){
            .kind = BLUETOOTH_RADIO_SUBSCRIBED, .link = link, .value = value, .number = on ? 1 : 0},
        NULL, 0);
}

/** Nobody tells when a buffer comes back: those who wait try again. */
static void on_room(struct ble_npl_event *event)
{
    (void)event;
    const uint8_t waits = atomic_exchange(&s_waits, 0);
    for (uint8_t link = 0; link < BLUETOOTH_LINKS; link++) {
        if ((waits >> link & 1) != 0) {
            nimble_tell((bluetooth_radio_event_t){.kind = BLUETOOTH_RADIO_ROOM, .link = link}, NULL,
                        0);
        }
    }
}

/* ---- the table ---------------------------------------------------------------------------------
 */

static const ble_uuid_t *uuid_of(unsigned place, const gatt_uuid_t *uuid)
{
    return ble_uuid_init_from_buf(&s_uuids[place], uuid->bytes, uuid->size) == 0 ? &s_uuids[place].u
                                                                                 : NULL;
}

static ble_gatt_chr_flags flags_of(const gatt_characteristic_t *characteristic)
{
    ble_gatt_chr_flags flags = 0;
    flags |= (characteristic->properties & GATT_READ) != 0 ? BLE_GATT_CHR_F_READ : 0;
    flags |= (characteristic->properties & GATT_WRITE) != 0 ? BLE_GATT_CHR_F_WRITE : 0;
    flags |=
        (characteristic->properties & GATT_WRITE_NO_ANSWER) != 0 ? BLE_GATT_CHR_F_WRITE_NO_RSP : 0;
    flags |= (characteristic->properties & GATT_NOTIFY) != 0 ? BLE_GATT_CHR_F_NOTIFY : 0;
    flags |= characteristic->secured ? BLE_GATT_CHR_F_WRITE_ENC | BLE_GATT_CHR_F_WRITE_AUTHEN : 0;
    return flags;
}

/** @param place of its first characteristic, and where its UUIDs begin @return where the next is */
static unsigned fill_service(struct ble_gatt_svc_def *out, const gatt_service_t *service,
                             unsigned place)
{
    out->type = BLE_GATT_SVC_TYPE_PRIMARY;
    out->characteristics = &s_characteristics[place];
    for (unsigned i = 0; i < service->count; i++, place++) {
        const gatt_characteristic_t *characteristic = &service->characteristics[i];
        s_characteristics[place] = (struct ble_gatt_chr_def){
            .uuid = uuid_of(place, &characteristic->uuid),
            .access_cb = on_access,
            .arg = (void *)(uintptr_t)characteristic,
            .flags = flags_of(characteristic),
            .val_handle = &s_handles[characteristic->value],
        };
    }
    out->uuid = uuid_of(place, &service->uuid); /* beside the empty one that ends the list */
    return place + 1;
}

int nimble_gatts_register(void)
{
    unsigned count = 0, place = 0;
    ble_svc_gap_init();
    ble_svc_gatt_init();
    for (unsigned i = 0; i < gatt_table_size; i++) {
        if (gatt_table[i].of_stack) {
            continue; /* the stack brings them along */
        }
        if (count == SERVICES || place + gatt_table[i].count >= GATT_VALUES + SERVICES) {
            return BLE_HS_ENOMEM;
        }
        place = fill_service(&s_services[count++], &gatt_table[i], place);
    }
    const int rc = ble_gatts_count_cfg(s_services);
    return rc == 0 ? ble_gatts_add_svcs(s_services) : rc;
}

void nimble_gatts_begin(void)
{
    static bool s_begun; /* with each controller that is found again the stack says so anew */
    (void)ble_svc_gap_device_name_set(CONFIG_BLUETOOTH_NAME);
    if (!s_begun) {
        ble_npl_callout_init(&s_room, nimble_port_get_dflt_eventq(), on_room, NULL);
        s_begun = true;
    }
}

/* ---- the seam ----------------------------------------------------------------------------------
 */

esp_err_t bluetooth_gatts_open(void)
{
    return ESP_OK; /* it was given to the stack before that began */
}

esp_err_t bluetooth_gatts_notify(uint8_t link, uint8_t value, const void *data, size_t size)
{
    const uint16_t handle = nimble_handle(link);
    if (handle == BLE_HS_CONN_HANDLE_NONE) {
        return ESP_ERR_NOT_FOUND;
    }
    if ((atomic_load(&s_wanted[link]) >> value & 1) == 0) {
        return ESP_ERR_INVALID_STATE;
    }
    const size_t room = ble_att_mtu(handle) > 3 ? ble_att_mtu(handle) - 3u : 0;
    struct os_mbuf *om = ble_hs_mbuf_from_flat(data, (uint16_t)(size < room ? size : room));
    const int rc = om != NULL ? ble_gatts_notify_custom(handle, s_handles[value], om)
                              : BLE_HS_ENOMEM; /* the stack frees it, whatever it says */
    if (rc == BLE_HS_ENOMEM) {
        atomic_fetch_or(&s_waits, (uint8_t)(1u << link));
        (void)ble_npl_callout_reset(&s_room, ble_npl_time_ms_to_ticks32(WAIT_MS));
    }
    return nimble_error(rc);
}
