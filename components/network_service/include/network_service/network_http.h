/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief Downloads over HTTP and HTTPS, made for networks that fail and servers that lie.
 *
 * A download that breaks off is resumed where it was, also after the network was away; what comes
 * after that is compared with what came before, where the server cannot do it. Nothing waits for
 * ever and nothing is longer than allowed.
 */

#include <stddef.h>
#include <stdint.h>

#include "esp_err.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Longest address, in bytes; a redirection's too. */
#define NETWORK_URL_MAX 255

/** Limits of one download; 0 takes the default of the configuration. */
typedef struct {
    uint32_t max_bytes; /**< of the body; default CONFIG_NETWORK_HTTP_MAX_KB */
    uint32_t stall_ms;  /**< longest silence; default CONFIG_NETWORK_HTTP_STALL_MS */
    uint32_t total_ms;  /**< for everything; default CONFIG_NETWORK_HTTP_TOTAL_S */
} network_http_config_t;

/** Names one download; 0 is none. Carries a generation. */
typedef uint32_t network_http_t;

/**
 * @brief Ask for a file and wait until its first bytes are about to come.
 *
 * @context any task but a handler of the network service
 * @blocks  until the server answers, at most stall_ms an attempt and total_ms in all
 * @param[in]  url    "http://..." or "https://..."; copied
 * @param[in]  config NULL = all defaults
 * @param[out] out    for the other calls; close it
 * @return ESP_OK, or
 *  - ESP_ERR_INVALID_ARG         a NULL, or an address that is none
 *  - ESP_ERR_NO_MEM              CONFIG_NETWORK_HTTP_TRANSFERS are open
 *  - ESP_ERR_NETWORK_DOWN        there is no network, and none came within stall_ms
 *  - ESP_ERR_NETWORK_HOST        the server cannot be found, refuses, or is not who it should be
 *  - ESP_ERR_NETWORK_SILENT      nothing came for stall_ms, again and again, or total_ms are over
 *  - ESP_ERR_NETWORK_STATUS      it answered with an error
 *  - ESP_ERR_NETWORK_REDIRECT    it sends us in circles, or from HTTPS to HTTP
 *  - ESP_ERR_NETWORK_TOO_LARGE   the file is larger than max_bytes
 *  - ESP_ERR_NETWORK_PROTOCOL    what it answered breaks the rules of HTTP
 */
esp_err_t network_http_open(const char *url, const network_http_config_t *config,
                            network_http_t *out);

/**
 * @brief Get the next bytes.
 *
 * @context the task that opened it
 * @blocks  until there are some, at most as network_http_open()
 * @param[out] got 0: that was all
 * @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_INVALID_STATE not open, or given up because it took
 *         longer than total_ms; those of network_http_open() from ESP_ERR_NETWORK_DOWN on; or
 *  - ESP_ERR_NETWORK_TRUNCATED   it broke off again and again
 *  - ESP_ERR_NETWORK_CHANGED     the file was exchanged in the middle: begin anew
 */
esp_err_t network_http_read(network_http_t http, void *to, size_t room, size_t *got);

/** @brief End it, also in the middle. Fine for one that is not open. @context as above */
void network_http_close(network_http_t http);

#ifdef __cplusplus
}
#endif
