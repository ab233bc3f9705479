// SPDX-License-Identifier: Apache-2.0

// Updates of the firmware: an image is written to the slot that does not run, and started next.

#include "esp_ota_ops.h"

#include <pthread.h>
#include <string.h>
#include "bootloader.h"
#include "esp_system.h"

#define IMAGE_MAGIC  0xE9
#define AT_APP_DESC  32 // behind the image's header and that of its first segment
#define HANDLES      4
#define SECTOR       0x1000u
#define ROUND(bytes) (((bytes) + SECTOR - 1) / SECTOR * SECTOR)

typedef struct {
    const esp_partition_t *slot; // NULL: free
    uint32_t written;
    uint32_t erased;
    bool sequential;
} writing_t;

static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER; // protects s_writing
static writing_t s_writing[HANDLES];

static bool is_slot(const esp_partition_t *p)
{
    return p != NULL && p->type == ESP_PARTITION_TYPE_APP &&
           p->subtype >= ESP_PARTITION_SUBTYPE_APP_OTA_MIN &&
           p->subtype < ESP_PARTITION_SUBTYPE_APP_OTA_MAX;
}

static unsigned slot_number(const esp_partition_t *p)
{
    return (unsigned)p->subtype - ESP_PARTITION_SUBTYPE_APP_OTA_MIN;
}

// The entry that speaks of a slot, -1: none does.
static int entry_of(const ota_data_t *ota, const esp_partition_t *slot)
{
    int found = -1;
    for (int i = 0; i < OTA_ENTRIES; i++) {
        if (ota_entry_whole(&ota->entries[i]) && ota_slot_of(ota, &ota->entries[i]) == slot &&
            (found < 0 || ota->entries[i].ota_seq > ota->entries[found].ota_seq)) {
            found = i;
        }
    }
    return found;
}

static bool running_is_pending(void)
{
    esp_ota_img_states_t state;
    return esp_ota_get_state_partition(esp_ota_get_running_partition(), &state) == ESP_OK &&
           state == ESP_OTA_IMG_PENDING_VERIFY;
}

// --- writing ---

esp_err_t esp_ota_begin(const esp_partition_t *partition, size_t image_size,
                        esp_ota_handle_t *out_handle)
{
    const bool all = image_size == 0 || image_size == OTA_SIZE_UNKNOWN;
    const bool sequential = image_size == OTA_WITH_SEQUENTIAL_WRITES;
    esp_err_t ret = ESP_ERR_NO_MEM;
    if (partition == NULL || out_handle == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    if (!is_slot(partition)) {
        return ESP_ERR_INVALID_ARG;
    }
    if (partition == esp_ota_get_running_partition()) {
        return ESP_ERR_OTA_PARTITION_CONFLICT;
    }
    if (running_is_pending()) {
        return ESP_ERR_OTA_ROLLBACK_INVALID_STATE;
    }
    if (!all && !sequential && image_size > partition->size) {
        return ESP_ERR_INVALID_SIZE;
    }
    pthread_mutex_lock(&s_lock);
    for (unsigned i = 0; i < HANDLES && ret != ESP_OK; i++) {
        if (s_writing[i].slot == NULL) {
            s_writing[i] = (writing_t){.slot = partition, .sequential = sequential};
            *out_handle = i + 1;
            ret = ESP_OK;
        }
    }
    pthread_mutex_unlock(&s_lock);
    if (ret == ESP_OK && !sequential) {
        const size_t size = all ? partition->size : ROUND(image_size);
        ret = esp_partition_erase_range(partition, 0, size);
        s_writing[*out_handle - 1].erased = (uint32_t)size;
        if (ret != ESP_OK) {
            s_writing[*out_handle - 1].slot = NULL;
        }
    }
    return ret;
}

static writing_t *writing(esp_ota_handle_t handle)
{
    return handle >= 1 && handle <= HANDLES && s_writing[handle - 1].slot != NULL
               ? &s_writing[handle - 1]
               : NULL;
}

esp_err_t esp_ota_write(esp_ota_handle_t handle, const void *data, size_t size)
{
    writing_t *w = writing(handle);
    if (w == NULL || data == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    if (size == 0) {
        return ESP_OK;
    }
    if (w->written == 0 && *(const uint8_t *)data != IMAGE_MAGIC) {
        return ESP_ERR_OTA_VALIDATE_FAILED;
    }
    if (size > w->slot->size - w->written) {
        return ESP_ERR_INVALID_SIZE;
    }
    const uint32_t end = (uint32_t)ROUND(w->written + size);
    if (w->sequential && end > w->erased) {
        const esp_err_t ret = esp_partition_erase_range(w->slot, w->erased, end - w->erased);
        if (ret != ESP_OK) {
            return ret;
        }
        w->erased = end;
    }
    const esp_err_t ret = esp_partition_write(w->slot, w->written, data, size);
    if (ret == ESP_OK) {
        w->written += (uint32_t)size;
    }
    return ret;
}

esp_err_t esp_ota_end(esp_ota_handle_t handle)
{
    writing_t *w = writing(handle);
    if (w == NULL) {
        return ESP_ERR_NOT_FOUND;
    }
    const writing_t was = *w;
    w->slot = NULL;
    if (was.written == 0) {
        return ESP_ERR_INVALID_ARG;
    }
    return image_verify(was.slot) ? ESP_OK : ESP_ERR_OTA_VALIDATE_FAILED;
}

esp_err_t esp_ota_abort(esp_ota_handle_t handle)
{
    writing_t *w = writing(handle);
    if (w == NULL) {
        return ESP_ERR_NOT_FOUND;
    }
    w->slot = NULL;
    return ESP_OK;
}

// --- what is started next ---

esp_err_t esp_ota_set_boot_partition(const esp_partition_t *partition)
{
    ota_data_t ota;
    if (partition == NULL || partition->type != ESP_PARTITION_TYPE_APP) {
        return ESP_ERR_INVALID_ARG;
    }
    if (!image_verify(partition)) {
        return ESP_ERR_OTA_VALIDATE_FAILED;
    }
    if (!ota_data_read(&ota)) {
        return ESP_ERR_NOT_FOUND;
    }
    if (!is_slot(partition)) { // the factory image is started when the entries are empty
        return esp_partition_erase_range(ota.data, 0, ota.data->size);
    }
    const int active = ota_active_entry(&ota);
    const uint32_t newest = active >= 0 ? ota.entries[active].ota_seq : 0;
    const unsigned entry = active == 0 ? 1 : 0;
    uint32_t sequence = slot_number(partition) + 1;
    while (sequence < newest) {
        sequence += ota.slots;
    }
    memset(&ota.entries[entry], 0xff, sizeof(ota.entries[entry]));
    ota.entries[entry].ota_seq = sequence;
    ota.entries[entry].ota_state = ESP_OTA_IMG_NEW;
    ota.entries[entry].crc = ota_entry_crc(sequence);
    return ota_data_write(&ota, entry);
}

const esp_partition_t *esp_ota_get_boot_partition(void)
{
    ota_data_t ota;
    const int active = ota_data_read(&ota) ? ota_active_entry(&ota) : -1;
    const esp_partition_t *factory =
        esp_partition_find_first(ESP_PARTITION_TYPE_APP, ESP_PARTITION_SUBTYPE_APP_FACTORY, NULL);
    return active >= 0 ? ota_slot_of(&ota, &ota.entries[active])
                       : (factory != NULL ? factory : ota_slot(0));
}

const esp_partition_t *esp_ota_get_running_partition(void)
{
    return bootloader_running();
}

const esp_partition_t *esp_ota_get_next_update_partition(const esp_partition_t *start_from)
{
    const esp_partition_t *running = esp_ota_get_running_partition();
    const esp_partition_t *from = start_from != NULL ? start_from : running;
    const uint8_t slots = esp_ota_get_app_partition_count();
    for (unsigned i = 0; i < slots; i++) {
        const unsigned first = is_slot(from) ? slot_number(from) + 1 : 0;
        const esp_partition_t *p = ota_slot((first + i) % slots);
        if (p != running) {
            return p;
        }
    }
    return NULL;
}

uint8_t esp_ota_get_app_partition_count(void)
{
    uint8_t slots = 0;
    while (slots < OTA_SLOTS_MAX && ota_slot(slots) != NULL) {
        slots++;
    }
    return slots;
}

esp_err_t esp_ota_get_partition_description(const esp_partition_t *partition,
                                            esp_app_desc_t *app_desc)
{
    if (partition == NULL || app_desc == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    if (partition->type != ESP_PARTITION_TYPE_APP) {
        return ESP_ERR_NOT_SUPPORTED;
    }
    const esp_err_t ret = esp_partition_read(partition, AT_APP_DESC, app_desc, sizeof(*app_desc));
    if (ret != ESP_OK) {
        return ret;
    }
    return app_desc->magic_word == ESP_APP_DESC_MAGIC_WORD ? ESP_OK : ESP_ERR_NOT_FOUND;
}

// --- rollback ---

static esp_err_t set_state_of_running(uint32_t state)
{
    ota_data_t ota;
    const esp_partition_t *running = esp_ota_get_running_partition();
    const int entry = ota_data_read(&ota) && is_slot(running) ? entry_of(&ota, running) : -1;
    if (entry < 0) {
        return ESP_FAIL;
    }
    if (ota.entries[entry].ota_state == state) {
        return ESP_OK;
    }
    ota.entries[entry].ota_state = state;
    return ota_data_write(&ota, (unsigned)entry);
}

esp_err_t esp_ota_mark_app_valid_cancel_rollback(void)
{
    return set_state_of_running(ESP_OTA_IMG_VALID);
}

esp_err_t esp_ota_mark_app_invalid_rollback_and_reboot(void)
{
    if (!esp_ota_check_rollback_is_possible()) {
        return ESP_ERR_OTA_ROLLBACK_FAILED;
    }
    const esp_err_t ret = set_state_of_running(ESP_OTA_IMG_INVALID);
    if (ret != ESP_OK) {
        return ret;
    }
    esp_restart();
}

const esp_partition_t *esp_ota_get_last_invalid_partition(void)
{
    ota_data_t ota;
    int found = -1;
    if (!ota_data_read(&ota)) {
        return NULL;
    }
    for (int i = 0; i < OTA_ENTRIES; i++) {
        const esp_ota_select_entry_t *e = &ota.entries[i];
        if (ota_entry_whole(e) && !ota_entry_usable(e) &&
            (found < 0 || e->ota_seq > ota.entries[found].ota_seq)) {
            found = i;
        }
    }
    return found >= 0 ? ota_slot_of(&ota, &ota.entries[found]) : NULL;
}

esp_err_t esp_ota_get_state_partition(const esp_partition_t *partition,
                                      esp_ota_img_states_t *ota_state)
{
    ota_data_t ota;
    if (partition == NULL || ota_state == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    if (!is_slot(partition)) {
        return ESP_ERR_NOT_SUPPORTED;
    }
    const int entry = ota_data_read(&ota) ? entry_of(&ota, partition) : -1;
    if (entry < 0) {
        return ESP_ERR_NOT_FOUND;
    }
    *ota_state = (esp_ota_img_states_t)ota.entries[entry].ota_state;
    return ESP_OK;
}

// The slot before this one is whole and was not given up; or there is a factory image to go back
// to, which on this board is the program itself.
bool esp_ota_check_rollback_is_possible(void)
{
    ota_data_t ota;
    const esp_partition_t *running = esp_ota_get_running_partition();
    if (!ota_data_read(&ota)) {
        return false;
    }
    for (int i = 0; i < OTA_ENTRIES; i++) {
        if (ota_entry_usable(&ota.entries[i]) && ota_slot_of(&ota, &ota.entries[i]) != running &&
            image_verify(ota_slot_of(&ota, &ota.entries[i]))) {
            return true;
        }
    }
    return is_slot(running) &&
           esp_partition_find_first(ESP_PARTITION_TYPE_APP, ESP_PARTITION_SUBTYPE_APP_FACTORY,
                                    NULL) != NULL;
}
