/* SPDX-License-Identifier: Apache-2.0 */
/* A board without a network: nobody ever gets as far as here. */
#include "http_backend.h"

esp_err_t http_backend_open(unsigned slot, const http_request_t *request, http_answer_t *answer)
{
    (void)slot;
    (void)request;
    (void)answer;
    return ESP_ERR_NETWORK_HOST;
}

esp_err_t http_backend_read(unsigned slot, void *to, size_t room, size_t *got)
{
    (void)slot;
    (void)to;
    (void)room;
    *got = 0;
    return ESP_ERR_NETWORK_TRUNCATED;
}

void http_backend_close(unsigned slot)
{
    (void)slot;
}
