// SPDX-License-Identifier: Apache-2.0
#include "network_up.h"

#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "ktest.h"
#include "network_service/network_service.h"
#include "nvs_flash.h"
#include "system_service/request_response.h"
#include "system_service/service_supervisor.h"

#define HEADER(t) STATUS_HEADER(t, NETWORK_EVENTS_VERSION)

static system_secure_key_t s_key;
system_service_id_t network_up_service;

static portMUX_TYPE s_lock = portMUX_INITIALIZER_UNLOCKED; // of what follows
static status_network_t s_state;
static status_time_t s_time;
static uint32_t s_times;

static void on_state(const system_event_t *event, void *user_data)
{
    (void)user_data;
    KTEST_CHECK(event->data_size == sizeof(s_state));
    taskENTER_CRITICAL(&s_lock);
    memcpy(&s_state, event->data, sizeof(s_state));
    taskEXIT_CRITICAL(&s_lock);
}

static void on_time(const system_event_t *event, void *user_data)
{
    (void)user_data;
    KTEST_CHECK(event->data_size == sizeof(s_time));
    taskENTER_CRITICAL(&s_lock);
    memcpy(&s_time, event->data, sizeof(s_time));
    s_times++;
    taskEXIT_CRITICAL(&s_lock);
}

int network_up(void **state)
{
    (void)state;
    host_network_script(true);
    KTEST_CHECK(nvs_flash_init() == ESP_OK);
    s_key = system_up();
    KTEST_CHECK(system_service_register(network_service.name, &network_service,
                                        &network_up_service) == ESP_OK);
    KTEST_CHECK(system_service_start(network_up_service) == ESP_OK);
    const system_service_id_t observer = system_up_service("observer");
    KTEST_CHECK(system_event_subscribe(observer, system_up_type(STATUS_NETWORK_EVENT), on_state,
                                       NULL) == ESP_OK);
    KTEST_CHECK(system_event_subscribe(observer, system_up_type(STATUS_TIME_EVENT), on_time,
                                       NULL) == ESP_OK);
    return 0;
}

int network_up_end(void **state)
{
    (void)state;
    system_down(s_key);
    KTEST_CHECK(nvs_flash_deinit() == ESP_OK);
    return 0;
}

status_network_t network_up_state(void)
{
    taskENTER_CRITICAL(&s_lock);
    const status_network_t now = s_state;
    taskEXIT_CRITICAL(&s_lock);
    return now;
}

status_time_t network_up_time(uint32_t *times)
{
    taskENTER_CRITICAL(&s_lock);
    const status_time_t now = s_time;
    *times = s_times;
    taskEXIT_CRITICAL(&s_lock);
    return now;
}

bool network_up_reaches(status_network_state_t wanted, uint32_t ms)
{
    const uint32_t bound = ktest_patience_ms(ms);
    for (uint32_t waited = 0; network_up_state().state != wanted; waited += 10) {
        if (waited >= bound) {
            return false;
        }
        vTaskDelay(pdMS_TO_TICKS(10));
    }
    return true;
}

static esp_err_t ask(const char *what, const void *data, size_t size, void *answer, size_t room)
{
    return system_request_sync(SYSTEM_SERVICE_ID_NONE, SYSTEM_SERVICE_ID_NONE, system_up_type(what),
                               data, size, SYSTEM_EVENT_PRIORITY_NORMAL, answer,
                               answer != NULL ? &room : NULL, 60000);
}

network_info_t network_up_info(void)
{
    network_info_t info;
    for (int i = 0; ask(NETWORK_GET_REQUEST, NULL, 0, &info, sizeof(info)) != ESP_OK; i++) {
        KTEST_CHECK(i < ktest_polls(1000)); // it may be down just now
        vTaskDelay(pdMS_TO_TICKS(10));
    }
    return info;
}

esp_err_t network_up_text(network_wish_t what, const char *name, const char *secret,
                          const char *text)
{
    network_control_t wish = {.header = HEADER(network_control_t), .what = (uint8_t)what};
    strncpy(wish.name, name, NETWORK_NAME_MAX);
    strncpy(wish.secret, secret, NETWORK_SECRET_MAX);
    strncpy(wish.text, text, NETWORK_TEXT_MAX);
    return ask(NETWORK_CONTROL_REQUEST, &wish, sizeof(wish), NULL, 0);
}

esp_err_t network_up_ask(network_wish_t what, const char *name, const char *secret)
{
    return network_up_text(what, name, secret, "");
}

esp_err_t network_up_fault(network_fault_t fault)
{
    const network_control_t wish = {
        .header = HEADER(network_control_t), .what = NETWORK_FAULT, .fault = (uint8_t)fault};
    return ask(NETWORK_CONTROL_REQUEST, &wish, sizeof(wish), NULL, 0);
}

esp_err_t network_up_scan(network_scan_t *out)
{
    const network_control_t wish = {.header = HEADER(network_control_t), .what = NETWORK_SCAN};
    return ask(NETWORK_CONTROL_REQUEST, &wish, sizeof(wish), out, sizeof(*out));
}
