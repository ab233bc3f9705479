// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What is known of an image in a slot. */
typedef enum {
    ESP_OTA_IMG_NEW = 0x0U,            /**< never started */
    ESP_OTA_IMG_PENDING_VERIFY = 0x1U, /**< started once; the next start gives it up */
    ESP_OTA_IMG_VALID = 0x2U,          /**< it has confirmed itself */
    ESP_OTA_IMG_INVALID = 0x3U,        /**< it has declared itself unfit */
    ESP_OTA_IMG_ABORTED = 0x4U,        /**< it was started and did not confirm itself */
    ESP_OTA_IMG_UNDEFINED = 0xFFFFFFFFU,
} esp_ota_img_states_t;

/** One of the two entries of the partition otadata, each in a sector of its own. */
typedef struct {
    uint32_t ota_seq;
    uint8_t seq_label[20];
    uint32_t ota_state;
    uint32_t crc; /**< of ota_seq alone */
} esp_ota_select_entry_t;

#ifdef __cplusplus
}
#endif
