// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "esp_partition.h"
#include "nvs.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Makes a partition ready for nvs_open(). Doing it again is allowed and changes nothing.
 * @return ESP_OK; ESP_ERR_NOT_FOUND if there is no such partition; ESP_ERR_NVS_NO_FREE_PAGES if it
 *  holds none to write on (erase it); ESP_ERR_NVS_NEW_VERSION_FOUND if something newer wrote it;
 *  ESP_ERR_NO_MEM
 */
esp_err_t nvs_flash_init(void);
esp_err_t nvs_flash_init_partition(const char *partition_label);
esp_err_t nvs_flash_init_partition_ptr(const esp_partition_t *partition);

/** Closes all handles. @return ESP_OK; ESP_ERR_NVS_NOT_INITIALIZED */
esp_err_t nvs_flash_deinit(void);
esp_err_t nvs_flash_deinit_partition(const char *partition_label);

/** Deinitialises, then erases everything. @return ESP_OK; ESP_ERR_NOT_FOUND */
esp_err_t nvs_flash_erase(void);
esp_err_t nvs_flash_erase_partition(const char *part_name);
esp_err_t nvs_flash_erase_partition_ptr(const esp_partition_t *partition);

#ifdef __cplusplus
}
#endif
