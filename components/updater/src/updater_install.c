/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A new image: from an address into the slot that does not run, and only when all of it is what
 * somebody whom we trust has signed, it is chosen to start. Until then nothing has changed but the
 * contents of a slot that nothing starts: whatever breaks off leaves the board as it was.
 *
 * A boot loader that is in need starts whatever is whole, and an image that waits for the reset may
 * be chosen already. So the first block is written last, when the hash is known to be right: bytes
 * that nobody has signed never are an image.
 */
#include "updater/updater.h"

#include <inttypes.h>
#include <string.h>

#include "sdkconfig.h"

#include "esp_app_desc.h"
#include "esp_attr.h"
#include "esp_log.h"
#include "esp_ota_ops.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"

#include "kapp/kapp_trust.h"
#include "system_service/error_codes.h"
#include "updater_format.h"
#include "updater_internal.h"

static const char *TAG = "updater";

#define BLOCK      4096u /* a sector of the flash */
#define WRITE_UNIT 16u   /* of a flash that is encrypted */

/* s_lock: one image at a time; protects what follows. Its holder is never ended by force. */
static StaticSemaphore_t s_lock_storage;
static SemaphoreHandle_t s_lock;
static EXT_RAM_BSS_ATTR uint8_t s_block[BLOCK];
static EXT_RAM_BSS_ATTR uint8_t s_first[BLOCK];
static EXT_RAM_BSS_ATTR updater_head_t s_head;

void updater_install_init(void)
{
    if (s_lock == NULL) {
        s_lock = xSemaphoreCreateMutexStatic(&s_lock_storage);
    }
}

/* ---- what comes ----------------------------------------------------------------------------- */

/** All of room, unless the stream ends before. */
static esp_err_t fill(const kapp_stream_t *stream, uint8_t *to, size_t room, size_t *got)
{
    esp_err_t ret = ESP_OK;
    size_t part = 1;
    *got = 0;
    while (ret == ESP_OK && part != 0 && *got < room) {
        part = 0;
        ret = stream->read(stream->arg, to + *got, room - *got, &part);
        *got += ret == ESP_OK ? part : 0;
    }
    return ret;
}

static esp_err_t take_head(const kapp_stream_t *stream)
{
    size_t got;
    const esp_err_t ret = fill(stream, s_block, UPDATER_HEAD_SIZE, &got);
    if (ret != ESP_OK) {
        return ret;
    }
    if (got < 4 || memcmp(s_block, "KFWI", 4) != 0) {
        return ESP_ERR_UPDATE_FORMAT;
    }
    return got == UPDATER_HEAD_SIZE ? updater_head_read(s_block, &s_head) : ESP_ERR_UPDATE_LENGTH;
}

/** s_block holds the head still. */
static esp_err_t check_signer(void)
{
    uint8_t hash[KAPP_HASH_SIZE];
    kapp_key_t signer;
    const kapp_source_t source = kapp_source_memory(s_block, UPDATER_SIGNED_SIZE);
    esp_err_t ret = kapp_hash(&source, UPDATER_SIGNED_SIZE, hash);
    ret = ret == ESP_OK ? kapp_trust_verify(s_head.signer, hash, s_head.signature, &signer) : ret;
    if (ret == ESP_OK && strcmp(signer.label, CONFIG_UPDATER_KEY_LABEL) != 0) {
        ESP_LOGE(TAG, "signed by \"%s\"; only keys labelled \"%s\" sign the firmware", signer.label,
                 CONFIG_UPDATER_KEY_LABEL);
        return ESP_ERR_UPDATE_SIGNER;
    }
    return ret;
}

static esp_err_t check_version(bool allow_older)
{
    const esp_app_desc_t *running = esp_app_get_description();
    if (strncmp(s_head.product, running->project_name, sizeof(running->project_name)) != 0) {
        return ESP_ERR_UPDATE_OTHER;
    }
    switch (updater_compare(s_head.version, running->version)) {
    case UPDATER_NEWER:
        return ESP_OK;
    case UPDATER_SAME:
        return ESP_ERR_UPDATE_SAME;
    default:
        return allow_older ? ESP_OK : ESP_ERR_UPDATE_OLDER;
    }
}

/* ---- what is written ------------------------------------------------------------------------ */

static esp_err_t write_block(const esp_partition_t *slot, uint32_t at, size_t size)
{
    const size_t whole = (size + WRITE_UNIT - 1) / WRITE_UNIT * WRITE_UNIT;
    memset(s_block + size, 0xff, whole - size);
    const esp_err_t ret = esp_partition_erase_range(slot, at, BLOCK);
    return ret == ESP_OK ? esp_partition_write(slot, at, s_block, whole) : ret;
}

/** All but the first block, which stays in s_first: without it there is nothing to start. */
static esp_err_t copy(const kapp_stream_t *stream, const esp_partition_t *slot)
{
    size_t got = 0;
    esp_err_t ret = esp_partition_erase_range(slot, 0, BLOCK);
    for (uint32_t at = 0; ret == ESP_OK && at < s_head.image_bytes; at += (uint32_t)got) {
        const uint32_t left = s_head.image_bytes - at;
        const uint32_t part = left < BLOCK ? left : BLOCK;
        ret = fill(stream, at == 0 ? s_first : s_block, part, &got);
        if (ret == ESP_OK && got != part) {
            return ESP_ERR_UPDATE_LENGTH;
        }
        ret = ret == ESP_OK && at != 0 ? write_block(slot, at, got) : ret;
    }
    if (ret == ESP_OK) {
        ret = stream->read(stream->arg, s_block, 1, &got);
        ret = ret == ESP_OK && got != 0 ? ESP_ERR_UPDATE_LENGTH : ret;
    }
    return ret;
}

static esp_err_t read_image(void *arg, uint32_t offset, void *to, size_t size)
{
    size_t first = 0;
    if (offset < BLOCK) {
        first = size < BLOCK - offset ? size : BLOCK - offset;
        memcpy(to, s_first + offset, first);
    }
    return first == size
               ? ESP_OK
               : esp_partition_read(arg, offset + first, (uint8_t *)to + first, size - first);
}

/** As it lies in the flash, not as it came; but for the first block. */
static esp_err_t check_image(const esp_partition_t *slot)
{
    uint8_t hash[KAPP_HASH_SIZE];
    const kapp_source_t source = {
        .read = read_image, .arg = (void *)(uintptr_t)slot, .size = s_head.image_bytes};
    const esp_err_t ret = kapp_hash(&source, s_head.image_bytes, hash);
    if (ret == ESP_OK && memcmp(hash, s_head.hash, sizeof(hash)) != 0) {
        return ESP_ERR_UPDATE_DAMAGED;
    }
    return ret;
}

/** What the image says of itself is what the signer said of it. */
static esp_err_t check_description(const esp_partition_t *slot)
{
    esp_app_desc_t desc;
    const esp_err_t ret = esp_ota_get_partition_description(slot, &desc);
    if (ret != ESP_OK ||
        strncmp(desc.project_name, s_head.product, sizeof(desc.project_name)) != 0 ||
        strncmp(desc.version, s_head.version, sizeof(desc.version)) != 0) {
        return ESP_ERR_UPDATE_DAMAGED;
    }
    return ESP_OK;
}

static esp_err_t write_all(const kapp_stream_t *stream, const esp_partition_t *slot)
{
    esp_ota_handle_t handle;
    esp_err_t ret = esp_ota_begin(slot, OTA_WITH_SEQUENTIAL_WRITES, &handle);
    if (ret != ESP_OK) {
        return ret == ESP_ERR_OTA_ROLLBACK_INVALID_STATE ? ESP_ERR_UPDATE_PROBATION : ret;
    }
    ret = copy(stream, slot);
    ret = ret == ESP_OK ? check_image(slot) : ret;
    if (ret == ESP_OK) {
        const uint32_t size = s_head.image_bytes < BLOCK ? s_head.image_bytes : BLOCK;
        ret = esp_ota_write(handle, s_first, size);
    }
    if (ret != ESP_OK) {
        (void)esp_ota_abort(handle);
        return ret;
    }
    ret = esp_ota_end(handle);
    return ret == ESP_OK ? check_description(slot) : ret;
}

/**
 * An image that was taken in before waits where the next one is written to: it gives way, and what
 * runs is chosen again. Best effort: should this fail, the boot loader finds nothing to start there
 * and starts what runs now.
 */
static void choose_running(void)
{
    esp_ota_img_states_t state;
    const esp_partition_t *running = esp_ota_get_running_partition();
    const esp_partition_t *next = esp_ota_get_boot_partition();
    if (next == NULL || next == running) {
        return;
    }
    ESP_LOGW(TAG, "the image that waits in %s gives way", next->label);
    if (esp_ota_set_boot_partition(running) == ESP_OK &&
        esp_ota_get_state_partition(running, &state) == ESP_OK) { /* a factory image has none */
        (void)esp_ota_mark_app_valid_cancel_rollback();
    }
}

/** To choose what is chosen already would forget the way back. */
static esp_err_t choose(const esp_partition_t *slot)
{
    esp_ota_img_states_t state;
    const bool waits = esp_ota_get_boot_partition() == slot &&
                       esp_ota_get_state_partition(slot, &state) == ESP_OK &&
                       state == ESP_OTA_IMG_NEW;
    return waits ? ESP_OK : esp_ota_set_boot_partition(slot);
}

static esp_err_t write(const kapp_stream_t *stream, const esp_partition_t *slot)
{
    choose_running();
    const esp_err_t ret = write_all(stream, slot);
    if (ret != ESP_OK) {
        (void)esp_partition_erase_range(slot, 0, BLOCK);
        return ret;
    }
    return choose(slot);
}

static esp_err_t install(const kapp_stream_t *stream, bool allow_older, updater_report_t *report)
{
    if (updater_on_probation()) {
        return ESP_ERR_UPDATE_PROBATION;
    }
    esp_err_t ret = take_head(stream);
    if (ret == ESP_OK) {
        memcpy(report->version, s_head.version, sizeof(s_head.version));
        report->image_bytes = s_head.image_bytes;
        ret = check_signer();
    }
    ret = ret == ESP_OK ? check_version(allow_older) : ret;
    const esp_partition_t *slot = esp_ota_get_next_update_partition(NULL);
    if (ret == ESP_OK && slot == NULL) {
        ret = ESP_ERR_NOT_SUPPORTED;
    }
    if (ret == ESP_OK && s_head.image_bytes > slot->size) {
        ret = ESP_ERR_UPDATE_TOO_LARGE;
    }
    if (ret == ESP_OK) {
        ESP_LOGI(TAG, "%s, %" PRIu32 " bytes, into %s", s_head.version, s_head.image_bytes,
                 slot->label);
        memcpy(report->slot, slot->label, sizeof(report->slot));
        ret = write(stream, slot);
    }
    return ret;
}

/* ---- the calls ------------------------------------------------------------------------------ */

esp_err_t updater_install_stream(const kapp_stream_t *stream, bool allow_older,
                                 updater_report_t *report)
{
    updater_report_t unwanted = {0};
    updater_report_t *told = report != NULL ? report : &unwanted;
    if (stream == NULL || stream->read == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    *told = (updater_report_t){0};
    memcpy(told->running, esp_app_get_description()->version, sizeof(told->running) - 1);
    if (s_lock == NULL || xSemaphoreTake(s_lock, 0) != pdTRUE) {
        return ESP_ERR_INVALID_STATE;
    }
    const esp_err_t ret = install(stream, allow_older, told);
    (void)xSemaphoreGive(s_lock);
    if (ret == ESP_OK) {
        ESP_LOGW(TAG, "%s lies in %s, and is started by the next reset", told->version, told->slot);
    } else {
        ESP_LOGE(TAG, "no update: %s: %s", system_error_to_string(ret), system_error_describe(ret));
    }
    return ret;
}

esp_err_t updater_install(const char *location, bool allow_older, updater_report_t *report)
{
    kapp_stream_t stream;
    const kapp_opener_t *opener;
    if (location == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    esp_err_t ret = kapp_stream_open(location, &stream, &opener);
    if (ret == ESP_OK) {
        ret = updater_install_stream(&stream, allow_older, report);
        opener->close(&stream);
    } else if (report != NULL) {
        *report = (updater_report_t){0};
    }
    return ret;
}
