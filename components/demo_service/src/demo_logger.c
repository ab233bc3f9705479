/* SPDX-License-Identifier: Apache-2.0 */
/*
 * demo.logger: needs demo.sensor, so it starts after it, stops before it, and is paused while it is
 * restarted. Keeps the extremes of what it was told and logs them now and then.
 */
#include "demo_service/demo_service.h"

#include <inttypes.h>

#include "esp_check.h"
#include "esp_log.h"

#include "system_service/event_bus.h"

static const char *TAG = "demo.logger";

/** Samples between two lines of the log. */
#define SAMPLES_PER_LINE 100

typedef struct {
    uint32_t samples;
    int32_t lowest_mv;
    int32_t highest_mv;
} extremes_t;

static extremes_t s_extremes; /* handlers of one service never run at the same time: no lock */

static void on_sample(const system_event_t *event, void *user_data)
{
    (void)user_data;
    const demo_sample_t *sample = event->data;
    extremes_t *seen = &s_extremes;

    if (event->data_size != sizeof(*sample)) {
        return;
    }
    if (seen->samples == 0 || sample->millivolt < seen->lowest_mv) {
        seen->lowest_mv = sample->millivolt;
    }
    if (seen->samples == 0 || sample->millivolt > seen->highest_mv) {
        seen->highest_mv = sample->millivolt;
    }
    seen->samples++;
    if (seen->samples % SAMPLES_PER_LINE == 0) {
        ESP_LOGI(TAG, "%" PRIu32 " samples between %" PRId32 " and %" PRId32 " mV", seen->samples,
                 seen->lowest_mv, seen->highest_mv);
    }
}

static esp_err_t logger_start(system_service_id_t id, void *arg)
{
    (void)arg;
    static const system_subscription_config_t newest = {.overflow = SYSTEM_OVERFLOW_DROP_OLDEST};
    system_event_type_t sample;

    s_extremes = (extremes_t){0};
    ESP_RETURN_ON_ERROR(system_event_register_type(DEMO_SAMPLE_EVENT, &sample), TAG, "sample");
    return system_event_subscribe_ex(id, sample, on_sample, NULL, &newest, NULL);
}

static const char *const s_needs[] = {"demo.sensor", NULL};

const system_service_descriptor_t demo_logger_service = {
    .name = "demo.logger",
    .lifecycle = {.start = logger_start},
    .depends_on = s_needs,
};
