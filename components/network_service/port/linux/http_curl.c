/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP by libcurl, in a thread of the PC that belongs to no task: a task that is ended leaves
 * nothing of the library half done. Tasks and the thread share one slot a transfer; a task waits
 * by asking again, since the board's clock is the board's.
 *
 * What curl does by itself (redirections, resuming, decoding) is off: that is network_http.c's.
 */
#include "network_ports.h"
#include "http_range.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "sdkconfig.h"

#include "esp_log.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

static const char *TAG = "network";

#define SLOTS   CONFIG_NETWORK_HTTP_TRANSFERS
#define BUFFER  (2 * CURL_MAX_WRITE_SIZE)
#define WAIT_MS 2

typedef enum {
    IDLE,    /* nobody's */
    WANTED,  /* by a task: the thread is to begin */
    RUNNING, /* the thread has it */
    DONE,    /* the thread has let go of it; what came is still here */
    UNWANTED /* the task has let go of it; the thread will */
} state_t;

typedef struct {
    state_t state;
    bool head; /* the answer is complete up to the body */
    bool paused;
    esp_err_t result; /* when done */
    char url[NETWORK_URL_MAX + 1];
    uint32_t from;
    char if_range[HTTP_TAG_MAX + 1];
    uint32_t timeout_ms;
    http_answer_t answer;
    uint8_t buffer[BUFFER]; /* a ring */
    size_t first;
    size_t count;
    /* The thread's alone. */
    CURL *easy;
    struct curl_slist *headers;
    char error[CURL_ERROR_SIZE];
} slot_t;

/* s_lock: protects the slots. Held for copies only, and never while curl runs. */
static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;
static slot_t s_slots[SLOTS];
static CURLM *s_multi;
static bool s_started;

/* ---- in the thread: what comes ------------------------------------------------------------------
 */

/** The value of a header line, if it has this name; without the end of the line. */
static bool header_value(const char *line, size_t size, const char *name, char *out, size_t room)
{
    const size_t length = strlen(name);
    if (size <= length || strncasecmp(line, name, length) != 0 || line[length] != ':') {
        return false;
    }
    size_t begin = length + 1;
    while (begin < size && (line[begin] == ' ' || line[begin] == '\t')) {
        begin++;
    }
    while (size > begin && (unsigned char)line[size - 1] <= ' ') {
        size--;
    }
    memset(out, 0, room);
    if (size - begin < room) {
        memcpy(out, line + begin, size - begin);
    }
    return true;
}

/** The head is complete, and not one of those before the final one. */
static void finish_head(slot_t *slot)
{
    long status = 0;
    curl_off_t length = -1;
    (void)curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(slot->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    if (status < 200) {
        return;
    }
    pthread_mutex_lock(&s_lock);
    slot->answer.status = (int)status;
    if (length >= 0) { /* what is longer than we can count is too long for everybody */
        slot->answer.length =
            length < HTTP_UNKNOWN ? (uint32_t)length : (uint32_t)(HTTP_UNKNOWN - 1);
    }
    slot->head = true;
    pthread_mutex_unlock(&s_lock);
}

static size_t on_header(char *line, size_t one, size_t size, void *arg)
{
    slot_t *slot = arg;
    http_answer_t *answer = &slot->answer;
    char value[NETWORK_URL_MAX + 1];
    pthread_mutex_lock(&s_lock);
    if (size >= 5 && strncmp(line, "HTTP/", 5) == 0) { /* also after a 1xx */
        *answer =
            (http_answer_t){.length = HTTP_UNKNOWN, .from = HTTP_UNKNOWN, .total = HTTP_UNKNOWN};
    } else if (header_value(line, size, "Location", value, sizeof(value))) {
        memcpy(answer->location, value, sizeof(answer->location));
    } else if (header_value(line, size, "ETag", value, HTTP_TAG_MAX + 1) && value[0] == '"') {
        memcpy(answer->tag, value, sizeof(answer->tag)); /* a weak one begins otherwise */
    } else if (header_value(line, size, "Content-Range", value, sizeof(value))) {
        http_take_content_range(answer, value);
    }
    pthread_mutex_unlock(&s_lock);
    if (size == 2 && line[0] == '\r') {
        finish_head(slot);
    }
    return one * size;
}

static size_t on_body(char *bytes, size_t one, size_t size, void *arg)
{
    slot_t *slot = arg;
    const size_t total = one * size;
    pthread_mutex_lock(&s_lock);
    slot->paused = BUFFER - slot->count < total;
    if (!slot->paused) {
        const size_t at = (slot->first + slot->count) % BUFFER;
        const size_t part = total < BUFFER - at ? total : BUFFER - at;
        memcpy(slot->buffer + at, bytes, part);
        memcpy(slot->buffer, bytes + part, total - part);
        slot->count += total;
    }
    const bool paused = slot->paused;
    pthread_mutex_unlock(&s_lock);
    return paused ? CURL_WRITEFUNC_PAUSE : total;
}

/** Sockets end with this program: the board resets by starting itself again. */
static int on_socket(void *arg, curl_socket_t socket, curlsocktype purpose)
{
    (void)arg;
    (void)purpose;
    (void)fcntl(socket, F_SETFD, FD_CLOEXEC);
    return CURL_SOCKOPT_OK;
}

/* ---- in the thread: from slot to slot -----------------------------------------------------------
 */

static esp_err_t meaning(CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return ESP_OK;
    case CURLE_OPERATION_TIMEDOUT:
        return ESP_ERR_TIMEOUT;
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
        return ESP_ERR_NETWORK_TRUNCATED;
    case CURLE_OUT_OF_MEMORY:
        return ESP_ERR_NO_MEM;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_URL_MALFORMAT:
        return ESP_ERR_NETWORK_PROTOCOL;
    default: /* names, connections, certificates */
        return ESP_ERR_NETWORK_HOST;
    }
}

static bool set_up(slot_t *slot)
{
    char line[sizeof("If-Range: ") + HTTP_TAG_MAX];
    CURL *easy = curl_easy_init();
    slot->easy = easy;
    slot->headers = NULL;
    slot->error[0] = '\0';
    if (easy == NULL) {
        return false;
    }
    if (slot->from != 0) {
        (void)snprintf(line, sizeof(line), "Range: bytes=%u-", (unsigned)slot->from);
        slot->headers = curl_slist_append(NULL, line);
        if (slot->if_range[0] != '\0') {
            (void)snprintf(line, sizeof(line), "If-Range: %s", slot->if_range);
            slot->headers = curl_slist_append(slot->headers, line);
        }
    }
    (void)curl_easy_setopt(easy, CURLOPT_URL, slot->url);
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    const char *trusted = getenv("KRAKEN_CA_FILE");
    if (trusted != NULL) { /* instead of the PC's own list */
        (void)curl_easy_setopt(easy, CURLOPT_CAINFO, trusted);
        (void)curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)slot->timeout_ms);
    (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, slot->headers);
    (void)curl_easy_setopt(easy, CURLOPT_USERAGENT, "kraken");
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, slot->error);
    (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, slot);
    (void)curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, slot);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, slot);
    return curl_multi_add_handle(s_multi, easy) == CURLM_OK;
}

static void tear_down(slot_t *slot)
{
    if (slot->easy != NULL) {
        (void)curl_multi_remove_handle(s_multi, slot->easy);
        curl_easy_cleanup(slot->easy);
        curl_slist_free_all(slot->headers);
    }
    slot->easy = NULL;
    slot->headers = NULL;
}

static void set_state(slot_t *slot, state_t state, esp_err_t result)
{
    pthread_mutex_lock(&s_lock);
    slot->state = slot->state == UNWANTED ? IDLE : state;
    slot->result = result;
    pthread_mutex_unlock(&s_lock);
}

static void attend(slot_t *slot)
{
    pthread_mutex_lock(&s_lock);
    const state_t state = slot->state;
    const bool go_on = slot->paused && slot->count <= BUFFER / 2;
    slot->paused = slot->paused && !go_on;
    pthread_mutex_unlock(&s_lock);
    if (state == WANTED) {
        if (set_up(slot)) {
            set_state(slot, RUNNING, ESP_OK);
        } else {
            tear_down(slot);
            set_state(slot, DONE, ESP_ERR_NO_MEM);
        }
    } else if (state == UNWANTED) {
        tear_down(slot);
        set_state(slot, IDLE, ESP_OK);
    } else if (go_on && slot->easy != NULL) {
        (void)curl_easy_pause(slot->easy, CURLPAUSE_CONT);
    }
}

static void collect(void)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(s_multi, &left)) != NULL) {
        char *slot_of = NULL;
        const CURLcode code = message->data.result;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &slot_of);
        slot_t *slot = (slot_t *)(void *)slot_of;
        if (code != CURLE_OK) {
            ESP_EARLY_LOGW(TAG, "%s: %s", slot->url,
                           slot->error[0] != '\0' ? slot->error : curl_easy_strerror(code));
        }
        tear_down(slot);
        set_state(slot, DONE, meaning(code));
    }
}

static void *thread_main(void *arg)
{
    (void)arg;
    int running;
    for (;;) {
        for (unsigned i = 0; i < SLOTS; i++) {
            attend(&s_slots[i]);
        }
        (void)curl_multi_perform(s_multi, &running);
        collect();
        (void)curl_multi_poll(s_multi, NULL, 0, 1000, NULL);
    }
    return NULL;
}

/** Held lock. @return false: the PC has no thread for it */
static bool start(void)
{
    pthread_t thread;
    if (s_started) {
        return true;
    }
    if (s_multi == NULL && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) {
        s_multi = curl_multi_init();
    }
    if (s_multi != NULL && pthread_create(&thread, NULL, thread_main, NULL) == 0) {
        (void)pthread_detach(thread);
        s_started = true;
    }
    return s_started;
}

/* ---- in tasks -----------------------------------------------------------------------------------
 */

static void ask(slot_t *slot, const http_request_t *request)
{
    slot->state = WANTED;
    slot->head = false;
    slot->paused = false;
    slot->first = 0;
    slot->count = 0;
    slot->from = request->from;
    slot->timeout_ms = request->timeout_ms;
    memcpy(slot->url, request->url, strlen(request->url) + 1);
    memcpy(slot->if_range, request->tag, strlen(request->tag) + 1);
}

static esp_err_t curl_open(unsigned index, const http_request_t *request, http_answer_t *answer)
{
    slot_t *slot = &s_slots[index];
    const int64_t until_us = esp_timer_get_time() + 1000 * (int64_t)request->timeout_ms;
    bool asked = false;
    for (;;) {
        esp_err_t ret = ESP_ERR_NOT_FINISHED;
        pthread_mutex_lock(&s_lock);
        if (!start()) {
            ret = ESP_ERR_NO_MEM;
        } else if (!asked && slot->state == IDLE) {
            ask(slot, request);
            asked = true;
            (void)curl_multi_wakeup(s_multi);
        } else if (asked && slot->head) {
            *answer = slot->answer;
            ret = ESP_OK;
        } else if (asked && slot->state == DONE) {
            ret = slot->result != ESP_OK ? slot->result : ESP_ERR_NETWORK_PROTOCOL;
        }
        pthread_mutex_unlock(&s_lock);
        if (ret != ESP_ERR_NOT_FINISHED) {
            return ret;
        }
        if (esp_timer_get_time() >= until_us) {
            return ESP_ERR_TIMEOUT;
        }
        vTaskDelay(pdMS_TO_TICKS(WAIT_MS));
    }
}

/** Held lock. */
static size_t take(slot_t *slot, uint8_t *to, size_t room)
{
    const size_t most = room < slot->count ? room : slot->count;
    const size_t part = most < BUFFER - slot->first ? most : BUFFER - slot->first;
    memcpy(to, slot->buffer + slot->first, part);
    memcpy(to + part, slot->buffer, most - part);
    slot->first = (slot->first + most) % BUFFER;
    slot->count -= most;
    return most;
}

static esp_err_t curl_read(unsigned index, void *to, size_t room, size_t *got)
{
    slot_t *slot = &s_slots[index];
    const int64_t began_us = esp_timer_get_time();
    *got = 0;
    for (;;) {
        pthread_mutex_lock(&s_lock);
        const bool over = slot->state != WANTED && slot->state != RUNNING;
        const esp_err_t result = slot->state == DONE ? slot->result : ESP_ERR_NETWORK_TRUNCATED;
        const int64_t timeout_us = 1000 * (int64_t)slot->timeout_ms;
        *got = take(slot, to, room);
        if (slot->paused && slot->count <= BUFFER / 2) {
            (void)curl_multi_wakeup(s_multi);
        }
        pthread_mutex_unlock(&s_lock);
        if (*got != 0) {
            return ESP_OK;
        }
        if (over) {
            return result;
        }
        if (esp_timer_get_time() - began_us >= timeout_us) {
            return ESP_ERR_TIMEOUT;
        }
        vTaskDelay(pdMS_TO_TICKS(WAIT_MS));
    }
}

static void curl_close(unsigned index)
{
    slot_t *slot = &s_slots[index];
    pthread_mutex_lock(&s_lock);
    if (slot->state == DONE) {
        slot->state = IDLE;
    } else if (slot->state != IDLE) {
        slot->state = UNWANTED;
        (void)curl_multi_wakeup(s_multi);
    }
    pthread_mutex_unlock(&s_lock);
}

const http_port_t http_curl = {
    .open = curl_open,
    .read = curl_read,
    .close = curl_close,
};
