/* SPDX-License-Identifier: Apache-2.0 */
/* The scripted servers: what they say takes time of the board's clock and nothing else. */
#include "network_ports.h"

#include <string.h>

#include "sdkconfig.h"

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host_network.h"

typedef struct {
    const host_network_file_t *file;
    uint32_t at;   /* of the file */
    uint32_t sent; /* on this connection */
    uint32_t timeout_ms;
} connection_t;

static connection_t s_connections[CONFIG_NETWORK_HTTP_TRANSFERS];

static void copy(char *to, size_t room, const char *text)
{
    memset(to, 0, room);
    if (text != NULL && strlen(text) < room) {
        memcpy(to, text, strlen(text) + 1);
    }
}

static esp_err_t scripted_open(unsigned slot, const http_request_t *request, http_answer_t *answer)
{
    const host_network_file_t *file = host_network_file(request->url);
    memset(answer, 0, sizeof(*answer));
    vTaskDelay(pdMS_TO_TICKS(HOST_NETWORK_TRIP_MS));
    if (file == NULL || host_network_is_cut()) {
        return ESP_ERR_NETWORK_HOST;
    }
    if (file->mute) {
        vTaskDelay(pdMS_TO_TICKS(request->timeout_ms));
        return ESP_ERR_TIMEOUT;
    }
    const bool part =
        request->from != 0 && !file->no_range &&
        (request->tag[0] == '\0' || file->tag == NULL || strcmp(request->tag, file->tag) == 0);
    answer->status = file->status != 0 ? file->status : part ? 206 : 200;
    if (part && request->from >= file->size) {
        answer->status = 416;
    }
    const uint32_t from = part ? request->from : 0;
    const uint32_t announced = file->announced != 0 ? file->announced : file->size;
    answer->from = part ? from + (file->wrong_range ? 1 : 0) : HTTP_UNKNOWN;
    answer->total = part ? announced : HTTP_UNKNOWN;
    answer->length = file->endless ? HTTP_UNKNOWN : announced - from;
    copy(answer->tag, sizeof(answer->tag), file->tag);
    copy(answer->location, sizeof(answer->location), file->location);
    s_connections[slot] =
        (connection_t){.file = file, .at = from, .timeout_ms = request->timeout_ms};
    return ESP_OK;
}

static esp_err_t scripted_read(unsigned slot, void *to, size_t room, size_t *got)
{
    connection_t *c = &s_connections[slot];
    const host_network_file_t *file = c->file;
    *got = 0;
    if (file == NULL) {
        return ESP_ERR_NETWORK_TRUNCATED;
    }
    vTaskDelay(pdMS_TO_TICKS(file->delay_ms));
    if (host_network_is_cut() || (file->break_after != 0 && c->sent >= file->break_after)) {
        return ESP_ERR_NETWORK_TRUNCATED;
    }
    if (file->stall_after != 0 && c->sent >= file->stall_after) {
        vTaskDelay(pdMS_TO_TICKS(c->timeout_ms));
        return ESP_ERR_TIMEOUT;
    }
    uint32_t most = file->chunk != 0 && file->chunk < room ? file->chunk : (uint32_t)room;
    if (file->endless) {
        memset(to, 'x', most);
        *got = most;
        return ESP_OK;
    }
    if (c->at >= file->size) {
        return file->announced > file->size ? ESP_ERR_NETWORK_TRUNCATED : ESP_OK;
    }
    if (file->break_after != 0 && most > file->break_after - c->sent) {
        most = file->break_after - c->sent;
    }
    most = most < file->size - c->at ? most : file->size - c->at;
    memcpy(to, (const uint8_t *)file->body + c->at, most);
    c->at += most;
    c->sent += most;
    *got = most;
    return ESP_OK;
}

static void scripted_close(unsigned slot)
{
    s_connections[slot] = (connection_t){0};
}

const http_port_t http_scripted = {
    .open = scripted_open,
    .read = scripted_read,
    .close = scripted_close,
};
