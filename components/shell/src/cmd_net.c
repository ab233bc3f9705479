/* SPDX-License-Identifier: Apache-2.0 */
/* net: by requests alone, so a firmware without a network links nothing of it */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "esp_attr.h"
#include "network_service/network_events.h"
#include "shell_internal.h"

#define HEADER(type) STATUS_HEADER(type, NETWORK_EVENTS_VERSION)
#define WRITE_MS     10000 /* what is remembered goes to the flash, which takes its time */
#define SCAN_WAIT_MS 30000

static const char *const s_states[] = {
    [STATUS_NETWORK_OFF] = "off",
    [STATUS_NETWORK_DISCONNECTED] = "disconnected",
    [STATUS_NETWORK_SCANNING] = "scanning",
    [STATUS_NETWORK_CONNECTING] = "connecting",
    [STATUS_NETWORK_CONNECTED] = "connected",
};

static const char *const s_faults[NETWORK_FAULTS] = {
    [NETWORK_FAULT_NONE] = "none",   [NETWORK_FAULT_UNPLUGGED] = "unplugged",
    [NETWORK_FAULT_STUCK] = "stuck", [NETWORK_FAULT_SHORT] = "short",
    [NETWORK_FAULT_WRONG] = "wrong",
};

static void describe_interface(const network_info_t *info)
{
    const status_network_t *state = &info->state;
    const uint8_t *ip = state->ipv4;
    const size_t states = sizeof(s_states) / sizeof(s_states[0]);
    const char *name = state->state < states ? s_states[state->state] : "?";
    if (state->state == STATUS_NETWORK_CONNECTED) {
        shell_print("%s to \"%s\", %u.%u.%u.%u%s", name, state->name, ip[0], ip[1], ip[2], ip[3],
                    info->radio ? "" : ", by cable");
    } else {
        shell_print("%s%s%s", name, state->name[0] != '\0' ? " to " : "", state->name);
    }
    if (state->rssi_dbm != 0) {
        shell_print("%d dBm, %u of 4 bars", state->rssi_dbm, state->bars);
    }
    if (info->reason != ESP_OK && state->state != STATUS_NETWORK_CONNECTED) {
        shell_print("%s: %s", system_error_to_string(info->reason),
                    system_error_describe(info->reason));
    }
    if (info->next_ms != 0) {
        shell_print("%" PRIu32 " attempts in vain, the next one in %" PRIu32 " ms", info->attempts,
                    info->next_ms);
    }
    if (info->radio && info->known == 0) {
        shell_print("no network is known: net scan, then net join NAME SECRET");
    }
}

static int describe(void)
{
    network_info_t info;
    size_t size = sizeof(info);
    const esp_err_t ret = shell_ask(NETWORK_GET_REQUEST, NULL, 0, &info, &size);
    if (ret != ESP_OK) {
        return shell_result("net", ret);
    }
    describe_interface(&info);
    shell_print("%u networks known; joined %" PRIu32 " times, lost %" PRIu32 " times", info.known,
                info.joins, info.losses);
    shell_print("%" PRIu32 " downloads, %" PRIu32 " failed, resumed %" PRIu32 " times; %" PRIu64
                " bytes",
                info.downloads, info.failed, info.resumed, info.bytes);
    return SHELL_OK;
}

static int scan(void)
{
    static EXT_RAM_BSS_ATTR network_scan_t s_scan; /* one command at a time */
    size_t size = sizeof(s_scan);
    const network_control_t wish = {.header = HEADER(network_control_t), .what = NETWORK_SCAN};
    const esp_err_t ret = shell_ask_within(NETWORK_CONTROL_REQUEST, &wish, sizeof(wish), &s_scan,
                                           &size, SCAN_WAIT_MS);
    if (ret != ESP_OK) {
        return shell_result("scan", ret);
    }
    for (uint32_t i = 0; i < s_scan.count; i++) {
        const network_seen_t *seen = &s_scan.seen[i];
        shell_print("%-32s %4d dBm  %u bars  %s%s%s", seen->name, seen->rssi_dbm, seen->bars,
                    seen->secured ? "secured" : "open", seen->known ? ", known" : "",
                    seen->joined ? ", joined" : "");
    }
    shell_print("%" PRIu32 " networks", s_scan.count);
    return SHELL_OK;
}

static void copy(char *to, size_t room, const char *text)
{
    memset(to, 0, room);
    memcpy(to, text, strnlen(text, room - 1));
}

static int control(network_wish_t what, const char *name, const char *secret, const char *text)
{
    network_control_t wish = {.header = HEADER(network_control_t), .what = (uint8_t)what};
    if (strlen(name) > NETWORK_NAME_MAX || strlen(secret) > NETWORK_SECRET_MAX ||
        strlen(text) > NETWORK_TEXT_MAX) {
        shell_print("net: a name has up to %d bytes, a secret up to %d", NETWORK_NAME_MAX,
                    NETWORK_SECRET_MAX);
        return SHELL_FAILED;
    }
    copy(wish.name, sizeof(wish.name), name);
    copy(wish.secret, sizeof(wish.secret), secret);
    copy(wish.text, sizeof(wish.text), text);
    return shell_result("net", shell_ask_within(NETWORK_CONTROL_REQUEST, &wish, sizeof(wish), NULL,
                                                NULL, WRITE_MS));
}

static int inject(const char *name)
{
    network_control_t wish = {.header = HEADER(network_control_t), .what = NETWORK_FAULT};
    if (!shell_choice(name, s_faults, NETWORK_FAULTS, &wish.fault)) {
        return shell_usage("net");
    }
    return shell_result(
        name, shell_ask_within(NETWORK_CONTROL_REQUEST, &wish, sizeof(wish), NULL, NULL, WRITE_MS));
}

int cmd_net(int argc, char **argv)
{
    const char *what = argc >= 2 ? argv[1] : "";
    const char *name = argc >= 3 ? argv[2] : "";
    const char *secret = argc >= 4 ? argv[3] : "";
    if (argc == 1) {
        return describe();
    }
    if (argc == 2 && strcmp(what, "scan") == 0) {
        return scan();
    }
    if (argc == 2 && (strcmp(what, "on") == 0 || strcmp(what, "off") == 0)) {
        return control(what[1] == 'n' ? NETWORK_ON : NETWORK_OFF, "", "", "");
    }
    if ((argc == 3 || argc == 4) && strcmp(what, "join") == 0) {
        return control(NETWORK_JOIN, name, secret, "");
    }
    if (argc == 4 && strcmp(what, "host") == 0) {
        return control(NETWORK_HOST, name, secret, "");
    }
    if (argc == 3 && strcmp(what, "forget") == 0) {
        return control(NETWORK_FORGET, name, "", "");
    }
    return argc == 3 && strcmp(what, "fault") == 0 ? inject(name) : shell_usage("net");
}
