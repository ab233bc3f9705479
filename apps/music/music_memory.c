/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <string.h>

#include "data_app/app_data.h"
#include "music.h"

#define VERSION 1

static const char s_setting[] = "where";

void music_memory_read(app_context_t *ctx, music_memory_t *memory)
{
    size_t size = sizeof(*memory);
    memset(memory, 0, sizeof(*memory)); /* a path is kept as far as it goes */
    const esp_err_t ret = app_settings_get(s_setting, memory, &size);
    if (ret != ESP_OK || size <= offsetof(music_memory_t, path) || memory->version != VERSION ||
        memory->volume > 100) {
        if (ret != ESP_OK && ret != ESP_ERR_NOT_FOUND) {
            ctx->log(ctx, ESP_LOG_WARN, "begins anew: %s", system_error_to_string(ret));
        }
        *memory = (music_memory_t){.version = VERSION, .volume = 80};
    }
    memory->path[AUDIO_PATH_MAX] = '\0';
}

void music_memory_write(app_context_t *ctx, const music_memory_t *memory)
{
    static _Atomic bool s_complained;
    music_memory_t kept = *memory;
    kept.version = VERSION;
    const size_t size = offsetof(music_memory_t, path) + strlen(kept.path) + 1;
    const esp_err_t ret = app_settings_set(s_setting, &kept, size);
    if (ret != ESP_OK && !atomic_exchange(&s_complained, true)) { /* it plays on all the same */
        ctx->log(ctx, ESP_LOG_WARN, "where it is cannot be kept: %s", system_error_to_string(ret));
    }
}
