// SPDX-License-Identifier: Apache-2.0

// An app that starts, works for a moment, and declares that it failed.

#include "system_service/app_manager.h"

void app_main(app_context_t *ctx);

void app_main(app_context_t *ctx)
{
    (void)ctx->sleep_ms(ctx, 100);
    (void)ctx->set_state(ctx, APP_STATE_CRASHED);
    while (!ctx->should_stop(ctx)) {
        (void)ctx->sleep_ms(ctx, 10);
    }
}
