/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The seam to HTTP: one request, one answer. Redirections, limits, resuming are above it.
 *
 * Each slot is used by one task at a time; a slot that was not closed may be opened by another.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "esp_err.h"
#include "network_service/network_http.h"
#include "system_service/error_codes.h"

#define HTTP_TAG_MAX 63

typedef struct {
    const char *url;
    uint32_t from;       /**< first byte wanted; 0 = all of it, without a Range */
    const char *tag;     /**< with from: the ETag it must still have; "" = none is known */
    uint32_t timeout_ms; /**< to connect, and for each wait afterwards */
} http_request_t;

#define HTTP_UNKNOWN UINT32_MAX

typedef struct {
    int status;                 /**< of the final answer; never 1xx */
    uint32_t length;            /**< of this body; HTTP_UNKNOWN; at most HTTP_UNKNOWN - 1 */
    uint32_t from;              /**< first byte by its Content-Range; HTTP_UNKNOWN = none */
    uint32_t total;             /**< of the file by its Content-Range; HTTP_UNKNOWN = none */
    char tag[HTTP_TAG_MAX + 1]; /**< a strong ETag; "" = none, or a longer one */
    char location[NETWORK_URL_MAX + 1]; /**< as sent; "" = none, or a longer one */
} http_answer_t;

/**
 * @brief Send a request and wait for the head of the answer.
 * @return ESP_OK; ESP_ERR_NETWORK_HOST no connection; ESP_ERR_TIMEOUT; ESP_ERR_NETWORK_TRUNCATED
 *         the connection broke; ESP_ERR_NETWORK_PROTOCOL not HTTP; ESP_ERR_NO_MEM
 */
esp_err_t http_backend_open(unsigned slot, const http_request_t *request, http_answer_t *answer);

/**
 * @brief Wait for bytes of the body.
 * @param[out] got 0: the end, as announced
 * @return ESP_OK; ESP_ERR_TIMEOUT none came; ESP_ERR_NETWORK_TRUNCATED the connection broke, or
 *         ended before the announced length; ESP_ERR_NETWORK_PROTOCOL
 */
esp_err_t http_backend_read(unsigned slot, void *to, size_t room, size_t *got);

/** End the connection, whatever it does. Fine on a slot that is not open. */
void http_backend_close(unsigned slot);
