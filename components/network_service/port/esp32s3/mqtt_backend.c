/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MQTT by esp-mqtt. Its calls wait for its own task, which waits for the network: so they are made
 * by a task of ours, which takes commands from the service and never keeps it waiting. Whatever
 * belongs to an earlier connection carries that one's number, and is dropped.
 */
#include "mqtt_backend.h"
#include "mqtt_command.h"

#include <stdatomic.h>
#include <string.h>

#include "esp_attr.h"
#include "esp_crt_bundle.h"
#include "esp_heap_caps.h"
#include "esp_log.h"
#include "freertos/FreeRTOS.h"
#include "freertos/idf_additions.h"
#include "freertos/queue.h"
#include "freertos/task.h"
#include "mqtt_client.h"

#if defined(CONFIG_NETWORK_MQTT_5) && !defined(CONFIG_MQTT_PROTOCOL_5)
#error "CONFIG_NETWORK_MQTT_5 needs CONFIG_MQTT_PROTOCOL_5: menuconfig, Component config, ESP-MQTT"
#endif

static const char *TAG = "network";

#define EVENTS       8
#define COMMANDS     12
#define RECEIPTS     16 /* more than the service ever has on their way */
#define STACK        4096
#define PRIORITY     4
#define TIMEOUT_MS   (CONFIG_NETWORK_MQTT_TIMEOUT_S * 1000)
#define TELL_MS      20
#define BUFFER       (MQTT_TOPIC_MAX + CONFIG_NETWORK_MQTT_MESSAGE + 16)
#define V5_BAD_USER  0x86
#define V5_NOT_ADMIT 0x87

typedef struct {
    uint32_t life;
    mqtt_event_t event;
} report_t;

typedef struct {
    uint32_t life;
    int id; /* of a message */
} receipt_t;

/* Queues copy; their contents are for tasks alone. */
static EXT_RAM_BSS_ATTR uint8_t s_command_space[COMMANDS * sizeof(command_t)];
static EXT_RAM_BSS_ATTR uint8_t s_report_space[EVENTS * sizeof(report_t)];
static uint8_t s_receipt_space[RECEIPTS * sizeof(receipt_t)];
static EXT_RAM_BSS_ATTR uint8_t s_config_space[sizeof(mqtt_config_t)];
static StaticQueue_t s_command_state, s_report_state, s_receipt_state, s_config_state;
static QueueHandle_t s_commands, s_reports, s_receipts, s_configs; /* the last: the newest alone */
static TaskHandle_t s_task;
static void (*s_changed)(void);
static _Atomic uint32_t s_life;  /* of the connection that is wanted */
static _Atomic uint32_t s_ended; /* life of one that has ended by itself */

/* The service's worker's alone: large for a stack. */
static EXT_RAM_BSS_ATTR command_t s_command;

/* Our task's alone. */
static esp_mqtt_client_handle_t s_client;
static uint32_t s_client_life;
static struct {
    int id;
    uint32_t token; /* 0 = free */
} s_tokens[RECEIPTS];

/* ---- to the service ------------------------------------------------------------------------- */

/** Waits for room: the broker then waits for us. One task at a time for each report. */
static void tell(const report_t *report)
{
    while (report->life == atomic_load(&s_life) &&
           xQueueSend(s_reports, report, pdMS_TO_TICKS(TELL_MS)) != pdTRUE) {
        /* the service is busy */
    }
    s_changed();
}

/* ---- in the client's task: there is one at a time ------------------------------------------- */

static EXT_RAM_BSS_ATTR report_t s_report;
static esp_err_t s_reason;

static esp_err_t reason_of(const esp_mqtt_error_codes_t *error, bool connected)
{
    if (error->error_type == MQTT_ERROR_TYPE_CONNECTION_REFUSED) {
        const int code = (int)error->connect_return_code;
        return code == MQTT_CONNECTION_REFUSE_BAD_USERNAME ||
                       code == MQTT_CONNECTION_REFUSE_NOT_AUTHORIZED || code == V5_BAD_USER ||
                       code == V5_NOT_ADMIT
                   ? ESP_ERR_NETWORK_SECRET
                   : ESP_ERR_NETWORK_HOST;
    }
    return connected ? ESP_ERR_NETWORK_TRUNCATED : ESP_ERR_NETWORK_HOST;
}

static void tell_message(const esp_mqtt_event_t *event)
{
    if (event->current_data_offset != 0 || event->data_len != event->total_data_len ||
        event->data_len < 0 || (size_t)event->data_len > sizeof(s_report.event.data) ||
        event->topic_len <= 0 || event->topic_len > MQTT_TOPIC_MAX) {
        return; /* too long for anybody */
    }
    s_report.event.kind = MQTT_MESSAGE;
    memcpy(s_report.event.topic, event->topic, (size_t)event->topic_len);
    s_report.event.topic[event->topic_len] = '\0';
    s_report.event.size = (uint32_t)event->data_len;
    if (event->data_len != 0) {
        memcpy(s_report.event.data, event->data, (size_t)event->data_len);
    }
    tell(&s_report);
}

static void on_published(uint32_t life, int id)
{
    const receipt_t receipt = {.life = life, .id = id};
    (void)xQueueSend(s_receipts, &receipt, 0); /* never full; else it is sent again */
    (void)xTaskNotifyGive(s_task);
}

static void on_event(void *arg, esp_event_base_t base, int32_t id, void *data)
{
    const esp_mqtt_event_t *event = data;
    (void)base;
    s_report.life = (uint32_t)(uintptr_t)arg;
    switch ((esp_mqtt_event_id_t)id) {
    case MQTT_EVENT_BEFORE_CONNECT:
        s_reason = ESP_ERR_NETWORK_HOST; /* until it is better known */
        break;
    case MQTT_EVENT_CONNECTED:
        s_reason = ESP_ERR_NETWORK_TRUNCATED;
        s_report.event.kind = MQTT_CONNECTED;
        tell(&s_report);
        break;
    case MQTT_EVENT_ERROR:
        s_reason = reason_of(event->error_handle, s_reason == ESP_ERR_NETWORK_TRUNCATED);
        break;
    case MQTT_EVENT_DISCONNECTED:
        s_report.event.kind = MQTT_DISCONNECTED;
        s_report.event.reason = s_reason;
        tell(&s_report);
        atomic_store(&s_ended, s_report.life);
        (void)xTaskNotifyGive(s_task);
        break;
    case MQTT_EVENT_PUBLISHED:
        on_published(s_report.life, event->msg_id);
        break;
    case MQTT_EVENT_DATA:
        tell_message(event);
        break;
    default:
        break;
    }
}

/* ---- in our task ---------------------------------------------------------------------------- */

static EXT_RAM_BSS_ATTR report_t s_answer;

static void tell_kind(int kind, esp_err_t reason, uint32_t token)
{
    s_answer.life = s_client_life;
    s_answer.event.kind = kind;
    s_answer.event.reason = reason;
    s_answer.event.token = token;
    tell(&s_answer);
}

/** Waits for the client's task, as long as that may wait for the network. */
static void drop_client(void)
{
    if (s_client != NULL) {
        (void)esp_mqtt_client_destroy(s_client);
    }
    s_client = NULL;
    memset(s_tokens, 0, sizeof(s_tokens));
}

#ifdef CONFIG_MQTT_PROTOCOL_5
#define SPEAKS_5 true
#else
#define SPEAKS_5 false
#endif

static void dial(void)
{
    static EXT_RAM_BSS_ATTR mqtt_config_t s_dialled;
    if (xQueuePeek(s_configs, &s_dialled, 0) != pdTRUE) {
        return;
    }
    const esp_mqtt_client_config_t config = {
        .broker.address.uri = s_dialled.uri,
        .broker.verification.crt_bundle_attach = esp_crt_bundle_attach,
        .credentials.username = s_dialled.user[0] != '\0' ? s_dialled.user : NULL,
        .credentials.client_id = s_dialled.client,
        .credentials.authentication.password =
            s_dialled.user[0] != '\0' ? s_dialled.password : NULL,
        .session.last_will = {.topic = s_dialled.will, .msg = "offline", .qos = 1, .retain = 1},
        .session.keepalive = s_dialled.keepalive_s,
        .session.protocol_ver = s_dialled.v5 ? MQTT_PROTOCOL_V_5 : MQTT_PROTOCOL_V_3_1_1,
        .network.disable_auto_reconnect = true, /* the service knows when */
        .network.timeout_ms = TIMEOUT_MS,
        .buffer.size = BUFFER,
    };
    if (s_dialled.v5 && !SPEAKS_5) {
        ESP_LOGE(TAG, "MQTT 5 needs CONFIG_MQTT_PROTOCOL_5 in this firmware");
        tell_kind(MQTT_DISCONNECTED, ESP_ERR_NOT_SUPPORTED, 0);
        return;
    }
    s_client = esp_mqtt_client_init(&config);
    esp_err_t ret = s_client != NULL ? ESP_OK : ESP_ERR_NO_MEM;
    if (ret == ESP_OK) {
        ret = esp_mqtt_client_register_event(s_client, MQTT_EVENT_ANY, on_event,
                                             (void *)(uintptr_t)s_client_life);
    }
    ret = ret == ESP_OK ? esp_mqtt_client_start(s_client) : ret;
    if (ret != ESP_OK) {
        ESP_LOGE(TAG, "MQTT client: %s", esp_err_to_name(ret));
        drop_client();
        tell_kind(MQTT_DISCONNECTED, ESP_ERR_NO_MEM, 0);
    }
}

/** No memory, or the connection broke: begin anew with what is left. */
static void give_up(void)
{
    drop_client();
    tell_kind(MQTT_DISCONNECTED, ESP_ERR_NO_MEM, 0);
}

static void publish(const command_t *command)
{
    unsigned i = 0;
    while (i < RECEIPTS && s_tokens[i].token != 0) {
        i++;
    }
    const int id = esp_mqtt_client_publish(s_client, command->topic,
                                           command->size != 0 ? (const char *)command->data : NULL,
                                           (int)command->size, command->qos, command->retain);
    if (id >= 0 && command->qos == 0) {
        tell_kind(MQTT_PUBLISHED, ESP_OK, command->token);
    } else if (id >= 0 && i < RECEIPTS) {
        s_tokens[i].id = id;
        s_tokens[i].token = command->token;
    } else if (id < 0) {
        give_up();
    }
}

static void obey(const command_t *command)
{
    if (command->life != atomic_load(&s_life)) {
        return; /* somebody changed his mind */
    }
    if (command->what == CONNECT || command->what == DISCONNECT) {
        drop_client();
        s_client_life = command->life;
        if (command->what == CONNECT) {
            dial();
        }
    } else if (s_client != NULL && command->life == s_client_life) {
        if (command->what == PUBLISH) {
            publish(command);
        } else if (esp_mqtt_client_subscribe_single(s_client, command->topic, command->qos) < 0) {
            give_up(); /* else the events of this rule would never come, and nobody knew */
        }
    }
}

static void take_receipts(void)
{
    receipt_t receipt;
    while (xQueueReceive(s_receipts, &receipt, 0) == pdTRUE) {
        for (unsigned i = 0; i < RECEIPTS && receipt.life == s_client_life; i++) {
            if (s_tokens[i].token != 0 && s_tokens[i].id == receipt.id) {
                const uint32_t token = s_tokens[i].token;
                s_tokens[i].token = 0;
                tell_kind(MQTT_PUBLISHED, ESP_OK, token);
                break;
            }
        }
    }
}

static void task_main(void *arg)
{
    static EXT_RAM_BSS_ATTR command_t s_next;
    (void)arg;
    for (;;) {
        (void)ulTaskNotifyTake(pdTRUE, portMAX_DELAY);
        do {
            take_receipts();
            if (s_client != NULL && atomic_load(&s_ended) == s_client_life) {
                drop_client(); /* what it has is needed elsewhere until the next attempt */
            }
            if (xQueueReceive(s_commands, &s_next, 0) != pdTRUE) {
                break;
            }
            obey(&s_next);
        } while (true);
    }
}

/* ---- in the service's worker ---------------------------------------------------------------- */

/** Send what is in s_command. */
static esp_err_t send(what_t what)
{
    s_command.what = what;
    s_command.life = atomic_load(&s_life);
    if (xQueueSend(s_commands, &s_command, 0) != pdTRUE) {
        return ESP_ERR_NO_MEM;
    }
    (void)xTaskNotifyGive(s_task);
    return ESP_OK;
}

/** What was said to and by the last connection is void. */
static esp_err_t begin_life(what_t what)
{
    const uint32_t life = atomic_load(&s_life) + 1;
    atomic_store(&s_life, life != 0 ? life : 1);
    (void)xQueueReset(s_commands);
    return send(what);
}

esp_err_t mqtt_backend_open(void (*changed)(void))
{
    s_changed = changed;
    if (s_commands == NULL) {
        s_commands =
            xQueueCreateStatic(COMMANDS, sizeof(command_t), s_command_space, &s_command_state);
        s_reports = xQueueCreateStatic(EVENTS, sizeof(report_t), s_report_space, &s_report_state);
        s_receipts =
            xQueueCreateStatic(RECEIPTS, sizeof(receipt_t), s_receipt_space, &s_receipt_state);
        s_configs = xQueueCreateStatic(1, sizeof(mqtt_config_t), s_config_space, &s_config_state);
    }
    /* Its stack may lie in PSRAM: nothing it calls writes to flash. */
    if (s_task == NULL && xTaskCreatePinnedToCoreWithCaps(
                              task_main, "mqtt_calls", STACK, NULL, PRIORITY, &s_task,
                              tskNO_AFFINITY, MALLOC_CAP_SPIRAM | MALLOC_CAP_8BIT) != pdPASS) {
        s_task = NULL;
        return ESP_ERR_NO_MEM;
    }
    return begin_life(DISCONNECT);
}

void mqtt_backend_disconnect(void)
{
    (void)begin_life(DISCONNECT);
}

void mqtt_backend_close(void)
{
    mqtt_backend_disconnect();
}

esp_err_t mqtt_backend_connect(const mqtt_config_t *config)
{
    (void)xQueueOverwrite(s_configs, config);
    return begin_life(CONNECT);
}

esp_err_t mqtt_backend_publish(uint32_t token, const char *topic, const void *data, size_t size,
                               int qos, bool retain)
{
    s_command.token = token;
    s_command.qos = qos;
    s_command.retain = retain;
    s_command.size = size;
    memcpy(s_command.topic, topic, strlen(topic) + 1);
    if (size != 0) {
        memcpy(s_command.data, data, size);
    }
    return send(PUBLISH);
}

esp_err_t mqtt_backend_subscribe(const char *filter, int qos)
{
    s_command.qos = qos;
    memcpy(s_command.topic, filter, strlen(filter) + 1);
    return send(SUBSCRIBE);
}

bool mqtt_backend_take(mqtt_event_t *event)
{
    static EXT_RAM_BSS_ATTR report_t s_taken;
    while (xQueueReceive(s_reports, &s_taken, 0) == pdTRUE) {
        if (s_taken.life == atomic_load(&s_life)) {
            *event = s_taken.event;
            return true;
        }
    }
    return false;
}
