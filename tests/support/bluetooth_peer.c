// SPDX-License-Identifier: Apache-2.0
#include "bluetooth_peer.h"

#include <stdatomic.h>
#include <string.h>

#include "bluetooth_ad.h"
#include "bluetooth_service/bluetooth_service.h"
#include "esp_app_desc.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host_control.h"
#include "ktest.h"
#include "smp_crypto.h"
#include "system_service/request_response.h"
#include "system_service/service_supervisor.h"
#include "system_up.h"

host_radio_t *peer_radio;
uint8_t peer_link = HOST_RADIO_NO_LINK;
uint8_t peer_reason;
unsigned peer_seen;
uint8_t peer_address[6];
char peer_name[BLUETOOTH_NAME];
bool peer_kraken;
bool peer_encrypted;
bool peer_refuses;
uint8_t peer_key_wrong_by;
unsigned peer_notifications;
uint8_t peer_notified[ATT_MTU];
size_t peer_notified_size;
uint16_t peer_notified_handle;
status_bluetooth_t peer_state;
unsigned peer_told[BLUETOOTH_TOLD_KINDS];
bluetooth_told_t peer_last[BLUETOOTH_TOLD_KINDS];
unsigned peer_controls;
bluetooth_control_t peer_control;

static const uint8_t s_own[6] = {1, 2, 3, 4, 5, 0xc6};
static system_service_id_t s_service;
static uint8_t s_answer[ATT_MTU];
static size_t s_answer_size;
static smp_t s_smp;
static smp_result_t s_smp_result;
static uint8_t s_bond[16];
static bool s_ended;

/* What the observer heard, for the test's task: under a lock, since that is another one. */
static portMUX_TYPE s_lock = portMUX_INITIALIZER_UNLOCKED;
static unsigned s_told[BLUETOOTH_TOLD_KINDS];
static bluetooth_told_t s_last[BLUETOOTH_TOLD_KINDS];
static status_bluetooth_t s_state;
static unsigned s_controls;
static bluetooth_control_t s_control;

static void observe(const system_event_t *event, void *user_data)
{
    (void)user_data;
    portENTER_CRITICAL(&s_lock);
    if (strcmp(event->name, BLUETOOTH_TOLD_EVENT) == 0) {
        const bluetooth_told_t *told = event->data;
        s_told[told->kind]++;
        s_last[told->kind] = *told;
    } else if (strcmp(event->name, STATUS_BLUETOOTH_EVENT) == 0) {
        memcpy(&s_state, event->data, sizeof(s_state));
    } else if (strcmp(event->name, BLUETOOTH_CONTROL_EVENT) == 0) {
        memcpy(&s_control, event->data, sizeof(s_control));
        s_controls++;
    }
    portEXIT_CRITICAL(&s_lock);
}

static void look(void)
{
    portENTER_CRITICAL(&s_lock);
    memcpy(peer_told, s_told, sizeof(peer_told));
    memcpy(peer_last, s_last, sizeof(peer_last));
    peer_state = s_state;
    peer_controls = s_controls;
    peer_control = s_control;
    portEXIT_CRITICAL(&s_lock);
}

static void wake(void *arg)
{
    (void)arg; /* the test's task looks every millisecond */
}

void peer_attach(void)
{
    (void)esp_app_get_description(); // once, and slow under a sanitizer
    const system_service_id_t observer = system_up_service("observer");
    static const char *const s_names[] = {BLUETOOTH_TOLD_EVENT, STATUS_BLUETOOTH_EVENT,
                                          BLUETOOTH_CONTROL_EVENT};
    for (unsigned i = 0; i < 3; i++) {
        KTEST_CHECK(system_event_subscribe(observer, system_up_type(s_names[i]), observe, NULL) ==
                    ESP_OK);
    }
    KTEST_CHECK(system_service_register(BLUETOOTH_SERVICE_NAME, &bluetooth_service, &s_service) ==
                ESP_OK);
    KTEST_CHECK(system_service_start_all() == ESP_OK);
    peer_radio = host_radio_open(s_own, true, wake, NULL);
    KTEST_CHECK(peer_radio != NULL);
}

system_secure_key_t peer_begin(void)
{
    const system_secure_key_t key = system_up();
    peer_attach();
    return key;
}

void peer_end(system_secure_key_t key)
{
    host_radio_close(peer_radio);
    system_down(key);
}

system_service_id_t peer_service(void)
{
    return s_service;
}

/* ---- the radio ----------------------------------------------------------------------------------
 */

static void send_on(uint16_t channel, const void *pdu, size_t size)
{
    uint8_t frame[HOST_RADIO_L2CAP] = {(uint8_t)size, (uint8_t)(size >> 8), (uint8_t)channel, 0};
    memcpy(frame + 4, pdu, size);
    for (int i = 0; i < 5000 && peer_link != HOST_RADIO_NO_LINK; i++) {
        if (host_radio_send(peer_radio, peer_link, frame, 4 + size)) {
            return;
        }
        peer_wait(1);
    }
}

static void fill(void *out, size_t size)
{
    memset(out, 0x5a, size);
}

static const smp_ops_t s_smp_ops = {
    .cipher = smp_crypto_cipher,
    .random = fill,
    .key_pair = smp_crypto_key_pair,
    .shared = smp_crypto_shared,
};

static void hear_att(const uint8_t *pdu, size_t size)
{
    if (pdu[0] == ATT_NOTIFICATION && size >= 3) {
        peer_notifications++;
        peer_notified_handle = (uint16_t)(pdu[1] | pdu[2] << 8);
        peer_notified_size = size - 3;
        memcpy(peer_notified, pdu + 3, size - 3);
        return;
    }
    memcpy(s_answer, pdu, size);
    s_answer_size = size;
}

static void hear(const host_radio_event_t *event)
{
    const uint16_t channel = (uint16_t)(event->data[2] | event->data[3] << 8);
    const size_t size = event->size - 4u;
    if (channel == 4) {
        hear_att(event->data + 4, size);
    } else if (channel == 6) {
        uint8_t pdu[SMP_PDU];
        smp_result_t result;
        const size_t next = smp_hear(&s_smp, event->data + 4, size, pdu, &result);
        if (next != 0) {
            send_on(6, pdu, next);
        }
        s_smp_result = result != SMP_GOING_ON ? result : s_smp_result;
        if (result == SMP_KEY) {
            memcpy(s_bond, s_smp.key, sizeof(s_bond));
            if (s_smp.initiates) {
                (void)host_radio_encrypt(peer_radio, peer_link, s_smp.key);
            }
        }
    }
}

static void handle(const host_radio_event_t *event)
{
    switch (event->kind) {
    case HOST_RADIO_FOUND:
        peer_seen++;
        memcpy(peer_address, event->address, 6);
        bluetooth_ad_read(event->data, event->size, &peer_kraken, peer_name);
        break;
    case HOST_RADIO_CONNECTED: {
        smp_address_t own = {.random = 1}, other = {.random = event->random};
        memcpy(own.bytes, s_own, 6);
        memcpy(other.bytes, event->address, 6);
        smp_begin(&s_smp, &s_smp_ops, event->central, &own, &other);
        peer_link = event->link;
        peer_encrypted = false;
        break;
    }
    case HOST_RADIO_DISCONNECTED:
        peer_link = HOST_RADIO_NO_LINK;
        peer_reason = event->reason;
        s_ended = true;
        break;
    case HOST_RADIO_DATA:
        hear(event);
        break;
    case HOST_RADIO_ENCRYPT_WANTED: {
        uint8_t key[16];
        memcpy(key, s_bond, sizeof(key));
        key[0] ^= peer_key_wrong_by;
        (void)host_radio_encrypt(peer_radio, event->link, peer_refuses ? NULL : key);
        break;
    }
    case HOST_RADIO_ENCRYPTED:
        peer_encrypted = true;
        break;
    default:
        break;
    }
}

static void turn(void)
{
    host_radio_event_t event; // not static: sending may turn again
    (void)host_radio_run(peer_radio);
    while (host_radio_take(peer_radio, &event)) {
        handle(&event);
    }
    look();
}

void peer_wait(uint32_t ms)
{
    for (uint32_t i = 0; i < ms; i++) {
        turn();
        vTaskDelay(pdMS_TO_TICKS(1));
    }
    turn();
}

bool peer_until(bool (*done)(void), uint32_t ms)
{
    const uint32_t bound = ktest_patience_ms(ms);
    for (uint32_t i = 0; i < bound; i++) {
        turn();
        if (done()) {
            return true;
        }
        vTaskDelay(pdMS_TO_TICKS(1));
    }
    return false;
}

static bool was_seen(void)
{
    return peer_seen != 0 && peer_name[0] != '\0' && peer_kraken;
}

static bool is_connected(void)
{
    return peer_link != HOST_RADIO_NO_LINK || s_ended;
}

static bool has_ended(void)
{
    return peer_link == HOST_RADIO_NO_LINK;
}

void peer_connect(void)
{
    for (int attempt = 0; attempt < 10; attempt++) { // the first PDUs may be lost
        peer_seen = 0;
        s_ended = false;
        host_radio_scan(peer_radio, true);
        KTEST_CHECK(peer_until(was_seen, 20000));
        host_radio_scan(peer_radio, false);
        host_radio_connect(peer_radio, peer_address);
        if (peer_until(is_connected, 20000) && !s_ended) {
            return;
        }
    }
    KTEST_CHECK(peer_link != HOST_RADIO_NO_LINK);
}

void peer_disconnect(void)
{
    KTEST_CHECK(host_radio_disconnect(peer_radio, peer_link, HOST_RADIO_BY_PEER));
    KTEST_CHECK(peer_until(has_ended, 20000));
}

/* ---- ATT and SMP --------------------------------------------------------------------------------
 */

bool peer_send_raw(const void *frame, size_t size)
{
    return host_radio_send(peer_radio, peer_link, frame, size);
}

void peer_send(const void *pdu, size_t size)
{
    send_on(4, pdu, size);
}

static bool is_answered(void)
{
    return s_answer_size != 0 || peer_link == HOST_RADIO_NO_LINK;
}

size_t peer_ask(const void *pdu, size_t size, uint8_t answer[ATT_MTU])
{
    s_answer_size = 0;
    peer_send(pdu, size);
    if (!peer_until(is_answered, 30000)) {
        return 0;
    }
    memcpy(answer, s_answer, s_answer_size);
    return s_answer_size;
}

static uint8_t write_at(uint16_t handle, const void *data, size_t size)
{
    uint8_t pdu[ATT_MTU] = {ATT_WRITE, (uint8_t)handle, (uint8_t)(handle >> 8)};
    uint8_t answer[ATT_MTU];
    memcpy(pdu + 3, data, size);
    const size_t answered = peer_ask(pdu, 3 + size, answer);
    return answered == 1 && answer[0] == ATT_WRITE_RESPONSE ? 0
           : answered == 5 && answer[0] == ATT_ERROR        ? answer[4]
                                                            : 0xff;
}

uint8_t peer_write(uint8_t value, const void *data, size_t size)
{
    return write_at(gatt_value_handle(value), data, size);
}

uint8_t peer_subscribe(uint8_t value, bool on)
{
    return write_at((uint16_t)(gatt_value_handle(value) + 1), (const uint8_t[]){on, 0}, 2);
}

static bool passkey_is_wanted(void)
{
    return s_smp_result == SMP_WANT_PASSKEY || s_smp_result == SMP_FAILED || has_ended();
}

static bool passkey_is_told(void)
{
    return peer_told[BLUETOOTH_TOLD_PASSKEY] != 0;
}

static bool is_paired(void)
{
    return peer_encrypted || s_smp_result == SMP_FAILED || has_ended();
}

uint8_t peer_pair(uint32_t wrong_by)
{
    uint8_t pdu[SMP_PDU];
    portENTER_CRITICAL(&s_lock);
    s_told[BLUETOOTH_TOLD_PASSKEY] = 0;
    portEXIT_CRITICAL(&s_lock);
    look();
    s_smp_result = SMP_GOING_ON;
    send_on(6, pdu, smp_start(&s_smp, pdu));
    if (!peer_until(passkey_is_wanted, 30000) || s_smp_result != SMP_WANT_PASSKEY) {
        return s_smp_result == SMP_FAILED ? s_smp.reason : 0xff;
    }
    KTEST_CHECK(peer_until(passkey_is_told, 5000));
    s_smp_result = SMP_GOING_ON;
    const uint32_t passkey = (peer_last[BLUETOOTH_TOLD_PASSKEY].value + wrong_by) % 1000000;
    send_on(6, pdu, smp_passkey(&s_smp, passkey, pdu));
    KTEST_CHECK(peer_until(is_paired, 30000));
    return peer_encrypted ? 0 : s_smp_result == SMP_FAILED ? s_smp.reason : 0xff;
}

bool peer_encrypt_again(bool wrong)
{
    uint8_t key[16];
    memcpy(key, s_bond, sizeof(key));
    key[0] ^= wrong ? 1 : 0;
    s_smp_result = SMP_GOING_ON;
    KTEST_CHECK(host_radio_encrypt(peer_radio, peer_link, key));
    KTEST_CHECK(peer_until(is_paired, 30000));
    return peer_encrypted;
}

/* ---- the other way round ------------------------------------------------------------------------
 */

void peer_be_connected(void)
{
    static const uint8_t s_flags[] = {2, 1, 6};
    bluetooth_do_t wish = {.what = BLUETOOTH_DO_CONNECT, .address = {.random = 1}};
    memcpy(wish.address.bytes, s_own, sizeof(s_own));
    s_ended = false;
    host_radio_advertise(peer_radio, s_flags, sizeof(s_flags), s_flags, 0);
    KTEST_CHECK(peer_wish(wish) == ESP_OK);
    KTEST_CHECK(peer_until(is_connected, 20000));
    peer_wait(100); // whatever the service does by itself
}

void peer_ask_security(void)
{
    uint8_t pdu[SMP_PDU];
    send_on(6, pdu, smp_start(&s_smp, pdu));
}

static bool passkey_is_asked_for(void)
{
    return peer_told[BLUETOOTH_TOLD_PASSKEY_WANTED] != 0 || has_ended();
}

bool peer_be_paired(void)
{
    portENTER_CRITICAL(&s_lock);
    s_told[BLUETOOTH_TOLD_PASSKEY_WANTED] = 0;
    portEXIT_CRITICAL(&s_lock);
    look();
    s_smp_result = SMP_GOING_ON;
    if (peer_wish((bluetooth_do_t){.what = BLUETOOTH_DO_PAIR}) != ESP_OK ||
        !peer_until(passkey_is_asked_for, 5000)) {
        return false;
    }
    const bluetooth_do_t passkey = {.what = BLUETOOTH_DO_PASSKEY, .value = s_smp.passkey};
    return peer_wish(passkey) == ESP_OK && peer_until(is_paired, 30000) && peer_encrypted;
}

/* ---- the service --------------------------------------------------------------------------------
 */

static esp_err_t ask(const char *what, const void *data, size_t size, void *answer,
                     size_t *answer_size)
{
    return system_request_sync(SYSTEM_SERVICE_ID_NONE, s_service, system_up_type(what), data, size,
                               SYSTEM_EVENT_PRIORITY_NORMAL, answer, answer_size,
                               ktest_patience_ms(2000));
}

esp_err_t peer_wish(bluetooth_do_t wish)
{
    wish.header = (status_header_t)STATUS_HEADER(bluetooth_do_t, BLUETOOTH_EVENTS_VERSION);
    return ask(BLUETOOTH_DO_REQUEST, &wish, sizeof(wish), NULL, NULL);
}

esp_err_t peer_do(bluetooth_do_kind_t what, uint32_t value)
{
    return peer_wish((bluetooth_do_t){.what = (uint8_t)what, .value = value});
}

bluetooth_info_t peer_info(void)
{
    bluetooth_info_t info;
    size_t size = sizeof(info);
    KTEST_CHECK(ask(BLUETOOTH_GET_REQUEST, NULL, 0, &info, &size) == ESP_OK);
    KTEST_CHECK(size == sizeof(info));
    return info;
}
