// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "esp_err.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    uint32_t timeout_ms;
    uint32_t idle_core_mask; ///< bit n: watch the idle task of core n
    bool trigger_panic;      ///< panic on a timeout, instead of only reporting it
} esp_task_wdt_config_t;

typedef struct esp_task_wdt_user_handle_s *esp_task_wdt_user_handle_t;

/** @return ESP_OK; ESP_ERR_INVALID_ARG for NULL; ESP_ERR_INVALID_STATE if initialised already;
 *  ESP_ERR_NO_MEM */
esp_err_t esp_task_wdt_init(const esp_task_wdt_config_t *config);

/** @return ESP_OK; ESP_ERR_INVALID_STATE if not initialised; ESP_ERR_INVALID_ARG for NULL */
esp_err_t esp_task_wdt_reconfigure(const esp_task_wdt_config_t *config);

/** @return ESP_OK; ESP_ERR_INVALID_STATE while tasks or users are still subscribed, or if never
 *  initialised */
esp_err_t esp_task_wdt_deinit(void);

/** Subscribes a task, NULL being the calling one.
 *  @return ESP_OK; ESP_ERR_INVALID_ARG if subscribed already; ESP_ERR_INVALID_STATE if not
 *  initialised; ESP_ERR_NO_MEM */
esp_err_t esp_task_wdt_add(TaskHandle_t task_handle);
esp_err_t esp_task_wdt_add_user(const char *user_name, esp_task_wdt_user_handle_t *user_handle_ret);

/** Says that the calling task is alive.
 *  @return ESP_OK; ESP_ERR_NOT_FOUND if it is not subscribed; ESP_ERR_INVALID_STATE */
esp_err_t esp_task_wdt_reset(void);
esp_err_t esp_task_wdt_reset_user(esp_task_wdt_user_handle_t user_handle);

esp_err_t esp_task_wdt_delete(TaskHandle_t task_handle);
esp_err_t esp_task_wdt_delete_user(esp_task_wdt_user_handle_t user_handle);

/** @return ESP_OK if subscribed; ESP_ERR_NOT_FOUND if not; ESP_ERR_INVALID_STATE */
esp_err_t esp_task_wdt_status(TaskHandle_t task_handle);

/** The application may define this; it runs in interrupt context on each timeout. */
void esp_task_wdt_isr_user_handler(void) __attribute__((weak));

typedef void (*task_wdt_msg_handler)(void *opaque, const char *msg);

/** Names who has not reported, through msg_handler or, when that is NULL, on the console. */
esp_err_t esp_task_wdt_print_triggered_tasks(task_wdt_msg_handler msg_handler, void *opaque,
                                             int *cpus_fail);

#ifdef __cplusplus
}
#endif
