/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The parts of the bridge between events and MQTT, grouped by the file that defines it.
 */

#include "sdkconfig.h"

#include "mqtt_backend.h"
#include "network_internal.h"
#include "system_service/event_bus.h"

/* ---- network_queue.c --------------------------------------------------------------------------
 */

typedef struct {
    uint32_t token; /* 0 = the broker has it */
    bool sent;
    bool retain;
    uint8_t qos;
    uint16_t size;
    char topic[MQTT_TOPIC_MAX + 1];
    uint8_t data[CONFIG_NETWORK_MQTT_MESSAGE];
} network_message_t;

/** One more at the end, empty. @param[out] dropped the oldest had to go for it */
network_message_t *network_queue_add(bool *dropped);
/** @return NULL: there are not so many */
network_message_t *network_queue_at(unsigned index);
/** The broker has it. @return false: it was dropped before */
bool network_queue_done(uint32_t token);
/** All that the broker has not confirmed is to be sent again. */
void network_queue_unsend(void);
unsigned network_queue_count(void);

/* ---- network_rules.c: which events, which topics ----------------------------------------------
 */

typedef struct {
    bool in;
    bool retain;
    uint8_t qos;
    char pattern[SYSTEM_NAME_MAX + 1];
} network_rule_t;

/** "out PATTERN [QOS] [retain]" or "in PATTERN [QOS]". @return false: that is no rule */
bool network_rule_parse(const char *text, network_rule_t *out);
bool network_rule_matches(const network_rule_t *rule, const char *name);
/** @return false: too long */
bool network_rule_topic(const char *base, const char *way, const char *name,
                        char out[MQTT_TOPIC_MAX + 1]);
/** What a topic below base/in means. @return false: no event of ours */
bool network_rule_event(const char *base, const char *topic, char out[SYSTEM_NAME_MAX + 1]);
/** mqtt://host or mqtts://host, both with :port or without; "?v=3" or "?v=5" behind it chooses the
 *  protocol. */
bool network_broker_valid(const char *uri);
/** Without what chooses the protocol. @param[out] v5 MQTT 5; uri is a valid one */
void network_broker_read(const char *uri, char out[NETWORK_TEXT_MAX + 1], bool *v5);
