// SPDX-License-Identifier: Apache-2.0

// A service hangs in a handler: virtual time from the last sign of life until it runs again.

#include <stdatomic.h>

#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "bench.h"
#include "system_service/fault_injection.h"
#include "system_service/service_manager.h"
#include "system_service/service_supervisor.h"
#include "system_service/service_watchdog.h"

static _Atomic uint32_t s_starts;

static esp_err_t start(system_service_id_t id, void *arg)
{
    (void)id;
    (void)arg;
    atomic_fetch_add(&s_starts, 1);
    return ESP_OK;
}

static esp_err_t stop(system_service_id_t id, void *arg)
{
    (void)id;
    (void)arg;
    return ESP_OK;
}

static void run(const bench_args_t *args)
{
    static service_watchdog_config_t watchdog = {.auto_restart = true};
    static system_service_descriptor_t descriptor = {
        .name = "patient",
        .lifecycle = {.start = start, .stop = stop},
        .watchdog = &watchdog,
    };
    system_service_id_t id;
    service_watchdog_stats_t stats;
    watchdog.timeout_ms = bench_arg_number(args, "timeout_ms", 1000, 10, 60000);
    (void)bench_system_up();
    BENCH_CHECK(system_service_register("patient", &descriptor, &id) == ESP_OK);
    BENCH_CHECK(system_service_start(id) == ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(2000));
    const int64_t hung = esp_timer_get_time();
    BENCH_CHECK(system_fault_inject(id, SYSTEM_FAULT_HANG, 0) == ESP_OK);
    do {
        vTaskDelay(1);
        BENCH_CHECK(esp_timer_get_time() - hung < 60 * 1000000LL);
        BENCH_CHECK(watchdog_get_stats(id, &stats) == ESP_OK);
    } while (stats.restarts == 0);
    BENCH_CHECK(atomic_load(&s_starts) == 2);
    bench_figure("hang_to_running_ms", (double)(esp_timer_get_time() - hung) / 1000.0);
    bench_figure_count("noticed_to_running_ms", stats.last_recovery_ms);
}

const bench_case_t bench_case_recovery = {
    .name = "recovery",
    .help = "timeout_ms= seed=: virtual time from a hang to running again",
    .sched = HOST_SCHED_SIM,
    .run = run,
};
