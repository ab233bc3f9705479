/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the service and its backend: faults, as a cable and a bus have them. Above the backend,
 * so that the same can be tried on every board.
 */
#include "audio_internal.h"

#include "sdkconfig.h"

#include "esp_attr.h"
#include "esp_log.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "system_service/error_codes.h"

#ifdef CONFIG_SYSTEM_FAULT_INJECTION

static const char *TAG = "audio";

/* Survives restarts, as a broken cable does; read in tasks of apps, too. */
static _Atomic audio_fault_t s_fault;

static const char *const s_names[AUDIO_FAULTS] = {
    [AUDIO_FAULT_NONE] = "none",   [AUDIO_FAULT_UNPLUGGED] = "unplugged",
    [AUDIO_FAULT_STUCK] = "stuck", [AUDIO_FAULT_SHORT] = "short",
    [AUDIO_FAULT_WRONG] = "wrong", [AUDIO_FAULT_CARD] = "card",
};

esp_err_t audio_link_inject(audio_fault_t fault)
{
    if ((unsigned)fault >= AUDIO_FAULTS) {
        return ESP_ERR_INVALID_ARG;
    }
    atomic_store(&s_fault, fault);
    ESP_LOGW(TAG, "fault between us and the device: %s", s_names[fault]);
    return ESP_OK;
}

static bool is(audio_fault_t fault)
{
    return atomic_load(&s_fault) == fault;
}

esp_err_t audio_link_write(const audio_frame_t block[AUDIO_BLOCK_FRAMES])
{
    static EXT_RAM_BSS_ATTR audio_frame_t s_disturbed[AUDIO_BLOCK_FRAMES];
    switch (atomic_load(&s_fault)) {
    case AUDIO_FAULT_UNPLUGGED:
        return ESP_ERR_NOT_FOUND;
    case AUDIO_FAULT_STUCK:
        atomic_store(&s_fault, AUDIO_FAULT_NONE); /* the next life finds a bus that was reset */
        for (;;) {
            vTaskDelay(portMAX_DELAY);
        }
    case AUDIO_FAULT_SHORT:
    case AUDIO_FAULT_WRONG:
        for (unsigned i = 0; i < AUDIO_BLOCK_FRAMES; i++) { /* half of it, or its bits exchanged */
            const audio_frame_t swapped = {(int16_t)(block[i].left >> 1), block[i].left};
            s_disturbed[i] = is(AUDIO_FAULT_WRONG)        ? swapped
                             : i < AUDIO_BLOCK_FRAMES / 2 ? block[i]
                                                          : (audio_frame_t){0, 0};
        }
        (void)audio_backend_write(s_disturbed);
        return is(AUDIO_FAULT_WRONG) ? ESP_OK : ESP_ERR_INVALID_SIZE;
    default:
        return audio_backend_write(block);
    }
}

#else /* a product: the backend alone */

esp_err_t audio_link_inject(audio_fault_t fault)
{
    (void)fault;
    return ESP_ERR_SYSTEM_DISABLED;
}

static bool is(audio_fault_t fault)
{
    (void)fault;
    return false;
}

esp_err_t audio_link_write(const audio_frame_t block[AUDIO_BLOCK_FRAMES])
{
    return audio_backend_write(block);
}

#endif

esp_err_t audio_link_open(uint32_t *rate, uint32_t *blocks)
{
    return is(AUDIO_FAULT_UNPLUGGED) ? ESP_ERR_NOT_FOUND : audio_backend_open(rate, blocks);
}

void audio_link_close(void)
{
    audio_backend_close();
}

esp_err_t audio_link_run(bool on)
{
    return is(AUDIO_FAULT_UNPLUGGED) ? ESP_ERR_NOT_FOUND : audio_backend_run(on);
}

esp_err_t audio_link_room(uint32_t *blocks)
{
    return is(AUDIO_FAULT_UNPLUGGED) ? ESP_ERR_NOT_FOUND : audio_backend_room(blocks);
}

esp_err_t audio_link_probe(void)
{
    if (is(AUDIO_FAULT_UNPLUGGED)) {
        return ESP_ERR_NOT_FOUND;
    }
    return is(AUDIO_FAULT_WRONG) ? ESP_ERR_INVALID_RESPONSE : audio_backend_probe();
}

/* ---- files -------------------------------------------------------------------------------------
 */

esp_err_t audio_link_each_file(const char *folder, media_visit_t visit, void *arg)
{
    return is(AUDIO_FAULT_CARD) ? ESP_ERR_NOT_FOUND : media_backend_each(folder, visit, arg);
}

esp_err_t audio_link_file_size(const char *path, uint32_t *size)
{
    return is(AUDIO_FAULT_CARD) ? ESP_ERR_NOT_FOUND : media_backend_size(path, size);
}

esp_err_t audio_link_read_file(const char *path, uint32_t offset, void *to, size_t *size)
{
    return is(AUDIO_FAULT_CARD) ? ESP_ERR_NOT_FOUND : media_backend_read(path, offset, to, size);
}
