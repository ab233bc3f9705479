/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/** @file @brief Levels of the log. An app writes to it with its context's log(). */

typedef enum {
    ESP_LOG_NONE = 0,
    ESP_LOG_ERROR = 1,
    ESP_LOG_WARN = 2,
    ESP_LOG_INFO = 3,
    ESP_LOG_DEBUG = 4,
    ESP_LOG_VERBOSE = 5,
} esp_log_level_t;
