/* SPDX-License-Identifier: Apache-2.0 */
#include "boot_mode.h"

#include <stdlib.h>

#include "driver/gpio.h"
#include "esp_log.h"
#include "esp_rom_sys.h"
#include "sdkconfig.h"

static const char *TAG = "main";

boot_mode_t boot_mode(void)
{
#ifdef CONFIG_KRAKEN_DEMO_AT_BOOT
    return BOOT_DEMO;
#else
    return BOOT_SHELL;
#endif
}

#if CONFIG_KRAKEN_SAFE_MODE_GPIO >= 0
#define SETTLE_US 50 /* for the pull-up to lift the line */

bool boot_mode_safe(void)
{
    const gpio_num_t pin = (gpio_num_t)CONFIG_KRAKEN_SAFE_MODE_GPIO;
    const gpio_config_t config = {
        .pin_bit_mask = 1ULL << CONFIG_KRAKEN_SAFE_MODE_GPIO,
        .mode = GPIO_MODE_INPUT,
        .pull_up_en = GPIO_PULLUP_ENABLE,
    };
    const esp_err_t ret = gpio_config(&config);
    if (ret != ESP_OK) {
        ESP_LOGE(TAG, "the button for safe mode cannot be read: %s", esp_err_to_name(ret));
        return false;
    }
    esp_rom_delay_us(SETTLE_US);
    const bool held = gpio_get_level(pin) == 0;
    (void)gpio_reset_pin(pin); /* it may be somebody's key from now on */
    return held;
}
#else
bool boot_mode_safe(void)
{
    return false;
}
#endif

bool boot_mode_colour(void)
{
#ifdef CONFIG_LOG_COLORS
    return true;
#else
    return false;
#endif
}

void boot_mode_demo_done(bool ok)
{
    if (!ok) {
        ESP_LOGE(TAG, "the demonstration failed");
    }
}

const char *boot_mode_app(void)
{
    return NULL;
}

_Noreturn void boot_mode_picture(bool ok)
{
    (void)ok;
    abort(); /* boot_mode() never says so here */
}
