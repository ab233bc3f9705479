/* SPDX-License-Identifier: Apache-2.0 */
/* Between those who install and those who download: neither knows the other. */
#include "install_source.h"

#include <stdint.h>

#include "sdkconfig.h"

#include "kapp/kapp_install.h"
#include "network_service/network_http.h"

#ifdef CONFIG_NETWORK_SERVICE

static esp_err_t read_download(void *arg, void *to, size_t room, size_t *got)
{
    return network_http_read((network_http_t)(uintptr_t)arg, to, room, got);
}

static esp_err_t open_download(const char *location, kapp_stream_t *out)
{
    network_http_t http = 0;
    const esp_err_t ret = network_http_open(location, NULL, &http);
    *out = (kapp_stream_t){.read = read_download, .arg = (void *)(uintptr_t)http};
    return ret;
}

static void close_download(kapp_stream_t *stream)
{
    network_http_close((network_http_t)(uintptr_t)stream->arg);
}

void install_source_add(void)
{
    static kapp_opener_t s_http = {
        .scheme = "http", .open = open_download, .close = close_download};
    static kapp_opener_t s_https = {
        .scheme = "https", .open = open_download, .close = close_download};
    kapp_stream_add_opener(&s_http);
    kapp_stream_add_opener(&s_https);
}

#else

void install_source_add(void)
{
}

#endif
