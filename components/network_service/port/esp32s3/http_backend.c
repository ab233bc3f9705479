/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP by esp_http_client: one client a slot, made for each request. Redirections, limits and
 * resuming are network_http.c's.
 *
 * The client reads as long as bytes come, however few and whatever they are: a server that drips,
 * or never says anything that is HTTP, would hold a task for ever. So bodies are waited for in
 * short pieces, and a timer cuts the connection of one that does not come to the end of its head.
 */
#include "http_backend.h"
#include "http_range.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "sdkconfig.h"

#include "esp_crt_bundle.h"
#include "esp_http_client.h"
#include "esp_log.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

static const char *TAG = "network";

#define BUFFER   1024
#define PIECE_MS 100    /* of a wait */
#define GUARD_US 500000 /* silence alone is noticed before */
#define READ_MAX 512    /* of one call: a drip fills it within 51 s */

typedef struct {
    esp_http_client_handle_t client;
    http_answer_t *answer; /* while the head comes */
    int64_t timeout_us;
    esp_timer_handle_t guard; /* made once */
    _Atomic int socket;       /* that the guard may cut; -1 = none */
    _Atomic bool cutting;     /* it may still have the socket in its hands */
} slot_t;

static slot_t s_slots[CONFIG_NETWORK_HTTP_TRANSFERS];

/* ---- the head ------------------------------------------------------------------------------- */

static void copy(char *to, size_t room, const char *value)
{
    memset(to, 0, room);
    if (strlen(value) < room) {
        memcpy(to, value, strlen(value));
    }
}

static esp_err_t on_event(esp_http_client_event_t *event)
{
    const slot_t *slot = event->user_data;
    http_answer_t *answer = slot->answer;
    if (event->event_id != HTTP_EVENT_ON_HEADER || answer == NULL) {
        return ESP_OK;
    }
    if (strcasecmp(event->header_key, "Location") == 0) {
        copy(answer->location, sizeof(answer->location), event->header_value);
    } else if (strcasecmp(event->header_key, "ETag") == 0 && event->header_value[0] == '"') {
        copy(answer->tag, sizeof(answer->tag),
             event->header_value); /* a weak one begins otherwise */
    } else if (strcasecmp(event->header_key, "Content-Range") == 0) {
        http_take_content_range(answer, event->header_value);
    }
    return ESP_OK;
}

static void on_guard(void *arg)
{
    slot_t *slot = arg;
    atomic_store(&slot->cutting, true); /* first: see unguard() */
    const int socket = atomic_exchange(&slot->socket, -1);
    if (socket >= 0) {
        (void)shutdown(socket, SHUT_RDWR);
    }
    atomic_store(&slot->cutting, false);
    if (socket >= 0) {
        ESP_LOGW(TAG, "the server talks, but not HTTP: cut off");
    }
}

static esp_err_t guard(slot_t *slot)
{
    const esp_timer_create_args_t args = {.callback = on_guard, .arg = slot, .name = "http"};
    esp_err_t ret = slot->guard == NULL ? esp_timer_create(&args, &slot->guard) : ESP_OK;
    if (ret == ESP_OK) {
        atomic_store(&slot->socket, esp_http_client_get_socket(slot->client));
        ret = esp_timer_start_once(slot->guard, (uint64_t)slot->timeout_us + GUARD_US);
    }
    return ret;
}

/** Afterwards the socket may be closed: the next one that is opened, anybody's, has its number.
 *  @return false: it was cut */
static bool unguard(slot_t *slot)
{
    (void)esp_timer_stop(slot->guard);
    const bool whole = atomic_exchange(&slot->socket, -1) >= 0;
    while (atomic_load(&slot->cutting)) {
        vTaskDelay(1);
    }
    return whole;
}

static esp_err_t take_head(slot_t *slot)
{
    http_answer_t *answer = slot->answer;
    if (guard(slot) != ESP_OK) {
        return ESP_ERR_NO_MEM;
    }
    const int64_t length = esp_http_client_fetch_headers(slot->client);
    const bool whole = unguard(slot);
    answer->status = esp_http_client_get_status_code(slot->client);
    if (!whole) {
        return ESP_ERR_NETWORK_PROTOCOL;
    }
    if (length == -ESP_ERR_HTTP_EAGAIN) {
        return ESP_ERR_TIMEOUT;
    }
    if (length < 0 || answer->status < 200) {
        return ESP_ERR_NETWORK_TRUNCATED;
    }
    if (length > 0) { /* what is longer than we can count is too long for everybody */
        answer->length = length < HTTP_UNKNOWN ? (uint32_t)length : HTTP_UNKNOWN - 1;
    }
    return ESP_OK;
}

/* ---- the request ---------------------------------------------------------------------------- */

static esp_err_t ask(slot_t *slot, const http_request_t *request)
{
    char range[24];
    esp_err_t ret = ESP_OK;
    if (request->from != 0) {
        (void)snprintf(range, sizeof(range), "bytes=%" PRIu32 "-", request->from);
        ret = esp_http_client_set_header(slot->client, "Range", range);
        if (ret == ESP_OK && request->tag[0] != '\0') {
            ret = esp_http_client_set_header(slot->client, "If-Range", request->tag);
        }
    }
    if (ret != ESP_OK) {
        return ESP_ERR_NO_MEM;
    }
    ret = esp_http_client_open(slot->client, 0);
    if (ret != ESP_OK) {
        ESP_LOGW(TAG, "no connection: %s", esp_err_to_name(ret)); /* an address may be a secret */
        return ESP_ERR_NETWORK_HOST;
    }
    return ESP_OK;
}

esp_err_t http_backend_open(unsigned index, const http_request_t *request, http_answer_t *answer)
{
    slot_t *slot = &s_slots[index];
    const esp_http_client_config_t config = {
        .url = request->url,
        .timeout_ms = (int)request->timeout_ms,
        .disable_auto_redirect = true,
        .event_handler = on_event,
        .user_data = slot,
        .user_agent = "kraken",
        .buffer_size = BUFFER,
        .buffer_size_tx = NETWORK_URL_MAX + 256,
        .crt_bundle_attach = esp_crt_bundle_attach,
    };
    http_backend_close(index);
    *answer = (http_answer_t){.length = HTTP_UNKNOWN, .from = HTTP_UNKNOWN, .total = HTTP_UNKNOWN};
    slot->timeout_us = 1000 * (int64_t)request->timeout_ms;
    slot->answer = answer;
    slot->client = esp_http_client_init(&config);
    esp_err_t ret = slot->client != NULL ? ask(slot, request) : ESP_ERR_NO_MEM;
    ret = ret == ESP_OK ? take_head(slot) : ret;
    slot->answer = NULL; /* the caller's, and trailers may still come */
    if (ret == ESP_OK && esp_http_client_set_timeout_ms(slot->client, PIECE_MS) != ESP_OK) {
        ret = ESP_ERR_NO_MEM;
    }
    if (ret != ESP_OK) {
        http_backend_close(index);
    }
    return ret;
}

esp_err_t http_backend_read(unsigned index, void *to, size_t room, size_t *got)
{
    slot_t *slot = &s_slots[index];
    const int64_t until_us = esp_timer_get_time() + slot->timeout_us;
    int count;
    *got = 0;
    if (slot->client == NULL) {
        return ESP_ERR_NETWORK_TRUNCATED;
    }
    do {
        count = esp_http_client_read(slot->client, to, room < READ_MAX ? (int)room : READ_MAX);
    } while (count == -ESP_ERR_HTTP_EAGAIN && esp_timer_get_time() < until_us);
    if (count > 0) {
        *got = (size_t)count;
        return ESP_OK;
    }
    if (count == -ESP_ERR_HTTP_EAGAIN) {
        return ESP_ERR_TIMEOUT;
    }
    /* Without a length the end of the connection is that of the body: the client says so too. */
    return count == 0 && esp_http_client_is_complete_data_received(slot->client)
               ? ESP_OK
               : ESP_ERR_NETWORK_TRUNCATED;
}

void http_backend_close(unsigned index)
{
    slot_t *slot = &s_slots[index];
    if (slot->guard != NULL) {
        (void)unguard(slot);
    }
    if (slot->client != NULL) {
        (void)esp_http_client_cleanup(slot->client);
    }
    slot->client = NULL;
}
