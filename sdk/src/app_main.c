/* SPDX-License-Identifier: Apache-2.0 */
/* An app of the firmware as an installed one, from the same source: its manifest's entry point. */
#include "system_service/app_manager.h"

extern const app_manifest_t APP_MANIFEST;
void app_main(app_context_t *ctx);

void app_main(app_context_t *ctx)
{
    APP_MANIFEST.entry_point(ctx);
}
