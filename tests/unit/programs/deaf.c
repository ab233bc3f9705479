// SPDX-License-Identifier: Apache-2.0

// An app that never asks whether it is to stop, and keeps what it took.

#include "system_service/app_manager.h"

extern void vTaskDelay(uint32_t ticks);
extern void *malloc(size_t size);
void app_main(app_context_t *ctx);

static void *s_kept[10];

void app_main(app_context_t *ctx)
{
    (void)ctx;
    for (unsigned i = 0; i < 10; i++) {
        s_kept[i] = malloc(100);
    }
    for (;;) {
        vTaskDelay(3);
    }
}
