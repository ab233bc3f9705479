/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scaling of the clock needs nothing but its options. Light sleep is ESP-IDF's automatic one:
 * drivers that transfer keep the chip awake, tasks that wait do not.
 */
#include "power.h"

#include "sdkconfig.h"

#ifdef CONFIG_KRAKEN_LIGHT_SLEEP

#include "esp_check.h"
#include "esp_log.h"
#include "esp_pm.h"
#include "esp_sleep.h"

#ifdef CONFIG_ESP_CONSOLE_UART
#include "driver/uart.h"
#define UART_EDGES 3 /* of the first byte, which is lost: any key, then the line */
#endif

static const char *TAG = "power";

static esp_err_t allow_light_sleep(void)
{
    const esp_pm_config_t config = {
        .max_freq_mhz = CONFIG_ESP_DEFAULT_CPU_FREQ_MHZ,
        .min_freq_mhz = CONFIG_XTAL_FREQ,
        .light_sleep_enable = true,
    };
    /* The buttons' pins name their levels themselves. */
    ESP_RETURN_ON_ERROR(esp_sleep_enable_gpio_wakeup(), TAG, "buttons would not wake the chip");
#ifdef CONFIG_ESP_CONSOLE_UART
    ESP_RETURN_ON_ERROR(uart_set_wakeup_threshold(CONFIG_ESP_CONSOLE_UART_NUM, UART_EDGES), TAG,
                        "edges");
    ESP_RETURN_ON_ERROR(esp_sleep_enable_uart_wakeup(CONFIG_ESP_CONSOLE_UART_NUM), TAG,
                        "the console would not wake the chip");
#endif
    return esp_pm_configure(&config);
}

void power_start(void)
{
    const esp_err_t ret = allow_light_sleep();
    if (ret != ESP_OK) {
        ESP_LOGE(TAG, "no light sleep: %s", esp_err_to_name(ret));
    }
}

#else

void power_start(void)
{
}

#endif
