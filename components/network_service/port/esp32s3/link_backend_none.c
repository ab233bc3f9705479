/* SPDX-License-Identifier: Apache-2.0 */
/* A board without a network: what the service does when there is no interface, for good. */
#include "link_backend.h"

esp_err_t link_backend_open(void (*changed)(void), bool *radio)
{
    (void)changed;
    *radio = false;
    return ESP_ERR_NOT_FOUND;
}

void link_backend_close(void)
{
}

esp_err_t link_backend_scan(void)
{
    return ESP_ERR_NOT_FOUND;
}

size_t link_backend_networks(network_seen_t *out, size_t room)
{
    (void)out;
    (void)room;
    return 0;
}

esp_err_t link_backend_join(const char *name, const char *secret, bool host)
{
    (void)name;
    (void)secret;
    (void)host;
    return ESP_ERR_NOT_FOUND;
}

void link_backend_leave(void)
{
}

bool link_backend_take(link_event_t *event)
{
    (void)event;
    return false;
}

int8_t link_backend_rssi(void)
{
    return 0;
}
