/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The computer's own radio, as BlueZ offers it on D-Bus. One thread of the PC has the bus and all
 * of this state: a task that is ended leaves nothing of the library half done. What the service
 * wants goes to the thread as orders; what happens comes back as the radio's events, by a task of
 * ours.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "bluetooth_radio.h"
#include "bluetooth_table.h"

#define BLUEZ           "org.bluez"
#define BLUEZ_ADAPTER   "org.bluez.Adapter1"
#define BLUEZ_DEVICE    "org.bluez.Device1"
#define BLUEZ_REMOTE    "org.bluez.GattCharacteristic1"
#define DBUS_PROPERTIES "org.freedesktop.DBus.Properties"
#define DBUS_OBJECTS    "org.freedesktop.DBus.ObjectManager"
#define BLUEZ_PATH      128
#define BLUEZ_UUID      37 /* as text */

typedef enum {
    BLUEZ_RESET = 0, /* begin anew; on: with the radio */
    BLUEZ_ADVERTISE, /* on; data = name, '\0' and 1 if the Kraken service is to be named */
    BLUEZ_SCAN,      /* on */
    BLUEZ_CONNECT,   /* on: address; else give up */
    BLUEZ_DISCONNECT,
    BLUEZ_PAIR,
    BLUEZ_FORGET,
    BLUEZ_PASSKEY, /* number */
    BLUEZ_NOTIFY,  /* value, data */
    BLUEZ_ANSWER,  /* number: which question; data */
    BLUEZ_DISCOVER,
    BLUEZ_READ,      /* handle */
    BLUEZ_WRITE,     /* handle, data */
    BLUEZ_SUBSCRIBE, /* handle, on */
} bluez_order_kind_t;

typedef struct {
    uint8_t kind; /* bluez_order_kind_t */
    uint8_t link;
    uint8_t value;
    bool on;
    uint16_t handle;
    uint16_t size;
    uint32_t number;
    bluetooth_address_t address;
    uint8_t data[BLUETOOTH_VALUE];
} bluez_order_t;

/* ---- bluez_bus.c: the thread, and what goes to and from it --------------------------------------
 */

/** @context the service  @return ESP_OK; ESP_ERR_NOT_FINISHED; ESP_ERR_NOT_FOUND; ESP_ERR_NO_MEM */
esp_err_t bluez_open(bluetooth_address_t *own);
void bluez_close(void);
/** @context the service, and the task of ours  @return false: there is no room */
bool bluez_order(const bluez_order_t *order, const void *data, size_t size);

/* All below, here and in the other files, is for the thread alone. */

extern sd_bus *bluez_bus;
/** Tell the service. */
void bluez_tell(bluetooth_radio_event_t event, const void *data, size_t size);
/** A peer reads a value of ours: BLUEZ_ANSWER with this number follows. */
void bluez_ask_value(uint8_t value, uint32_t number);
/** What people should know, once: it is told again only after it was well in between. */
void bluez_complain(const char *what, const char *why);
/** BlueZ or the adapter has gone. */
void bluez_lose(void);

/* ---- bluez_gap.c: the adapter, advertising, scanning --------------------------------------------
 */

/** Find an adapter and make it ready. @return false: there is none, people were told */
bool bluez_gap_begin(bluetooth_address_t *own);
void bluez_gap_end(void);
const char *bluez_adapter(void);
void bluez_advertise(const bluez_order_t *order);
/** A connection ends it. */
void bluez_advertise_end(void);
bool bluez_is_advertising(void);
void bluez_scan(bool on);
/** Also look for somebody to connect to. */
void bluez_search(bool on);
bool bluez_is_scanning(void);

/* ---- bluez_peers.c: devices and connections -----------------------------------------------------
 */

typedef struct {
    bluetooth_address_t address;
    int16_t rssi;
    bool heard; /* rssi is known */
    bool connected;
    bool paired;
    bool resolved; /* what it offers is known */
    bool kraken;
    char name[BLUETOOTH_NAME];
} bluez_device_t;

extern _Atomic uint8_t bluez_links; /* bit n: link n is open */

bool bluez_peers_begin(void);
void bluez_peers_end(void);
/** @return false: there is no such device */
bool bluez_device(const char *path, bluez_device_t *out);
/** @return BLUETOOTH_NO_LINK: none of ours */
uint8_t bluez_link_of(const char *path);
/** @return NULL: there is no such link */
const char *bluez_link_path(uint8_t link);
void bluez_connect(const bluez_order_t *order);
void bluez_disconnect(uint8_t link);
void bluez_pair(uint8_t link);
void bluez_forget(void);

/* ---- bluez_agent.c: passkeys --------------------------------------------------------------------
 */

/** Of the link that is asked for a passkey; BLUETOOTH_NO_LINK: none is. */
extern _Atomic uint8_t bluez_asked;

bool bluez_agent_begin(void);
void bluez_agent_end(void);
void bluez_passkey(uint8_t link, uint32_t passkey);

/* ---- bluez_gatts.c ------------------------------------------------------------------------------
 */

extern _Atomic uint32_t bluez_wanted; /* bit n: somebody wants to be notified of value n */

bool bluez_gatts_begin(void);
void bluez_gatts_end(void);
void bluez_gatts_link(uint8_t link);
void bluez_notify(const bluez_order_t *order);
void bluez_answer(const bluez_order_t *order);

/* ---- bluez_gattc.c ------------------------------------------------------------------------------
 */

extern _Atomic uint8_t bluez_busy; /* bit n: something is under way on link n */

void bluez_gattc_link(uint8_t link);
void bluez_gattc_resolved(uint8_t link);
void bluez_discover(uint8_t link);
void bluez_read(const bluez_order_t *order);
void bluez_write(const bluez_order_t *order);
void bluez_subscribe(const bluez_order_t *order);
/** A characteristic of a peer has a new value. */
void bluez_gattc_notified(const char *path, const void *data, size_t size);

/* ---- bluez_text.c: how D-Bus says things --------------------------------------------------------
 */

/** So many hexadecimal digits. @return false: they are none */
bool bluez_hex(const char *text, unsigned digits, unsigned *out);
/** @return false: that is no address of the form "C2:01:…" */
bool bluez_address_from(const char *text, bluetooth_address_t *out);
void bluez_address_to(const bluetooth_address_t *address, char separator, char text[18]);
void bluez_uuid_to(const gatt_uuid_t *uuid, char text[BLUEZ_UUID]);
/** @return its size, 2 if it is one of the Core Specification's, else 16; 0: it is none */
size_t bluez_uuid_from(const char *text, uint8_t out[16]);
/** An error of ATT from one of D-Bus. */
uint8_t bluez_att_error(const sd_bus_error *error, uint8_t not_permitted);
/** BlueZ does not do what it was asked to: that is told. @return false: it does */
bool bluez_refused(sd_bus_message *answer, const char *what);
/** Go to a property in a dictionary a{sv} that was entered; leaves the message before its variant.
 *  @return its name; NULL: that was all */
const char *bluez_next_property(sd_bus_message *message);
/** Read the variant that follows, or skip it when it is of another type. @return it was read */
bool bluez_take(sd_bus_message *message, char type, void *out);
