/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orders of a paired peer that others carry out. The service moves IDLE -> OFFERED, and from DONE
 * back to IDLE; the task that carries them out OFFERED -> TAKEN -> DONE. What takes too long, since
 * that task is stuck or gone, the service gives up: from OFFERED or TAKEN to IDLE.
 */
#include "bluetooth_service/bluetooth_setup.h"

#include <stdatomic.h>
#include <string.h>

#include "sdkconfig.h"

#include "bluetooth_internal.h"
#include "esp_attr.h"
#include "esp_log.h"
#include "esp_timer.h"

static const char *TAG = "bluetooth";

#define LONGEST_US (CONFIG_BLUETOOTH_SETUP_MS * 1000LL)
#define NAME_MAX   (sizeof(s_order.name) - 1)
#define SECRET_MAX (sizeof(s_order.secret) - 1)

/* As the peer is told (docs/services/bluetooth.md). */
typedef enum {
    STATUS_IDLE = 0,
    STATUS_BUSY,
    STATUS_DONE,
    STATUS_FAILED,
} status_t;

enum {
    IDLE = 0,
    OFFERED,
    TAKEN,
    DONE,
};

static _Atomic uint32_t s_state;
static EXT_RAM_BSS_ATTR bluetooth_setup_t s_order;
static esp_err_t s_result; /* the other task's, until DONE */
static int64_t s_since_us; /* the service's: an order is under way */

static void publish(status_t status, esp_err_t error)
{
    uint8_t out[8] = {(uint8_t)status};
    for (unsigned i = 0; i < 4; i++) {
        out[4 + i] = (uint8_t)((uint32_t)error >> (8 * i));
    }
    bluetooth_peers_publish(GATT_VALUE_SETUP, out, sizeof(out));
}

void bluetooth_setup_begin(void)
{
    uint32_t offered = OFFERED;
    (void)atomic_compare_exchange_strong(&s_state, &offered, IDLE); /* what nobody has taken */
    publish(atomic_load(&s_state) == IDLE ? STATUS_IDLE : STATUS_BUSY, ESP_OK);
}

/** 1, length of the name, name, secret. */
static bool take_network(bluetooth_setup_t *order, const uint8_t *data, size_t size)
{
    const size_t name = size >= 2 ? data[1] : 0;
    if (name == 0 || name > NAME_MAX || 2 + name > size || size - 2 - name > SECRET_MAX ||
        memchr(data + 2, 0, size - 2) != NULL) {
        return false;
    }
    memcpy(order->name, data + 2, name);
    memcpy(order->secret, data + 2 + name, size - 2 - name);
    return true;
}

/** 2, and a word that nobody writes by mistake. */
static bool is_reset(const uint8_t *data, size_t size)
{
    static const char s_word[] = "RESET";
    return size == sizeof(s_word) && memcmp(data + 1, s_word, sizeof(s_word) - 1) == 0;
}

bool bluetooth_setup_order(const uint8_t *data, size_t size)
{
    bluetooth_setup_t order = {.what = size != 0 ? data[0] : 0};
    const bool good = (order.what == BLUETOOTH_SETUP_JOIN && take_network(&order, data, size)) ||
                      (order.what == BLUETOOTH_SETUP_FORGET && is_reset(data, size));
    if (atomic_load(&s_state) != IDLE) {
        return false; /* its status goes on as it is */
    }
    if (!good || !bluetooth_package_is_wanted()) {
        publish(STATUS_FAILED, good ? ESP_ERR_NOT_SUPPORTED : ESP_ERR_INVALID_ARG);
        return false;
    }
    s_order = order;
    explicit_bzero(&order, sizeof(order));
    s_since_us = esp_timer_get_time();
    publish(STATUS_BUSY, ESP_OK);
    atomic_store(&s_state, OFFERED);
    const esp_err_t ret = bluetooth_package_call();
    uint32_t offered = OFFERED;
    if (ret != ESP_OK && atomic_compare_exchange_strong(&s_state, &offered, IDLE)) {
        explicit_bzero(&s_order, sizeof(s_order));
        publish(STATUS_FAILED, ret);
        return false;
    }
    return true;
}

bool bluetooth_setup_is_offered(void)
{
    return atomic_load(&s_state) == OFFERED;
}

void bluetooth_setup_look(void)
{
    if (atomic_load(&s_state) == DONE) {
        publish(s_result == ESP_OK ? STATUS_DONE : STATUS_FAILED, s_result);
        atomic_store(&s_state, IDLE);
        return;
    }
    uint32_t state = atomic_load(&s_state);
    if (state != IDLE && esp_timer_get_time() - s_since_us > LONGEST_US &&
        atomic_compare_exchange_strong(&s_state, &state, IDLE)) {
        ESP_LOGE(TAG, "what a peer wants to set up: nobody has finished it");
        explicit_bzero(&s_order, sizeof(s_order));
        publish(STATUS_FAILED, ESP_ERR_TIMEOUT);
    }
}

/* ---- the other task ----------------------------------------------------------------------------
 */

bool bluetooth_setup_take(bluetooth_setup_t *out)
{
    uint32_t offered = OFFERED;
    if (!atomic_compare_exchange_strong(&s_state, &offered, TAKEN)) {
        return false;
    }
    *out = s_order;
    explicit_bzero(&s_order, sizeof(s_order)); /* no secret is kept longer than it is needed */
    return true;
}

void bluetooth_setup_done(esp_err_t status)
{
    uint32_t taken = TAKEN;
    s_result = status;
    if (atomic_compare_exchange_strong(&s_state, &taken, DONE)) { /* else it was given up */
        bluetooth_service_wake();
    }
}
