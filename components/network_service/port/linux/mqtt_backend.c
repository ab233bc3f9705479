/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MQTT by libmosquitto, in a thread of the PC that belongs to no task: a task that is ended leaves
 * nothing of the library half done. Commands go to the thread, events come from it, each through a
 * ring. Where the network is scripted there is no broker, and that is said at once.
 */
#include "mqtt_backend.h"
#include "mqtt_command.h"

#include <fcntl.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host_control.h"
#include "host_network.h"

#define RING    16
#define LOOP_MS 20
#define TOKENS  64 /* of messages on their way */

/* s_lock: protects what follows. Held for copies only, never while the library runs. */
static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t s_more = PTHREAD_COND_INITIALIZER;
static command_t s_commands[RING];
static unsigned s_command_first, s_command_count;
static mqtt_event_t s_events[RING];
static unsigned s_event_first, s_event_count;
static mqtt_config_t s_config;
static uint32_t s_life; /* of the connection that is wanted; events of others are dropped */
static bool s_started;
static void (*s_changed)(void);

/* The thread's alone. */
static struct mosquitto *s_client;
static bool s_greeted; /* the broker has answered */
static uint32_t s_client_life;
static struct {
    int mid;
    uint32_t token;
} s_tokens[TOKENS];

/* ---- in the thread ------------------------------------------------------------------------------
 */

static void on_interrupt(void *arg)
{
    (void)arg;
    pthread_mutex_lock(&s_lock);
    void (*const changed)(void) = s_changed;
    pthread_mutex_unlock(&s_lock);
    if (changed != NULL) {
        changed();
    }
}

/** Waits for room: the broker then waits for us. */
static void tell(const mqtt_event_t *event)
{
    const struct timespec pause = {.tv_nsec = 2000000};
    pthread_mutex_lock(&s_lock);
    while (s_event_count == RING && s_life == s_client_life) {
        pthread_mutex_unlock(&s_lock);
        (void)nanosleep(&pause, NULL);
        pthread_mutex_lock(&s_lock);
    }
    if (s_life == s_client_life) {
        s_events[(s_event_first + s_event_count++) % RING] = *event;
    }
    pthread_mutex_unlock(&s_lock);
    if (host_is_running()) {
        (void)host_isr_raise(on_interrupt, NULL, 0);
    }
}

static void tell_end(esp_err_t reason)
{
    static mqtt_event_t s_end; /* large for a stack */
    s_end.kind = MQTT_DISCONNECTED;
    s_end.reason = reason;
    tell(&s_end);
}

static void drop_client(void)
{
    if (s_client != NULL) {
        mosquitto_destroy(s_client);
    }
    s_client = NULL;
}

static void on_connect(struct mosquitto *client, void *arg, int code)
{
    static mqtt_event_t s_event;
    (void)client;
    (void)arg;
    s_greeted = true;
    s_event.kind = code == 0 ? MQTT_CONNECTED : MQTT_DISCONNECTED;
    s_event.reason = code == 4 || code == 5 || code == MQTT_RC_NOT_AUTHORIZED ||
                             code == MQTT_RC_BAD_USERNAME_OR_PASSWORD
                         ? ESP_ERR_NETWORK_SECRET
                         : ESP_ERR_NETWORK_HOST;
    tell(&s_event);
}

static void tell_published(uint32_t token)
{
    static mqtt_event_t s_event;
    s_event.kind = MQTT_PUBLISHED;
    s_event.token = token;
    tell(&s_event);
}

static void on_publish(struct mosquitto *client, void *arg, int mid)
{
    (void)client;
    (void)arg;
    for (unsigned i = 0; i < TOKENS; i++) {
        if (s_tokens[i].token != 0 && s_tokens[i].mid == mid) {
            const uint32_t token = s_tokens[i].token;
            s_tokens[i].token = 0;
            tell_published(token);
            return;
        }
    }
}

static void on_message(struct mosquitto *client, void *arg, const struct mosquitto_message *message)
{
    static mqtt_event_t s_event;
    (void)client;
    (void)arg;
    if (message->payloadlen < 0 || (size_t)message->payloadlen > sizeof(s_event.data) ||
        strlen(message->topic) > MQTT_TOPIC_MAX) {
        return;
    }
    s_event.kind = MQTT_MESSAGE;
    s_event.size = (uint32_t)message->payloadlen;
    memcpy(s_event.topic, message->topic, strlen(message->topic) + 1);
    if (s_event.size != 0) {
        memcpy(s_event.data, message->payload, s_event.size);
    }
    tell(&s_event);
}

/** "mqtt://host:port" @return false: no memory */
static bool dial(const mqtt_config_t *config)
{
    static const char offline[] = "offline";
    const bool tls = strncmp(config->uri, "mqtts", 5) == 0;
    char host[NETWORK_TEXT_MAX + 1];
    const char *begin = strstr(config->uri, "://") + 3;
    const size_t length = strcspn(begin, ":");
    const long port = begin[length] == ':' ? strtol(begin + length + 1, NULL, 10)
                      : tls                ? 8883
                                           : 1883;
    memcpy(host, begin, length);
    host[length] = '\0';
    memset(s_tokens, 0, sizeof(s_tokens));
    s_greeted = false;
    s_client = mosquitto_new(config->client, true, NULL);
    if (s_client == NULL) {
        return false;
    }
    (void)mosquitto_int_option(s_client, MOSQ_OPT_PROTOCOL_VERSION,
                               config->v5 ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311);
    (void)mosquitto_will_set(s_client, config->will, (int)strlen(offline), offline, 1, true);
    if (config->user[0] != '\0') {
        (void)mosquitto_username_pw_set(s_client, config->user, config->password);
    }
    if (tls) {
        const char *trusted = getenv("KRAKEN_CA_FILE");
        if (trusted != NULL) {
            (void)mosquitto_tls_set(s_client, trusted, NULL, NULL, NULL, NULL);
        } else {
            (void)mosquitto_int_option(s_client, MOSQ_OPT_TLS_USE_OS_CERTS, 1);
        }
    }
    mosquitto_connect_callback_set(s_client, on_connect);
    mosquitto_publish_callback_set(s_client, on_publish);
    mosquitto_message_callback_set(s_client, on_message);
    if (mosquitto_connect(s_client, host, (int)port, config->keepalive_s) != MOSQ_ERR_SUCCESS) {
        drop_client();
        tell_end(ESP_ERR_NETWORK_HOST);
        return true;
    }
    (void)fcntl(mosquitto_socket(s_client), F_SETFD, FD_CLOEXEC); /* a reset ends it */
    return true;
}

static void publish(const command_t *command)
{
    int mid = 0;
    unsigned i = 0;
    while (i < TOKENS && s_tokens[i].token != 0) {
        i++;
    }
    if (mosquitto_publish(s_client, &mid, command->topic, (int)command->size, command->data,
                          command->qos, command->retain) != MOSQ_ERR_SUCCESS) {
        return;
    }
    if (command->qos == 0) {
        /* Nobody confirms it, and on_publish() has been called by now, for a number not known yet.
         */
        tell_published(command->token);
    } else if (i < TOKENS) {
        s_tokens[i].mid = mid;
        s_tokens[i].token = command->token;
    }
}

static void obey(const command_t *command, const mqtt_config_t *config)
{
    if (command->what == CONNECT || command->what == DISCONNECT) {
        if (s_client != NULL) {
            (void)mosquitto_disconnect(s_client);
            drop_client();
        }
        s_client_life = command->life;
        if (command->what == CONNECT && !dial(config)) {
            tell_end(ESP_ERR_NO_MEM);
        }
    } else if (s_client != NULL && command->life == s_client_life) {
        if (command->what == PUBLISH) {
            publish(command);
        } else {
            (void)mosquitto_subscribe(s_client, NULL, command->topic, command->qos);
        }
    }
}

/** Wait for a command while there is no connection. @return false: there is none */
static bool next_command(command_t *command, mqtt_config_t *config)
{
    pthread_mutex_lock(&s_lock);
    while (s_command_count == 0 && s_client == NULL) {
        pthread_cond_wait(&s_more, &s_lock);
    }
    const bool found = s_command_count != 0;
    if (found) {
        *command = s_commands[s_command_first];
        *config = s_config;
        s_command_first = (s_command_first + 1) % RING;
        s_command_count--;
    }
    pthread_mutex_unlock(&s_lock);
    return found;
}

static void *thread_main(void *arg)
{
    static command_t s_command;
    static mqtt_config_t s_now;
    (void)arg;
    for (;;) {
        while (next_command(&s_command, &s_now)) {
            obey(&s_command, &s_now);
        }
        if (s_client != NULL && mosquitto_loop(s_client, LOOP_MS, 1) != MOSQ_ERR_SUCCESS) {
            drop_client();
            /* Before it has answered: not there, no broker, or not who it should be. */
            tell_end(s_greeted ? ESP_ERR_NETWORK_TRUNCATED : ESP_ERR_NETWORK_HOST);
        }
    }
    return NULL;
}

/* ---- in the service's worker --------------------------------------------------------------------
 */

/** Held lock. @return NULL: full */
static command_t *add(what_t what)
{
    if (s_command_count == RING) {
        return NULL;
    }
    command_t *command = &s_commands[(s_command_first + s_command_count++) % RING];
    command->what = what;
    command->life = s_life;
    (void)pthread_cond_signal(&s_more);
    return command;
}

/** Held lock. What was said to and by the last connection is void. */
static bool begin_life(what_t what)
{
    s_life++;
    s_event_count = 0;
    s_command_count = 0;
    return add(what) != NULL;
}

esp_err_t mqtt_backend_open(void (*changed)(void))
{
    pthread_t thread;
    pthread_mutex_lock(&s_lock);
    s_changed = changed;
    if (!s_started && host_network_real()) {
        s_started = mosquitto_lib_init() == MOSQ_ERR_SUCCESS &&
                    pthread_create(&thread, NULL, thread_main, NULL) == 0;
        if (s_started) {
            (void)pthread_detach(thread);
        }
    }
    const bool ready = s_started || !host_network_real();
    if (s_started) {
        (void)begin_life(DISCONNECT);
    }
    pthread_mutex_unlock(&s_lock);
    return ready ? ESP_OK : ESP_ERR_NO_MEM;
}

void mqtt_backend_disconnect(void)
{
    pthread_mutex_lock(&s_lock);
    if (s_started) {
        (void)begin_life(DISCONNECT);
    }
    pthread_mutex_unlock(&s_lock);
}

void mqtt_backend_close(void)
{
    mqtt_backend_disconnect();
}

esp_err_t mqtt_backend_connect(const mqtt_config_t *config)
{
    pthread_mutex_lock(&s_lock);
    s_config = *config;
    const bool begun = s_started && begin_life(CONNECT);
    pthread_mutex_unlock(&s_lock);
    return begun ? ESP_OK : ESP_ERR_NETWORK_HOST;
}

esp_err_t mqtt_backend_publish(uint32_t token, const char *topic, const void *data, size_t size,
                               int qos, bool retain)
{
    pthread_mutex_lock(&s_lock);
    command_t *command = add(PUBLISH);
    if (command != NULL) {
        command->token = token;
        command->qos = qos;
        command->retain = retain;
        command->size = size;
        memcpy(command->topic, topic, strlen(topic) + 1);
        memcpy(command->data, data, size);
    }
    pthread_mutex_unlock(&s_lock);
    return command != NULL ? ESP_OK : ESP_ERR_NO_MEM;
}

esp_err_t mqtt_backend_subscribe(const char *filter, int qos)
{
    pthread_mutex_lock(&s_lock);
    command_t *command = add(SUBSCRIBE);
    if (command != NULL) {
        command->qos = qos;
        memcpy(command->topic, filter, strlen(filter) + 1);
    }
    pthread_mutex_unlock(&s_lock);
    return command != NULL ? ESP_OK : ESP_ERR_NO_MEM;
}

bool mqtt_backend_take(mqtt_event_t *event)
{
    pthread_mutex_lock(&s_lock);
    const bool found = s_event_count != 0;
    if (found) {
        *event = s_events[s_event_first];
        s_event_first = (s_event_first + 1) % RING;
        s_event_count--;
    }
    pthread_mutex_unlock(&s_lock);
    return found;
}
