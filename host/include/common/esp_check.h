// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "esp_compiler.h"
#include "esp_err.h"
#include "esp_log.h"

// Early exits that log where they happened. The _ISR forms use the early log, which neither locks
// nor allocates, so they may stand in interrupt handlers. The GOTO forms expect `esp_err_t ret`.

#if defined(CONFIG_COMPILER_OPTIMIZATION_CHECKS_SILENT) &&                                         \
    CONFIG_COMPILER_OPTIMIZATION_CHECKS_SILENT
#define ESP_CHECK_LOG_(log_macro, log_tag, format, ...) ((void)(log_tag))
#else
#define ESP_CHECK_LOG_(log_macro, log_tag, format, ...)                                            \
    log_macro(log_tag, "%s(%d): " format, __FUNCTION__, __LINE__, ##__VA_ARGS__)
#endif

#define ESP_RETURN_ON_ERROR(x, log_tag, format, ...)                                               \
    do {                                                                                           \
        esp_err_t err_rc_ = (x);                                                                   \
        if (unlikely(err_rc_ != ESP_OK)) {                                                         \
            ESP_CHECK_LOG_(ESP_LOGE, log_tag, format, ##__VA_ARGS__);                              \
            return err_rc_;                                                                        \
        }                                                                                          \
    } while (0)

#define ESP_RETURN_ON_ERROR_ISR(x, log_tag, format, ...)                                           \
    do {                                                                                           \
        esp_err_t err_rc_ = (x);                                                                   \
        if (unlikely(err_rc_ != ESP_OK)) {                                                         \
            ESP_CHECK_LOG_(ESP_EARLY_LOGE, log_tag, format, ##__VA_ARGS__);                        \
            return err_rc_;                                                                        \
        }                                                                                          \
    } while (0)

#define ESP_RETURN_VOID_ON_ERROR(x, log_tag, format, ...)                                          \
    do {                                                                                           \
        esp_err_t err_rc_ = (x);                                                                   \
        if (unlikely(err_rc_ != ESP_OK)) {                                                         \
            ESP_CHECK_LOG_(ESP_LOGE, log_tag, format, ##__VA_ARGS__);                              \
            return;                                                                                \
        }                                                                                          \
    } while (0)

#define ESP_RETURN_VOID_ON_ERROR_ISR(x, log_tag, format, ...)                                      \
    do {                                                                                           \
        esp_err_t err_rc_ = (x);                                                                   \
        if (unlikely(err_rc_ != ESP_OK)) {                                                         \
            ESP_CHECK_LOG_(ESP_EARLY_LOGE, log_tag, format, ##__VA_ARGS__);                        \
            return;                                                                                \
        }                                                                                          \
    } while (0)

#define ESP_GOTO_ON_ERROR(x, goto_tag, log_tag, format, ...)                                       \
    do {                                                                                           \
        esp_err_t err_rc_ = (x);                                                                   \
        if (unlikely(err_rc_ != ESP_OK)) {                                                         \
            ESP_CHECK_LOG_(ESP_LOGE, log_tag, format, ##__VA_ARGS__);                              \
            ret = err_rc_;                                                                         \
            goto goto_tag;                                                                         \
        }                                                                                          \
    } while (0)

#define ESP_GOTO_ON_ERROR_ISR(x, goto_tag, log_tag, format, ...)                                   \
    do {                                                                                           \
        esp_err_t err_rc_ = (x);                                                                   \
        if (unlikely(err_rc_ != ESP_OK)) {                                                         \
            ESP_CHECK_LOG_(ESP_EARLY_LOGE, log_tag, format, ##__VA_ARGS__);                        \
            ret = err_rc_;                                                                         \
            goto goto_tag;                                                                         \
        }                                                                                          \
    } while (0)

#define ESP_RETURN_ON_FALSE(a, err_code, log_tag, format, ...)                                     \
    do {                                                                                           \
        if (unlikely(!(a))) {                                                                      \
            ESP_CHECK_LOG_(ESP_LOGE, log_tag, format, ##__VA_ARGS__);                              \
            return err_code;                                                                       \
        }                                                                                          \
    } while (0)

#define ESP_RETURN_ON_FALSE_ISR(a, err_code, log_tag, format, ...)                                 \
    do {                                                                                           \
        if (unlikely(!(a))) {                                                                      \
            ESP_CHECK_LOG_(ESP_EARLY_LOGE, log_tag, format, ##__VA_ARGS__);                        \
            return err_code;                                                                       \
        }                                                                                          \
    } while (0)

#define ESP_RETURN_VOID_ON_FALSE(a, log_tag, format, ...)                                          \
    do {                                                                                           \
        if (unlikely(!(a))) {                                                                      \
            ESP_CHECK_LOG_(ESP_LOGE, log_tag, format, ##__VA_ARGS__);                              \
            return;                                                                                \
        }                                                                                          \
    } while (0)

#define ESP_RETURN_VOID_ON_FALSE_ISR(a, log_tag, format, ...)                                      \
    do {                                                                                           \
        if (unlikely(!(a))) {                                                                      \
            ESP_CHECK_LOG_(ESP_EARLY_LOGE, log_tag, format, ##__VA_ARGS__);                        \
            return;                                                                                \
        }                                                                                          \
    } while (0)

#define ESP_GOTO_ON_FALSE(a, err_code, goto_tag, log_tag, format, ...)                             \
    do {                                                                                           \
        if (unlikely(!(a))) {                                                                      \
            ESP_CHECK_LOG_(ESP_LOGE, log_tag, format, ##__VA_ARGS__);                              \
            ret = err_code;                                                                        \
            goto goto_tag;                                                                         \
        }                                                                                          \
    } while (0)

#define ESP_GOTO_ON_FALSE_ISR(a, err_code, goto_tag, log_tag, format, ...)                         \
    do {                                                                                           \
        if (unlikely(!(a))) {                                                                      \
            ESP_CHECK_LOG_(ESP_EARLY_LOGE, log_tag, format, ##__VA_ARGS__);                        \
            ret = err_code;                                                                        \
            goto goto_tag;                                                                         \
        }                                                                                          \
    } while (0)
