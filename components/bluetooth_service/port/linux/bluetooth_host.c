/* SPDX-License-Identifier: Apache-2.0 */
/* The host stack of the PC: one task between the radio and the service. */
#include "bluetooth_host.h"

#include <string.h>

#include "bluetooth_bonds.h"
#include "bluetooth_security.h"
#include "esp_app_desc.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "freertos/task.h"
#include "host_control.h"

#define STACK          8192
#define PRIORITY       20
#define NEVER          BLUETOOTH_HOST_NEVER
#define TRANSACTION_US BLUETOOTH_HOST_TRANSACTION_US
#define FULL_US        5000 /* the service is behind: look again */
#define RESERVE        8    /* events that one of the radio's may become */

/* L2CAP (Vol 3 Part A 2.1, 3.1): fixed channels of LE. */
#define CID_ATT       0x0004
#define CID_SIGNALING 0x0005
#define CID_SMP       0x0006
#define L2CAP_HEAD    4

static StaticTask_t s_task_storage;
static StackType_t s_stack[STACK];
static TaskHandle_t s_task;
static StaticSemaphore_t s_lock_storage;
static SemaphoreHandle_t s_lock;
static host_radio_t *s_radio;
static bluetooth_address_t s_own;
static bluetooth_host_link_t s_links[BLUETOOTH_LINKS];

void bluetooth_host_lock(void)
{
    (void)xSemaphoreTake(s_lock, portMAX_DELAY);
}

void bluetooth_host_unlock(void)
{
    (void)xSemaphoreGive(s_lock);
}

host_radio_t *bluetooth_host_radio(void)
{
    return s_radio;
}

bluetooth_host_link_t *bluetooth_host_link(uint8_t link)
{
    return s_radio != NULL && link < BLUETOOTH_LINKS && s_links[link].open ? &s_links[link] : NULL;
}

const bluetooth_address_t *bluetooth_host_own(void)
{
    return &s_own;
}

void bluetooth_host_tell(bluetooth_radio_event_t event, const void *data, size_t size)
{
    (void)bluetooth_inbox_put(&event, data, size); /* what is lost is counted */
}

/* ---- sending -----------------------------------------------------------------------------------
 */

static bool send_on(uint8_t link, uint16_t channel, const uint8_t *pdu, size_t size)
{
    uint8_t frame[L2CAP_HEAD + ATT_MTU] = {(uint8_t)size, (uint8_t)(size >> 8), (uint8_t)channel,
                                           (uint8_t)(channel >> 8)};
    memcpy(frame + L2CAP_HEAD, pdu, size);
    return host_radio_send(s_radio, link, frame, L2CAP_HEAD + size);
}

static uint16_t channel_of(unsigned kind)
{
    return kind == BLUETOOTH_OUT_SMP ? CID_SMP : CID_ATT;
}

void bluetooth_host_send(uint8_t link, unsigned kind, const uint8_t *pdu, size_t size)
{
    if (size != 0 && !send_on(link, channel_of(kind), pdu, size)) {
        s_links[link].outs[kind].size = (uint16_t)size;
        memcpy(s_links[link].outs[kind].pdu, pdu, size);
    }
}

static void send_what_waits(uint8_t number)
{
    bluetooth_host_link_t *link = &s_links[number];
    for (unsigned kind = 0; kind < BLUETOOTH_OUTS; kind++) {
        const uint16_t size = link->outs[kind].size;
        if (size != 0) {
            if (!send_on(number, channel_of(kind), link->outs[kind].pdu, size)) {
                return;
            }
            link->outs[kind].size = 0;
        }
    }
    if (link->subscriber_waits) {
        link->subscriber_waits = false;
        bluetooth_host_tell((bluetooth_radio_event_t){.kind = BLUETOOTH_RADIO_ROOM, .link = number},
                            NULL, 0);
    }
}

bool bluetooth_host_notify(uint8_t link, const uint8_t *pdu, size_t size)
{
    const bool sent = send_on(link, CID_ATT, pdu, size);
    s_links[link].subscriber_waits = s_links[link].subscriber_waits || !sent;
    return sent;
}

void bluetooth_host_expect(uint8_t link)
{
    s_links[link].client_until = host_now_us() + TRANSACTION_US;
}

/* ---- ATT ---------------------------------------------------------------------------------------
 */

static uint8_t number_of(const void *link)
{
    return (uint8_t)((const bluetooth_host_link_t *)link - s_links);
}

static uint8_t on_write(void *arg, uint8_t value, const uint8_t *data, size_t size)
{
    const bluetooth_radio_event_t event = {
        .kind = BLUETOOTH_RADIO_WRITE, .link = number_of(arg), .value = value};
    return bluetooth_inbox_put(&event, data, size) ? 0 : ATT_ERROR_RESOURCES;
}

static void on_subscribed(void *arg, uint8_t value, bool on)
{
    bluetooth_host_tell((bluetooth_radio_event_t){.kind = BLUETOOTH_RADIO_SUBSCRIBED,
                                                  .link = number_of(arg),
                                                  .value = value,
                                                  .number = on},
                        NULL, 0);
}

static const att_server_ops_t s_server_ops = {
    .read = bluetooth_value_get, .write = on_write, .subscribed = on_subscribed};

static void on_report(void *arg, const att_report_t *report)
{
    static const uint8_t s_kinds[] = {
        [ATT_REPORT_MTU] = BLUETOOTH_RADIO_MTU,
        [ATT_REPORT_CHARACTERISTIC] = BLUETOOTH_RADIO_CHARACTERISTIC,
        [ATT_REPORT_DISCOVERED] = BLUETOOTH_RADIO_DISCOVERED,
        [ATT_REPORT_READ] = BLUETOOTH_RADIO_READ,
        [ATT_REPORT_WRITTEN] = BLUETOOTH_RADIO_WRITTEN,
        [ATT_REPORT_NOTIFIED] = BLUETOOTH_RADIO_NOTIFIED,
    };
    bluetooth_host_link_t *link = arg;
    if (report->kind == ATT_REPORT_MTU) {
        link->server.mtu = link->client.mtu; /* one for both directions (3.4.2.2) */
    }
    bluetooth_host_tell((bluetooth_radio_event_t){.kind = s_kinds[report->kind],
                                                  .link = number_of(arg),
                                                  .code = report->error,
                                                  .handle = report->handle,
                                                  .number = report->number},
                        report->data, report->size);
}

static void hear_att(uint8_t number, const uint8_t *pdu, size_t size)
{
    bluetooth_host_link_t *link = &s_links[number];
    uint8_t answer[ATT_MTU];
    if (size != 0 && att_is_for_client(pdu[0])) {
        const size_t next = att_client_hear(&link->client, pdu, size, answer);
        link->client_until =
            link->client.state != ATT_CLIENT_IDLE ? host_now_us() + TRANSACTION_US : NEVER;
        bluetooth_host_send(number, BLUETOOTH_OUT_CLIENT, answer, next);
        return;
    }
    const uint16_t mtu = link->server.mtu;
    const size_t answered = att_server_hear(&link->server, pdu, size, answer);
    bluetooth_host_send(number, BLUETOOTH_OUT_SERVER, answer, answered);
    if (link->server.mtu != mtu) {
        link->client.mtu = link->server.mtu;
        bluetooth_host_tell((bluetooth_radio_event_t){.kind = BLUETOOTH_RADIO_MTU,
                                                      .link = number,
                                                      .number = link->server.mtu},
                            NULL, 0);
    }
}

/* ---- what the radio tells ----------------------------------------------------------------------
 */

static bluetooth_address_t address_of(const host_radio_event_t *event)
{
    bluetooth_address_t address = {.random = event->random};
    memcpy(address.bytes, event->address, sizeof(address.bytes));
    return address;
}

static void connected(const host_radio_event_t *event)
{
    const bluetooth_address_t peer = address_of(event);
    if (event->link >= BLUETOOTH_LINKS) {
        (void)host_radio_disconnect(s_radio, event->link, HOST_RADIO_BY_PEER);
        return;
    }
    bluetooth_host_link_t *link = &s_links[event->link];
    *link = (bluetooth_host_link_t){.open = true,
                                    .central = event->central,
                                    .address = peer,
                                    .client_until = NEVER,
                                    .smp_until = NEVER};
    att_server_begin(&link->server, &s_server_ops, link);
    att_client_begin(&link->client, on_report, link);
    bluetooth_host_tell((bluetooth_radio_event_t){.kind = BLUETOOTH_RADIO_CONNECTED,
                                                  .link = event->link,
                                                  .central = event->central,
                                                  .address = peer},
                        NULL, 0);
    if (link->central) {
        uint8_t pdu[ATT_MTU];
        const size_t size = att_client_mtu(&link->client, pdu);
        bluetooth_host_send(event->link, BLUETOOTH_OUT_CLIENT, pdu, size);
        bluetooth_host_expect(event->link);
    }
    bluetooth_security_begin(event->link);
}

static void disconnected(const host_radio_event_t *event)
{
    if (event->reason == HOST_RADIO_NOT_ESTABLISHED) {
        if (event->central) {
            bluetooth_host_tell((bluetooth_radio_event_t){.kind = BLUETOOTH_RADIO_NOT_CONNECTED,
                                                          .link = BLUETOOTH_NO_LINK,
                                                          .code = event->reason,
                                                          .address = address_of(event)},
                                NULL, 0);
        }
    } else if (event->link < BLUETOOTH_LINKS) {
        bluetooth_security_end(event->link, event->reason);
        s_links[event->link].open = false;
        bluetooth_host_tell((bluetooth_radio_event_t){.kind = BLUETOOTH_RADIO_DISCONNECTED,
                                                      .link = event->link,
                                                      .code = event->reason,
                                                      .address = address_of(event)},
                            NULL, 0);
    }
}

static void hear(const host_radio_event_t *event)
{
    const uint8_t *data = event->data;
    const size_t size = event->size - L2CAP_HEAD;
    const uint16_t channel = (uint16_t)(data[2] | data[3] << 8);
    if (bluetooth_host_link(event->link) == NULL || (size_t)(data[0] | data[1] << 8) != size) {
        return;
    }
    if (channel == CID_ATT) {
        hear_att(event->link, data + L2CAP_HEAD, size);
    } else if (channel == CID_SMP) {
        bluetooth_security_hear(event->link, data + L2CAP_HEAD, size);
    } else if (channel == CID_SIGNALING && size >= 4) {
        /* Command Reject, not understood (Vol 3 Part A 4.1), but never to a reject. */
        const uint8_t reject[] = {0x01, data[L2CAP_HEAD + 1], 2, 0, 0, 0};
        if (data[L2CAP_HEAD] != 0x01) {
            (void)send_on(event->link, CID_SIGNALING, reject, sizeof(reject));
        }
    }
}

static void found(const host_radio_event_t *event)
{
    bluetooth_host_tell((bluetooth_radio_event_t){.kind = BLUETOOTH_RADIO_FOUND,
                                                  .link = BLUETOOTH_NO_LINK,
                                                  .rssi_dbm = event->rssi,
                                                  .central = event->response,
                                                  .address = address_of(event)},
                        event->data, event->size);
}

static void handle(const host_radio_event_t *event)
{
    switch (event->kind) {
    case HOST_RADIO_FOUND:
        found(event);
        break;
    case HOST_RADIO_CONNECTED:
        connected(event);
        break;
    case HOST_RADIO_DISCONNECTED:
        disconnected(event);
        break;
    case HOST_RADIO_DATA:
        hear(event);
        break;
    case HOST_RADIO_ROOM:
        if (bluetooth_host_link(event->link) != NULL) {
            send_what_waits(event->link);
        }
        break;
    case HOST_RADIO_ENCRYPT_WANTED:
    case HOST_RADIO_ENCRYPTED:
        bluetooth_security_encryption(event);
        break;
    }
}

/* ---- the task ----------------------------------------------------------------------------------
 */

/** Requests that are not answered. @return when to look again */
static uint64_t look_at_deadlines(void)
{
    const uint64_t now = host_now_us();
    uint64_t due = NEVER;
    for (uint8_t i = 0; i < BLUETOOTH_LINKS; i++) {
        bluetooth_host_link_t *link = &s_links[i];
        if (!link->open) {
            continue;
        }
        const uint64_t smp_until = bluetooth_security_look(i, now);
        if (link->client_until <= now) {
            link->client_until = NEVER;
            (void)host_radio_disconnect(s_radio, i, HOST_RADIO_BY_PEER);
        }
        due = smp_until < due ? smp_until : due;
        due = link->client_until < due ? link->client_until : due;
    }
    return due;
}

static uint64_t run(void)
{
    static host_radio_event_t s_event; /* large for a stack */
    uint64_t due = host_radio_run(s_radio);
    while (bluetooth_inbox_room() >= RESERVE && host_radio_take(s_radio, &s_event)) {
        handle(&s_event);
    }
    if (bluetooth_inbox_room() < RESERVE) {
        due = host_now_us() + FULL_US; /* what the radio has no room for it does not acknowledge */
    }
    const uint64_t deadline = look_at_deadlines();
    return deadline < due ? deadline : due;
}

static void host_task(void *arg)
{
    (void)arg;
    (void)esp_app_get_description(); /* once, and slow on a PC: nobody is to wait for it later */
    for (;;) {
        bluetooth_host_lock();
        const uint64_t due = s_radio != NULL ? run() : NEVER;
        bluetooth_host_unlock();
        const uint64_t now = host_now_us();
        const TickType_t ticks = due == NEVER ? portMAX_DELAY
                                 : due <= now ? 0
                                              : pdMS_TO_TICKS((due - now + 999) / 1000);
        (void)ulTaskNotifyTake(pdTRUE, ticks);
    }
}

static void on_wake(void *arg)
{
    (void)arg;
    BaseType_t woken = pdFALSE;
    vTaskNotifyGiveFromISR(s_task, &woken);
    portYIELD_FROM_ISR(woken);
}

esp_err_t bluetooth_host_open(bluetooth_address_t *own)
{
    if (s_lock == NULL) {
        s_lock = xSemaphoreCreateMutexStatic(&s_lock_storage);
    }
    bluetooth_host_lock();
    bluetooth_bonds_open(&s_own);
    memset(s_links, 0, sizeof(s_links));
    *own = s_own;
    if (s_task == NULL) {
        s_task = xTaskCreateStatic(host_task, "ble_host", STACK, NULL, PRIORITY, s_stack,
                                   &s_task_storage);
    }
    s_radio = s_task != NULL ? host_radio_open(s_own.bytes, true, on_wake, NULL) : NULL;
    const bool on = s_radio != NULL;
    bluetooth_host_unlock();
    return on ? ESP_OK : ESP_ERR_NO_MEM;
}

void bluetooth_host_close(void)
{
    if (s_lock == NULL) {
        return;
    }
    bluetooth_host_lock();
    if (s_radio != NULL) {
        host_radio_close(s_radio);
    }
    s_radio = NULL;
    bluetooth_host_unlock();
}
