// SPDX-License-Identifier: Apache-2.0
/* What the PC's board offers tests, here: its clock, and as interrupt the tick's of either core. */
#include <stdatomic.h>

#include "freertos/FreeRTOS.h"
#include "esp_freertos_hooks.h"
#include "freertos/task.h"
#include "esp_rom_sys.h"
#include "esp_timer.h"

#include "ktest.h"

static void (*s_fn)(void *arg);
static void *s_arg;
static _Atomic bool s_due[CONFIG_FREERTOS_NUMBER_OF_CORES];

static void on_tick(void)
{
    const int core = xPortGetCoreID();
    if (atomic_load(&s_due[core])) {
        s_fn(s_arg);
        atomic_store(&s_due[core], false);
    }
}

void host_isr_run(void (*fn)(void *arg), void *arg, int core)
{
    static bool hooked[CONFIG_FREERTOS_NUMBER_OF_CORES];
    if (!hooked[core]) {
        KTEST_CHECK(esp_register_freertos_tick_hook_for_cpu(on_tick, (UBaseType_t)core) == ESP_OK);
        hooked[core] = true;
    }
    s_fn = fn;
    s_arg = arg;
    atomic_store(&s_due[core], true);
    while (atomic_load(&s_due[core])) {
        vTaskDelay(1);
    }
}

uint64_t host_now_us(void)
{
    return (uint64_t)esp_timer_get_time();
}

void host_busy(uint64_t us)
{
    esp_rom_delay_us((uint32_t)us);
}
