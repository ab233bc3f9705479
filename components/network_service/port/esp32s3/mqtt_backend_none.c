/* SPDX-License-Identifier: Apache-2.0 */
/* A board without an MQTT client: the bridge is switched off. */
#include "mqtt_backend.h"

esp_err_t mqtt_backend_open(void (*changed)(void))
{
    (void)changed;
    return ESP_ERR_NOT_SUPPORTED;
}

void mqtt_backend_close(void)
{
}

esp_err_t mqtt_backend_connect(const mqtt_config_t *config)
{
    (void)config;
    return ESP_ERR_NOT_SUPPORTED;
}

void mqtt_backend_disconnect(void)
{
}

esp_err_t mqtt_backend_publish(uint32_t token, const char *topic, const void *data, size_t size,
                               int qos, bool retain)
{
    (void)token;
    (void)topic;
    (void)data;
    (void)size;
    (void)qos;
    (void)retain;
    return ESP_ERR_INVALID_STATE;
}

esp_err_t mqtt_backend_subscribe(const char *filter, int qos)
{
    (void)filter;
    (void)qos;
    return ESP_ERR_INVALID_STATE;
}

bool mqtt_backend_take(mqtt_event_t *event)
{
    (void)event;
    return false;
}
