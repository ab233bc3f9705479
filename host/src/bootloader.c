// SPDX-License-Identifier: Apache-2.0

// The boot loader of the virtual board: picks the slot to start from otadata, as ESP-IDF's does
// with rollback enabled. The program that runs is always this one; it stands for what the slot
// holds, and for the factory image (or the first slot) when nothing there can be started.

#include "bootloader.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include "esp_rom_crc.h"
#include "host_ota.h"
#include "host_system.h"
#include "sha256.h"

#define IMAGE_MAGIC    0xE9
#define CHECKSUM_START 0xEF
#define SEGMENTS_MAX   16
#define HEADER_BYTES   24
#define AT_SEGMENTS    1  // in the header
#define AT_HASHED      23 // likewise
#define SECTOR         0x1000u

static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER; // protects the two below
static const esp_partition_t *s_running;
static uint32_t s_boot; // it was started in

// --- otadata ---

uint32_t ota_entry_crc(uint32_t sequence)
{
    return esp_rom_crc32_le(UINT32_MAX, (const uint8_t *)&sequence, sizeof(sequence));
}

bool ota_entry_whole(const esp_ota_select_entry_t *entry)
{
    return entry->ota_seq != 0 && entry->ota_seq != UINT32_MAX &&
           entry->crc == ota_entry_crc(entry->ota_seq);
}

bool ota_entry_usable(const esp_ota_select_entry_t *entry)
{
    return ota_entry_whole(entry) && entry->ota_state != ESP_OTA_IMG_INVALID &&
           entry->ota_state != ESP_OTA_IMG_ABORTED;
}

const esp_partition_t *ota_slot(unsigned number)
{
    return esp_partition_find_first(
        ESP_PARTITION_TYPE_APP,
        (esp_partition_subtype_t)(ESP_PARTITION_SUBTYPE_APP_OTA_MIN + number), NULL);
}

bool ota_data_read(ota_data_t *ota)
{
    memset(ota, 0, sizeof(*ota));
    ota->data =
        esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_DATA_OTA, NULL);
    while (ota->slots < OTA_SLOTS_MAX && ota_slot(ota->slots) != NULL) {
        ota->slots++;
    }
    if (ota->data == NULL || ota->slots == 0) {
        return false;
    }
    for (unsigned i = 0; i < OTA_ENTRIES; i++) {
        if (esp_partition_read(ota->data, i * SECTOR, &ota->entries[i], sizeof(ota->entries[i])) !=
            ESP_OK) {
            return false;
        }
    }
    return true;
}

esp_err_t ota_data_write(ota_data_t *ota, unsigned entry)
{
    esp_err_t ret = esp_partition_erase_range(ota->data, entry * SECTOR, SECTOR);
    if (ret == ESP_OK) {
        ret = esp_partition_write(ota->data, entry * SECTOR, &ota->entries[entry],
                                  sizeof(ota->entries[entry]));
    }
    return ret;
}

int ota_active_entry(const ota_data_t *ota)
{
    int active = -1;
    for (int i = 0; i < OTA_ENTRIES; i++) {
        if (ota_entry_usable(&ota->entries[i]) &&
            (active < 0 || ota->entries[i].ota_seq > ota->entries[active].ota_seq)) {
            active = i;
        }
    }
    return active;
}

const esp_partition_t *ota_slot_of(const ota_data_t *ota, const esp_ota_select_entry_t *entry)
{
    return ota_slot((entry->ota_seq - 1) % ota->slots);
}

// --- images ---

// The length without the hash behind it, 0: the segments do not lead to a checksum that fits.
static size_t image_length(const uint8_t *image, size_t size)
{
    size_t at = HEADER_BYTES;
    uint8_t sum = CHECKSUM_START;
    if (image[0] != IMAGE_MAGIC || image[AT_SEGMENTS] == 0 || image[AT_SEGMENTS] > SEGMENTS_MAX) {
        return 0;
    }
    for (unsigned i = 0; i < image[AT_SEGMENTS]; i++) {
        uint32_t length;
        if (at + 8 > size) {
            return 0;
        }
        memcpy(&length, image + at + 4, sizeof(length));
        at += 8;
        if (length > size - at || length % 4 != 0) {
            return 0;
        }
        for (uint32_t k = 0; k < length; k++) {
            sum ^= image[at + k];
        }
        at += length;
    }
    at = at / 16 * 16 + 16; // the checksum is the last byte of a block of 16
    return at <= size && image[at - 1] == sum ? at : 0;
}

bool image_verify(const esp_partition_t *partition)
{
    uint8_t digest[SHA256_BYTES];
    uint8_t *image =
        mmap(NULL, partition->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool whole = false;
    if (image == MAP_FAILED) {
        return false;
    }
    if (esp_partition_read(partition, 0, image, partition->size) == ESP_OK) {
        const size_t length = image_length(image, partition->size);
        whole = length != 0;
        if (whole && image[AT_HASHED] == 1) {
            sha256_of(image, length, digest);
            whole = length + sizeof(digest) <= partition->size &&
                    memcmp(image + length, digest, sizeof(digest)) == 0;
        }
    }
    munmap(image, partition->size);
    return whole;
}

// --- what is started ---

static const esp_partition_t *fallback(void)
{
    const esp_partition_t *factory =
        esp_partition_find_first(ESP_PARTITION_TYPE_APP, ESP_PARTITION_SUBTYPE_APP_FACTORY, NULL);
    return factory != NULL ? factory : ota_slot(0);
}

static const esp_partition_t *choose(void)
{
    ota_data_t ota;
    int active;
    if (!ota_data_read(&ota)) {
        return fallback();
    }
    active = ota_active_entry(&ota);
    if (active >= 0 && ota.entries[active].ota_state == ESP_OTA_IMG_PENDING_VERIFY) {
        ota.entries[active].ota_state = ESP_OTA_IMG_ABORTED; // it had its chance
        (void)ota_data_write(&ota, (unsigned)active);
        active = ota_active_entry(&ota);
    }
    while (active >= 0) {
        esp_ota_select_entry_t *entry = &ota.entries[active];
        const esp_partition_t *slot = ota_slot_of(&ota, entry);
        if (image_verify(slot)) {
            if (entry->ota_state == ESP_OTA_IMG_NEW) {
                entry->ota_state = ESP_OTA_IMG_PENDING_VERIFY;
                (void)ota_data_write(&ota, (unsigned)active);
            }
            return slot;
        }
        entry->ota_seq = UINT32_MAX; // for this boot: look at the other one
        active = ota_active_entry(&ota);
    }
    return fallback();
}

const esp_partition_t *host_bootloader_run(void)
{
    pthread_mutex_lock(&s_lock);
    s_running = choose();
    s_boot = host_boot_count();
    const esp_partition_t *running = s_running;
    pthread_mutex_unlock(&s_lock);
    return running;
}

const esp_partition_t *bootloader_running(void)
{
    pthread_mutex_lock(&s_lock);
    const esp_partition_t *running = s_boot == host_boot_count() ? s_running : NULL;
    pthread_mutex_unlock(&s_lock);
    return running != NULL ? running : host_bootloader_run();
}
