// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "esp_assert.h"
#include "sdkconfig.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    ESP_LOG_NONE = 0,
    ESP_LOG_ERROR = 1,
    ESP_LOG_WARN = 2,
    ESP_LOG_INFO = 3,
    ESP_LOG_DEBUG = 4,
    ESP_LOG_VERBOSE = 5,
    ESP_LOG_MAX = 6,
} esp_log_level_t;

#define ESP_LOG_LEVEL_LEN         3
#define ESP_LOG_LEVEL_MASK        ((1 << ESP_LOG_LEVEL_LEN) - 1)
#define ESP_LOG_GET_LEVEL(config) ((config)&ESP_LOG_LEVEL_MASK)

// A file may lower (or raise) what is compiled into it by defining this before its includes.
#ifndef LOG_LOCAL_LEVEL
#define LOG_LOCAL_LEVEL CONFIG_LOG_MAXIMUM_LEVEL
#endif

#define ESP_LOG_ENABLED(configs)    (LOG_LOCAL_LEVEL >= ESP_LOG_GET_LEVEL(configs))
#define _ESP_LOG_ENABLED(log_level) ESP_LOG_ENABLED(log_level)
#define _ESP_LOG_EARLY_ENABLED(log_level)                                                          \
    (ESP_LOG_ENABLED(log_level) && esp_log_get_default_level() >= ESP_LOG_GET_LEVEL(log_level))

extern esp_log_level_t esp_log_default_level;

static inline esp_log_level_t esp_log_get_default_level(void)
{
    return __atomic_load_n(&esp_log_default_level, __ATOMIC_RELAXED);
}

/**
 * Sets what is printed at run time for one tag, or with "*" for every tag, forgetting the levels
 * set for single tags before.
 * @context any task; takes the log's lock; allocates for a tag not seen before and quietly leaves
 *          things as they were when there is no memory
 */
void esp_log_level_set(const char *tag, esp_log_level_t level);

/**
 * @context any task; takes the log's lock
 * @return the level in force for tag: its own, or the default one ("*" and unknown tags)
 */
esp_log_level_t esp_log_level_get(const char *tag);

#ifdef __cplusplus
}
#endif
