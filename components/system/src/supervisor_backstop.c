/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor_backstop.h"

#include "sdkconfig.h"

#ifdef CONFIG_SYSTEM_SUPERVISOR_TASK_WDT

#include <stdbool.h>

#include "esp_log.h"
#include "esp_task_wdt.h"

/* Woken this often within the watchdog's time: one late wake-up is no reset. */
#define FEEDS 4

static const char *TAG = "supervisor";
static bool s_watched; /* the supervisor's task alone */

void supervisor_backstop_begin(void)
{
    const esp_err_t ret = esp_task_wdt_add(NULL);
    s_watched = ret == ESP_OK;
    if (!s_watched) {
        ESP_LOGW(TAG, "the task watchdog does not watch over the supervisor: %s",
                 esp_err_to_name(ret));
    }
}

TickType_t supervisor_backstop_feed(TickType_t ticks)
{
    const TickType_t limit = pdMS_TO_TICKS(CONFIG_ESP_TASK_WDT_TIMEOUT_S * 1000u / FEEDS);
    if (!s_watched) {
        return ticks;
    }
    (void)esp_task_wdt_reset();
    return ticks < limit ? ticks : limit;
}

void supervisor_backstop_end(void)
{
    if (s_watched) {
        (void)esp_task_wdt_delete(NULL);
        s_watched = false;
    }
}

#else

void supervisor_backstop_begin(void)
{
}

TickType_t supervisor_backstop_feed(TickType_t ticks)
{
    return ticks;
}

void supervisor_backstop_end(void)
{
}

#endif
