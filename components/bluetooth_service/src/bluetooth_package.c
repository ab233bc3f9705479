/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A package on its way from a peer to whoever installs it: a ring that the service fills and the
 * installing task empties. The peer may send as far ahead as the last status says there was room;
 * each piece names its place, so one that was lost is sent again. A connection that ends leaves it
 * as it is for a while: with the same order, of whoever has paired, it goes on.
 *
 * The service moves IDLE -> OFFERED, and from DONE back to IDLE; the installing task OFFERED ->
 * TAKEN -> DONE. A restart of the service finds the state as it is.
 */
#include "bluetooth_service/bluetooth_package.h"

#include <stdatomic.h>
#include <string.h>

#include "sdkconfig.h"

#include "bluetooth_internal.h"
#include "esp_attr.h"
#include "esp_log.h"
#include "esp_rom_crc.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "system_service/error_codes.h"

static const char *TAG = "bluetooth";

#define RING        CONFIG_BLUETOOTH_PACKAGE_RING
#define ORDER_BEGIN 1
#define ORDER_STOP  2
#define BEGIN_SIZE  10
#define OLDER       1 /* flags of ORDER_BEGIN */
#define UPDATE      2
#define READ_MS     (2 * CONFIG_BLUETOOTH_STALL_MS + CONFIG_BLUETOOTH_RESUME_MS)

_Static_assert((RING & (RING - 1)) == 0, "places in the ring wrap");

/* As the peer is told (docs/services/bluetooth.md). */
typedef enum {
    STATUS_IDLE = 0,
    STATUS_RECEIVING,
    STATUS_INSTALLING,
    STATUS_INSTALLED,
    STATUS_FAILED,
    STATUS_INTERRUPTED,
} status_t;

typedef enum {
    IDLE = 0,
    OFFERED,
    TAKEN,
    DONE,
} state_t;

static EXT_RAM_BSS_ATTR uint8_t s_ring[RING];
static _Atomic uint32_t s_state;
static _Atomic uint32_t s_head;  /* received: the service's */
static _Atomic uint32_t s_tail;  /* read: the installing task's */
static _Atomic int32_t s_broken; /* esp_err_t; set by the service */
static _Atomic bool s_wanted;    /* there is a task that installs, or comes when it is called */
static esp_err_t (*_Atomic s_caller)(void);
static StaticSemaphore_t s_more_storage;
static SemaphoreHandle_t s_more; /* given when one of these has changed */

/* The service's. */
static uint8_t s_link;
static uint8_t s_status;
static uint32_t s_size;
static uint32_t s_crc;
static uint8_t s_flags;
static uint32_t s_granted; /* the peer may send so far */
static bool s_complained;  /* about a gap, and nothing came since */
static int64_t s_heard_us;
static uint32_t s_bytes;
static uint32_t s_installed;

/* The installing task's, until DONE. */
static uint32_t s_sum;
static esp_err_t s_result;
static char s_name[BLUETOOTH_NAME];

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* ---- the service -------------------------------------------------------------------------------
 */

static void publish(status_t status, esp_err_t error)
{
    uint8_t out[12] = {(uint8_t)status};
    const uint32_t head = atomic_load(&s_head);
    const uint32_t room = status == STATUS_RECEIVING ? RING - (head - atomic_load(&s_tail)) : 0;
    s_status = (uint8_t)status;
    s_granted = head + room;
    out[2] = (uint8_t)room;
    out[3] = (uint8_t)(room >> 8);
    for (unsigned i = 0; i < 4; i++) {
        out[4 + i] = (uint8_t)(head >> (8 * i));
        out[8 + i] = (uint8_t)((uint32_t)error >> (8 * i));
    }
    bluetooth_peers_publish(GATT_VALUE_FILE, out, sizeof(out));
}

bool bluetooth_package_is_wanted(void)
{
    return atomic_load(&s_wanted);
}

void bluetooth_package_rouse(void)
{
    if (s_more != NULL) {
        (void)xSemaphoreGive(s_more);
    }
}

esp_err_t bluetooth_package_call(void)
{
    esp_err_t (*const caller)(void) = atomic_load(&s_caller);
    const esp_err_t ret = caller != NULL ? caller() : ESP_OK;
    bluetooth_package_rouse();
    return ret;
}

/** What is under way comes to nothing. */
static void break_off(esp_err_t error)
{
    uint32_t offered = OFFERED;
    if (s_status == STATUS_RECEIVING || s_status == STATUS_INTERRUPTED) {
        ESP_LOGW(TAG, "package: %s", system_error_to_string(error));
        atomic_store(&s_broken, error);
        publish(STATUS_FAILED, error);
    }
    (void)atomic_compare_exchange_strong(&s_state, &offered, IDLE);
    bluetooth_package_rouse();
}

void bluetooth_package_end(void)
{
    break_off(ESP_ERR_INVALID_STATE);
}

void bluetooth_package_begin(void)
{
    if (s_more == NULL) {
        s_more = xSemaphoreCreateBinaryStatic(&s_more_storage);
    }
    break_off(ESP_ERR_INVALID_STATE);
    publish(STATUS_IDLE, ESP_OK);
}

static esp_err_t begin(uint8_t link, const uint8_t *data)
{
    if (!atomic_load(&s_wanted)) {
        return ESP_ERR_NOT_SUPPORTED;
    }
    if (atomic_load(&s_state) != IDLE) {
        return ESP_ERR_INVALID_STATE;
    }
    s_size = get32(data + 1);
    s_crc = get32(data + 5);
    s_flags = data[9];
    if (s_size == 0 || s_size > CONFIG_BLUETOOTH_PACKAGE_MAX) {
        return ESP_ERR_INVALID_SIZE;
    }
    s_link = link;
    s_complained = false;
    s_heard_us = esp_timer_get_time();
    atomic_store(&s_head, 0);
    atomic_store(&s_tail, 0);
    atomic_store(&s_broken, ESP_OK);
    atomic_store(&s_state, OFFERED);
    return ESP_OK;
}

static bool is_interrupted(const uint8_t *order)
{
    return s_status == STATUS_INTERRUPTED && get32(order + 1) == s_size &&
           get32(order + 5) == s_crc && order[9] == s_flags;
}

static void go_on(uint8_t link)
{
    s_link = link;
    s_complained = false;
    s_heard_us = esp_timer_get_time();
    ESP_LOGI(TAG, "package: goes on at %u", (unsigned)atomic_load(&s_head));
    publish(STATUS_RECEIVING, ESP_OK);
}

bool bluetooth_package_order(uint8_t link, const uint8_t *data, size_t size)
{
    if (size == BEGIN_SIZE && data[0] == ORDER_BEGIN) {
        if (is_interrupted(data)) {
            go_on(link);
            return true;
        }
        if (s_status == STATUS_INTERRUPTED) {
            break_off(ESP_ERR_NOT_FINISHED); /* once that is told, this one can begin */
        }
        if (s_status == STATUS_RECEIVING || s_status == STATUS_INSTALLING) {
            return false; /* its status goes on as it is */
        }
        esp_err_t ret = begin(link, data);
        if (ret != ESP_OK) {
            publish(STATUS_FAILED, ret);
            return false;
        }
        publish(STATUS_RECEIVING, ESP_OK);
        ret = bluetooth_package_call();
        if (ret != ESP_OK) {
            break_off(ret);
        }
        return ret == ESP_OK;
    }
    if (size == 1 && data[0] == ORDER_STOP && s_status == STATUS_RECEIVING && link == s_link) {
        break_off(ESP_ERR_NOT_FINISHED);
        return true;
    }
    return false;
}

static void store(uint32_t head, const uint8_t *data, uint32_t size)
{
    const uint32_t at = head % RING;
    const uint32_t first = size < RING - at ? size : RING - at;
    memcpy(s_ring + at, data, first);
    memcpy(s_ring, data + first, size - first);
    atomic_store(&s_head, head + size);
}

bool bluetooth_package_data(uint8_t link, const uint8_t *data, size_t size)
{
    const uint32_t head = atomic_load(&s_head);
    if (s_status != STATUS_RECEIVING || link != s_link || size < 5) {
        return false;
    }
    const uint32_t length = (uint32_t)size - 4;
    const uint32_t room = RING - (head - atomic_load(&s_tail));
    if (get32(data) != head || length > room || length > s_size - head) {
        if (!s_complained) { /* once: the peer goes back to where we are */
            s_complained = true;
            publish(STATUS_RECEIVING, ESP_OK);
        }
        return false;
    }
    s_complained = false;
    s_heard_us = esp_timer_get_time();
    s_bytes += length;
    store(head, data + 4, length);
    if (head + length == s_size) {
        publish(STATUS_INSTALLING, ESP_OK);
    }
    bluetooth_package_rouse();
    return true;
}

void bluetooth_package_link_lost(uint8_t link)
{
    if (link != s_link || s_status != STATUS_RECEIVING) {
        return;
    }
    if (CONFIG_BLUETOOTH_RESUME_MS == 0) {
        break_off(ESP_ERR_NOT_FINISHED);
        return;
    }
    s_heard_us = esp_timer_get_time();
    publish(STATUS_INTERRUPTED, ESP_OK);
}

static void tell_result(void)
{
    bluetooth_told_t told = {
        .header = BLUETOOTH_HEADER(bluetooth_told_t),
        .kind = s_result == ESP_OK ? BLUETOOTH_TOLD_INSTALLED : BLUETOOTH_TOLD_NOT_INSTALLED,
        .link = s_link,
        .status = s_result,
    };
    memcpy(told.name, s_name, sizeof(told.name));
    s_installed += s_result == ESP_OK ? 1 : 0;
    publish(s_result == ESP_OK ? STATUS_INSTALLED : STATUS_FAILED, s_result);
    atomic_store(&s_state, IDLE);
    bluetooth_service_tell(&told);
}

void bluetooth_package_look(void)
{
    if (atomic_load(&s_state) == DONE) {
        tell_result();
    }
    if (s_status == STATUS_INTERRUPTED &&
        esp_timer_get_time() - s_heard_us > CONFIG_BLUETOOTH_RESUME_MS * 1000LL) {
        break_off(ESP_ERR_NOT_FINISHED);
    }
    if (s_status != STATUS_RECEIVING) {
        return;
    }
    const uint32_t head = atomic_load(&s_head);
    if (s_granted - head <= RING / 2 && RING - (head - atomic_load(&s_tail)) > RING / 2) {
        publish(STATUS_RECEIVING, ESP_OK); /* go on */
    }
    if (esp_timer_get_time() - s_heard_us > CONFIG_BLUETOOTH_STALL_MS * 1000LL) {
        break_off(ESP_ERR_TIMEOUT);
    }
}

void bluetooth_package_describe(bluetooth_info_t *info)
{
    info->received = s_bytes;
    info->installed = s_installed;
}

/* ---- the installing task -----------------------------------------------------------------------
 */

void bluetooth_package_on_offer(esp_err_t (*call)(void))
{
    atomic_store(&s_caller, call);
    atomic_store(&s_wanted, true);
}

bool bluetooth_package_is_offered(void)
{
    return atomic_load(&s_state) == OFFERED || bluetooth_setup_is_offered();
}

esp_err_t bluetooth_package_wait(bluetooth_package_t *out, uint32_t timeout_ms)
{
    const int64_t end_us = esp_timer_get_time() + timeout_ms * 1000LL;
    atomic_store(&s_wanted, true);
    if (atomic_load(&s_state) == TAKEN) { /* by a task that has ended in the middle of it */
        bluetooth_package_done(ESP_ERR_INVALID_STATE, "");
    }
    for (;;) {
        uint32_t offered = OFFERED;
        if (atomic_compare_exchange_strong(&s_state, &offered, TAKEN)) {
            *out = (bluetooth_package_t){
                .size = s_size,
                .update = (s_flags & UPDATE) != 0,
                .allow_older = (s_flags & OLDER) != 0,
            };
            s_sum = 0;
            return ESP_OK;
        }
        if (bluetooth_setup_is_offered()) {
            return ESP_ERR_NOT_FINISHED;
        }
        const int64_t left_us = end_us - esp_timer_get_time();
        if (left_us <= 0) {
            return ESP_ERR_TIMEOUT;
        }
        const TickType_t ticks = pdMS_TO_TICKS(left_us / 1000 + 1);
        if (s_more != NULL) {
            (void)xSemaphoreTake(s_more, ticks);
        } else { /* the service has not started yet */
            vTaskDelay(ticks < pdMS_TO_TICKS(100) ? ticks : pdMS_TO_TICKS(100));
        }
    }
}

esp_err_t bluetooth_package_read(void *arg, void *to, size_t room, size_t *got)
{
    (void)arg;
    const uint32_t tail = atomic_load(&s_tail);
    *got = 0;
    if (tail == s_size) {
        return s_sum == s_crc ? ESP_OK : ESP_ERR_INVALID_CRC;
    }
    while (atomic_load(&s_head) == tail && atomic_load(&s_broken) == ESP_OK) {
        /* The service breaks off what stalls, unless it is down itself. */
        if (xSemaphoreTake(s_more, pdMS_TO_TICKS(READ_MS)) != pdTRUE) {
            return ESP_ERR_TIMEOUT;
        }
    }
    const esp_err_t broken = atomic_load(&s_broken);
    if (broken != ESP_OK) {
        return broken;
    }
    const uint32_t at = tail % RING;
    uint32_t size = atomic_load(&s_head) - tail;
    size = size < RING - at ? size : RING - at;
    size = size < room ? size : (uint32_t)room;
    memcpy(to, s_ring + at, size);
    s_sum = esp_rom_crc32_le(s_sum, to, size);
    atomic_store(&s_tail, tail + size);
    *got = size;
    bluetooth_service_wake();
    return ESP_OK;
}

void bluetooth_package_done(esp_err_t status, const char *name)
{
    s_result = status;
    memset(s_name, 0, sizeof(s_name));
    memcpy(s_name, name, strnlen(name, sizeof(s_name) - 1));
    atomic_store(&s_state, DONE);
    bluetooth_service_wake();
}
