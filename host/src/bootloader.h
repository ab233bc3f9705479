// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a boot loader with rollback does, and what esp_ota_ops.c shares with it.

#include <stdbool.h>
#include <stdint.h>
#include "esp_flash_partitions.h"
#include "esp_partition.h"

#define OTA_ENTRIES   2
#define OTA_SLOTS_MAX 16

/** Where images are, and the two entries that say which of them is started. */
typedef struct {
    const esp_partition_t *data;
    esp_ota_select_entry_t entries[OTA_ENTRIES];
    unsigned slots;
} ota_data_t;

/** @return false: the partition table has no otadata */
bool ota_data_read(ota_data_t *ota);
/** Replaces an entry: its sector is erased, then written. */
esp_err_t ota_data_write(ota_data_t *ota, unsigned entry);
/** The entry counts: complete, and not of an image that was given up. */
bool ota_entry_usable(const esp_ota_select_entry_t *entry);
/** Complete, whatever became of its image. */
bool ota_entry_whole(const esp_ota_select_entry_t *entry);
uint32_t ota_entry_crc(uint32_t sequence);
/** @return the usable entry with the highest number, -1: there is none */
int ota_active_entry(const ota_data_t *ota);
const esp_partition_t *ota_slot_of(const ota_data_t *ota, const esp_ota_select_entry_t *entry);
const esp_partition_t *ota_slot(unsigned number);

/** Header, segments, checksum and hash, as the boot loader looks at them. */
bool image_verify(const esp_partition_t *partition);

/** The slot that was started. */
const esp_partition_t *bootloader_running(void);
