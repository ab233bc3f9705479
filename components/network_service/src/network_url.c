/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses: as much of RFC 3986 as a download needs, and nothing that could end a line. */
#include "network_internal.h"

#include <stdio.h>
#include <string.h>

static const char s_http[] = "http://";
static const char s_https[] = "https://";

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

bool network_url_secure(const char *url)
{
    return begins(url, s_https);
}

/** Where the host begins, or NULL. */
static const char *host_of(const char *url)
{
    if (begins(url, s_http)) {
        return url + strlen(s_http);
    }
    return begins(url, s_https) ? url + strlen(s_https) : NULL;
}

static bool is_printable(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7f) {
            return false;
        }
    }
    return true;
}

bool network_url_valid(const char *url)
{
    const char *host = host_of(url);
    return host != NULL && strnlen(url, NETWORK_URL_MAX + 1) <= NETWORK_URL_MAX &&
           is_printable(url) && strcspn(host, "/?#@:") != 0;
}

/** @return false: too long */
static bool put(char out[NETWORK_URL_MAX + 1], const char *head, size_t head_size, const char *tail)
{
    const int length = snprintf(out, NETWORK_URL_MAX + 1, "%.*s%s", (int)head_size, head, tail);
    return length >= 0 && length <= NETWORK_URL_MAX;
}

bool network_url_resolve(const char *base, const char *location, char out[NETWORK_URL_MAX + 1])
{
    const char *host = host_of(base);
    bool ok;
    if (host == NULL || location[0] == '\0') {
        return false;
    }
    const size_t authority = (size_t)(host - base) + strcspn(host, "/?#");
    if (strstr(location, "://") != NULL && strcspn(location, ":") < strcspn(location, "/?#")) {
        ok = put(out, location, strlen(location), "");
    } else if (begins(location, "//")) { /* the same scheme */
        ok = put(out, base, (size_t)(host - base) - 2, location);
    } else if (location[0] == '/') {
        ok = put(out, base, authority, location);
    } else { /* beside the page */
        const size_t path = authority + strcspn(base + authority, "?#");
        size_t folder = path;
        while (folder > authority && base[folder - 1] != '/') {
            folder--;
        }
        if (location[0] == '?') {
            folder = path;
        }
        const bool bare = folder == authority && location[0] != '?';
        char beside[NETWORK_URL_MAX + 1];
        ok = put(beside, bare ? "/" : "", bare ? 1 : 0, location) && put(out, base, folder, beside);
    }
    return ok && network_url_valid(out);
}
