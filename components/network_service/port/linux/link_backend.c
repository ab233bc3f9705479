/* SPDX-License-Identifier: Apache-2.0 */
/* Which link: decided once, when it is opened. */
#include "link_backend.h"

#include "host_network.h"
#include "network_ports.h"

static const link_port_t *s_port = &link_scripted;

esp_err_t link_backend_open(void (*changed)(void), bool *radio)
{
    s_port = host_network_real() ? &link_host : &link_scripted;
    return s_port->open(changed, radio);
}

void link_backend_close(void)
{
    s_port->close();
}

esp_err_t link_backend_scan(void)
{
    return s_port->scan();
}

size_t link_backend_networks(network_seen_t *out, size_t room)
{
    return s_port->networks(out, room);
}

esp_err_t link_backend_join(const char *name, const char *secret, bool host)
{
    return s_port->join(name, secret, host);
}

void link_backend_leave(void)
{
    s_port->leave();
}

bool link_backend_take(link_event_t *event)
{
    return s_port->take(event);
}

int8_t link_backend_rssi(void)
{
    return s_port->rssi();
}
