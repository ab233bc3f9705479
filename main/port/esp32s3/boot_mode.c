/* SPDX-License-Identifier: Apache-2.0 */
#include "boot_mode.h"

#include <stdlib.h>

#include "esp_log.h"
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
