/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where packages come from: files, and whatever somebody has brought an opener for.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kapp_internal.h"
#include "kapp/kapp_install.h"
#include "system_service/error_codes.h"

/* Written before there are other tasks that install: init only. */
static kapp_opener_t *s_openers;

static esp_err_t file_read(void *arg, void *to, size_t room, size_t *got)
{
    *got = fread(to, 1, room, arg);
    return *got == 0 && ferror((FILE *)arg) != 0 ? ESP_FAIL : ESP_OK;
}

static esp_err_t file_open(const char *location, kapp_stream_t *out)
{
    FILE *file = fopen(location, "rb");
    if (file == NULL) {
        return errno == ENOENT ? ESP_ERR_NOT_FOUND : errno == ENOMEM ? ESP_ERR_NO_MEM : ESP_FAIL;
    }
    *out = (kapp_stream_t){.read = file_read, .arg = file};
    return ESP_OK;
}

static void file_close(kapp_stream_t *stream)
{
    (void)fclose(stream->arg);
}

static const kapp_opener_t s_file = {.open = file_open, .close = file_close};

void kapp_stream_add_opener(kapp_opener_t *opener)
{
    opener->next = s_openers;
    s_openers = opener;
}

esp_err_t kapp_stream_open(const char *location, kapp_stream_t *stream,
                           const kapp_opener_t **opener)
{
    const char *colon = strstr(location, "://");
    const size_t length = colon != NULL ? (size_t)(colon - location) : 0;
    *opener = &s_file;
    if (colon != NULL) {
        const kapp_opener_t *o = s_openers;
        while (o != NULL &&
               (strlen(o->scheme) != length || strncmp(o->scheme, location, length) != 0)) {
            o = o->next;
        }
        if (o == NULL) {
            return ESP_ERR_KAPP_STREAM_SCHEME;
        }
        *opener = o;
    }
    return (*opener)->open(location, stream);
}
