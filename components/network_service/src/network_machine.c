/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interface: off, disconnected, scanning, connecting, connected. Whatever goes wrong leads to
 * disconnected, and from there to the next attempt, each time later than the last. Runs in the
 * service's worker.
 */
#include "network_internal.h"

#include <string.h>

#include "sdkconfig.h"

#include "esp_attr.h"
#include "esp_log.h"
#include "esp_random.h"
#include "esp_timer.h"
#include "system_service/error_codes.h"

static const char *TAG = "network";

static bool s_open;  /* the backend is; else opening it is the next attempt */
static bool s_radio; /* networks must be chosen */
static bool s_host;  /* we are the network */
static bool s_scanning;
static bool s_asked; /* somebody waits for the scan */
static status_network_state_t s_state;
static int64_t s_due_us = NETWORK_NEVER; /* the next attempt, or the end of this one */
static void (*s_changed)(void);

static char s_name[NETWORK_NAME_MAX + 1]; /* joined, or being joined */
static uint8_t s_ipv4[4];
static network_credential_t s_hosted;

/* A network that did not let us in is left alone for a while: others may be there. */
static char s_refused[NETWORK_NAME_MAX + 1];
static esp_err_t s_refused_why;
static int64_t s_refused_until_us;

/* The last one that somebody asked for comes first, once. */
static bool s_prefer;

static EXT_RAM_BSS_ATTR network_seen_t s_seen[NETWORK_SCAN_MAX];

static uint32_t s_attempts;
static uint32_t s_joins;
static uint32_t s_losses;
static esp_err_t s_reason;

uint8_t network_machine_bars(int8_t rssi_dbm)
{
    static const int8_t s_least[] = {-85, -75, -65, -55};
    uint8_t bars = 0;
    while (bars < sizeof(s_least) && rssi_dbm >= s_least[bars]) {
        bars++;
    }
    return bars;
}

/* ---- from state to state ------------------------------------------------------------------------
 */

static void set_name(const char *name)
{
    memset(s_name, 0, sizeof(s_name)); /* it is told, its end too */
    memcpy(s_name, name, strnlen(name, NETWORK_NAME_MAX));
}

static void become(status_network_state_t state, int64_t due_us)
{
    s_state = state;
    s_due_us = due_us;
    if (state != STATUS_NETWORK_CONNECTED) {
        memset(s_ipv4, 0, sizeof(s_ipv4));
    }
    if (state <= STATUS_NETWORK_SCANNING) {
        set_name("");
    }
    network_http_set_connected(state == STATUS_NETWORK_CONNECTED);
    network_bridge_set_online(state == STATUS_NETWORK_CONNECTED);
}

/** Doubles from attempt to attempt; a quarter of it is chance, so that boards that lost the same
 *  network do not all come back at once. */
int64_t network_back_off_us(uint32_t attempts)
{
    uint32_t ms = CONFIG_NETWORK_BACKOFF_MS;
    for (uint32_t i = 1; i < attempts && ms < CONFIG_NETWORK_BACKOFF_MAX_S * 1000u; i++) {
        ms *= 2;
    }
    ms = ms < CONFIG_NETWORK_BACKOFF_MAX_S * 1000u ? ms : CONFIG_NETWORK_BACKOFF_MAX_S * 1000u;
    return NETWORK_MS(ms - esp_random() % (ms / 4 + 1));
}

/** This attempt came to nothing. */
static void fail(esp_err_t reason)
{
    s_attempts += s_attempts < UINT32_MAX;
    if (s_attempts == 1 || reason != s_reason) {
        ESP_LOGW(TAG, "%s%snot connected: %s", s_name, s_name[0] != '\0' ? ": " : "",
                 system_error_to_string(reason));
    }
    if (s_name[0] != '\0') {
        memcpy(s_refused, s_name, sizeof(s_refused));
        s_refused_why = reason;
        s_refused_until_us = esp_timer_get_time() + NETWORK_MS(CONFIG_NETWORK_REFUSED_S * 1000);
    }
    s_reason = reason;
    become(STATUS_NETWORK_DISCONNECTED, esp_timer_get_time() + network_back_off_us(s_attempts));
}

/** No result will come of it. */
static void drop_scan(esp_err_t why)
{
    s_scanning = false;
    if (s_asked) {
        s_asked = false;
        network_service_scanned(why);
    }
}

static void join(const char *name, const char *secret)
{
    drop_scan(ESP_ERR_NOT_FINISHED);
    set_name(name);
    const esp_err_t ret = network_link_join(name, secret, s_host);
    if (ret == ESP_OK) {
        become(STATUS_NETWORK_CONNECTING,
               esp_timer_get_time() + NETWORK_MS(CONFIG_NETWORK_JOIN_TIMEOUT_S * 1000));
    } else {
        fail(ret);
    }
}

static void open_interface(void)
{
    const esp_err_t ret = network_link_open(s_changed, &s_radio);
    s_open = ret == ESP_OK;
    if (!s_open) {
        fail(ret);
    }
}

/** The best of the networks that are there and known. @param[out] why there is none */
static const network_credential_t *choose(esp_err_t *why)
{
    const size_t count = link_backend_networks(s_seen, NETWORK_SCAN_MAX);
    const bool refused = esp_timer_get_time() < s_refused_until_us;
    *why = ESP_ERR_NOT_FOUND;
    const network_credential_t *best = NULL;
    const network_credential_t *last = NULL; /* better than nothing */
    int best_dbm = INT8_MIN - 1;
    const char *preferred = s_prefer ? network_store_get(0)->name : "";
    s_prefer = false;
    for (size_t i = 0; i < count; i++) {
        const network_credential_t *known = network_store_find(s_seen[i].name);
        if (known != NULL && strcmp(known->name, preferred) == 0) {
            return known;
        }
        if (known != NULL && refused && strcmp(known->name, s_refused) == 0) {
            *why = s_refused_why;
            last = s_refused_why != ESP_ERR_NETWORK_SECRET ? known : NULL;
        } else if (known != NULL && s_seen[i].rssi_dbm > best_dbm) {
            best = known;
            best_dbm = s_seen[i].rssi_dbm;
        }
    }
    return best != NULL ? best : last;
}

static esp_err_t begin_scan(void)
{
    const esp_err_t ret = s_scanning ? ESP_OK : network_link_scan();
    s_scanning = ret == ESP_OK;
    return ret;
}

static void attempt(void)
{
    if (!s_open) {
        open_interface();
        if (!s_open) {
            return;
        }
    }
    if (s_host) {
        join(s_hosted.name, s_hosted.secret);
    } else if (!s_radio) { /* the first one that was asked for, or wherever the cable leads */
        const network_credential_t *first =
            network_store_count() != 0 ? network_store_get(0) : NULL;
        join(first != NULL ? first->name : "", "");
    } else if (network_store_count() == 0) {
        become(STATUS_NETWORK_DISCONNECTED, NETWORK_NEVER); /* until somebody names one */
    } else {
        const esp_err_t ret = begin_scan();
        if (ret == ESP_OK) {
            become(STATUS_NETWORK_SCANNING,
                   esp_timer_get_time() + NETWORK_MS(CONFIG_NETWORK_JOIN_TIMEOUT_S * 1000));
        } else {
            fail(ret);
        }
    }
}

/* ---- what happened ------------------------------------------------------------------------------
 */

static void scanned(const link_event_t *event)
{
    drop_scan(event->reason);
    if (s_state != STATUS_NETWORK_SCANNING) {
        return;
    }
    esp_err_t why = event->reason;
    const network_credential_t *best = why == ESP_OK ? choose(&why) : NULL;
    if (best != NULL) {
        join(best->name, best->secret);
    } else {
        fail(why);
    }
}

static void connected(const link_event_t *event)
{
    if (s_state != STATUS_NETWORK_CONNECTING && s_state != STATUS_NETWORK_CONNECTED) {
        return; /* it was on its way when we gave it up */
    }
    if (s_state == STATUS_NETWORK_CONNECTING) {
        s_joins++;
    }
    s_attempts = 0;
    set_name(event->name);
    memcpy(s_ipv4, event->ipv4, sizeof(s_ipv4));
    if (strcmp(s_name, s_refused) == 0) {
        s_refused_until_us = 0;
    }
    ESP_LOGI(TAG, "connected%s%s, %u.%u.%u.%u", s_name[0] != '\0' ? " to " : "", s_name, s_ipv4[0],
             s_ipv4[1], s_ipv4[2], s_ipv4[3]);
    become(STATUS_NETWORK_CONNECTED, NETWORK_NEVER);
}

static void lost(const link_event_t *event)
{
    if (s_state != STATUS_NETWORK_CONNECTED) {
        return;
    }
    s_losses++;
    ESP_LOGW(TAG, "%s%slost: %s", s_name, s_name[0] != '\0' ? ": " : "",
             system_error_to_string(event->reason));
    s_reason = event->reason;
    s_attempts = 0;
    become(STATUS_NETWORK_DISCONNECTED, esp_timer_get_time() + network_back_off_us(s_attempts));
}

static void handle(const link_event_t *event)
{
    switch (event->kind) {
    case LINK_SCANNED:
        scanned(event);
        break;
    case LINK_ADDRESS:
        connected(event);
        break;
    case LINK_FAILED:
        if (s_state == STATUS_NETWORK_CONNECTING) {
            fail(event->reason);
        }
        break;
    case LINK_LOST:
        lost(event);
        break;
    case LINK_TIME:
        network_service_set_time(event);
        break;
    }
}

/** What is under way took too long. */
static void give_up(void)
{
    link_backend_leave();
    drop_scan(ESP_ERR_TIMEOUT);
    fail(ESP_ERR_TIMEOUT);
}

void network_machine_work(int64_t now_us)
{
    link_event_t event;
    while (s_open && network_link_take(&event)) {
        handle(&event);
    }
    if (now_us < s_due_us) {
        return;
    }
    s_due_us = NETWORK_NEVER;
    if (s_state == STATUS_NETWORK_DISCONNECTED) {
        attempt();
    } else if (s_state != STATUS_NETWORK_OFF) {
        give_up();
    }
}

int64_t network_machine_due(void)
{
    return s_due_us;
}

/* ---- what is wanted -----------------------------------------------------------------------------
 */

static void leave(status_network_state_t state)
{
    if (s_open) {
        link_backend_leave();
    }
    drop_scan(ESP_ERR_NOT_FINISHED);
    s_attempts = 0;
    become(state, state == STATUS_NETWORK_OFF ? NETWORK_NEVER : 0);
}

static esp_err_t switch_on(bool on)
{
    if (on == (s_state == STATUS_NETWORK_OFF)) {
        s_host = s_host && on;
        leave(on ? STATUS_NETWORK_DISCONNECTED : STATUS_NETWORK_OFF);
    }
    return network_store_set_on(on);
}

static esp_err_t join_now(const network_control_t *wish)
{
    const esp_err_t ret = network_store_put(wish->name, wish->secret);
    s_host = false;
    s_prefer = true;
    if (strcmp(wish->name, s_refused) == 0) {
        s_refused_until_us = 0;
    }
    leave(STATUS_NETWORK_DISCONNECTED);
    const esp_err_t on = network_store_set_on(true);
    return ret != ESP_OK ? ret : on;
}

static esp_err_t forget(const char *name)
{
    const esp_err_t ret = network_store_forget(name);
    s_prefer = false;
    if (ret != ESP_ERR_NOT_FOUND && !s_host && strcmp(name, s_name) == 0 &&
        s_state >= STATUS_NETWORK_CONNECTING) {
        leave(STATUS_NETWORK_DISCONNECTED);
    }
    return ret;
}

static esp_err_t host(const network_control_t *wish)
{
    if (!s_open) {
        return ESP_ERR_NOT_SUPPORTED;
    }
    link_backend_leave();
    drop_scan(ESP_ERR_NOT_FINISHED);
    const esp_err_t ret = network_link_join(wish->name, wish->secret, true);
    if (ret == ESP_OK) {
        s_host = true;
        memcpy(s_hosted.name, wish->name, sizeof(s_hosted.name));
        memcpy(s_hosted.secret, wish->secret, sizeof(s_hosted.secret));
        set_name(wish->name);
        become(STATUS_NETWORK_CONNECTING,
               esp_timer_get_time() + NETWORK_MS(CONFIG_NETWORK_JOIN_TIMEOUT_S * 1000));
    } else if (s_state != STATUS_NETWORK_OFF) {
        become(STATUS_NETWORK_DISCONNECTED, 0); /* back to where we were */
    }
    return ret;
}

esp_err_t network_machine_control(const network_control_t *wish)
{
    switch (wish->what) {
    case NETWORK_ON:
    case NETWORK_OFF:
        return switch_on(wish->what == NETWORK_ON);
    case NETWORK_JOIN:
        return wish->name[0] != '\0' ? join_now(wish) : ESP_ERR_INVALID_ARG;
    case NETWORK_FORGET:
        return forget(wish->name);
    case NETWORK_HOST:
        return wish->name[0] != '\0' ? host(wish) : ESP_ERR_INVALID_ARG;
    default:
        return ESP_ERR_INVALID_ARG;
    }
}

esp_err_t network_machine_scan(void)
{
    if (s_state == STATUS_NETWORK_OFF || !s_open) {
        return ESP_ERR_INVALID_STATE;
    }
    const esp_err_t ret = begin_scan();
    s_asked = s_asked || ret == ESP_OK;
    return ret;
}

/* ---- what is told -------------------------------------------------------------------------------
 */

void network_machine_describe(status_network_t *state)
{
    state->state = (uint8_t)s_state;
    memcpy(state->ipv4, s_ipv4, sizeof(state->ipv4));
    memcpy(state->name, s_name, sizeof(state->name));
    if (s_state == STATUS_NETWORK_CONNECTED) {
        state->rssi_dbm = s_radio && !s_host ? link_backend_rssi() : 0;
        state->bars = state->rssi_dbm != 0 ? network_machine_bars(state->rssi_dbm) : 4;
    }
}

void network_machine_count(network_info_t *info)
{
    const int64_t now_us = esp_timer_get_time();
    info->on = s_state != STATUS_NETWORK_OFF;
    info->radio = s_radio;
    info->known = (uint8_t)network_store_count();
    info->reason = s_reason;
    info->attempts = s_attempts;
    if (s_state == STATUS_NETWORK_DISCONNECTED && s_due_us != NETWORK_NEVER) {
        info->next_ms = s_due_us > now_us ? (uint32_t)((s_due_us - now_us) / 1000) : 1;
    }
    info->joins = s_joins;
    info->losses = s_losses;
}

void network_machine_begin(void (*changed)(void))
{
    s_changed = changed;
    s_open = false;
    s_scanning = false;
    s_asked = false;
    s_prefer = false;
    s_attempts = 0;
    become(network_store_on() ? STATUS_NETWORK_DISCONNECTED : STATUS_NETWORK_OFF,
           network_store_on() ? 0 : NETWORK_NEVER);
}

void network_machine_end(void)
{
    link_backend_close();
    s_open = false;
    become(STATUS_NETWORK_OFF, NETWORK_NEVER);
}
