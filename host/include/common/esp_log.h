// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include "sdkconfig.h"
#include "esp_rom_sys.h"
#include "esp_log_level.h"
#include "esp_log_color.h"
#include "esp_log_buffer.h"
#include "esp_log_timestamp.h"
#include "esp_log_write.h"

#ifdef __cplusplus
extern "C" {
#endif

// "I (123) tag: text": letter, milliseconds, tag. A line is written whole or not at all.
#define LOG_FORMAT(letter, format)                                                                 \
    LOG_COLOR_##letter #letter " (%" PRIu32 ") %s: " format LOG_RESET_COLOR "\n"
#define LOG_SYSTEM_TIME_FORMAT(letter, format)                                                     \
    LOG_COLOR_##letter #letter " (%s) %s: " format LOG_RESET_COLOR "\n"

#if defined(CONFIG_LOG_TIMESTAMP_SOURCE_SYSTEM) && CONFIG_LOG_TIMESTAMP_SOURCE_SYSTEM
#define ESP_LOG_EMIT_(level, letter, tag, format, ...)                                             \
    esp_log_write(level, tag, LOG_SYSTEM_TIME_FORMAT(letter, format), esp_log_system_timestamp(),  \
                  tag, ##__VA_ARGS__)
#else
#define ESP_LOG_EMIT_(level, letter, tag, format, ...)                                             \
    esp_log_write(level, tag, LOG_FORMAT(letter, format), esp_log_timestamp(), tag, ##__VA_ARGS__)
#endif

#define ESP_LOG_IF_(level, letter, tag, format, ...)                                               \
    do {                                                                                           \
        if (_ESP_LOG_ENABLED(level)) {                                                             \
            ESP_LOG_EMIT_(level, letter, tag, format, ##__VA_ARGS__);                              \
        }                                                                                          \
    } while (0)

#define ESP_LOGE(tag, format, ...) ESP_LOG_IF_(ESP_LOG_ERROR, E, tag, format, ##__VA_ARGS__)
#define ESP_LOGW(tag, format, ...) ESP_LOG_IF_(ESP_LOG_WARN, W, tag, format, ##__VA_ARGS__)
#define ESP_LOGI(tag, format, ...) ESP_LOG_IF_(ESP_LOG_INFO, I, tag, format, ##__VA_ARGS__)
#define ESP_LOGD(tag, format, ...) ESP_LOG_IF_(ESP_LOG_DEBUG, D, tag, format, ##__VA_ARGS__)
#define ESP_LOGV(tag, format, ...) ESP_LOG_IF_(ESP_LOG_VERBOSE, V, tag, format, ##__VA_ARGS__)

// The level is a value here, so the letter is chosen at run time; an unknown one prints as info.
#define ESP_LOG_LEVEL(level, tag, format, ...)                                                     \
    do {                                                                                           \
        switch (ESP_LOG_GET_LEVEL(level)) {                                                        \
        case ESP_LOG_ERROR:                                                                        \
            ESP_LOG_EMIT_(ESP_LOG_ERROR, E, tag, format, ##__VA_ARGS__);                           \
            break;                                                                                 \
        case ESP_LOG_WARN:                                                                         \
            ESP_LOG_EMIT_(ESP_LOG_WARN, W, tag, format, ##__VA_ARGS__);                            \
            break;                                                                                 \
        case ESP_LOG_DEBUG:                                                                        \
            ESP_LOG_EMIT_(ESP_LOG_DEBUG, D, tag, format, ##__VA_ARGS__);                           \
            break;                                                                                 \
        case ESP_LOG_VERBOSE:                                                                      \
            ESP_LOG_EMIT_(ESP_LOG_VERBOSE, V, tag, format, ##__VA_ARGS__);                         \
            break;                                                                                 \
        default:                                                                                   \
            ESP_LOG_EMIT_(ESP_LOG_INFO, I, tag, format, ##__VA_ARGS__);                            \
            break;                                                                                 \
        }                                                                                          \
    } while (0)
#define ESP_LOG_LEVEL_LOCAL(level, tag, format, ...)                                               \
    do {                                                                                           \
        if (_ESP_LOG_ENABLED(level)) {                                                             \
            ESP_LOG_LEVEL(level, tag, format, ##__VA_ARGS__);                                      \
        }                                                                                          \
    } while (0)

// For start-up code, interrupts and code that runs with the flash cache off: straight to the
// console, past the per-tag levels and past esp_log_set_vprintf().
#define ESP_LOG_EARLY_IMPL(tag, format, level, letter, ...)                                        \
    do {                                                                                           \
        if (_ESP_LOG_EARLY_ENABLED(level)) {                                                       \
            esp_rom_printf(LOG_FORMAT(letter, format), esp_log_early_timestamp(), tag,             \
                           ##__VA_ARGS__);                                                         \
        }                                                                                          \
    } while (0)
#define ESP_EARLY_LOGE(tag, format, ...)                                                           \
    ESP_LOG_EARLY_IMPL(tag, format, ESP_LOG_ERROR, E, ##__VA_ARGS__)
#define ESP_EARLY_LOGW(tag, format, ...)                                                           \
    ESP_LOG_EARLY_IMPL(tag, format, ESP_LOG_WARN, W, ##__VA_ARGS__)
#define ESP_EARLY_LOGI(tag, format, ...)                                                           \
    ESP_LOG_EARLY_IMPL(tag, format, ESP_LOG_INFO, I, ##__VA_ARGS__)
#define ESP_EARLY_LOGD(tag, format, ...)                                                           \
    ESP_LOG_EARLY_IMPL(tag, format, ESP_LOG_DEBUG, D, ##__VA_ARGS__)
#define ESP_EARLY_LOGV(tag, format, ...)                                                           \
    ESP_LOG_EARLY_IMPL(tag, format, ESP_LOG_VERBOSE, V, ##__VA_ARGS__)

// The DRAM form carries no time: reading the clock may need code in flash.
#define ESP_DRAM_LOG_IMPL(tag, format, level, letter, ...)                                         \
    do {                                                                                           \
        if (_ESP_LOG_EARLY_ENABLED(level)) {                                                       \
            esp_rom_printf(#letter " %s: " format "\n", tag, ##__VA_ARGS__);                       \
        }                                                                                          \
    } while (0)
#define ESP_DRAM_LOGE(tag, format, ...)                                                            \
    ESP_DRAM_LOG_IMPL(tag, format, ESP_LOG_ERROR, E, ##__VA_ARGS__)
#define ESP_DRAM_LOGW(tag, format, ...)                                                            \
    ESP_DRAM_LOG_IMPL(tag, format, ESP_LOG_WARN, W, ##__VA_ARGS__)
#define ESP_DRAM_LOGI(tag, format, ...)                                                            \
    ESP_DRAM_LOG_IMPL(tag, format, ESP_LOG_INFO, I, ##__VA_ARGS__)
#define ESP_DRAM_LOGD(tag, format, ...)                                                            \
    ESP_DRAM_LOG_IMPL(tag, format, ESP_LOG_DEBUG, D, ##__VA_ARGS__)
#define ESP_DRAM_LOGV(tag, format, ...)                                                            \
    ESP_DRAM_LOG_IMPL(tag, format, ESP_LOG_VERBOSE, V, ##__VA_ARGS__)

#ifdef __cplusplus
}
#endif
