/* SPDX-License-Identifier: Apache-2.0 */
/* Which HTTP. */
#include "http_backend.h"

#include "host_network.h"
#include "network_ports.h"

static const http_port_t *port(void)
{
    return host_network_real() ? &http_curl : &http_scripted;
}

esp_err_t http_backend_open(unsigned slot, const http_request_t *request, http_answer_t *answer)
{
    return port()->open(slot, request, answer);
}

esp_err_t http_backend_read(unsigned slot, void *to, size_t room, size_t *got)
{
    return port()->read(slot, to, room, got);
}

void http_backend_close(unsigned slot)
{
    port()->close(slot);
}
