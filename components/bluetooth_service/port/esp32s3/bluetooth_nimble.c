/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stack: started once, in a task of its own that then becomes the host's. A call of the service
 * never waits for it, and a service that is ended in the middle of one leaves nothing half done.
 *
 * Each life of the service begins with a radio that has no links: the host's task ends what there
 * is and tells BLUETOOTH_RADIO_RESET, so that whatever it told before is known to be over.
 */
#include "bluetooth_nimble.h"

#include <string.h>

#include "sdkconfig.h"

#include "bluetooth_gap.h"
#include "esp_log.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host/ble_hs.h"
#include "host/util/util.h"
#include "nimble/nimble_port.h"

static const char *TAG = "bluetooth";

#define PRIORITY (configMAX_PRIORITIES - 4) /* as NimBLE's own */

/* NimBLE has it, and no header declares it. */
void ble_store_config_init(void);

typedef enum {
    OFF = 0, /* the stack does not run, or has lost the controller */
    WANTED,  /* to be made empty, by the host's task */
    READY,   /* it is; the next to open has it */
    IN_USE,
} phase_t;

static _Atomic uint32_t s_phase;
static _Atomic bool s_started;
static _Atomic uint16_t s_handles[BLUETOOTH_LINKS];
static bluetooth_address_t s_own;
static uint8_t s_own_type;
static struct ble_npl_event s_reset;

/* ---- links -------------------------------------------------------------------------------------
 */

uint16_t nimble_handle(uint8_t link)
{
    return link < BLUETOOTH_LINKS ? atomic_load(&s_handles[link]) : BLE_HS_CONN_HANDLE_NONE;
}

uint8_t nimble_link(uint16_t handle)
{
    for (uint8_t i = 0; i < BLUETOOTH_LINKS && handle != BLE_HS_CONN_HANDLE_NONE; i++) {
        if (atomic_load(&s_handles[i]) == handle) {
            return i;
        }
    }
    return BLUETOOTH_NO_LINK;
}

uint8_t nimble_link_begin(uint16_t handle)
{
    for (uint8_t i = 0; i < BLUETOOTH_LINKS; i++) {
        if (atomic_load(&s_handles[i]) == BLE_HS_CONN_HANDLE_NONE) {
            atomic_store(&s_handles[i], handle);
            return i;
        }
    }
    return BLUETOOTH_NO_LINK;
}

void nimble_link_end(uint8_t link)
{
    atomic_store(&s_handles[link], BLE_HS_CONN_HANDLE_NONE);
}

uint8_t nimble_own_type(void)
{
    return s_own_type;
}

static void forget_links(void)
{
    for (unsigned i = 0; i < BLUETOOTH_LINKS; i++) {
        atomic_store(&s_handles[i], BLE_HS_CONN_HANDLE_NONE);
    }
}

void nimble_tell(bluetooth_radio_event_t event, const void *data, size_t size)
{
    (void)bluetooth_inbox_put(&event, data, size); /* what is lost is counted */
}

esp_err_t nimble_error(int rc)
{
    switch (rc) {
    case 0:
        return ESP_OK;
    case BLE_HS_ENOMEM:
        return ESP_ERR_NO_MEM;
    case BLE_HS_ENOTCONN:
    case BLE_HS_ENOTSYNCED:
    case BLE_HS_EDISABLED:
        return ESP_ERR_NOT_FOUND;
    case BLE_HS_EALREADY:
    case BLE_HS_EBUSY:
        return ESP_ERR_INVALID_STATE;
    case BLE_HS_EINVAL:
        return ESP_ERR_INVALID_ARG;
    case BLE_HS_ENOTSUP:
        return ESP_ERR_NOT_SUPPORTED;
    default:
        return ESP_FAIL;
    }
}

/* ---- the host's task ---------------------------------------------------------------------------
 */

static void make_empty(void)
{
    nimble_gap_reset();
    forget_links();
    atomic_store(&s_phase, READY);
    nimble_tell((bluetooth_radio_event_t){.kind = BLUETOOTH_RADIO_RESET}, NULL, 0);
}

static void on_reset_wanted(struct ble_npl_event *event)
{
    (void)event;
    if (ble_hs_synced() && atomic_load(&s_phase) == WANTED) {
        make_empty();
    }
}

/** The controller answers. */
static void on_sync(void)
{
    int rc = ble_hs_util_ensure_addr(0);
    rc = rc == 0 ? ble_hs_id_infer_auto(0, &s_own_type) : rc;
    rc = rc == 0 ? ble_hs_id_copy_addr(s_own_type, s_own.bytes, NULL) : rc;
    if (rc != 0) {
        ESP_LOGE(TAG, "no address: NimBLE says %d; the radio stays off", rc);
        return;
    }
    s_own.random = s_own_type != BLE_OWN_ADDR_PUBLIC ? 1 : 0;
    nimble_gatts_begin();
    make_empty();
}

/** It does not answer any more; NimBLE goes on asking it. */
static void on_lost(int reason)
{
    ESP_LOGW(TAG, "the controller was lost: NimBLE says %d", reason);
    forget_links();
    atomic_store(&s_phase, OFF);
    nimble_tell((bluetooth_radio_event_t){.kind = BLUETOOTH_RADIO_RESET}, NULL, 0);
}

static void configure(void)
{
    ble_hs_cfg.sync_cb = on_sync;
    ble_hs_cfg.reset_cb = on_lost;
    ble_hs_cfg.sm_io_cap = BLE_SM_IO_CAP_DISP_ONLY; /* who asks us; nimble_gap_begin() */
    ble_hs_cfg.sm_bonding = 1;
    ble_hs_cfg.sm_mitm = 1;
    ble_hs_cfg.sm_sc = 1;
    ble_hs_cfg.sm_our_key_dist = BLE_SM_PAIR_KEY_DIST_ENC | BLE_SM_PAIR_KEY_DIST_ID;
    ble_hs_cfg.sm_their_key_dist = BLE_SM_PAIR_KEY_DIST_ENC | BLE_SM_PAIR_KEY_DIST_ID;
    ble_store_config_init();
    nimble_bonds_begin();
}

static void host_task(void *arg)
{
    (void)arg;
    const esp_err_t ret = nimble_port_init();
    if (ret == ESP_OK) {
        configure();
        const int rc = nimble_gatts_register();
        if (rc == 0) {
            ble_npl_event_init(&s_reset, on_reset_wanted, NULL);
            nimble_gap_begin();
            nimble_port_run(); /* for ever */
        }
        ESP_LOGE(TAG, "the table was not taken: NimBLE says %d", rc);
    } else {
        ESP_LOGE(TAG, "no radio: %s", esp_err_to_name(ret));
    }
    vTaskDelete(NULL);
}

/* ---- the seam ----------------------------------------------------------------------------------
 */

esp_err_t bluetooth_gap_open(bluetooth_address_t *own)
{
    uint32_t ready = READY;
    if (!atomic_exchange(&s_started, true)) {
        forget_links();
        if (xTaskCreatePinnedToCore(host_task, "nimble_host", NIMBLE_HS_STACK_SIZE, NULL, PRIORITY,
                                    NULL, NIMBLE_CORE) != pdPASS) {
            atomic_store(&s_started, false);
            return ESP_ERR_NO_MEM;
        }
        return ESP_ERR_NOT_FINISHED;
    }
    if (atomic_compare_exchange_strong(&s_phase, &ready, IN_USE)) {
        *own = s_own;
        return ESP_OK;
    }
    if (ready == OFF) {
        return ESP_ERR_NOT_FOUND;
    }
    bluetooth_gap_close(); /* another life has left it as it is */
    return ESP_ERR_NOT_FINISHED;
}

void bluetooth_gap_close(void)
{
    uint32_t in_use = IN_USE;
    if (atomic_compare_exchange_strong(&s_phase, &in_use, WANTED) || in_use == WANTED) {
        ble_npl_eventq_put(nimble_port_get_dflt_eventq(), &s_reset);
    }
}
