/* SPDX-License-Identifier: Apache-2.0 */
#include "request_internal.h"

#include <string.h>

/* Requests are switched off: events are the only way between services. */
#ifndef CONFIG_SYSTEM_REQUESTS

void requests_init(void)
{
}

esp_err_t requests_start(void)
{
    return ESP_OK;
}

void requests_stop(void)
{
}

void requests_reclaim(unsigned slot)
{
    (void)slot;
}

void requests_cancel_asker(unsigned slot)
{
    (void)slot;
}

unsigned requests_count(unsigned slot)
{
    (void)slot;
    return 0;
}

system_event_handler_t request_handler_behind(uint16_t sub, system_event_handler_t handler)
{
    (void)sub;
    return handler;
}

esp_err_t system_request_serve(system_service_id_t service_id, system_event_type_t type,
                               system_request_handler_t handler, void *user_data)
{
    (void)service_id;
    (void)type;
    (void)user_data;
    return handler == NULL ? ESP_ERR_INVALID_ARG : ESP_ERR_SYSTEM_DISABLED;
}

esp_err_t system_request_unserve(system_service_id_t service_id, system_event_type_t type)
{
    (void)service_id;
    (void)type;
    return ESP_ERR_SYSTEM_DISABLED;
}

esp_err_t system_request_sync(system_service_id_t self_id, system_service_id_t target_id,
                              system_event_type_t type, const void *data, size_t size,
                              uint8_t priority, void *response, size_t *response_size,
                              uint32_t timeout_ms)
{
    (void)self_id;
    (void)target_id;
    (void)type;
    (void)data;
    (void)size;
    (void)priority;
    (void)response;
    (void)timeout_ms;
    if (response_size != NULL) {
        *response_size = 0;
    }
    return ESP_ERR_SYSTEM_DISABLED;
}

esp_err_t system_request_async(system_service_id_t self_id, system_service_id_t target_id,
                               system_event_type_t type, const void *data, size_t size,
                               uint8_t priority, system_response_handler_t callback,
                               void *user_data, uint32_t timeout_ms, system_request_id_t *out)
{
    (void)self_id;
    (void)target_id;
    (void)type;
    (void)data;
    (void)size;
    (void)priority;
    (void)user_data;
    (void)timeout_ms;
    (void)out;
    return callback == NULL ? ESP_ERR_INVALID_ARG : ESP_ERR_SYSTEM_DISABLED;
}

esp_err_t system_request_cancel(system_service_id_t self_id, system_request_id_t request)
{
    (void)self_id;
    (void)request;
    return ESP_ERR_SYSTEM_DISABLED;
}

esp_err_t system_request_respond(system_request_id_t request, esp_err_t status, const void *data,
                                 size_t size)
{
    (void)request;
    (void)status;
    (void)data;
    (void)size;
    return ESP_ERR_SYSTEM_DISABLED;
}

esp_err_t system_request_get_stats(system_request_stats_t *out)
{
    if (out == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    memset(out, 0, sizeof(*out));
    return ESP_ERR_SYSTEM_DISABLED;
}

#endif
