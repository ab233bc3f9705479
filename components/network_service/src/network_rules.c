/* SPDX-License-Identifier: Apache-2.0 */
/* demo.sample is demo/sample: events below BASE/out, and those that come below BASE/in. */
#include "network_bridge.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/** A word of a text; what follows it. @return false: there is none, or it is too long */
static bool word(const char **text, char *out, size_t room)
{
    const char *at = *text + strspn(*text, " ");
    const size_t length = strcspn(at, " ");
    if (length == 0 || length >= room) {
        return false;
    }
    memcpy(out, at, length);
    out[length] = '\0';
    *text = at + length;
    return true;
}

/** A name, or one that ends in ".*", or "*" alone: what both events and topics can express. */
static bool is_pattern(const char *pattern)
{
    const char *star = strchr(pattern, '*');
    for (const char *at = pattern; *at != '\0'; at++) {
        if (!isalnum((unsigned char)*at) && strchr("._-*", *at) == NULL) {
            return false;
        }
    }
    return star == NULL || (star[1] == '\0' && (star == pattern || star[-1] == '.'));
}

bool network_rule_parse(const char *text, network_rule_t *out)
{
    char way[4];
    char more[8];
    memset(out, 0, sizeof(*out));
    if (!word(&text, way, sizeof(way)) || !word(&text, out->pattern, sizeof(out->pattern)) ||
        !is_pattern(out->pattern)) {
        return false;
    }
    out->in = strcmp(way, "in") == 0;
    if (!out->in && strcmp(way, "out") != 0) {
        return false;
    }
    while (*(text + strspn(text, " ")) != '\0') {
        if (!word(&text, more, sizeof(more))) {
            return false;
        }
        if (more[0] >= '0' && more[0] <= '2' && more[1] == '\0') {
            out->qos = (uint8_t)(more[0] - '0');
        } else if (!out->in && strcmp(more, "retain") == 0) {
            out->retain = true;
        } else {
            return false;
        }
    }
    return true;
}

bool network_rule_matches(const network_rule_t *rule, const char *name)
{
    const char *star = strchr(rule->pattern, '*');
    return star != NULL ? strncmp(rule->pattern, name, (size_t)(star - rule->pattern)) == 0
                        : strcmp(rule->pattern, name) == 0;
}

bool network_rule_topic(const char *base, const char *way, const char *name,
                        char out[MQTT_TOPIC_MAX + 1])
{
    const int length = snprintf(out, MQTT_TOPIC_MAX + 1, "%s/%s/%s", base, way, name);
    if (length < 0 || length > MQTT_TOPIC_MAX) {
        return false;
    }
    for (char *at = out + strlen(base); *at != '\0'; at++) {
        *at = *at == '.' ? '/' : *at == '*' ? '#' : *at;
    }
    return true;
}

bool network_rule_event(const char *base, const char *topic, char out[SYSTEM_NAME_MAX + 1])
{
    static const char way[] = "/in/";
    const size_t length = strlen(base);
    /* What the system says of itself is not for others to say. */
    static const char *const own[] = {"system.", "service.", "app.", "network."};
    if (strncmp(topic, base, length) != 0 || strncmp(topic + length, way, strlen(way)) != 0) {
        return false;
    }
    const char *name = topic + length + strlen(way);
    if (name[0] == '\0' || strlen(name) > SYSTEM_NAME_MAX || strchr(name, '.') != NULL) {
        return false;
    }
    memset(out, 0, SYSTEM_NAME_MAX + 1);
    for (size_t i = 0; name[i] != '\0'; i++) {
        out[i] = name[i];
        out[i] = out[i] == '/' ? '.' : out[i];
    }
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        if (strncmp(out, own[i], strlen(own[i])) == 0) {
            return false;
        }
    }
    return true;
}

bool network_broker_valid(const char *uri)
{
    const char *host = strncmp(uri, "mqtt://", 7) == 0    ? uri + 7
                       : strncmp(uri, "mqtts://", 8) == 0 ? uri + 8
                                                          : "";
    const size_t whole = strcspn(host, "?");
    const char *choice = host + whole;
    const size_t length = strcspn(host, ":?");
    const char *port = host[length] == ':' ? host + length + 1 : "1";
    const size_t digits = strspn(port, "0123456789");
    for (const char *at = host; at < choice; at++) {
        if (!isalnum((unsigned char)*at) && strchr(".-:", *at) == NULL) {
            return false;
        }
    }
    return length != 0 && digits != 0 && digits <= 5 &&
           (port[digits] == '\0' || port + digits == choice) &&
           (*choice == '\0' || strcmp(choice, "?v=3") == 0 || strcmp(choice, "?v=5") == 0);
}

void network_broker_read(const char *uri, char out[NETWORK_TEXT_MAX + 1], bool *v5)
{
    const size_t length = strcspn(uri, "?");
    memset(out, 0, NETWORK_TEXT_MAX + 1);
    memcpy(out, uri, length);
#ifdef CONFIG_NETWORK_MQTT_5
    *v5 = strcmp(uri + length, "?v=3") != 0;
#else
    *v5 = strcmp(uri + length, "?v=5") == 0;
#endif
}
