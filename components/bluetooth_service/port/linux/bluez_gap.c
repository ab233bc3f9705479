/* SPDX-License-Identifier: Apache-2.0 */
/* The adapter: found, switched on, seen by others, and listening. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bluez.h"

#define ADVERTISER    "org.bluez.LEAdvertisingManager1"
#define ADVERTISEMENT "/org/kraken/advertisement"

static char s_adapter[BLUEZ_PATH];

const char *bluez_adapter(void)
{
    return s_adapter;
}

/* ---- advertising --------------------------------------------------------------------------------
 */

static char s_name[BLUETOOTH_NAME];
static bool s_kraken;
static bool s_advertises; /* BlueZ was asked to */
static sd_bus_slot *s_advertisement;
static sd_bus_slot *s_registering;

static int get_uuids(sd_bus *bus, const char *path, const char *interface, const char *property,
                     sd_bus_message *reply, void *arg, sd_bus_error *error)
{
    char uuid[BLUEZ_UUID];
    (void)bus, (void)path, (void)interface, (void)property, (void)arg, (void)error;
    bluez_uuid_to(&gatt_kraken_uuid, uuid);
    return s_kraken ? sd_bus_message_append(reply, "as", 1, uuid)
                    : sd_bus_message_append(reply, "as", 0);
}

static int get_name(sd_bus *bus, const char *path, const char *interface, const char *property,
                    sd_bus_message *reply, void *arg, sd_bus_error *error)
{
    (void)bus, (void)path, (void)interface, (void)property, (void)arg, (void)error;
    return sd_bus_message_append(reply, "s", s_name);
}

static int get_type(sd_bus *bus, const char *path, const char *interface, const char *property,
                    sd_bus_message *reply, void *arg, sd_bus_error *error)
{
    (void)bus, (void)path, (void)interface, (void)property, (void)arg, (void)error;
    return sd_bus_message_append(reply, "s", "peripheral");
}

static int get_discoverable(sd_bus *bus, const char *path, const char *interface,
                            const char *property, sd_bus_message *reply, void *arg,
                            sd_bus_error *error)
{
    (void)bus, (void)path, (void)interface, (void)property, (void)arg, (void)error;
    return sd_bus_message_append(reply, "b", 1);
}

/** BlueZ has ended it by itself. */
static int on_release(sd_bus_message *message, void *arg, sd_bus_error *error)
{
    (void)arg, (void)error;
    s_advertises = false;
    return sd_bus_reply_method_return(message, NULL);
}

static const sd_bus_vtable s_advertisement_table[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("Type", "s", get_type, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("ServiceUUIDs", "as", get_uuids, 0, 0),
    SD_BUS_PROPERTY("LocalName", "s", get_name, 0, 0),
    SD_BUS_PROPERTY("Discoverable", "b", get_discoverable, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_METHOD("Release", "", "", on_release, 0),
    SD_BUS_VTABLE_END,
};

static int on_registered(sd_bus_message *message, void *arg, sd_bus_error *error)
{
    (void)arg, (void)error;
    if (bluez_refused(message, "BlueZ does not advertise")) {
        s_advertises = false;
    }
    return 0;
}

void bluez_advertise_end(void)
{
    if (s_advertises) {
        (void)sd_bus_call_method_async(bluez_bus, NULL, BLUEZ, s_adapter, ADVERTISER,
                                       "UnregisterAdvertisement", NULL, NULL, "o", ADVERTISEMENT);
    }
    s_advertises = false;
}

void bluez_advertise(const bluez_order_t *order)
{
    if (!order->on || s_advertises) {
        if (!order->on) {
            bluez_advertise_end();
        }
        return;
    }
    const size_t length = strnlen((const char *)order->data, sizeof(s_name) - 1);
    memcpy(s_name, order->data, length);
    s_name[length] = '\0';
    s_kraken = order->value != 0;
    s_registering = sd_bus_slot_unref(s_registering);
    s_advertises = sd_bus_call_method_async(bluez_bus, &s_registering, BLUEZ, s_adapter, ADVERTISER,
                                            "RegisterAdvertisement", on_registered, NULL, "oa{sv}",
                                            ADVERTISEMENT, 0) >= 0;
}

bool bluez_is_advertising(void)
{
    return s_advertises;
}

/* ---- scanning -----------------------------------------------------------------------------------
 */

static bool s_scans;    /* people want it to */
static bool s_searches; /* somebody to connect to */
static bool s_listens;  /* BlueZ was asked to */

static int on_scan(sd_bus_message *message, void *arg, sd_bus_error *error)
{
    (void)arg, (void)error;
    if (bluez_refused(message, "BlueZ does not scan")) {
        s_listens = false;
    }
    return 0;
}

static void settle_scan(void)
{
    const bool wanted = s_scans || s_searches;
    if (wanted == s_listens) {
        return;
    }
    if (wanted) {
        (void)sd_bus_call_method_async(bluez_bus, NULL, BLUEZ, s_adapter, BLUEZ_ADAPTER,
                                       "SetDiscoveryFilter", NULL, NULL, "a{sv}", 2, "Transport",
                                       "s", "le", "DuplicateData", "b", 1);
    }
    s_listens = wanted;
    (void)sd_bus_call_method_async(bluez_bus, NULL, BLUEZ, s_adapter, BLUEZ_ADAPTER,
                                   wanted ? "StartDiscovery" : "StopDiscovery",
                                   wanted ? on_scan : NULL, NULL, NULL);
}

void bluez_scan(bool on)
{
    s_scans = on;
    settle_scan();
}

void bluez_search(bool on)
{
    s_searches = on;
    settle_scan();
}

bool bluez_is_scanning(void)
{
    return s_scans;
}

/* ---- the adapter --------------------------------------------------------------------------------
 */

/** The first object that is an adapter. @param objects a{oa{sa{sv}}} */
static void choose(sd_bus_message *objects)
{
    const char *path, *interface;
    (void)sd_bus_message_enter_container(objects, 'a', "{oa{sa{sv}}}");
    while (sd_bus_message_enter_container(objects, 'e', "oa{sa{sv}}") > 0) {
        (void)sd_bus_message_read(objects, "o", &path);
        (void)sd_bus_message_enter_container(objects, 'a', "{sa{sv}}");
        while (sd_bus_message_enter_container(objects, 'e', "sa{sv}") > 0) {
            (void)sd_bus_message_read(objects, "s", &interface);
            if (strcmp(interface, BLUEZ_ADAPTER) == 0 && s_adapter[0] == '\0' &&
                strlen(path) < sizeof(s_adapter) - 32) {
                (void)snprintf(s_adapter, sizeof(s_adapter), "%s", path);
            }
            (void)sd_bus_message_skip(objects, "a{sv}");
            (void)sd_bus_message_exit_container(objects);
        }
        (void)sd_bus_message_exit_container(objects);
        (void)sd_bus_message_exit_container(objects);
    }
}

static bool find_adapter(void)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;
    sd_bus_message *objects = NULL;
    s_adapter[0] = '\0';
    const int rc = sd_bus_call_method(bluez_bus, BLUEZ, "/", DBUS_OBJECTS, "GetManagedObjects",
                                      &error, &objects, NULL);
    if (rc >= 0) {
        choose(objects);
        if (s_adapter[0] == '\0') {
            bluez_complain("no radio",
                           "BlueZ has no adapter: plug one in (rfkill list, bluetoothctl list)");
        }
    } else {
        bluez_complain("no radio, BlueZ does not answer (apt-get install bluez, and start it)",
                       error.message != NULL ? error.message : strerror(-rc));
    }
    sd_bus_error_free(&error);
    (void)sd_bus_message_unref(objects);
    return s_adapter[0] != '\0';
}

static bool switch_on(bluetooth_address_t *own)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;
    char *address = NULL;
    int rc =
        sd_bus_set_property(bluez_bus, BLUEZ, s_adapter, BLUEZ_ADAPTER, "Powered", &error, "b", 1);
    rc = rc >= 0 ? sd_bus_get_property_string(bluez_bus, BLUEZ, s_adapter, BLUEZ_ADAPTER, "Address",
                                              &error, &address)
                 : rc;
    const bool on = rc >= 0 && bluez_address_from(address, own);
    if (!on) {
        bluez_complain("the adapter cannot be switched on (rfkill unblock bluetooth)",
                       error.message != NULL ? error.message : strerror(-rc));
    }
    sd_bus_error_free(&error);
    free(address);
    return on;
}

bool bluez_gap_begin(bluetooth_address_t *own)
{
    *own = (bluetooth_address_t){0};
    return find_adapter() && switch_on(own) &&
           sd_bus_add_object_vtable(bluez_bus, &s_advertisement, ADVERTISEMENT,
                                    "org.bluez.LEAdvertisement1", s_advertisement_table, NULL) >= 0;
}

void bluez_gap_end(void)
{
    s_scans = s_searches = false;
    if (s_adapter[0] != '\0') {
        settle_scan();
        bluez_advertise_end();
    }
    s_listens = s_advertises = false;
    s_registering = sd_bus_slot_unref(s_registering);
    s_advertisement = sd_bus_slot_unref(s_advertisement);
    s_adapter[0] = '\0';
}
