/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wi-Fi: a station, or an access point. The driver stays up from the first open on; a restart of
 * the service only disconnects. Handlers run in ESP-IDF's event task and only put events.
 */
#include "link_common.h"

#include <stdatomic.h>
#include <string.h>

#include "esp_attr.h"
#include "esp_event.h"
#include "esp_log.h"
#include "esp_netif.h"
#include "esp_wifi.h"

static const char *TAG = "network";

static esp_netif_t *s_station;
static esp_netif_t *s_point;
static unsigned s_done; /* steps of the set-up */
static _Atomic bool s_joined;
static _Atomic bool s_hosting;
static EXT_RAM_BSS_ATTR network_seen_t s_seen[NETWORK_SCAN_MAX];
static size_t s_count;
static bool s_read; /* since the last scan */

static esp_err_t reason_of(uint8_t reason)
{
    switch (reason) {
    case WIFI_REASON_NO_AP_FOUND:
    case WIFI_REASON_NO_AP_FOUND_W_COMPATIBLE_SECURITY:
    case WIFI_REASON_NO_AP_FOUND_IN_AUTHMODE_THRESHOLD:
    case WIFI_REASON_NO_AP_FOUND_IN_RSSI_THRESHOLD:
    case WIFI_REASON_BEACON_TIMEOUT:
        return ESP_ERR_NOT_FOUND;
    case WIFI_REASON_AUTH_FAIL:
    case WIFI_REASON_4WAY_HANDSHAKE_TIMEOUT:
    case WIFI_REASON_HANDSHAKE_TIMEOUT:
    case WIFI_REASON_802_1X_AUTH_FAILED:
    case WIFI_REASON_MIC_FAILURE:
        return ESP_ERR_NETWORK_SECRET;
    default:
        return ESP_FAIL;
    }
}

static void tell_address(const uint8_t *ssid, const esp_netif_ip_info_t *ip)
{
    link_event_t event = {.kind = LINK_ADDRESS};
    memcpy(event.ipv4, &ip->ip.addr, sizeof(event.ipv4));
    memcpy(event.name, ssid, strnlen((const char *)ssid, NETWORK_NAME_MAX));
    (void)link_common_tell(&event);
}

static void tell_end(esp_err_t reason)
{
    const link_event_t event = {.kind = atomic_exchange(&s_joined, false) ? LINK_LOST : LINK_FAILED,
                                .reason = reason};
    (void)link_common_tell(&event);
}

/** We are the network now, by the name the driver has. */
static void hosting(void)
{
    wifi_config_t config;
    esp_netif_ip_info_t ip;
    if (esp_wifi_get_config(WIFI_IF_AP, &config) == ESP_OK &&
        esp_netif_get_ip_info(s_point, &ip) == ESP_OK) {
        tell_address(config.ap.ssid, &ip);
    }
}

static void on_wifi(void *arg, esp_event_base_t base, int32_t id, void *data)
{
    (void)arg;
    (void)base;
    if (id == WIFI_EVENT_SCAN_DONE) {
        const wifi_event_sta_scan_done_t *done = data;
        const link_event_t event = {.kind = LINK_SCANNED,
                                    .reason = done->status == 0 ? ESP_OK : ESP_FAIL};
        link_common_put(&event);
    } else if (id == WIFI_EVENT_STA_DISCONNECTED) {
        const wifi_event_sta_disconnected_t *end = data;
        /* While nothing is joined that was us, before this join; else the access point says so. */
        if (end->reason != WIFI_REASON_ASSOC_LEAVE || atomic_load(&s_joined)) {
            tell_end(reason_of(end->reason));
        }
    } else if (id == WIFI_EVENT_AP_START && atomic_load(&s_hosting)) {
        hosting();
    }
}

static void on_ip(void *arg, esp_event_base_t base, int32_t id, void *data)
{
    (void)arg;
    (void)base;
    if (id == IP_EVENT_STA_GOT_IP) {
        const ip_event_got_ip_t *got = data;
        wifi_ap_record_t point;
        if (esp_wifi_sta_get_ap_info(&point) == ESP_OK) { /* else it is lost already */
            atomic_store(&s_joined, true);
            tell_address(point.ssid, &got->ip_info);
            link_common_start_time();
        }
    } else if (id == IP_EVENT_STA_LOST_IP && atomic_load(&s_joined)) {
        tell_end(ESP_ERR_TIMEOUT);
    }
}

/* ---- set-up, step by step ------------------------------------------------------------------- */

static esp_err_t make_station(void)
{
    s_station = esp_netif_create_default_wifi_sta();
    return s_station != NULL ? ESP_OK : ESP_ERR_NO_MEM;
}

static esp_err_t make_point(void)
{
    s_point = esp_netif_create_default_wifi_ap();
    return s_point != NULL ? ESP_OK : ESP_ERR_NO_MEM;
}

static esp_err_t start_driver(void)
{
    const wifi_init_config_t config = WIFI_INIT_CONFIG_DEFAULT();
    return esp_wifi_init(&config);
}

/** Names and secrets are the service's to keep. */
static esp_err_t set_storage(void)
{
    return esp_wifi_set_storage(WIFI_STORAGE_RAM);
}

static esp_err_t listen_to_wifi(void)
{
    return esp_event_handler_register(WIFI_EVENT, ESP_EVENT_ANY_ID, on_wifi, NULL);
}

static esp_err_t listen_to_ip(void)
{
    return esp_event_handler_register(IP_EVENT, ESP_EVENT_ANY_ID, on_ip, NULL);
}

static esp_err_t set_mode(wifi_mode_t mode)
{
    esp_err_t ret = esp_wifi_stop(); /* fine when it does not run */
    return ret == ESP_OK ? esp_wifi_set_mode(mode) : ret;
}

static esp_err_t be_station(void)
{
    const esp_err_t ret = set_mode(WIFI_MODE_STA);
    return ret == ESP_OK ? esp_wifi_start() : ret;
}

static const link_step_t s_steps[] = {make_station,   make_point,   start_driver, set_storage,
                                      listen_to_wifi, listen_to_ip, be_station};
#define STEPS (sizeof(s_steps) / sizeof(s_steps[0]))

/* ---- the seam ------------------------------------------------------------------------------- */

esp_err_t link_backend_open(void (*changed)(void), bool *radio)
{
    esp_err_t ret = link_common_open(changed);
    *radio = true;
    if (ret == ESP_OK) {
        ret = link_common_set_up(s_steps, STEPS, &s_done);
    }
    link_backend_leave(); /* whatever an earlier life was doing */
    return ret;
}

void link_backend_close(void)
{
    link_backend_leave();
}

esp_err_t link_backend_scan(void)
{
    s_read = false;
    const esp_err_t ret = esp_wifi_scan_start(NULL, false);
    return ret == ESP_ERR_WIFI_STATE ? ESP_ERR_INVALID_STATE : ret;
}

/** The driver gives them strongest first, once, and each one's memory back. */
static void read_networks(void)
{
    wifi_ap_record_t one;
    s_read = true;
    s_count = 0;
    while (s_count < NETWORK_SCAN_MAX && esp_wifi_scan_get_ap_record(&one) == ESP_OK) {
        if (one.ssid[0] != '\0') { /* not hidden */
            s_seen[s_count] =
                (network_seen_t){.rssi_dbm = one.rssi, .secured = one.authmode != WIFI_AUTH_OPEN};
            memcpy(s_seen[s_count].name, one.ssid, NETWORK_NAME_MAX);
            s_count++;
        }
    }
    (void)esp_wifi_clear_ap_list();
}

size_t link_backend_networks(network_seen_t *out, size_t room)
{
    if (!s_read) {
        read_networks();
    }
    const size_t count = s_count < room ? s_count : room;
    memcpy(out, s_seen, count * sizeof(*out));
    return count;
}

/** Configured while it is stopped, so that it never shows another name. */
static esp_err_t host(const char *name, const char *secret)
{
    wifi_config_t config = {.ap = {.max_connection = 4, .authmode = WIFI_AUTH_WPA2_PSK}};
    memcpy(config.ap.ssid, name, strnlen(name, sizeof(config.ap.ssid)));
    config.ap.ssid_len = (uint8_t)strnlen(name, sizeof(config.ap.ssid));
    memcpy(config.ap.password, secret, strnlen(secret, sizeof(config.ap.password) - 1));
    if (secret[0] == '\0') {
        config.ap.authmode = WIFI_AUTH_OPEN;
    }
    atomic_store(&s_hosting, true);
    esp_err_t ret = set_mode(WIFI_MODE_AP);
    ret = ret == ESP_OK ? esp_wifi_set_config(WIFI_IF_AP, &config) : ret;
    return ret == ESP_OK ? esp_wifi_start() : ret;
}

static esp_err_t join(const char *name, const char *secret)
{
    wifi_config_t config = {.sta = {.scan_method = WIFI_ALL_CHANNEL_SCAN,
                                    .sort_method = WIFI_CONNECT_AP_BY_SIGNAL,
                                    .sae_pwe_h2e = WPA3_SAE_PWE_BOTH}};
    memcpy(config.sta.ssid, name, strnlen(name, sizeof(config.sta.ssid)));
    memcpy(config.sta.password, secret, strnlen(secret, sizeof(config.sta.password)));
    config.sta.threshold.authmode = secret[0] != '\0' ? WIFI_AUTH_WPA2_PSK : WIFI_AUTH_OPEN;
    const esp_err_t ret = esp_wifi_set_config(WIFI_IF_STA, &config);
    return ret == ESP_OK ? esp_wifi_connect() : ret;
}

esp_err_t link_backend_join(const char *name, const char *secret, bool be)
{
    link_common_join(); /* first: what comes of it may come at once */
    const esp_err_t ret = be ? host(name, secret) : join(name, secret);
    if (ret != ESP_OK) {
        ESP_LOGW(TAG, "driver: %s", esp_err_to_name(ret));
        link_backend_leave();
    }
    return ret;
}

void link_backend_leave(void)
{
    link_common_leave();
    atomic_store(&s_joined, false);
    if (s_done < STEPS) {
        return; /* there is no driver yet */
    }
    (void)esp_wifi_scan_stop();
    if (atomic_exchange(&s_hosting, false)) {
        (void)be_station();
    } else {
        (void)esp_wifi_disconnect();
    }
}

bool link_backend_take(link_event_t *event)
{
    return link_common_take(event);
}

int8_t link_backend_rssi(void)
{
    int rssi = 0;
    return esp_wifi_sta_get_rssi(&rssi) == ESP_OK && rssi < 0 ? (int8_t)rssi : 0;
}
