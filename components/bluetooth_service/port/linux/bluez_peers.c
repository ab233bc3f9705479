/* SPDX-License-Identifier: Apache-2.0 */
/* Devices as BlueZ knows them, and which of them are links of ours. */
#include <stdio.h>
#include <string.h>

#include "bluez.h"

#define NOT_ESTABLISHED 0x3e /* Vol 1 Part F */
#define BY_PEER         0x13 /* the same; BlueZ does not say why a connection ended */
#define BY_US           0x16
#define UNSPECIFIED     0x08 /* of the Security Manager */
#define OURS            8    /* peers that have paired while we run */
#define PATIENCE_US     (60 * 1000000ull)

typedef struct {
    bool open;
    bool paired; /* that was told */
    bool ended;  /* by us */
    bluetooth_address_t address;
    char path[BLUEZ_PATH];
} link_t;

_Atomic uint8_t bluez_links;

static link_t s_links[BLUETOOTH_LINKS];
static char s_ours[OURS][BLUEZ_PATH];
static unsigned s_our_next;
static bool s_wants; /* to connect */
static bluetooth_address_t s_wanted;
static char s_wanted_path[BLUEZ_PATH];
static sd_bus_slot *s_matches[4];
static sd_bus_slot *s_connecting;
static sd_bus_slot *s_pairing[BLUETOOTH_LINKS];

/* ---- what BlueZ knows ---------------------------------------------------------------------------
 */

static void take_uuids(sd_bus_message *message, bluez_device_t *out)
{
    char kraken[BLUEZ_UUID];
    const char *uuid;
    bluez_uuid_to(&gatt_kraken_uuid, kraken);
    if (sd_bus_message_enter_container(message, 'v', "as") > 0) {
        (void)sd_bus_message_enter_container(message, 'a', "s");
        while (sd_bus_message_read(message, "s", &uuid) > 0) {
            out->kraken = out->kraken || strcasecmp(uuid, kraken) == 0;
        }
        (void)sd_bus_message_exit_container(message);
        (void)sd_bus_message_exit_container(message);
        (void)sd_bus_message_exit_container(message); /* the entry */
    } else {
        (void)bluez_take(message, '\0', NULL);
    }
}

static void take_property(sd_bus_message *message, const char *name, bluez_device_t *out)
{
    const char *text;
    int flag = 0;
    if (strcmp(name, "Address") == 0) {
        if (bluez_take(message, 's', &text)) {
            (void)bluez_address_from(text, &out->address);
        }
    } else if (strcmp(name, "AddressType") == 0) {
        out->address.random = bluez_take(message, 's', &text) && strcmp(text, "random") == 0;
    } else if (strcmp(name, "Name") == 0) {
        if (bluez_take(message, 's', &text)) {
            (void)snprintf(out->name, sizeof(out->name), "%s", text);
        }
    } else if (strcmp(name, "RSSI") == 0) {
        out->heard = bluez_take(message, 'n', &out->rssi);
    } else if (strcmp(name, "Connected") == 0) {
        out->connected = bluez_take(message, 'b', &flag) && flag != 0;
    } else if (strcmp(name, "Paired") == 0) {
        out->paired = bluez_take(message, 'b', &flag) && flag != 0;
    } else if (strcmp(name, "ServicesResolved") == 0) {
        out->resolved = bluez_take(message, 'b', &flag) && flag != 0;
    } else if (strcmp(name, "UUIDs") == 0) {
        take_uuids(message, out);
    } else {
        (void)bluez_take(message, '\0', NULL);
    }
}

bool bluez_device(const char *path, bluez_device_t *out)
{
    sd_bus_message *reply = NULL;
    const char *name;
    *out = (bluez_device_t){0};
    const bool known = sd_bus_call_method(bluez_bus, BLUEZ, path, DBUS_PROPERTIES, "GetAll", NULL,
                                          &reply, "s", BLUEZ_DEVICE) >= 0;
    if (known && sd_bus_message_enter_container(reply, 'a', "{sv}") > 0) {
        while ((name = bluez_next_property(reply)) != NULL) {
            take_property(reply, name, out);
        }
    }
    (void)sd_bus_message_unref(reply);
    return known;
}

uint8_t bluez_link_of(const char *path)
{
    for (uint8_t i = 0; i < BLUETOOTH_LINKS; i++) {
        if (s_links[i].open && strcmp(s_links[i].path, path) == 0) {
            return i;
        }
    }
    return BLUETOOTH_NO_LINK;
}

const char *bluez_link_path(uint8_t link)
{
    return link < BLUETOOTH_LINKS && s_links[link].open ? s_links[link].path : NULL;
}

static void ask_device(const char *path, const char *what, sd_bus_message_handler_t answer)
{
    sd_bus_message *call = NULL;
    if (sd_bus_message_new_method_call(bluez_bus, &call, BLUEZ, path, BLUEZ_DEVICE, what) >= 0) {
        (void)sd_bus_call_async(bluez_bus, answer == NULL ? NULL : &s_connecting, call, answer,
                                NULL, PATIENCE_US);
    }
    (void)sd_bus_message_unref(call);
}

/* ---- links --------------------------------------------------------------------------------------
 */

static void tell_paired(uint8_t link)
{
    link_t *peer = &s_links[link];
    if (!peer->paired) {
        peer->paired = true;
        bluez_tell((bluetooth_radio_event_t){.kind = BLUETOOTH_RADIO_PAIRED, .link = link}, NULL,
                   0);
    }
}

/** One that has paired while we run. */
static void remember(const char *path)
{
    for (unsigned i = 0; i < OURS; i++) {
        if (strcmp(s_ours[i], path) == 0) {
            return;
        }
    }
    (void)snprintf(s_ours[s_our_next], BLUEZ_PATH, "%s", path);
    s_our_next = (s_our_next + 1) % OURS;
}

static bool is_wanted(const char *path)
{
    return s_wants && strcmp(path, s_wanted_path) == 0;
}

static void want_nobody(void)
{
    s_wants = false;
    bluez_search(false);
}

static void begin_link(const char *path, const bluez_device_t *device)
{
    const bool central = is_wanted(path);
    uint8_t link = 0;
    while (link < BLUETOOTH_LINKS && s_links[link].open) {
        link++;
    }
    if (!central && !bluez_is_advertising()) {
        return; /* somebody else's: a keyboard, a loudspeaker */
    }
    if (link == BLUETOOTH_LINKS || strlen(path) >= BLUEZ_PATH) {
        ask_device(path, "Disconnect", NULL);
        return;
    }
    s_links[link] = (link_t){.open = true, .address = device->address};
    (void)snprintf(s_links[link].path, BLUEZ_PATH, "%s", path);
    atomic_fetch_or(&bluez_links, (uint8_t)(1u << link));
    bluez_gattc_link(link);
    if (central) {
        want_nobody();
    } else {
        bluez_advertise_end();
    }
    bluez_tell((bluetooth_radio_event_t){.kind = BLUETOOTH_RADIO_CONNECTED,
                                         .link = link,
                                         .central = central,
                                         .address = device->address},
               NULL, 0);
    bluez_gatts_link(link);
    if (device->paired) { /* BlueZ encrypts by itself */
        tell_paired(link);
    }
}

static void end_link(uint8_t link)
{
    link_t *peer = &s_links[link];
    peer->open = false;
    s_pairing[link] = sd_bus_slot_unref(s_pairing[link]); /* its answer is not the next link's */
    atomic_fetch_and(&bluez_links, (uint8_t) ~(1u << link));
    bluez_tell((bluetooth_radio_event_t){.kind = BLUETOOTH_RADIO_DISCONNECTED,
                                         .link = link,
                                         .code = peer->ended ? BY_US : BY_PEER,
                                         .address = peer->address},
               NULL, 0);
}

static void not_connected(void)
{
    want_nobody();
    bluez_tell((bluetooth_radio_event_t){.kind = BLUETOOTH_RADIO_NOT_CONNECTED,
                                         .link = BLUETOOTH_NO_LINK,
                                         .code = NOT_ESTABLISHED,
                                         .address = s_wanted},
               NULL, 0);
}

static int on_connect(sd_bus_message *message, void *arg, sd_bus_error *error)
{
    (void)arg, (void)error;
    s_connecting = sd_bus_slot_unref(s_connecting);
    if (sd_bus_message_is_method_error(message, NULL) && s_wants) {
        not_connected();
    }
    return 0;
}

/* ---- what BlueZ tells ---------------------------------------------------------------------------
 */

/** As advertising data, which a scan of any radio tells. */
static void tell_found(const bluez_device_t *device)
{
    const size_t length = strlen(device->name);
    uint8_t data[2 + 16 + 2 + BLUETOOTH_NAME];
    size_t size = 0;
    if (device->kraken) {
        data[size++] = 17;
        data[size++] = 0x07; /* all UUIDs of 128 bits */
        memcpy(data + size, gatt_kraken_uuid.bytes, 16);
        size += 16;
    }
    if (length != 0) {
        data[size++] = (uint8_t)(length + 1);
        data[size++] = 0x09; /* the name */
        memcpy(data + size, device->name, length);
        size += length;
    }
    bluez_tell((bluetooth_radio_event_t){.kind = BLUETOOTH_RADIO_FOUND,
                                         .link = BLUETOOTH_NO_LINK,
                                         .rssi_dbm = (int8_t)device->rssi,
                                         .address = device->address},
               data, size);
}

/** A device is there, or something about it has changed. */
static void look_at(const char *path)
{
    bluez_device_t device;
    const uint8_t link = bluez_link_of(path);
    if (!bluez_device(path, &device)) {
        return;
    }
    if (link != BLUETOOTH_NO_LINK && !device.connected) {
        end_link(link);
    } else if (link == BLUETOOTH_NO_LINK && device.connected) {
        begin_link(path, &device);
    } else if (link != BLUETOOTH_NO_LINK) {
        if (device.paired && !s_links[link].paired) {
            remember(path);
            tell_paired(link);
        }
        if (device.resolved) {
            bluez_gattc_resolved(link);
        }
    } else if (device.heard) {
        if (bluez_is_scanning()) {
            tell_found(&device);
        }
        if (is_wanted(path) && s_connecting == NULL) {
            bluez_search(false);
            ask_device(path, "Connect", on_connect);
        }
    }
}

static int on_changed(sd_bus_message *message, void *arg, sd_bus_error *error)
{
    const char *interface, *name;
    (void)arg, (void)error;
    if (sd_bus_message_read(message, "s", &interface) <= 0) {
        return 0;
    }
    if (strcmp(interface, BLUEZ_DEVICE) == 0) {
        look_at(sd_bus_message_get_path(message));
    } else if (strcmp(interface, BLUEZ_REMOTE) == 0 &&
               sd_bus_message_enter_container(message, 'a', "{sv}") > 0) {
        while ((name = bluez_next_property(message)) != NULL) {
            const void *data;
            size_t size;
            if (strcmp(name, "Value") == 0 &&
                sd_bus_message_enter_container(message, 'v', "ay") > 0 &&
                sd_bus_message_read_array(message, 'y', &data, &size) > 0) {
                bluez_gattc_notified(sd_bus_message_get_path(message), data, size);
                return 0;
            }
            (void)bluez_take(message, '\0', NULL);
        }
    }
    return 0;
}

static int on_added(sd_bus_message *message, void *arg, sd_bus_error *error)
{
    const char *path;
    (void)arg, (void)error;
    const size_t length = strlen(bluez_adapter());
    if (sd_bus_message_read(message, "o", &path) > 0 &&
        strncmp(path, bluez_adapter(), length) == 0 && strncmp(path + length, "/dev_", 5) == 0 &&
        strchr(path + length + 1, '/') == NULL) {
        look_at(path);
    }
    return 0;
}

static int on_removed(sd_bus_message *message, void *arg, sd_bus_error *error)
{
    const char *path;
    (void)arg, (void)error;
    if (sd_bus_message_read(message, "o", &path) > 0) {
        const uint8_t link = bluez_link_of(path);
        if (strcmp(path, bluez_adapter()) == 0) {
            bluez_complain("the radio has gone", "its adapter was taken out");
            bluez_lose();
        } else if (link != BLUETOOTH_NO_LINK) {
            end_link(link);
        }
    }
    return 0;
}

static int on_owner(sd_bus_message *message, void *arg, sd_bus_error *error)
{
    const char *name, *before, *now;
    (void)arg, (void)error;
    if (sd_bus_message_read(message, "sss", &name, &before, &now) > 0 && before[0] != '\0') {
        bluez_complain("the radio has gone", "BlueZ has ended");
        bluez_lose();
    }
    return 0;
}

/* ---- orders -------------------------------------------------------------------------------------
 */

void bluez_connect(const bluez_order_t *order)
{
    char text[18];
    if (!order->on) {
        if (s_wants && s_connecting != NULL) {
            ask_device(s_wanted_path, "Disconnect", NULL);
        }
        want_nobody();
        return;
    }
    bluez_device_t device;
    s_wanted = order->address;
    s_wants = true;
    s_connecting = sd_bus_slot_unref(s_connecting);
    bluez_address_to(&s_wanted, '_', text);
    (void)snprintf(s_wanted_path, sizeof(s_wanted_path), "%.100s/dev_%s", bluez_adapter(), text);
    if (bluez_device(s_wanted_path, &device)) {
        ask_device(s_wanted_path, "Connect", on_connect);
    } else {
        bluez_search(true); /* it must have been heard first */
    }
}

void bluez_disconnect(uint8_t link)
{
    if (bluez_link_path(link) != NULL) {
        s_links[link].ended = true;
        ask_device(bluez_link_path(link), "Disconnect", NULL);
    }
}

static void tell_not_paired(uint8_t link)
{
    bluez_tell((bluetooth_radio_event_t){.kind = BLUETOOTH_RADIO_NOT_PAIRED,
                                         .link = link,
                                         .code = UNSPECIFIED},
               NULL, 0);
}

static int on_pair(sd_bus_message *message, void *arg, sd_bus_error *error)
{
    const uint8_t link = (uint8_t)(uintptr_t)arg;
    const char *path = bluez_link_path(link);
    (void)error;
    if (path == NULL) {
        return 0;
    }
    const bool done = !sd_bus_message_is_method_error(message, NULL);
    if (done || sd_bus_message_is_method_error(message, "org.bluez.Error.AlreadyExists")) {
        if (done) {
            remember(path);
        }
        tell_paired(link);
    } else {
        tell_not_paired(link);
    }
    return 0;
}

void bluez_pair(uint8_t link)
{
    sd_bus_message *call = NULL;
    if (bluez_link_path(link) == NULL) {
        return; /* its end was told */
    }
    int rc = sd_bus_message_new_method_call(bluez_bus, &call, BLUEZ, bluez_link_path(link),
                                            BLUEZ_DEVICE, "Pair");
    if (rc >= 0) {
        s_pairing[link] = sd_bus_slot_unref(s_pairing[link]);
        rc = sd_bus_call_async(bluez_bus, &s_pairing[link], call, on_pair, (void *)(uintptr_t)link,
                               PATIENCE_US);
    }
    if (rc < 0) { /* nobody else answers */
        tell_not_paired(link);
    }
    (void)sd_bus_message_unref(call);
}

/** Those that have paired with us alone: the computer may know others, which are not ours. */
void bluez_forget(void)
{
    for (unsigned i = 0; i < OURS; i++) {
        if (s_ours[i][0] != '\0') {
            (void)sd_bus_call_method_async(bluez_bus, NULL, BLUEZ, bluez_adapter(), BLUEZ_ADAPTER,
                                           "RemoveDevice", NULL, NULL, "o", s_ours[i]);
        }
        s_ours[i][0] = '\0';
    }
}

bool bluez_peers_begin(void)
{
    static const struct {
        const char *what;
        sd_bus_message_handler_t handler;
    } s_wants_to_hear[] = {
        {"type='signal',sender='" BLUEZ "',interface='" DBUS_PROPERTIES
         "',member='PropertiesChanged',path_namespace='/org/bluez'",
         on_changed},
        {"type='signal',sender='" BLUEZ "',interface='" DBUS_OBJECTS "',member='InterfacesAdded'",
         on_added},
        {"type='signal',sender='" BLUEZ "',interface='" DBUS_OBJECTS "',member='InterfacesRemoved'",
         on_removed},
        {"type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"
         "member='NameOwnerChanged',arg0='" BLUEZ "'",
         on_owner},
    };
    for (unsigned i = 0; i < sizeof(s_matches) / sizeof(s_matches[0]); i++) {
        const int rc = sd_bus_add_match(bluez_bus, &s_matches[i], s_wants_to_hear[i].what,
                                        s_wants_to_hear[i].handler, NULL);
        if (rc < 0) {
            bluez_complain("no D-Bus, so no radio", strerror(-rc));
            return false;
        }
    }
    return true;
}

void bluez_peers_end(void)
{
    for (uint8_t i = 0; i < BLUETOOTH_LINKS; i++) {
        bluez_disconnect(i);
        s_pairing[i] = sd_bus_slot_unref(s_pairing[i]);
        s_links[i].open = false;
    }
    atomic_store(&bluez_links, 0);
    s_wants = false;
    s_connecting = sd_bus_slot_unref(s_connecting);
    for (unsigned i = 0; i < sizeof(s_matches) / sizeof(s_matches[0]); i++) {
        s_matches[i] = sd_bus_slot_unref(s_matches[i]);
    }
}
