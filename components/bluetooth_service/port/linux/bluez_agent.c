/* SPDX-License-Identifier: Apache-2.0 */
/* The agent: whom BlueZ asks when a peer wants to pair. Only passkeys; what nobody compares is
 * refused. */
#include <errno.h>

#include "bluez.h"

#define AGENT    "/org/kraken/agent"
#define MANAGER  "org.bluez.AgentManager1"
#define REJECTED "org.bluez.Error.Rejected"

_Atomic uint8_t bluez_asked = BLUETOOTH_NO_LINK;

static sd_bus_slot *s_agent;
static sd_bus_message *s_question; /* RequestPasskey, not answered yet */

static void drop_question(void)
{
    atomic_store(&bluez_asked, BLUETOOTH_NO_LINK);
    s_question = sd_bus_message_unref(s_question);
}

static int on_display(sd_bus_message *message, void *arg, sd_bus_error *error)
{
    const char *path;
    uint32_t passkey;
    uint16_t entered;
    (void)arg, (void)error;
    const int rc = sd_bus_message_read(message, "ouq", &path, &passkey, &entered);
    if (rc < 0) {
        return rc;
    }
    const uint8_t link = bluez_link_of(path);
    if (link != BLUETOOTH_NO_LINK && entered == 0) { /* it comes again for each digit */
        bluez_tell((bluetooth_radio_event_t){.kind = BLUETOOTH_RADIO_PASSKEY,
                                             .link = link,
                                             .number = passkey},
                   NULL, 0);
    }
    return sd_bus_reply_method_return(message, NULL);
}

static int on_request(sd_bus_message *message, void *arg, sd_bus_error *error)
{
    const char *path;
    (void)arg, (void)error;
    const int rc = sd_bus_message_read(message, "o", &path);
    if (rc < 0) {
        return rc;
    }
    const uint8_t link = bluez_link_of(path);
    if (link == BLUETOOTH_NO_LINK || s_question != NULL) {
        return sd_bus_reply_method_errorf(message, REJECTED, "not now");
    }
    s_question = sd_bus_message_ref(message);
    atomic_store(&bluez_asked, link);
    bluez_tell((bluetooth_radio_event_t){.kind = BLUETOOTH_RADIO_PASSKEY_WANTED, .link = link},
               NULL, 0);
    return 1;
}

static int on_refused(sd_bus_message *message, void *arg, sd_bus_error *error)
{
    (void)arg, (void)error;
    return sd_bus_reply_method_errorf(message, REJECTED, "only with a passkey");
}

static int on_cancel(sd_bus_message *message, void *arg, sd_bus_error *error)
{
    (void)arg, (void)error;
    drop_question();
    return sd_bus_reply_method_return(message, NULL);
}

static const sd_bus_vtable s_table[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("Release", "", "", on_cancel, 0),
    SD_BUS_METHOD("Cancel", "", "", on_cancel, 0),
    SD_BUS_METHOD("DisplayPasskey", "ouq", "", on_display, 0),
    SD_BUS_METHOD("RequestPasskey", "o", "u", on_request, 0),
    SD_BUS_METHOD("RequestPinCode", "o", "s", on_refused, 0),
    SD_BUS_METHOD("DisplayPinCode", "os", "", on_refused, 0),
    SD_BUS_METHOD("RequestConfirmation", "ou", "", on_refused, 0),
    SD_BUS_METHOD("RequestAuthorization", "o", "", on_refused, 0),
    SD_BUS_METHOD("AuthorizeService", "os", "", on_refused, 0),
    SD_BUS_VTABLE_END,
};

static int on_registered(sd_bus_message *message, void *arg, sd_bus_error *error)
{
    (void)arg, (void)error;
    (void)bluez_refused(message, "BlueZ lets nobody pair with us");
    return 0;
}

bool bluez_agent_begin(void)
{
    return sd_bus_add_object_vtable(bluez_bus, &s_agent, AGENT, "org.bluez.Agent1", s_table,
                                    NULL) >= 0 &&
           sd_bus_call_method_async(bluez_bus, NULL, BLUEZ, "/org/bluez", MANAGER, "RegisterAgent",
                                    on_registered, NULL, "os", AGENT, "KeyboardDisplay") >= 0 &&
           sd_bus_call_method_async(bluez_bus, NULL, BLUEZ, "/org/bluez", MANAGER,
                                    "RequestDefaultAgent", on_registered, NULL, "o", AGENT) >= 0;
}

void bluez_agent_end(void)
{
    drop_question();
    s_agent = sd_bus_slot_unref(s_agent);
}

void bluez_passkey(uint8_t link, uint32_t passkey)
{
    if (s_question != NULL && atomic_load(&bluez_asked) == link) {
        (void)sd_bus_reply_method_return(s_question, "u", passkey);
        drop_question();
    }
}
