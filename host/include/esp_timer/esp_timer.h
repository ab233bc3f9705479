// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "esp_err.h"
#include "sdkconfig.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct esp_timer *esp_timer_handle_t;
typedef void (*esp_timer_cb_t)(void *arg);

/* Dispatch from the interrupt is off in ESP-IDF unless configured, and not offered by the board. */
typedef enum {
    ESP_TIMER_TASK,
    ESP_TIMER_MAX,
} esp_timer_dispatch_t;

typedef struct {
    esp_timer_cb_t callback;
    void *arg;
    esp_timer_dispatch_t dispatch_method;
    const char *name;           /* not copied: must outlive the timer */
    bool skip_unhandled_events; /* periodic: missed periods are dropped, not caught up with */
} esp_timer_create_args_t;

/** @return ESP_OK */
esp_err_t esp_timer_early_init(void);
/** @return ESP_OK, ESP_ERR_INVALID_STATE: initialised already (boot does it), ESP_ERR_NO_MEM */
esp_err_t esp_timer_init(void);
/** @return ESP_OK, ESP_ERR_INVALID_STATE: not initialised, or timers are running */
esp_err_t esp_timer_deinit(void);

/**
 * @context any task
 * @owns    the handle is the caller's until esp_timer_delete()
 * @return ESP_OK, or
 *  - ESP_ERR_INVALID_ARG    no arguments, callback or place for the handle; unknown dispatch method
 *  - ESP_ERR_INVALID_STATE  esp_timer_init() has not been run
 *  - ESP_ERR_NO_MEM         no memory for the timer
 */
esp_err_t esp_timer_create(const esp_timer_create_args_t *create_args,
                           esp_timer_handle_t *out_handle);
/** @context any task, isr-ok @return ESP_OK, ESP_ERR_INVALID_ARG: NULL, ESP_ERR_INVALID_STATE:
 * running */
esp_err_t esp_timer_start_once(esp_timer_handle_t timer, uint64_t timeout_us);
/** @brief Periods below 50 us are raised to 50. @return as esp_timer_start_once() */
esp_err_t esp_timer_start_periodic(esp_timer_handle_t timer, uint64_t period);
/** @return ESP_OK, ESP_ERR_INVALID_ARG: NULL, ESP_ERR_INVALID_STATE: not running */
esp_err_t esp_timer_restart(esp_timer_handle_t timer, uint64_t timeout_us);
/** @return ESP_OK, ESP_ERR_INVALID_ARG: NULL, ESP_ERR_INVALID_STATE: not running */
esp_err_t esp_timer_stop(esp_timer_handle_t timer);
/** @return ESP_OK, ESP_ERR_INVALID_ARG: NULL, ESP_ERR_INVALID_STATE: running */
esp_err_t esp_timer_delete(esp_timer_handle_t timer);

/** @brief Microseconds since boot. @context any */
int64_t esp_timer_get_time(void);
/** @return time of the nearest alarm, INT64_MAX when no timer runs */
int64_t esp_timer_get_next_alarm(void);
/** @brief As above without timers that skip unhandled events. */
int64_t esp_timer_get_next_alarm_for_wake_up(void);
/** @return ESP_OK (0 for a one-shot timer), ESP_ERR_INVALID_ARG: NULL */
esp_err_t esp_timer_get_period(esp_timer_handle_t timer, uint64_t *period);
/** @return ESP_OK, ESP_ERR_INVALID_ARG: NULL, ESP_ERR_NOT_SUPPORTED: the timer is periodic */
esp_err_t esp_timer_get_expiry_time(esp_timer_handle_t timer, uint64_t *expiry);
/** @brief Print name, period and alarm of each running timer. @return ESP_OK */
esp_err_t esp_timer_dump(FILE *stream);
bool esp_timer_is_active(esp_timer_handle_t timer);

#ifdef __cplusplus
}
#endif
