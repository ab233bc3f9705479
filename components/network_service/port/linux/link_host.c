/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PC's own interfaces, each a network of its name: those that are up and have an IPv4 address.
 * Nothing of the PC is changed: to join one is to look after it. Whatever asks for the PC's network
 * as such gets the interface of the default route, else the first one, and loopback at last.
 */
#include "network_ports.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "esp_timer.h"

#define WAITING 4 /* a join and a scan at once leave that many events at most */

typedef struct {
    char name[NETWORK_NAME_MAX + 1];
    uint8_t ipv4[4];
    bool loopback;
} interface_t;

static void (*s_changed)(void);
static link_event_t s_events[WAITING];
static unsigned s_count;
static bool s_joined;
static interface_t s_interface; /* that is joined */

static void put(const link_event_t *event)
{
    if (s_count < WAITING) {
        s_events[s_count++] = *event;
    }
    s_changed();
}

/** @return how many there are, at most room */
static unsigned list(interface_t *out, unsigned room)
{
    struct ifaddrs *all = NULL;
    unsigned count = 0;
    if (getifaddrs(&all) != 0) {
        return 0;
    }
    for (const struct ifaddrs *one = all; one != NULL && count < room; one = one->ifa_next) {
        const unsigned wanted = IFF_UP | IFF_RUNNING;
        if (one->ifa_addr == NULL || one->ifa_addr->sa_family != AF_INET ||
            (one->ifa_flags & wanted) != wanted || strlen(one->ifa_name) > NETWORK_NAME_MAX ||
            strchr(one->ifa_name, ':') != NULL) {
            continue;
        }
        const struct sockaddr_in *address = (const struct sockaddr_in *)(const void *)one->ifa_addr;
        interface_t *interface = &out[count++];
        memset(interface, 0, sizeof(*interface));
        memcpy(interface->name, one->ifa_name, strlen(one->ifa_name));
        memcpy(interface->ipv4, &address->sin_addr, sizeof(interface->ipv4));
        interface->loopback = (one->ifa_flags & IFF_LOOPBACK) != 0;
    }
    freeifaddrs(all);
    return count;
}

/** The interface that the default route leads to. */
static bool default_route(char name[NETWORK_NAME_MAX + 1])
{
    char line[256];
    char interface[NETWORK_NAME_MAX + 1];
    char destination[16];
    bool found = false;
    FILE *routes = fopen("/proc/net/route", "r");
    while (routes != NULL && !found && fgets(line, sizeof(line), routes) != NULL) {
        if (sscanf(line, "%32s %15s", interface, destination) == 2 &&
            strcmp(destination, "00000000") == 0) {
            memcpy(name, interface, sizeof(interface));
            found = true;
        }
    }
    if (routes != NULL) {
        (void)fclose(routes);
    }
    return found;
}

static bool find(const char *name, interface_t *out)
{
    interface_t all[NETWORK_SCAN_MAX];
    char route[NETWORK_NAME_MAX + 1] = "";
    const unsigned count = list(all, NETWORK_SCAN_MAX);
    const interface_t *best = NULL;
    if (name[0] == '\0') {
        (void)default_route(route);
    }
    for (unsigned i = 0; i < count; i++) {
        const char *wanted = name[0] != '\0' ? name : route;
        if (strcmp(all[i].name, wanted) == 0) {
            best = &all[i];
            break;
        }
        if (name[0] == '\0' && (best == NULL || (best->loopback && !all[i].loopback))) {
            best = &all[i];
        }
    }
    if (best != NULL) {
        *out = *best;
    }
    return best != NULL;
}

static void tell_address(void)
{
    link_event_t event = {.kind = LINK_ADDRESS};
    memcpy(event.name, s_interface.name, sizeof(event.name));
    memcpy(event.ipv4, s_interface.ipv4, sizeof(event.ipv4));
    put(&event);
}

/** The PC keeps its clock right by itself: as good as SNTP. */
static void tell_time(void)
{
    struct timeval now;
    struct tm local;
    if (gettimeofday(&now, NULL) != 0 || localtime_r(&now.tv_sec, &local) == NULL) {
        return;
    }
    const link_event_t event = {
        .kind = LINK_TIME,
        .utc_us = (int64_t)now.tv_sec * 1000000 + now.tv_usec,
        .at_us = esp_timer_get_time(),
        .offset_minutes = (int16_t)(local.tm_gmtoff / 60),
    };
    put(&event);
}

static esp_err_t host_open(void (*changed)(void), bool *radio)
{
    s_changed = changed;
    s_count = 0;
    s_joined = false;
    *radio = false;
    return ESP_OK;
}

static void host_leave(void)
{
    s_joined = false;
    s_count = 0;
}

static esp_err_t host_scan(void)
{
    const link_event_t event = {.kind = LINK_SCANNED};
    put(&event);
    return ESP_OK;
}

static size_t host_networks(network_seen_t *out, size_t room)
{
    interface_t all[NETWORK_SCAN_MAX];
    const unsigned most = room < NETWORK_SCAN_MAX ? (unsigned)room : NETWORK_SCAN_MAX;
    const unsigned count = list(all, most);
    for (unsigned i = 0; i < count; i++) {
        out[i] = (network_seen_t){.bars = 4};
        memcpy(out[i].name, all[i].name, sizeof(out[i].name));
    }
    return count;
}

static esp_err_t host_join(const char *name, const char *secret, bool host)
{
    (void)secret;
    if (host) {
        return ESP_ERR_NOT_SUPPORTED;
    }
    s_count = 0;
    s_joined = find(name, &s_interface);
    if (!s_joined) {
        const link_event_t event = {.kind = LINK_FAILED, .reason = ESP_ERR_NOT_FOUND};
        put(&event);
        return ESP_OK;
    }
    tell_address();
    tell_time();
    return ESP_OK;
}

/** Is it still there? */
static void look(void)
{
    interface_t now;
    if (!find(s_interface.name, &now)) {
        const link_event_t event = {.kind = LINK_LOST, .reason = ESP_ERR_NOT_FOUND};
        s_joined = false;
        put(&event);
    } else if (memcmp(now.ipv4, s_interface.ipv4, sizeof(now.ipv4)) != 0) {
        s_interface = now;
        tell_address();
    }
}

static bool host_take(link_event_t *event)
{
    if (s_joined && s_count == 0) {
        look();
    }
    if (s_count == 0) {
        return false;
    }
    *event = s_events[0];
    s_count--;
    memmove(&s_events[0], &s_events[1], s_count * sizeof(s_events[0]));
    return true;
}

static int8_t host_rssi(void)
{
    return 0;
}

const link_port_t link_host = {
    .open = host_open,
    .close = host_leave,
    .scan = host_scan,
    .networks = host_networks,
    .join = host_join,
    .leave = host_leave,
    .take = host_take,
    .rssi = host_rssi,
};
