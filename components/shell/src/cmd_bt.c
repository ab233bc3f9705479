/* SPDX-License-Identifier: Apache-2.0 */
/* bt: by requests alone, so a firmware without a radio links nothing of it. What happens on the air
 * afterwards is shown by "events tap bluetooth.*". */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "esp_attr.h"

#include "bluetooth_service/bluetooth_events.h"
#include "shell_internal.h"

#define HEADER(type) STATUS_HEADER(type, BLUETOOTH_EVENTS_VERSION)
#define ADDRESS_TEXT 18

static const char *const s_faults[BLUETOOTH_FAULTS] = {
    [BLUETOOTH_FAULT_NONE] = "none",   [BLUETOOTH_FAULT_UNPLUGGED] = "unplugged",
    [BLUETOOTH_FAULT_STUCK] = "stuck", [BLUETOOTH_FAULT_SHORT] = "short",
    [BLUETOOTH_FAULT_WRONG] = "wrong",
};

static const char *address_text(const bluetooth_address_t *address, char text[ADDRESS_TEXT])
{
    const uint8_t *b = address->bytes;
    (void)snprintf(text, ADDRESS_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", b[5], b[4], b[3], b[2],
                   b[1], b[0]);
    return text;
}

static void describe_link(unsigned number, const bluetooth_link_t *link)
{
    char address[ADDRESS_TEXT];
    if (link->connected) {
        shell_print("link %u: %s %s, %s, MTU %u, hears of %u values", number,
                    link->central ? "to" : "from", address_text(&link->address, address),
                    link->paired ? "paired" : "not paired", link->mtu, link->subscribed);
    }
}

static int describe(void)
{
    bluetooth_info_t info;
    char address[ADDRESS_TEXT];
    size_t size = sizeof(info);
    const esp_err_t ret = shell_ask(BLUETOOTH_GET_REQUEST, NULL, 0, &info, &size);
    if (ret != ESP_OK) {
        return shell_result("bt", ret);
    }
    shell_print("%s, %s; the radio %s%s%s", info.name, address_text(&info.address, address),
                info.radio ? "is on" : "does not answer",
                info.state.advertising ? ", advertises" : "", info.state.scanning ? ", scans" : "");
    for (unsigned i = 0; i < BLUETOOTH_LINKS; i++) {
        describe_link(i, &info.links[i]);
    }
    shell_print("%" PRIu32 " connections, %" PRIu32 " of them lost; peers wrote %" PRIu32
                " values, %" PRIu32 " of them wrong",
                info.connections, info.lost, info.written, info.refused);
    shell_print("%" PRIu32 " notifications, %" PRIu32 " had to wait; %" PRIu32
                " events of the radio came too fast",
                info.notified, info.postponed, info.overrun);
    shell_print("%" PRIu32 " bytes of packages, %" PRIu32 " installed", info.received,
                info.installed);
    return SHELL_OK;
}

/* ---- arguments ---------------------------------------------------------------------------------
 */

/** Six bytes in hexadecimal with colons between them, the most significant first. */
static bool take_address(const char *text, bluetooth_address_t *out)
{
    static const char pattern[] = "hh:hh:hh:hh:hh:hh";
    if (strlen(text) != sizeof(pattern) - 1) {
        return false;
    }
    for (unsigned i = 0; i < sizeof(pattern) - 1; i++) {
        if (pattern[i] == ':' ? text[i] != ':' : !isxdigit((unsigned char)text[i])) {
            return false;
        }
    }
    for (unsigned i = 0; i < 6; i++) {
        out->bytes[5 - i] = (uint8_t)strtoul(&text[3 * i], NULL, 16);
    }
    out->random = (out->bytes[5] & 0xc0) == 0xc0; /* static random addresses have both bits set */
    return true;
}

static bool take_switch(const char *text, uint32_t *out)
{
    *out = strcmp(text, "on") == 0;
    return *out != 0 || strcmp(text, "off") == 0;
}

static bool take_hex(const char *text, bluetooth_do_t *wish)
{
    const size_t length = strlen(text);
    if (length % 2 != 0 || length / 2 > sizeof(wish->data) ||
        strspn(text, "0123456789abcdefABCDEF") != length) {
        return false;
    }
    for (size_t i = 0; i < length / 2; i++) {
        const char byte[3] = {text[2 * i], text[2 * i + 1], '\0'};
        wish->data[i] = (uint8_t)strtoul(byte, NULL, 16);
    }
    wish->data_size = (uint8_t)(length / 2);
    return true;
}

static bool take_fault(const char *text, uint32_t *out)
{
    uint8_t fault = 0;
    const bool known = shell_choice(text, s_faults, BLUETOOTH_FAULTS, &fault);
    *out = fault;
    return known;
}

/** Arguments of the kind: l link, h handle, v on or off, m milliseconds, p passkey, a address,
 *  x hexadecimal, f fault. */
static bool take(char kind, const char *text, bluetooth_do_t *wish)
{
    uint32_t number = 0;
    switch (kind) {
    case 'l':
        if (!shell_number(text, 0, BLUETOOTH_LINKS - 1, &number)) {
            return false;
        }
        wish->link = (uint8_t)number;
        return true;
    case 'h':
        if (!shell_number(text, 1, UINT16_MAX, &number)) {
            return false;
        }
        wish->handle = (uint16_t)number;
        return true;
    case 'v':
        return take_switch(text, &wish->value);
    case 'm':
        return shell_number(text, 0, 60000, &wish->value);
    case 'p':
        return shell_number(text, 0, 999999, &wish->value);
    case 'a':
        return take_address(text, &wish->address);
    case 'x':
        return take_hex(text, wish);
    case 'f':
        return take_fault(text, &wish->value);
    default:
        return false;
    }
}

int cmd_bt(int argc, char **argv)
{
    static const struct {
        const char *word;
        const char *arguments;
        bluetooth_do_kind_t what;
    } s_orders[] = {
        {"advertise", "v", BLUETOOTH_DO_ADVERTISE}, {"scan", "m", BLUETOOTH_DO_SCAN},
        {"connect", "a", BLUETOOTH_DO_CONNECT},     {"disconnect", "l", BLUETOOTH_DO_DISCONNECT},
        {"pair", "l", BLUETOOTH_DO_PAIR},           {"pair", "lp", BLUETOOTH_DO_PASSKEY},
        {"discover", "l", BLUETOOTH_DO_DISCOVER},   {"read", "lh", BLUETOOTH_DO_READ},
        {"write", "lhx", BLUETOOTH_DO_WRITE},       {"notify", "lhv", BLUETOOTH_DO_SUBSCRIBE},
        {"fault", "f", BLUETOOTH_DO_FAULT},         {"forget", "", BLUETOOTH_DO_FORGET},
    };
    static EXT_RAM_BSS_ATTR bluetooth_do_t s_wish; /* one task executes commands */
    if (argc == 1) {
        return describe();
    }
    for (size_t i = 0; i < sizeof(s_orders) / sizeof(s_orders[0]); i++) {
        const char *arguments = s_orders[i].arguments;
        if (strcmp(argv[1], s_orders[i].word) != 0 || (size_t)argc != 2 + strlen(arguments)) {
            continue;
        }
        memset(&s_wish, 0, sizeof(s_wish));
        s_wish.header = (status_header_t)HEADER(bluetooth_do_t);
        s_wish.what = (uint8_t)s_orders[i].what;
        bool good = true;
        for (int n = 2; n < argc && good; n++) {
            good = take(arguments[n - 2], argv[n], &s_wish);
        }
        return good ? shell_result(argv[1], shell_ask(BLUETOOTH_DO_REQUEST, &s_wish, sizeof(s_wish),
                                                      NULL, NULL))
                    : shell_usage("bt");
    }
    return shell_usage("bt");
}
