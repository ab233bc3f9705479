/* SPDX-License-Identifier: Apache-2.0 */
/* The scripted link: a cable, or networks by name, and nothing that depends on the PC. */
#include "network_ports.h"

#include <stdatomic.h>
#include <string.h>

#include "esp_timer.h"
#include "host_control.h"
#include "host_network.h"

#define SCAN_MS     400
#define JOIN_MS     200
#define UTC_AT_BOOT INT64_C(1767225600000000) /* 2026-01-01, so that every run is the same */
#define WAITING     8

typedef struct {
    link_event_t event;
    uint64_t at_us;
} waiting_t;

static void (*_Atomic s_changed)(void); /* read by interrupts */
static waiting_t s_waiting[WAITING];
static unsigned s_count;
static bool s_scanning;
static bool s_joined;
static bool s_hosting;
static char s_name[NETWORK_NAME_MAX + 1];

static void on_due(void *arg)
{
    (void)arg;
    void (*const changed)(void) = atomic_load(&s_changed);
    if (changed != NULL) {
        changed();
    }
}

static void put_after(const link_event_t *event, uint32_t ms)
{
    if (s_count < WAITING) {
        s_waiting[s_count++] = (waiting_t){*event, host_now_us() + UINT64_C(1000) * ms};
        (void)host_isr_raise_at(on_due, NULL, 0, s_waiting[s_count - 1].at_us);
    }
}

static esp_err_t scripted_open(void (*changed)(void), bool *radio)
{
    atomic_store(&s_changed, changed);
    s_count = 0;
    s_scanning = false;
    s_joined = false;
    *radio = host_network_find(NULL) != NULL;
    host_network_on_change(on_due, NULL);
    return ESP_OK;
}

static void scripted_leave(void)
{
    s_joined = false;
    s_scanning = false;
    s_count = 0;
}

static void scripted_close(void)
{
    host_network_on_change(NULL, NULL);
    scripted_leave();
}

static esp_err_t scripted_scan(void)
{
    const link_event_t event = {.kind = LINK_SCANNED};
    if (s_scanning) {
        return ESP_ERR_INVALID_STATE;
    }
    s_scanning = true;
    put_after(&event, SCAN_MS);
    return ESP_OK;
}

static size_t scripted_networks(network_seen_t *out, size_t room)
{
    size_t count = 0;
    const host_network_t *one;
    for (unsigned i = 0; (one = host_network_at(i)) != NULL && count < room; i++) {
        if (one->absent || host_network_is_cut()) {
            continue;
        }
        out[count] = (network_seen_t){.rssi_dbm = one->rssi_dbm,
                                      .secured = one->secret != NULL && one->secret[0] != '\0'};
        memcpy(out[count].name, one->name, strnlen(one->name, NETWORK_NAME_MAX));
        count++;
    }
    return count;
}

static esp_err_t verdict(const char *name, const char *secret)
{
    const host_network_t *network = host_network_find(name);
    const bool cable = host_network_find(NULL) == NULL;
    if (host_network_is_cut() || (!cable && (network == NULL || network->absent))) {
        return ESP_ERR_NOT_FOUND;
    }
    if (network != NULL && network->secret != NULL && strcmp(network->secret, secret) != 0) {
        return ESP_ERR_NETWORK_SECRET;
    }
    return ESP_OK;
}

static esp_err_t scripted_join(const char *name, const char *secret, bool host)
{
    const bool cable = host_network_find(NULL) == NULL;
    const host_network_t *network = host_network_find(name);
    link_event_t event = {.kind = LINK_ADDRESS, .ipv4 = {192, 0, 2, 10}}; /* RFC 5737: nobody's */
    if (host && cable) {
        return ESP_ERR_NOT_SUPPORTED;
    }
    s_count = 0;
    s_scanning = false;
    event.reason = host ? ESP_OK : verdict(name, secret);
    event.kind = event.reason == ESP_OK ? LINK_ADDRESS : LINK_FAILED;
    s_joined = event.reason == ESP_OK;
    s_hosting = host;
    memset(s_name, 0, sizeof(s_name));
    memcpy(s_name, name, strnlen(name, NETWORK_NAME_MAX));
    memcpy(event.name, s_name, sizeof(event.name));
    if (host) {
        event.ipv4[3] = 1;
    } else if (network != NULL && network->no_address) {
        return ESP_OK; /* and nothing follows */
    }
    put_after(&event, JOIN_MS);
    if (s_joined && !host) {
        event.kind = LINK_TIME;
        event.at_us = esp_timer_get_time();
        event.utc_us = UTC_AT_BOOT + event.at_us;
        put_after(&event, JOIN_MS);
    }
    return ESP_OK;
}

static bool scripted_take(link_event_t *event)
{
    if (s_joined && !s_hosting && verdict(s_name, "") == ESP_ERR_NOT_FOUND) {
        s_count = 0;
        s_joined = false;
        *event = (link_event_t){.kind = LINK_LOST, .reason = ESP_ERR_NOT_FOUND};
        return true;
    }
    if (s_count == 0 || s_waiting[0].at_us > host_now_us()) {
        return false;
    }
    *event = s_waiting[0].event;
    s_scanning = s_scanning && event->kind != LINK_SCANNED;
    s_count--;
    memmove(&s_waiting[0], &s_waiting[1], s_count * sizeof(s_waiting[0]));
    return true;
}

static int8_t scripted_rssi(void)
{
    const host_network_t *network = host_network_find(s_name);
    return network != NULL ? network->rssi_dbm : 0;
}

const link_port_t link_scripted = {
    .open = scripted_open,
    .close = scripted_close,
    .scan = scripted_scan,
    .networks = scripted_networks,
    .join = scripted_join,
    .leave = scripted_leave,
    .take = scripted_take,
    .rssi = scripted_rssi,
};
