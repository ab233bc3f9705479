/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our table as objects on the bus, which BlueZ offers to peers. It checks itself who may write what
 * is secured. Who subscribed it does not say: somebody has, and whoever has is sent the value.
 */
#include <stdio.h>
#include <string.h>

#include "bluez.h"

#define ROOT      "/org/kraken/gatt"
#define SERVICE   "org.bluez.GattService1"
#define VALUE     "org.bluez.GattCharacteristic1"
#define MANAGER   "org.bluez.GattManager1"
#define QUESTIONS 16 /* reads that are not answered yet */
#define SLOTS     (GATT_VALUES + 8)

_Atomic uint32_t bluez_wanted;

static sd_bus_slot *s_slots[SLOTS];
static unsigned s_slot_count;
static struct {
    sd_bus_message *message;
    uint32_t number;
    uint16_t offset;
} s_questions[QUESTIONS];
static uint32_t
    s_number; /* of the last question: an answer to one of an earlier radio finds none */

/** Of the characteristic or service at index. */
static void path_of(char path[BLUEZ_PATH], unsigned service, int value)
{
    if (value < 0) {
        (void)snprintf(path, BLUEZ_PATH, ROOT "/service%u", service);
    } else {
        (void)snprintf(path, BLUEZ_PATH, ROOT "/service%u/value%d", service, value);
    }
}

static void path_of_value(char path[BLUEZ_PATH], uint8_t value)
{
    for (unsigned i = 0; i < gatt_table_size; i++) {
        for (unsigned j = 0; j < gatt_table[i].count; j++) {
            if (gatt_table[i].characteristics[j].value == value) {
                path_of(path, i, value);
            }
        }
    }
}

/* ---- properties ---------------------------------------------------------------------------------
 */

static int get_service_uuid(sd_bus *bus, const char *path, const char *interface,
                            const char *property, sd_bus_message *reply, void *arg,
                            sd_bus_error *error)
{
    char uuid[BLUEZ_UUID];
    (void)bus, (void)path, (void)interface, (void)property, (void)error;
    bluez_uuid_to(&((const gatt_service_t *)arg)->uuid, uuid);
    return sd_bus_message_append(reply, "s", uuid);
}

static int get_primary(sd_bus *bus, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *arg, sd_bus_error *error)
{
    (void)bus, (void)path, (void)interface, (void)property, (void)arg, (void)error;
    return sd_bus_message_append(reply, "b", 1);
}

static int get_uuid(sd_bus *bus, const char *path, const char *interface, const char *property,
                    sd_bus_message *reply, void *arg, sd_bus_error *error)
{
    char uuid[BLUEZ_UUID];
    (void)bus, (void)path, (void)interface, (void)property, (void)error;
    bluez_uuid_to(&((const gatt_characteristic_t *)arg)->uuid, uuid);
    return sd_bus_message_append(reply, "s", uuid);
}

static int get_service(sd_bus *bus, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *arg, sd_bus_error *error)
{
    char service[BLUEZ_PATH];
    (void)bus, (void)interface, (void)property, (void)arg, (void)error;
    (void)snprintf(service, sizeof(service), "%.*s", (int)(strrchr(path, '/') - path), path);
    return sd_bus_message_append(reply, "o", service);
}

static int get_flags(sd_bus *bus, const char *path, const char *interface, const char *property,
                     sd_bus_message *reply, void *arg, sd_bus_error *error)
{
    static const struct {
        uint8_t property;
        const char *flag;
    } s_flags[] = {{GATT_READ, "read"},
                   {GATT_WRITE, "write"},
                   {GATT_WRITE_NO_ANSWER, "write-without-response"},
                   {GATT_NOTIFY, "notify"}};
    const gatt_characteristic_t *characteristic = arg;
    (void)bus, (void)path, (void)interface, (void)property, (void)error;
    int rc = sd_bus_message_open_container(reply, 'a', "s");
    for (unsigned i = 0; i < sizeof(s_flags) / sizeof(s_flags[0]) && rc >= 0; i++) {
        if ((characteristic->properties & s_flags[i].property) != 0) {
            rc = sd_bus_message_append(reply, "s", s_flags[i].flag);
        }
    }
    if (characteristic->secured && rc >= 0) {
        rc = sd_bus_message_append(reply, "s", "encrypt-authenticated-write");
    }
    return rc >= 0 ? sd_bus_message_close_container(reply) : rc;
}

/* ---- what peers do ------------------------------------------------------------------------------
 */

/** What BlueZ says about a read or a write: from which place, and of whom. */
static int take_options(sd_bus_message *message, uint16_t *offset, uint8_t *link)
{
    const char *name, *device;
    *offset = 0;
    *link = BLUETOOTH_NO_LINK;
    const int rc = sd_bus_message_enter_container(message, 'a', "{sv}");
    while (rc > 0 && (name = bluez_next_property(message)) != NULL) {
        if (strcmp(name, "offset") == 0) {
            (void)bluez_take(message, 'q', offset);
        } else if (strcmp(name, "device") == 0) {
            *link = bluez_take(message, 'o', &device) ? bluez_link_of(device) : BLUETOOTH_NO_LINK;
        } else {
            (void)bluez_take(message, '\0', NULL);
        }
    }
    return rc < 0 ? rc : sd_bus_message_exit_container(message);
}

static int on_read(sd_bus_message *message, void *arg, sd_bus_error *error)
{
    const gatt_characteristic_t *characteristic = arg;
    uint16_t offset;
    uint8_t link;
    (void)error;
    const int rc = take_options(message, &offset, &link);
    for (unsigned i = 0; rc >= 0 && i < QUESTIONS; i++) {
        if (s_questions[i].message == NULL) {
            s_questions[i].message = sd_bus_message_ref(message);
            s_questions[i].offset = offset;
            s_questions[i].number = ++s_number;
            bluez_ask_value(characteristic->value, s_number);
            return 1; /* the answer follows */
        }
    }
    return rc < 0 ? rc
                  : sd_bus_reply_method_errorf(message, "org.bluez.Error.InProgress",
                                               "too many reads at once");
}

void bluez_answer(const bluez_order_t *order)
{
    sd_bus_message *reply = NULL;
    unsigned i = 0;
    while (i < QUESTIONS &&
           (s_questions[i].message == NULL || s_questions[i].number != order->number)) {
        i++;
    }
    if (i == QUESTIONS) {
        return;
    }
    sd_bus_message *message = s_questions[i].message;
    const uint16_t offset = s_questions[i].offset;
    s_questions[i].message = NULL;
    if (offset > order->size) {
        (void)sd_bus_reply_method_errorf(message, "org.bluez.Error.InvalidOffset",
                                         "it has %u bytes", order->size);
    } else if (sd_bus_message_new_method_return(message, &reply) >= 0 &&
               sd_bus_message_append_array(reply, 'y', order->data + offset,
                                           (size_t)order->size - offset) >= 0) {
        (void)sd_bus_send(bluez_bus, reply, NULL);
    }
    (void)sd_bus_message_unref(reply);
    (void)sd_bus_message_unref(message);
}

static int on_write(sd_bus_message *message, void *arg, sd_bus_error *error)
{
    const gatt_characteristic_t *characteristic = arg;
    const void *data;
    size_t size;
    uint16_t offset;
    uint8_t link;
    (void)error;
    int rc = sd_bus_message_read_array(message, 'y', &data, &size);
    rc = rc >= 0 ? take_options(message, &offset, &link) : rc;
    if (rc < 0) {
        return rc;
    }
    if (link == BLUETOOTH_NO_LINK) {
        return sd_bus_reply_method_errorf(message, "org.bluez.Error.Failed", "nobody of ours");
    }
    if (offset != 0) {
        return sd_bus_reply_method_errorf(message, "org.bluez.Error.InvalidOffset", "from 0 alone");
    }
    if (size > characteristic->longest) {
        return sd_bus_reply_method_errorf(message, "org.bluez.Error.InvalidValueLength",
                                          "at most %u bytes", characteristic->longest);
    }
    bluez_tell((bluetooth_radio_event_t){.kind = BLUETOOTH_RADIO_WRITE,
                                         .link = link,
                                         .value = characteristic->value},
               data, size);
    return sd_bus_reply_method_return(message, NULL);
}

static void tell_subscribed(uint8_t link, uint8_t value, bool on)
{
    bluez_tell(
        (bluetooth_radio_event_t){
            .kind = BLUETOOTH_RADIO_SUBSCRIBED, .link = link, .value = value, .number = on ? 1 : 0},
        NULL, 0);
}

static int subscribe(sd_bus_message *message, uint8_t value, bool on)
{
    const uint32_t bit = 1u << value;
    if (on) {
        atomic_fetch_or(&bluez_wanted, bit);
    } else {
        atomic_fetch_and(&bluez_wanted, ~bit);
    }
    for (uint8_t link = 0; link < BLUETOOTH_LINKS; link++) {
        if (bluez_link_path(link) != NULL) {
            tell_subscribed(link, value, on);
        }
    }
    return sd_bus_reply_method_return(message, NULL);
}

static int on_start(sd_bus_message *message, void *arg, sd_bus_error *error)
{
    (void)error;
    return subscribe(message, ((const gatt_characteristic_t *)arg)->value, true);
}

static int on_stop(sd_bus_message *message, void *arg, sd_bus_error *error)
{
    (void)error;
    return subscribe(message, ((const gatt_characteristic_t *)arg)->value, false);
}

void bluez_gatts_link(uint8_t link)
{
    const uint32_t wanted = atomic_load(&bluez_wanted);
    for (unsigned value = 0; value < GATT_VALUES; value++) {
        if ((wanted >> value & 1) != 0) {
            tell_subscribed(link, (uint8_t)value, true);
        }
    }
}

void bluez_notify(const bluez_order_t *order)
{
    sd_bus_message *signal = NULL;
    char path[BLUEZ_PATH];
    path_of_value(path, order->value);
    int rc =
        sd_bus_message_new_signal(bluez_bus, &signal, path, DBUS_PROPERTIES, "PropertiesChanged");
    rc = rc >= 0 ? sd_bus_message_append(signal, "s", VALUE) : rc;
    rc = rc >= 0 ? sd_bus_message_open_container(signal, 'a', "{sv}") : rc;
    rc = rc >= 0 ? sd_bus_message_open_container(signal, 'e', "sv") : rc;
    rc = rc >= 0 ? sd_bus_message_append(signal, "s", "Value") : rc;
    rc = rc >= 0 ? sd_bus_message_open_container(signal, 'v', "ay") : rc;
    rc = rc >= 0 ? sd_bus_message_append_array(signal, 'y', order->data, order->size) : rc;
    rc = rc >= 0 ? sd_bus_message_close_container(signal) : rc;
    rc = rc >= 0 ? sd_bus_message_close_container(signal) : rc;
    rc = rc >= 0 ? sd_bus_message_close_container(signal) : rc;
    rc = rc >= 0 ? sd_bus_message_append(signal, "as", 0) : rc;
    if (rc >= 0) {
        (void)sd_bus_send(bluez_bus, signal, NULL);
    }
    (void)sd_bus_message_unref(signal);
}

/* ---- the objects --------------------------------------------------------------------------------
 */

static const sd_bus_vtable s_service_table[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("UUID", "s", get_service_uuid, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Primary", "b", get_primary, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_VTABLE_END,
};

static const sd_bus_vtable s_value_table[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("UUID", "s", get_uuid, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Service", "o", get_service, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Flags", "as", get_flags, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_METHOD("ReadValue", "a{sv}", "ay", on_read, 0),
    SD_BUS_METHOD("WriteValue", "aya{sv}", "", on_write, 0),
    SD_BUS_METHOD("StartNotify", "", "", on_start, 0),
    SD_BUS_METHOD("StopNotify", "", "", on_stop, 0),
    SD_BUS_VTABLE_END,
};

static int on_registered(sd_bus_message *message, void *arg, sd_bus_error *error)
{
    (void)arg, (void)error;
    (void)bluez_refused(message, "BlueZ does not offer our services");
    return 0;
}

static int add(const char *path, const char *interface, const sd_bus_vtable *table,
               const void *object)
{
    return s_slot_count < SLOTS
               ? sd_bus_add_object_vtable(bluez_bus, &s_slots[s_slot_count++], path, interface,
                                          table, (void *)(uintptr_t)object)
               : -1;
}

bool bluez_gatts_begin(void)
{
    char path[BLUEZ_PATH];
    int rc = sd_bus_add_object_manager(bluez_bus, &s_slots[s_slot_count++], ROOT);
    for (unsigned i = 0; i < gatt_table_size && rc >= 0; i++) {
        if (gatt_table[i].of_stack) {
            continue; /* BlueZ brings them along */
        }
        path_of(path, i, -1);
        rc = add(path, SERVICE, s_service_table, &gatt_table[i]);
        for (unsigned j = 0; j < gatt_table[i].count && rc >= 0; j++) {
            path_of(path, i, gatt_table[i].characteristics[j].value);
            rc = add(path, VALUE, s_value_table, &gatt_table[i].characteristics[j]);
        }
    }
    return rc >= 0 && sd_bus_call_method_async(bluez_bus, NULL, BLUEZ, bluez_adapter(), MANAGER,
                                               "RegisterApplication", on_registered, NULL, "oa{sv}",
                                               ROOT, 0) >= 0;
}

void bluez_gatts_end(void)
{
    for (unsigned i = 0; i < QUESTIONS; i++) {
        s_questions[i].message = sd_bus_message_unref(s_questions[i].message);
    }
    while (s_slot_count != 0) {
        s_slot_count--;
        s_slots[s_slot_count] = sd_bus_slot_unref(s_slots[s_slot_count]);
    }
    atomic_store(&bluez_wanted, 0);
}
