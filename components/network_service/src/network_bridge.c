/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bridge: chosen events become messages, chosen messages become events. A message stays in the
 * queue until the broker has confirmed it, and is sent again on the next connection: with QoS 1 and
 * 2 it arrives at least once. Runs in the service's worker.
 */
#include "network_bridge.h"

#include <stdio.h>
#include <string.h>

#include "esp_attr.h"
#include "esp_log.h"
#include "esp_mac.h"
#include "esp_timer.h"
#include "nvs.h"
#include "system_service/error_codes.h"

static const char *TAG = "network";

#define SPACE  "network"
#define STATUS "status"
#define WINDOW 8 /* messages that the broker may have to confirm at once */

/* As it lies in NVS. */
typedef struct {
    uint8_t format;
    uint8_t rules;
    char broker[NETWORK_TEXT_MAX + 1];
    char user[NETWORK_NAME_MAX + 1];
    char password[NETWORK_SECRET_MAX + 1];
    network_rule_t rule[NETWORK_RULES_MAX];
} settings_t;
#define FORMAT 1

static EXT_RAM_BSS_ATTR settings_t s_settings;
static EXT_RAM_BSS_ATTR mqtt_event_t s_event;
static EXT_RAM_BSS_ATTR mqtt_config_t s_config;
static system_service_id_t s_id;
static char s_client[24];
static char s_base[32];
static bool s_open;
static bool s_online; /* the network is there */
static network_bridge_state_t s_state;
static esp_err_t s_reason;
static int64_t s_due_us = NETWORK_NEVER;
static uint32_t s_attempts;
static unsigned s_subscribed; /* rules whose topics the broker knows */
static system_subscription_t s_subscriptions[NETWORK_RULES_MAX];
static uint32_t s_published;
static uint32_t s_dropped;
static uint32_t s_received;
static uint32_t s_unknown;

static void become(network_bridge_state_t state, int64_t due_us)
{
    s_state = state;
    s_due_us = due_us;
    s_subscribed = 0;
}

static esp_err_t save(void)
{
    nvs_handle_t nvs;
    esp_err_t ret = nvs_open(SPACE, NVS_READWRITE, &nvs);
    if (ret != ESP_OK) {
        return ret;
    }
    ret = nvs_set_blob(nvs, "bridge", &s_settings, sizeof(s_settings));
    ret = ret == ESP_OK ? nvs_commit(nvs) : ret;
    nvs_close(nvs);
    return ret;
}

static bool is_whole(void)
{
    const settings_t *s = &s_settings;
    bool whole = s->format == FORMAT && s->rules <= NETWORK_RULES_MAX &&
                 s->broker[NETWORK_TEXT_MAX] == '\0' && s->user[NETWORK_NAME_MAX] == '\0' &&
                 s->password[NETWORK_SECRET_MAX] == '\0';
    for (unsigned i = 0; whole && i < s->rules; i++) {
        whole = s->rule[i].pattern[SYSTEM_NAME_MAX] == '\0' && s->rule[i].qos <= 2;
    }
    return whole;
}

static void load(void)
{
    nvs_handle_t nvs;
    size_t size = sizeof(s_settings);
    esp_err_t ret = nvs_open(SPACE, NVS_READONLY, &nvs);
    if (ret == ESP_OK) {
        ret = nvs_get_blob(nvs, "bridge", &s_settings, &size);
        nvs_close(nvs);
    }
    if (ret != ESP_OK || size != sizeof(s_settings) || !is_whole()) {
        if (ret != ESP_ERR_NVS_NOT_FOUND) {
            ESP_LOGE(TAG, "the bridge's settings cannot be read: set the broker and rules again");
        }
        memset(&s_settings, 0, sizeof(s_settings));
        s_settings.format = FORMAT;
    }
}

/* ---- from events to messages --------------------------------------------------------------------
 */

static void put(const char *topic, const void *data, size_t size, int qos, bool retain)
{
    bool dropped;
    network_message_t *message = network_queue_add(&dropped);
    s_dropped += dropped;
    memcpy(message->topic, topic, strlen(topic) + 1);
    message->qos = (uint8_t)qos;
    message->retain = retain;
    message->size = (uint16_t)size;
    if (size != 0) {
        memcpy(message->data, data, size);
    }
}

static void send_waiting(void)
{
    const network_message_t *one;
    unsigned under_way = 0;
    for (unsigned i = 0; (one = network_queue_at(i)) != NULL; i++) {
        under_way += one->token != 0 && one->sent;
    }
    for (unsigned i = 0; under_way < WINDOW; i++) {
        network_message_t *message = network_queue_at(i);
        if (message == NULL) {
            return;
        }
        if (message->token == 0 || message->sent) {
            continue;
        }
        if (mqtt_backend_publish(message->token, message->topic, message->data, message->size,
                                 message->qos, message->retain) != ESP_OK) {
            return; /* the next event, or look, goes on */
        }
        message->sent = true;
        under_way++;
    }
}

static void on_event(const system_event_t *event, void *user_data)
{
    const network_rule_t *rule = user_data;
    char topic[MQTT_TOPIC_MAX + 1];
    if (event->source == s_id && strncmp(event->name, "network.", 8) != 0) {
        return; /* a message of the broker's: no echo */
    }
    if (strcmp(event->name, "network.work") == 0) {
        return; /* that is how we wake ourselves */
    }
    if (event->data_size > CONFIG_NETWORK_MQTT_MESSAGE ||
        !network_rule_topic(s_base, "out", event->name, topic)) {
        s_dropped++;
        return;
    }
    put(topic, event->data, event->data_size, rule->qos, rule->retain);
    if (s_state == NETWORK_BRIDGE_CONNECTED) {
        send_waiting();
    }
}

static void listen(void)
{
    static const system_subscription_config_t newest = {.overflow = SYSTEM_OVERFLOW_DROP_OLDEST};
    for (unsigned i = 0; i < NETWORK_RULES_MAX; i++) {
        if (s_subscriptions[i] != 0) {
            (void)system_event_unsubscribe(s_id, s_subscriptions[i]);
            s_subscriptions[i] = 0;
        }
    }
    for (unsigned i = 0; i < s_settings.rules && s_settings.broker[0] != '\0'; i++) {
        network_rule_t *rule = &s_settings.rule[i];
        if (rule->in) {
            continue;
        }
        const esp_err_t ret = system_event_subscribe_pattern(s_id, rule->pattern, on_event, rule,
                                                             &newest, &s_subscriptions[i]);
        if (ret != ESP_OK) {
            ESP_LOGE(TAG, "rule for %s: %s", rule->pattern, system_error_to_string(ret));
        }
    }
}

/* ---- from messages to events --------------------------------------------------------------------
 */

static void receive(const mqtt_event_t *message)
{
    char name[SYSTEM_NAME_MAX + 1];
    system_event_type_t type;
    bool wanted = network_rule_event(s_base, message->topic, name);
    bool matches = false;
    for (unsigned i = 0; i < s_settings.rules; i++) {
        matches = matches || (s_settings.rule[i].in && wanted &&
                              network_rule_matches(&s_settings.rule[i], name));
    }
    /* Only what somebody here knows: a stranger must not fill the table of types. */
    if (!matches || system_event_find_type(name, &type) != ESP_OK) {
        s_unknown++;
        return;
    }
    const esp_err_t ret = system_event_post(s_id, type, message->size != 0 ? message->data : NULL,
                                            message->size, SYSTEM_EVENT_PRIORITY_NORMAL);
    if (ret == ESP_OK || ret == ESP_ERR_EVENT_QUEUE_FULL) {
        s_received++;
    } else {
        s_dropped++;
    }
}

static void subscribe_waiting(void)
{
    for (; s_subscribed < s_settings.rules; s_subscribed++) {
        const network_rule_t *rule = &s_settings.rule[s_subscribed];
        char filter[MQTT_TOPIC_MAX + 1];
        if (rule->in && network_rule_topic(s_base, "in", rule->pattern, filter) &&
            mqtt_backend_subscribe(filter, rule->qos) != ESP_OK) {
            return; /* later */
        }
    }
}

/* ---- the connection -----------------------------------------------------------------------------
 */

static void lost(esp_err_t reason)
{
    if (s_state != NETWORK_BRIDGE_CONNECTING && s_state != NETWORK_BRIDGE_CONNECTED) {
        return;
    }
    if (s_attempts == 0 || reason != s_reason) {
        ESP_LOGW(TAG, "broker: %s", system_error_to_string(reason));
    }
    s_attempts += s_attempts < UINT32_MAX;
    s_reason = reason;
    network_queue_unsend();
    become(NETWORK_BRIDGE_WAITING,
           s_online ? esp_timer_get_time() + network_back_off_us(s_attempts) : NETWORK_NEVER);
}

static void connected(void)
{
    static const char online[] = "online";
    char topic[MQTT_TOPIC_MAX + 1];
    ESP_LOGI(TAG, "broker: connected to %s as %s", s_settings.broker, s_client);
    s_attempts = 0;
    become(NETWORK_BRIDGE_CONNECTED, NETWORK_NEVER);
    (void)snprintf(topic, sizeof(topic), "%s/%s", s_base, STATUS);
    (void)mqtt_backend_publish(0, topic, online, strlen(online), 1, true);
}

static void attempt(void)
{
    memset(&s_config, 0, sizeof(s_config));
    network_broker_read(s_settings.broker, s_config.uri, &s_config.v5);
    memcpy(s_config.user, s_settings.user, sizeof(s_config.user));
    memcpy(s_config.password, s_settings.password, sizeof(s_config.password));
    memcpy(s_config.client, s_client, sizeof(s_config.client));
    (void)snprintf(s_config.will, sizeof(s_config.will), "%s/%s", s_base, STATUS);
    s_config.keepalive_s = CONFIG_NETWORK_MQTT_KEEPALIVE_S;
    const esp_err_t ret = mqtt_backend_connect(&s_config);
    become(NETWORK_BRIDGE_CONNECTING,
           esp_timer_get_time() + NETWORK_MS(CONFIG_NETWORK_MQTT_TIMEOUT_S * 1000));
    if (ret != ESP_OK) {
        lost(ret);
    }
}

static void handle(const mqtt_event_t *event)
{
    switch (event->kind) {
    case MQTT_CONNECTED:
        if (s_state == NETWORK_BRIDGE_CONNECTING) {
            connected();
        }
        break;
    case MQTT_DISCONNECTED:
        lost(event->reason);
        break;
    case MQTT_PUBLISHED:
        s_published += network_queue_done(event->token);
        break;
    case MQTT_MESSAGE:
        receive(event);
        break;
    }
}

void network_bridge_work(int64_t now_us)
{
    while (s_open && mqtt_backend_take(&s_event)) {
        handle(&s_event);
    }
    if (now_us >= s_due_us) {
        s_due_us = NETWORK_NEVER;
        if (s_state == NETWORK_BRIDGE_WAITING) {
            attempt();
        } else if (s_state == NETWORK_BRIDGE_CONNECTING) {
            mqtt_backend_disconnect();
            lost(ESP_ERR_NETWORK_SILENT);
        }
    }
    if (s_state == NETWORK_BRIDGE_CONNECTED) {
        subscribe_waiting();
        send_waiting();
    }
}

void network_bridge_set_online(bool online)
{
    if (online == s_online) {
        return;
    }
    s_online = online;
    if (s_state == NETWORK_BRIDGE_WAITING && online) {
        s_attempts = 0;
        s_due_us = 0;
    } else if (!online && s_state > NETWORK_BRIDGE_WAITING) {
        mqtt_backend_disconnect();
        lost(ESP_ERR_NETWORK_DOWN);
    }
}

int64_t network_bridge_due(void)
{
    return s_due_us;
}

/* ---- what is wanted -----------------------------------------------------------------------------
 */

/** Begin anew with what is set now. */
static void begin_anew(void)
{
    if (s_state > NETWORK_BRIDGE_WAITING) {
        mqtt_backend_disconnect();
    }
    s_attempts = 0;
    network_queue_unsend();
    if (s_settings.broker[0] == '\0' || !s_open) {
        become(NETWORK_BRIDGE_OFF, NETWORK_NEVER);
    } else {
        become(NETWORK_BRIDGE_WAITING, s_online ? 0 : NETWORK_NEVER);
    }
    listen();
}

static esp_err_t set_broker(const network_control_t *wish)
{
    if (wish->text[0] != '\0' && !network_broker_valid(wish->text)) {
        return ESP_ERR_INVALID_ARG;
    }
    memcpy(s_settings.broker, wish->text, sizeof(s_settings.broker));
    memcpy(s_settings.user, wish->name, sizeof(s_settings.user));
    memcpy(s_settings.password, wish->secret, sizeof(s_settings.password));
    begin_anew();
    return save();
}

static esp_err_t add_rule(const char *text)
{
    network_rule_t rule;
    if (!network_rule_parse(text, &rule)) {
        return ESP_ERR_INVALID_ARG;
    }
    if (s_settings.rules == NETWORK_RULES_MAX) {
        return ESP_ERR_NO_MEM;
    }
    s_settings.rule[s_settings.rules++] = rule;
    listen();
    return save();
}

esp_err_t network_bridge_control(const network_control_t *wish)
{
    if (!s_open) {
        return ESP_ERR_SYSTEM_DISABLED;
    }
    switch (wish->what) {
    case NETWORK_BRIDGE_SET:
        return set_broker(wish);
    case NETWORK_BRIDGE_RULE:
        return add_rule(wish->text);
    default: /* NETWORK_BRIDGE_CLEAR */
        memset(s_settings.rule, 0, sizeof(s_settings.rule));
        s_settings.rules = 0;
        begin_anew(); /* the broker forgets what we subscribed to */
        return save();
    }
}

void network_bridge_describe(network_bridge_t *bridge)
{
    bridge->state = (uint8_t)s_state;
    bridge->reason = s_reason;
}

void network_bridge_count(network_info_t *info)
{
    info->rules = s_settings.rules;
    info->queued = network_queue_count();
    info->published = s_published;
    info->dropped = s_dropped;
    info->received = s_received;
    info->unknown = s_unknown;
    memcpy(info->broker, s_settings.broker, sizeof(info->broker));
    memcpy(info->base, s_base, sizeof(s_base));
}

void network_bridge_begin(system_service_id_t id, void (*changed)(void))
{
    uint8_t mac[6] = {0};
    s_id = id;
    s_online = false;
    memset(s_subscriptions, 0, sizeof(s_subscriptions)); /* an earlier life's went with it */
    (void)esp_read_mac(mac, ESP_MAC_WIFI_STA);
    (void)snprintf(s_client, sizeof(s_client), "%s-%02x%02x%02x", "kraken", mac[3], mac[4], mac[5]);
    (void)snprintf(s_base, sizeof(s_base), "kraken/%s", s_client + strlen("kraken-"));
    s_state = NETWORK_BRIDGE_OFF;
    s_open = mqtt_backend_open(changed) == ESP_OK;
    load();
    begin_anew();
}

void network_bridge_end(void)
{
    if (s_open) {
        mqtt_backend_close();
    }
    s_open = false;
    become(NETWORK_BRIDGE_OFF, NETWORK_NEVER);
}
