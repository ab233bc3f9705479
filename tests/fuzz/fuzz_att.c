// SPDX-License-Identifier: Apache-2.0

// A conversation of hostile PDUs, of a client with our server or of a server with our client. What
// we send fits the MTU, what is reported lies inside of what came, what is secured stays so.
//
// The input: a byte that says which side we are; then again and again a byte of what we do before,
// a size, and a PDU of that size.

#include <string.h>

#include "att.h"
#include "fuzz.h"

#define VALUE 600 /* longer than any value is allowed to be */

static struct {
    const uint8_t *pdu; /* heard now */
    size_t size;
    bool secured;
} s_now;

/* ---- our server ---------------------------------------------------------------------------------
 */

static size_t on_read(uint8_t value, uint8_t *out, size_t room)
{
    FUZZ_CHECK(value < GATT_VALUES && (gatt_characteristic(value)->properties & GATT_READ) != 0);
    const size_t size = value == GATT_VALUE_INFO ? VALUE : 11u * value;
    const size_t given = size < room ? size : room;
    memset(out, 'a' + value, given);
    return given;
}

static uint8_t on_write(void *arg, uint8_t value, const uint8_t *data, size_t size)
{
    (void)arg;
    const gatt_characteristic_t *characteristic = gatt_characteristic(value);
    FUZZ_CHECK((characteristic->properties & GATT_PROPERTIES_WRITE) != 0);
    FUZZ_CHECK(!characteristic->secured || s_now.secured);
    FUZZ_CHECK(size <= characteristic->longest);
    FUZZ_CHECK(size == 0 || (data >= s_now.pdu && data + size <= s_now.pdu + s_now.size));
    return 0;
}

static void on_subscribed(void *arg, uint8_t value, bool on)
{
    (void)arg;
    (void)on;
    FUZZ_CHECK((gatt_characteristic(value)->properties & GATT_NOTIFY) != 0);
}

/** @param before bit 0: the link is encrypted; bit 1: a value is notified */
static void serve(att_server_t *server, uint8_t before, const uint8_t *pdu, size_t size)
{
    static const uint8_t s_value[VALUE];
    uint8_t answer[ATT_MTU];
    server->secured = s_now.secured = (before & 1) != 0;
    const size_t answered = att_server_hear(server, pdu, size, answer);
    FUZZ_CHECK(server->mtu >= ATT_MTU_MIN && server->mtu <= ATT_MTU && answered <= server->mtu);
    FUZZ_CHECK(answered == 0 || (size != 0 && (pdu[0] & ATT_IS_COMMAND) == 0));
    FUZZ_CHECK(answered == 0 || answer[0] != ATT_ERROR || (answered == 5 && answer[4] != 0));
    if ((before & 2) != 0) {
        const uint8_t value = (before >> 2) % GATT_VALUES;
        const size_t told = att_server_notify(server, value, s_value, sizeof(s_value), answer);
        FUZZ_CHECK(told == 0 || (told == server->mtu && (server->wanted >> value & 1) != 0));
    }
}

/* ---- our client ---------------------------------------------------------------------------------
 */

static void on_report(void *arg, const att_report_t *report)
{
    (void)arg;
    FUZZ_CHECK(report->size == 0 || (report->data >= s_now.pdu &&
                                     report->data + report->size <= s_now.pdu + s_now.size));
    FUZZ_CHECK(report->kind != ATT_REPORT_CHARACTERISTIC ||
               ((report->size == 2 || report->size == 16) && report->handle != 0));
}

static size_t ask(att_client_t *client, uint8_t what, uint8_t pdu[ATT_MTU])
{
    static const uint8_t s_data[VALUE];
    switch (what % 7) {
    case 0:
        return att_client_mtu(client, pdu);
    case 1:
        return att_client_discover(client, pdu);
    case 2:
        return att_client_read(client, what, pdu);
    case 3:
        return att_client_write(client, what, s_data, what, pdu);
    case 4:
        return att_client_command(client, what, s_data, what, pdu);
    case 5:
        return att_client_subscribe(client, what == 5 ? UINT16_MAX : what, true, pdu);
    default:
        return 0; /* it goes on with what is under way */
    }
}

static void listen(att_client_t *client, uint8_t before, const uint8_t *pdu, size_t size)
{
    uint8_t next[ATT_MTU];
    FUZZ_CHECK(ask(client, before, next) <= client->mtu);
    const size_t sent = att_client_hear(client, pdu, size, next);
    FUZZ_CHECK(client->mtu >= ATT_MTU_MIN && client->mtu <= ATT_MTU && sent <= client->mtu);
    FUZZ_CHECK(client->state <= ATT_CLIENT_WRITE_CONFIG);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const att_server_ops_t s_ops = {
        .read = on_read, .write = on_write, .subscribed = on_subscribed};
    att_server_t server;
    att_client_t client;
    att_server_begin(&server, &s_ops, NULL);
    att_client_begin(&client, on_report, NULL);
    for (size_t at = 1; at + 2 <= size;) {
        const uint8_t before = data[at];
        const size_t length = data[at + 1] < size - at - 2 ? data[at + 1] : size - at - 2;
        uint8_t *pdu =
            malloc(length != 0 ? length : 1); /* of its own: what is behind its end is not ours */
        FUZZ_CHECK(pdu != NULL);
        memcpy(pdu, data + at + 2, length);
        s_now.pdu = pdu;
        s_now.size = length;
        if ((data[0] & 1) != 0) {
            serve(&server, before, pdu, length);
        } else {
            listen(&client, before, pdu, length);
        }
        free(pdu);
        at += 2 + length;
    }
    return 0;
}
