/* SPDX-License-Identifier: Apache-2.0 */
/* What peers offer: BlueZ has found it, and its objects' names say their handles. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "att.h"
#include "bluez.h"

_Atomic uint8_t bluez_busy;

static uint16_t s_handle[BLUETOOTH_LINKS]; /* that is read, written or subscribed to */
static bool s_discovers[BLUETOOTH_LINKS];  /* once BlueZ has */
static sd_bus_slot *s_calls[BLUETOOTH_LINKS];

static void finish(uint8_t link, bluetooth_radio_kind_t kind, uint8_t code, const void *data,
                   size_t size)
{
    atomic_fetch_and(&bluez_busy, (uint8_t) ~(1u << link));
    bluez_tell(
        (bluetooth_radio_event_t){
            .kind = (uint8_t)kind, .link = link, .code = code, .handle = s_handle[link]},
        data, size);
}

void bluez_gattc_link(uint8_t link)
{
    s_discovers[link] = false;
    s_calls[link] = sd_bus_slot_unref(s_calls[link]);
    atomic_fetch_and(&bluez_busy, (uint8_t) ~(1u << link));
}

/* ---- discovery ----------------------------------------------------------------------------------
 */

/** ".../service000a/char000b" has its value at 0x000c. @return 0: that is none of this link */
static uint16_t handle_of(const char *path, const char *device)
{
    static const char s_shape[] = "/serviceXXXX/charXXXX";
    unsigned service, declaration;
    const size_t length = strlen(device);
    const char *rest = path + length;
    return strncmp(path, device, length) == 0 && strlen(rest) == sizeof(s_shape) - 1 &&
                   strncmp(rest, s_shape, 8) == 0 && bluez_hex(rest + 8, 4, &service) &&
                   strncmp(rest + 12, s_shape + 12, 5) == 0 && bluez_hex(rest + 17, 4, &declaration)
               ? (uint16_t)(declaration + 1)
               : 0;
}

static uint16_t properties_of(sd_bus_message *message)
{
    static const struct {
        const char *flag;
        uint8_t property;
    } s_flags[] = {{"read", GATT_READ},
                   {"write-without-response", GATT_WRITE_NO_ANSWER},
                   {"write", GATT_WRITE},
                   {"notify", GATT_NOTIFY},
                   {"indicate", 0x20}};
    const char *flag;
    uint16_t properties = 0;
    if (sd_bus_message_enter_container(message, 'v', "as") <= 0) {
        (void)bluez_take(message, '\0', NULL);
        return 0;
    }
    (void)sd_bus_message_enter_container(message, 'a', "s");
    while (sd_bus_message_read(message, "s", &flag) > 0) {
        for (unsigned i = 0; i < sizeof(s_flags) / sizeof(s_flags[0]); i++) {
            properties |= strcmp(flag, s_flags[i].flag) == 0 ? s_flags[i].property : 0;
        }
    }
    (void)sd_bus_message_exit_container(message);
    (void)sd_bus_message_exit_container(message);
    (void)sd_bus_message_exit_container(message); /* the entry */
    return properties;
}

/** @param message a{sv} of a characteristic */
static void tell_characteristic(sd_bus_message *message, uint8_t link, uint16_t handle)
{
    const char *name, *text;
    uint8_t uuid[16];
    size_t size = 0;
    uint16_t properties = 0, mtu = 0;
    (void)sd_bus_message_enter_container(message, 'a', "{sv}");
    while ((name = bluez_next_property(message)) != NULL) {
        if (strcmp(name, "UUID") == 0) {
            size = bluez_take(message, 's', &text) ? bluez_uuid_from(text, uuid) : 0;
        } else if (strcmp(name, "Flags") == 0) {
            properties = properties_of(message);
        } else if (strcmp(name, "MTU") == 0) {
            (void)bluez_take(message, 'q', &mtu);
        } else {
            (void)bluez_take(message, '\0', NULL);
        }
    }
    (void)sd_bus_message_exit_container(message);
    if (mtu != 0) {
        bluez_tell(
            (bluetooth_radio_event_t){.kind = BLUETOOTH_RADIO_MTU, .link = link, .number = mtu},
            NULL, 0);
    }
    bluez_tell((bluetooth_radio_event_t){.kind = BLUETOOTH_RADIO_CHARACTERISTIC,
                                         .link = link,
                                         .handle = handle,
                                         .number = properties},
               uuid, size);
}

/** @param objects a{oa{sa{sv}}} */
static void tell_objects(sd_bus_message *objects, uint8_t link)
{
    const char *path, *interface;
    (void)sd_bus_message_enter_container(objects, 'a', "{oa{sa{sv}}}");
    while (sd_bus_message_enter_container(objects, 'e', "oa{sa{sv}}") > 0) {
        (void)sd_bus_message_read(objects, "o", &path);
        const uint16_t handle = handle_of(path, bluez_link_path(link));
        (void)sd_bus_message_enter_container(objects, 'a', "{sa{sv}}");
        while (sd_bus_message_enter_container(objects, 'e', "sa{sv}") > 0) {
            (void)sd_bus_message_read(objects, "s", &interface);
            if (handle != 0 && strcmp(interface, BLUEZ_REMOTE) == 0) {
                tell_characteristic(objects, link, handle);
            } else {
                (void)sd_bus_message_skip(objects, "a{sv}");
            }
            (void)sd_bus_message_exit_container(objects);
        }
        (void)sd_bus_message_exit_container(objects);
        (void)sd_bus_message_exit_container(objects);
    }
}

void bluez_gattc_resolved(uint8_t link)
{
    sd_bus_message *objects = NULL;
    if (!s_discovers[link]) {
        return;
    }
    s_discovers[link] = false;
    const int rc = sd_bus_call_method(bluez_bus, BLUEZ, "/", DBUS_OBJECTS, "GetManagedObjects",
                                      NULL, &objects, NULL);
    if (rc >= 0) {
        tell_objects(objects, link);
    }
    (void)sd_bus_message_unref(objects);
    finish(link, BLUETOOTH_RADIO_DISCOVERED, rc >= 0 ? 0 : ATT_ERROR_UNLIKELY, NULL, 0);
}

void bluez_discover(uint8_t link)
{
    bluez_device_t device;
    if (bluez_link_path(link) == NULL) {
        return; /* its end was told */
    }
    s_handle[link] = 0;
    s_discovers[link] = true;
    if (bluez_device(bluez_link_path(link), &device) && device.resolved) {
        bluez_gattc_resolved(link);
    }
}

/* ---- reading and writing ------------------------------------------------------------------------
 */

typedef struct {
    uint16_t handle;
    char path[BLUEZ_PATH];
} search_t;

/** @param objects a{oa{sa{sv}}} */
static bool find(sd_bus_message *objects, const char *device, search_t *search)
{
    const char *path;
    bool found = false;
    (void)sd_bus_message_enter_container(objects, 'a', "{oa{sa{sv}}}");
    while (sd_bus_message_enter_container(objects, 'e', "oa{sa{sv}}") > 0) {
        (void)sd_bus_message_read(objects, "o", &path);
        if (handle_of(path, device) == search->handle && strlen(path) < BLUEZ_PATH) {
            (void)snprintf(search->path, BLUEZ_PATH, "%s", path);
            found = true;
        }
        (void)sd_bus_message_skip(objects, "a{sa{sv}}");
        (void)sd_bus_message_exit_container(objects);
    }
    return found;
}

/** A call to the object of a handle; NULL: there is none, and that was told. */
static sd_bus_message *call_of(const bluez_order_t *order, const char *method,
                               bluetooth_radio_kind_t kind)
{
    sd_bus_message *objects = NULL, *call = NULL;
    search_t search = {.handle = order->handle};
    const char *device = bluez_link_path(order->link);
    if (device == NULL) {
        return NULL;
    }
    s_handle[order->link] = order->handle;
    const bool known = order->handle != 0 &&
                       sd_bus_call_method(bluez_bus, BLUEZ, "/", DBUS_OBJECTS, "GetManagedObjects",
                                          NULL, &objects, NULL) >= 0 &&
                       find(objects, device, &search);
    (void)sd_bus_message_unref(objects);
    if (!known || sd_bus_message_new_method_call(bluez_bus, &call, BLUEZ, search.path, BLUEZ_REMOTE,
                                                 method) < 0) {
        finish(order->link, kind, ATT_ERROR_INVALID_HANDLE, NULL, 0);
        return NULL;
    }
    return call;
}

static void send(uint8_t link, sd_bus_message *call, int rc, sd_bus_message_handler_t handler,
                 bluetooth_radio_kind_t kind)
{
    s_calls[link] = sd_bus_slot_unref(s_calls[link]);
    if (rc < 0 || sd_bus_call_async(bluez_bus, &s_calls[link], call, handler,
                                    (void *)(uintptr_t)link, 0) < 0) {
        finish(link, kind, ATT_ERROR_UNLIKELY, NULL, 0);
    }
    (void)sd_bus_message_unref(call);
}

static int on_read(sd_bus_message *message, void *arg, sd_bus_error *error)
{
    const void *data = NULL;
    size_t size = 0;
    uint8_t code = bluez_att_error(sd_bus_message_get_error(message), ATT_ERROR_READ_NOT_PERMITTED);
    (void)error;
    if (code == 0 && sd_bus_message_read_array(message, 'y', &data, &size) < 0) {
        code = ATT_ERROR_UNLIKELY;
    }
    finish((uint8_t)(uintptr_t)arg, BLUETOOTH_RADIO_READ, code, data, size);
    return 0;
}

static int on_written(sd_bus_message *message, void *arg, sd_bus_error *error)
{
    (void)error;
    finish((uint8_t)(uintptr_t)arg, BLUETOOTH_RADIO_WRITTEN,
           bluez_att_error(sd_bus_message_get_error(message), ATT_ERROR_WRITE_NOT_PERMITTED), NULL,
           0);
    return 0;
}

void bluez_read(const bluez_order_t *order)
{
    sd_bus_message *call = call_of(order, "ReadValue", BLUETOOTH_RADIO_READ);
    if (call != NULL) {
        send(order->link, call, sd_bus_message_append(call, "a{sv}", 0), on_read,
             BLUETOOTH_RADIO_READ);
    }
}

void bluez_write(const bluez_order_t *order)
{
    sd_bus_message *call = call_of(order, "WriteValue", BLUETOOTH_RADIO_WRITTEN);
    if (call != NULL) {
        int rc = sd_bus_message_append_array(call, 'y', order->data, order->size);
        rc = rc >= 0 ? sd_bus_message_append(call, "a{sv}", 1, "type", "s", "request") : rc;
        send(order->link, call, rc, on_written, BLUETOOTH_RADIO_WRITTEN);
    }
}

void bluez_subscribe(const bluez_order_t *order)
{
    sd_bus_message *call =
        call_of(order, order->on ? "StartNotify" : "StopNotify", BLUETOOTH_RADIO_WRITTEN);
    if (call != NULL) {
        send(order->link, call, 0, on_written, BLUETOOTH_RADIO_WRITTEN);
    }
}

void bluez_gattc_notified(const char *path, const void *data, size_t size)
{
    for (uint8_t link = 0; link < BLUETOOTH_LINKS; link++) {
        const char *device = bluez_link_path(link);
        const uint16_t handle = device != NULL ? handle_of(path, device) : 0;
        if (handle != 0) {
            bluez_tell((bluetooth_radio_event_t){.kind = BLUETOOTH_RADIO_NOTIFIED,
                                                 .link = link,
                                                 .handle = handle},
                       data, size);
        }
    }
}
