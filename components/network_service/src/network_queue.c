/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that wait for the broker, in the order in which they came. When there are too many the
 * oldest goes: what is new says more about now. Runs in the service's worker.
 */
#include "network_bridge.h"

#include <string.h>

#include "esp_attr.h"

static EXT_RAM_BSS_ATTR network_message_t s_messages[CONFIG_NETWORK_MQTT_QUEUE];
static unsigned s_first;
static unsigned s_count;
static uint32_t s_tokens;

network_message_t *network_queue_at(unsigned index)
{
    return index < s_count ? &s_messages[(s_first + index) % CONFIG_NETWORK_MQTT_QUEUE] : NULL;
}

static void drop_first(void)
{
    s_first = (s_first + 1) % CONFIG_NETWORK_MQTT_QUEUE;
    s_count--;
}

network_message_t *network_queue_add(bool *dropped)
{
    *dropped = s_count == CONFIG_NETWORK_MQTT_QUEUE;
    if (*dropped) {
        drop_first();
    }
    network_message_t *added = &s_messages[(s_first + s_count++) % CONFIG_NETWORK_MQTT_QUEUE];
    memset(added, 0, offsetof(network_message_t, data));
    s_tokens = s_tokens + 1 != 0 ? s_tokens + 1 : 1;
    added->token = s_tokens;
    return added;
}

bool network_queue_done(uint32_t token)
{
    bool found = false;
    for (unsigned i = 0; i < s_count; i++) {
        network_message_t *one = network_queue_at(i);
        if (one->token == token) {
            one->token = 0;
            found = true;
        }
    }
    while (s_count != 0 && s_messages[s_first].token == 0) {
        drop_first(); /* one in the middle waits until those before it are gone */
    }
    return found;
}

void network_queue_unsend(void)
{
    for (unsigned i = 0; i < s_count; i++) {
        network_queue_at(i)->sent = false;
    }
}

unsigned network_queue_count(void)
{
    unsigned waiting = 0;
    for (unsigned i = 0; i < s_count; i++) {
        waiting += network_queue_at(i)->token != 0;
    }
    return waiting;
}
