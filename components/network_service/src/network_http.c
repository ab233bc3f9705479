/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Downloads, each in the task of whoever wants it. A slot belongs to one task; the lock is only for
 * taking one, and for the counts. A task that was ended in the middle leaves its slot behind: the
 * next one takes it once all time that the download had is over.
 */
#include "network_service/network_http.h"

#include <inttypes.h>
#include <string.h>

#include "sdkconfig.h"

#include "esp_attr.h"
#include "esp_log.h"
#include "esp_rom_crc.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "network_internal.h"
#include "system_service/error_codes.h"

static const char *TAG = "network";

#define SLOTS         CONFIG_NETWORK_HTTP_TRANSFERS
#define POLL_MS       50
#define PAUSE_MS      100 /* before the first resume; doubles */
#define PAUSE_DOUBLES 6   /* at most so often */

typedef struct {
    network_http_t id; /* 0 = free; generation << 8 | slot + 1 */
    network_http_config_t limits;
    int64_t until_us; /* the end of all time it has */
    bool connected;   /* the backend has it open */
    bool ended;       /* that was all */
    uint8_t in_vain;  /* attempts in a row without a byte */
    uint32_t at;      /* bytes given to the caller */
    uint32_t total;   /* of the file, or HTTP_UNKNOWN */
    uint32_t crc;     /* of what was given to the caller */
    uint32_t skip;    /* bytes that come again */
    uint32_t again;   /* CRC of those that came again so far */
    char tag[HTTP_TAG_MAX + 1];
    char url[NETWORK_URL_MAX + 1];
    http_answer_t answer;
    char resolved[NETWORK_URL_MAX + 1];
} download_t;

static EXT_RAM_BSS_ATTR download_t s_downloads[SLOTS];
static uint32_t s_generation;
static portMUX_TYPE s_lock = portMUX_INITIALIZER_UNLOCKED; /* of ids, until_us, and the counts */
static _Atomic bool s_connected;
static uint32_t s_begun;
static uint32_t s_resumed;
static uint32_t s_failed;
static uint64_t s_bytes;

void network_http_set_connected(bool connected)
{
    atomic_store(&s_connected, connected);
}

void network_http_count(network_info_t *info)
{
    taskENTER_CRITICAL(&s_lock);
    info->downloads = s_begun;
    info->resumed = s_resumed;
    info->failed = s_failed;
    info->bytes = s_bytes;
    taskEXIT_CRITICAL(&s_lock);
}

static void count(uint32_t *counter)
{
    taskENTER_CRITICAL(&s_lock);
    (*counter)++;
    taskEXIT_CRITICAL(&s_lock);
}

static unsigned slot_of(const download_t *d)
{
    return (unsigned)(d - s_downloads);
}

/* ---- slots --------------------------------------------------------------------------------------
 */

static download_t *claim(const network_http_config_t *limits)
{
    const int64_t now_us = esp_timer_get_time();
    download_t *found = NULL;
    taskENTER_CRITICAL(&s_lock);
    for (unsigned i = 0; i < SLOTS && found == NULL; i++) {
        /* Its task may still be in one last wait. */
        const int64_t last_us =
            s_downloads[i].until_us + 2 * NETWORK_MS(s_downloads[i].limits.stall_ms);
        if (s_downloads[i].id == 0 || now_us > last_us) {
            found = &s_downloads[i];
            s_generation = (s_generation + 1) & 0xffffff;
            found->id = s_generation << 8 | (i + 1);
            found->limits = *limits;
            found->until_us = now_us + NETWORK_MS(limits->total_ms);
            s_begun++;
        }
    }
    taskEXIT_CRITICAL(&s_lock);
    return found;
}

static download_t *find(network_http_t http)
{
    const unsigned slot = (http & 0xff) - 1;
    download_t *found = NULL;
    taskENTER_CRITICAL(&s_lock);
    if (http != 0 && slot < SLOTS && s_downloads[slot].id == http) {
        found = &s_downloads[slot];
    }
    taskEXIT_CRITICAL(&s_lock);
    return found;
}

/* ---- one connection -----------------------------------------------------------------------------
 */

static void disconnect(download_t *d)
{
    http_backend_close(slot_of(d));
    d->connected = false;
}

static bool is_redirection(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static esp_err_t redirect(download_t *d)
{
    if (!network_url_resolve(d->url, d->answer.location, d->resolved) ||
        (network_url_secure(d->url) && !network_url_secure(d->resolved))) {
        ESP_LOGW(TAG, "%s: sent to \"%s\", where we do not go", d->url, d->answer.location);
        return ESP_ERR_NETWORK_REDIRECT;
    }
    memcpy(d->url, d->resolved, sizeof(d->url));
    return ESP_OK;
}

/** The whole file comes, although the beginning is here already. */
static esp_err_t accept_whole(download_t *d)
{
    const http_answer_t *a = &d->answer;
    if (d->at != 0 &&
        ((a->length != HTTP_UNKNOWN && d->total != HTTP_UNKNOWN && a->length != d->total) ||
         (a->tag[0] != '\0' && d->tag[0] != '\0' && strcmp(a->tag, d->tag) != 0))) {
        return ESP_ERR_NETWORK_CHANGED;
    }
    d->skip = d->at;
    d->again = 0;
    d->total = a->length != HTTP_UNKNOWN ? a->length : d->total;
    if (d->at == 0) {
        memcpy(d->tag, a->tag, sizeof(d->tag));
    }
    return ESP_OK;
}

static esp_err_t accept_rest(download_t *d)
{
    const http_answer_t *a = &d->answer;
    if (d->at == 0 || a->from != d->at) {
        return ESP_ERR_NETWORK_PROTOCOL; /* nobody asked for that */
    }
    if (a->total != HTTP_UNKNOWN && d->total != HTTP_UNKNOWN && a->total != d->total) {
        return ESP_ERR_NETWORK_CHANGED;
    }
    d->skip = 0;
    d->total = a->total != HTTP_UNKNOWN ? a->total : d->total;
    return ESP_OK;
}

static esp_err_t accept(download_t *d)
{
    const int status = d->answer.status;
    esp_err_t ret = ESP_ERR_NETWORK_STATUS;
    if (status == 200) {
        ret = accept_whole(d);
    } else if (status == 206) {
        ret = accept_rest(d);
    } else if (status == 416 && d->at != 0) {
        ret = ESP_ERR_NETWORK_CHANGED;
    } else {
        ESP_LOGW(TAG, "%s: status %d", d->url, status);
        /* It may be better soon, if it was well before. */
        ret = d->at != 0 && (status >= 500 || status == 429) ? ESP_ERR_TIMEOUT : ret;
    }
    if (ret == ESP_OK && d->total != HTTP_UNKNOWN && d->total > d->limits.max_bytes) {
        ret = ESP_ERR_NETWORK_TOO_LARGE;
    }
    return ret;
}

/** Ask for what is missing, wherever that leads. */
static esp_err_t connect(download_t *d)
{
    for (unsigned hops = 0; hops <= CONFIG_NETWORK_HTTP_REDIRECTS; hops++) {
        const http_request_t request = {
            .url = d->url, .from = d->at, .tag = d->tag, .timeout_ms = d->limits.stall_ms};
        esp_err_t ret = network_link_http_open(slot_of(d), &request, &d->answer);
        if (ret == ESP_OK && !is_redirection(d->answer.status)) {
            ret = accept(d);
            d->connected = ret == ESP_OK;
            if (ret != ESP_OK) {
                disconnect(d);
            }
            return ret;
        }
        disconnect(d);
        ret = ret == ESP_OK ? redirect(d) : ret;
        if (ret != ESP_OK) {
            return ret;
        }
    }
    ESP_LOGW(TAG, "%s: more than %d redirections", d->url, CONFIG_NETWORK_HTTP_REDIRECTS);
    return ESP_ERR_NETWORK_REDIRECT;
}

static bool in_time(const download_t *d)
{
    return esp_timer_get_time() < d->until_us;
}

static esp_err_t wait_for_network(const download_t *d)
{
    const int64_t until_us = esp_timer_get_time() + NETWORK_MS(d->limits.stall_ms);
    while (!atomic_load(&s_connected)) {
        if (esp_timer_get_time() >= until_us || !in_time(d)) {
            return ESP_ERR_NETWORK_DOWN;
        }
        vTaskDelay(pdMS_TO_TICKS(POLL_MS));
    }
    return ESP_OK;
}

/* ---- the download -------------------------------------------------------------------------------
 */

/** What can be tried again. */
static bool passes(esp_err_t ret)
{
    return ret == ESP_ERR_TIMEOUT || ret == ESP_ERR_NETWORK_TRUNCATED ||
           ret == ESP_ERR_NETWORK_HOST || ret == ESP_ERR_NETWORK_DOWN;
}

static esp_err_t final(esp_err_t ret)
{
    return ret == ESP_ERR_TIMEOUT ? ESP_ERR_NETWORK_SILENT : ret;
}

/** It broke off: is there to be another attempt? */
static bool may_resume(download_t *d, esp_err_t why)
{
    disconnect(d);
    if (!passes(why) || d->in_vain >= CONFIG_NETWORK_HTTP_RESUMES || !in_time(d)) {
        return false;
    }
    if (d->in_vain++ == 0) {
        ESP_LOGW(TAG, "broken off after %" PRIu32 " bytes (%s): trying to go on", d->at,
                 system_error_to_string(why));
    }
    return true;
}

static esp_err_t resume(download_t *d)
{
    const unsigned before = d->in_vain != 0 ? d->in_vain - 1u : 0;
    vTaskDelay(pdMS_TO_TICKS(PAUSE_MS << (before < PAUSE_DOUBLES ? before : PAUSE_DOUBLES)));
    esp_err_t ret = wait_for_network(d);
    ret = ret == ESP_OK ? connect(d) : ret;
    if (ret == ESP_OK) {
        count(&s_resumed);
    }
    return ret;
}

/** Some bytes came. @param[in,out] got 0: none of them is new */
static esp_err_t take(download_t *d, uint8_t *bytes, size_t *got)
{
    const uint32_t old = *got < d->skip ? (uint32_t)*got : d->skip;
    if (old != 0) {
        d->again = esp_rom_crc32_le(d->again, bytes, old);
        d->skip -= old;
        if (d->skip == 0 && d->again != d->crc) {
            return ESP_ERR_NETWORK_CHANGED;
        }
        *got -= old;
        memmove(bytes, bytes + old, *got);
    }
    if (*got > d->limits.max_bytes - d->at) {
        return ESP_ERR_NETWORK_TOO_LARGE;
    }
    if (d->total != HTTP_UNKNOWN && *got > d->total - d->at) {
        return ESP_ERR_NETWORK_PROTOCOL;
    }
    if (*got != 0) {
        d->crc = esp_rom_crc32_le(d->crc, bytes, (uint32_t)*got);
        d->at += (uint32_t)*got;
        d->in_vain = 0;
        taskENTER_CRITICAL(&s_lock);
        s_bytes += *got;
        taskEXIT_CRITICAL(&s_lock);
    }
    return ESP_OK;
}

/** @param[out] got 0: there may be more, unless it ended */
static esp_err_t step(download_t *d, void *to, size_t room, size_t *got)
{
    esp_err_t ret;
    *got = 0;
    if (!d->connected) {
        return resume(d);
    }
    ret = network_link_http_read(slot_of(d), to, room, got);
    if (ret != ESP_OK) {
        return ret;
    }
    if (*got == 0) {
        if (d->skip != 0) {
            return ESP_ERR_NETWORK_CHANGED; /* it is shorter now */
        }
        d->ended = d->total == HTTP_UNKNOWN || d->at == d->total;
        return d->ended ? ESP_OK : ESP_ERR_NETWORK_TRUNCATED;
    }
    return take(d, to, got);
}

static void set_limits(network_http_config_t *limits, const network_http_config_t *config)
{
    *limits = config != NULL ? *config : (network_http_config_t){0};
    if (limits->max_bytes == 0) {
        limits->max_bytes = CONFIG_NETWORK_HTTP_MAX_KB * 1024u;
    }
    if (limits->stall_ms == 0) {
        limits->stall_ms = CONFIG_NETWORK_HTTP_STALL_MS;
    }
    if (limits->total_ms == 0) {
        limits->total_ms = CONFIG_NETWORK_HTTP_TOTAL_S * 1000u;
    }
}

esp_err_t network_http_open(const char *url, const network_http_config_t *config,
                            network_http_t *out)
{
    network_http_config_t limits;
    if (url == NULL || out == NULL || !network_url_valid(url)) {
        return ESP_ERR_INVALID_ARG;
    }
    set_limits(&limits, config);
    download_t *d = claim(&limits);
    if (d == NULL) {
        return ESP_ERR_NO_MEM;
    }
    http_backend_close(slot_of(d)); /* should its last task have been ended */
    memcpy(d->url, url, strlen(url) + 1);
    d->connected = false;
    d->ended = false;
    d->in_vain = 0;
    d->at = 0;
    d->total = HTTP_UNKNOWN;
    d->crc = 0;
    d->skip = 0;
    d->tag[0] = '\0';
    esp_err_t ret = wait_for_network(d);
    ret = ret == ESP_OK ? final(connect(d)) : ret;
    if (ret != ESP_OK) {
        count(&s_failed);
        network_http_close(d->id);
        return ret;
    }
    *out = d->id;
    return ESP_OK;
}

esp_err_t network_http_read(network_http_t http, void *to, size_t room, size_t *got)
{
    download_t *d = find(http);
    if (to == NULL || room == 0 || got == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    *got = 0;
    if (d == NULL) {
        return ESP_ERR_INVALID_STATE;
    }
    while (!d->ended && *got == 0) {
        if (d->total != HTTP_UNKNOWN && d->at == d->total) {
            d->ended = true; /* whatever else the server may have to say */
            break;
        }
        esp_err_t ret = in_time(d) ? step(d, to, room, got) : ESP_ERR_NETWORK_SILENT;
        if (ret != ESP_OK && !may_resume(d, ret)) {
            count(&s_failed);
            *got = 0;
            return final(ret);
        }
    }
    return ESP_OK;
}

void network_http_close(network_http_t http)
{
    download_t *d = find(http);
    if (d == NULL) {
        return;
    }
    disconnect(d);
    taskENTER_CRITICAL(&s_lock);
    d->id = 0;
    taskEXIT_CRITICAL(&s_lock);
}
