/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the service and its backends: faults, as cables, radios and servers have them. Above the
 * backends, so that the same can be tried on every board.
 */
#include "network_internal.h"

#include "sdkconfig.h"

#include "esp_log.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "system_service/error_codes.h"

#ifdef CONFIG_SYSTEM_FAULT_INJECTION

static const char *TAG = "network";

#define SHORT_BYTES 1000

/* Survives restarts, as a broken cable does. Read by the tasks of downloads too. */
static _Atomic network_fault_t s_fault;
static bool s_cut;                                     /* that it is unplugged is to be told */
static uint32_t s_left[CONFIG_NETWORK_HTTP_TRANSFERS]; /* bytes until it breaks off */

static const char *const s_names[NETWORK_FAULTS] = {
    [NETWORK_FAULT_NONE] = "none",   [NETWORK_FAULT_UNPLUGGED] = "unplugged",
    [NETWORK_FAULT_STUCK] = "stuck", [NETWORK_FAULT_SHORT] = "short",
    [NETWORK_FAULT_WRONG] = "wrong",
};

esp_err_t network_link_inject(network_fault_t fault)
{
    if ((unsigned)fault >= NETWORK_FAULTS) {
        return ESP_ERR_INVALID_ARG;
    }
    s_cut = fault == NETWORK_FAULT_UNPLUGGED;
    atomic_store(&s_fault, fault);
    ESP_LOGW(TAG, "fault between us and the network: %s", s_names[fault]);
    return ESP_OK;
}

static bool unplugged(void)
{
    return atomic_load(&s_fault) == NETWORK_FAULT_UNPLUGGED;
}

static void hang_if_stuck(void)
{
    if (atomic_load(&s_fault) == NETWORK_FAULT_STUCK) {
        atomic_store(&s_fault,
                     NETWORK_FAULT_NONE); /* the next life finds a driver that was reset */
        for (;;) {
            vTaskDelay(portMAX_DELAY);
        }
    }
}

static bool take_cut(link_event_t *event)
{
    if (unplugged()) {
        while (link_backend_take(event)) {
            /* nothing of it arrives */
        }
        *event = (link_event_t){.kind = LINK_LOST, .reason = ESP_ERR_NOT_FOUND};
        const bool first = s_cut;
        s_cut = false;
        return first;
    }
    return link_backend_take(event);
}

static esp_err_t read_badly(unsigned slot, uint8_t *to, size_t room, size_t *got)
{
    const network_fault_t fault = atomic_load(&s_fault);
    if (fault == NETWORK_FAULT_SHORT) {
        room = room < s_left[slot] ? room : s_left[slot];
        if (room == 0) {
            return ESP_ERR_NETWORK_TRUNCATED;
        }
    }
    const esp_err_t ret = http_backend_read(slot, to, room, got);
    if (ret == ESP_OK && fault == NETWORK_FAULT_SHORT) {
        s_left[slot] -= *got;
    }
    if (ret == ESP_OK && fault == NETWORK_FAULT_WRONG && *got != 0) {
        to[*got / 2] ^= 0x5a;
    }
    return ret;
}

static void begin_transfer(unsigned slot)
{
    s_left[slot] = SHORT_BYTES;
}

#else /* a product: the backends alone */

esp_err_t network_link_inject(network_fault_t fault)
{
    (void)fault;
    return ESP_ERR_SYSTEM_DISABLED;
}

static bool unplugged(void)
{
    return false;
}

static void hang_if_stuck(void)
{
}

static bool take_cut(link_event_t *event)
{
    return link_backend_take(event);
}

static esp_err_t read_badly(unsigned slot, uint8_t *to, size_t room, size_t *got)
{
    return http_backend_read(slot, to, room, got);
}

static void begin_transfer(unsigned slot)
{
    (void)slot;
}

#endif

esp_err_t network_link_open(void (*changed)(void), bool *radio)
{
    return link_backend_open(changed, radio);
}

esp_err_t network_link_scan(void)
{
    hang_if_stuck();
    return unplugged() ? ESP_ERR_NOT_FOUND : link_backend_scan();
}

esp_err_t network_link_join(const char *name, const char *secret, bool host)
{
    hang_if_stuck();
    return unplugged() ? ESP_ERR_NOT_FOUND : link_backend_join(name, secret, host);
}

bool network_link_take(link_event_t *event)
{
    hang_if_stuck();
    return take_cut(event);
}

esp_err_t network_link_http_open(unsigned slot, const http_request_t *request,
                                 http_answer_t *answer)
{
    begin_transfer(slot);
    return unplugged() ? ESP_ERR_NETWORK_HOST : http_backend_open(slot, request, answer);
}

esp_err_t network_link_http_read(unsigned slot, void *to, size_t room, size_t *got)
{
    return unplugged() ? ESP_ERR_NETWORK_TRUNCATED : read_badly(slot, to, room, got);
}
