// SPDX-License-Identifier: Apache-2.0

// An app that counts its lives in a setting and in a file, and says the count of both.

#include "data_app/app_data.h"
#include "system_service/app_manager.h"

void app_main(app_context_t *ctx);

void app_main(app_context_t *ctx)
{
    uint32_t counts[2] = {0, 0};
    size_t size = sizeof(counts[0]);
    system_event_type_t type;

    if (app_settings_get("lives", &counts[0], &size) == ESP_ERR_NOT_FOUND) {
        counts[0] = 0;
    }
    size = sizeof(counts[1]);
    if (app_file_read("lives", 0, &counts[1], &size) == ESP_ERR_NOT_FOUND) {
        counts[1] = 0;
    }
    counts[0]++;
    counts[1]++;
    if (app_settings_set("lives", &counts[0], sizeof(counts[0])) == ESP_OK &&
        app_file_write("lives", &counts[1], sizeof(counts[1])) == ESP_OK &&
        ctx->register_event(ctx, "keeps.lives", &type) == ESP_OK) {
        (void)ctx->post_event(ctx, type, counts, sizeof(counts), PRIORITY_NORMAL);
    }
    while (ctx->get_state(ctx) == APP_STATE_RUNNING) {
        (void)ctx->sleep_ms(ctx, 10);
    }
}
