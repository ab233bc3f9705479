/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A doorbell that knows esp_event alone, and a chime that is a service: supervised, restarted,
 * limited. The bridge carries the bell over and the answer back (docs/MIGRATION.md).
 */
#include <string.h>

#include "esp_check.h"
#include "esp_event.h"
#include "esp_event_bridge/esp_event_bridge.h"
#include "esp_log.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "system_service/event_bus.h"
#include "system_service/service_manager.h"
#include "system_service/service_supervisor.h"
#include "system_service/system_service.h"

static const char *TAG = "doorbell";

/* ---- as it was: esp_event ---- */

ESP_EVENT_DEFINE_BASE(DOORBELL_EVENT);

enum {
    DOORBELL_RUNG,  /* uint32_t: how often */
    DOORBELL_HEARD, /* uint32_t: the same */
};

static void on_heard(void *arg, esp_event_base_t base, int32_t id, void *data)
{
    (void)arg;
    (void)base;
    (void)id;
    uint32_t times;
    memcpy(&times, data, sizeof(times));
    ESP_LOGI(TAG, "heard %u times", (unsigned)times);
}

/* ---- new: a service on the bus ---- */

static system_service_id_t s_chime;
static system_event_type_t s_heard;

static void on_rung(const system_event_t *event, void *user_data)
{
    (void)user_data;
    const esp_err_t ret = system_event_post(s_chime, s_heard, event->data, event->data_size,
                                            SYSTEM_EVENT_PRIORITY_NORMAL);
    if (ret != ESP_OK) {
        ESP_LOGW(TAG, "nobody is told: %s", esp_err_to_name(ret));
    }
}

static esp_err_t chime_start(system_service_id_t id, void *arg)
{
    (void)arg;
    system_event_type_t rung;
    s_chime = id;
    ESP_RETURN_ON_ERROR(system_event_register_type("doorbell.heard", &s_heard), TAG, "type");
    ESP_RETURN_ON_ERROR(system_event_register_type("doorbell.rung", &rung), TAG, "type");
    return system_event_subscribe(id, rung, on_rung, NULL);
}

static const service_watchdog_config_t s_watchdog = {.timeout_ms = 3000, .auto_restart = true};

static const system_service_descriptor_t s_chime_service = {
    .name = "chime",
    .lifecycle = {.start = chime_start},
    .watchdog = &s_watchdog,
};

/* ---- between them ---- */

static const esp_event_bridge_entry_t s_crossings[] = {
    {.base = &DOORBELL_EVENT,
     .id = DOORBELL_RUNG,
     .type = "doorbell.rung",
     .way = ESP_EVENT_BRIDGE_IN,
     .size = sizeof(uint32_t),
     .priority = SYSTEM_EVENT_PRIORITY_HIGH},
    {.base = &DOORBELL_EVENT,
     .id = DOORBELL_HEARD,
     .type = "doorbell.heard",
     .way = ESP_EVENT_BRIDGE_OUT,
     .size = sizeof(uint32_t)},
};

static void start_system(void)
{
    system_secure_key_t key;
    system_service_id_t id;
    ESP_ERROR_CHECK(system_service_init(&key));
    ESP_ERROR_CHECK(esp_event_bridge_configure(s_crossings,
                                               sizeof(s_crossings) / sizeof(s_crossings[0]), NULL));
    ESP_ERROR_CHECK(system_service_register("esp_event", &esp_event_bridge_service, &id));
    ESP_ERROR_CHECK(system_service_register("chime", &s_chime_service, &id));
    ESP_ERROR_CHECK(system_service_start_all());
    ESP_ERROR_CHECK(system_service_seal(key));
}

void app_main(void)
{
    ESP_ERROR_CHECK(esp_event_loop_create_default());
    ESP_ERROR_CHECK(esp_event_handler_register(DOORBELL_EVENT, DOORBELL_HEARD, on_heard, NULL));
    start_system();
    for (uint32_t times = 1;; times++) {
        vTaskDelay(pdMS_TO_TICKS(1000));
        ESP_ERROR_CHECK(
            esp_event_post(DOORBELL_EVENT, DOORBELL_RUNG, &times, sizeof(times), portMAX_DELAY));
    }
}
