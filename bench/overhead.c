// SPDX-License-Identifier: Apache-2.0

// What the watchdog and the monitors cost while nothing happens: instructions of the idle system in
// virtual time, under callgrind, with 0 or more services watched.

#include <stdio.h>

#include <valgrind/callgrind.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "bench.h"
#include "system_service/service_manager.h"
#include "system_service/service_watchdog.h"

static void run(const bench_args_t *args)
{
    const unsigned services = bench_arg_number(args, "services", 8, 0, CONFIG_SYSTEM_MAX_SERVICES);
    const uint32_t seconds = bench_arg_number(args, "seconds", 60, 1, 3600);
    const service_watchdog_config_t watched = {
        .timeout_ms = bench_arg_number(args, "timeout_ms", 1000, 10, 3600000),
    };
    char name[24];
    (void)bench_system_up();
    for (unsigned i = 0; i < services; i++) {
        snprintf(name, sizeof(name), "watched%u", i);
        const system_service_id_t id = bench_service(name);
        BENCH_CHECK(watchdog_register_service(id, &watched) == ESP_OK);
        BENCH_CHECK(system_service_set_state(id, SYSTEM_SERVICE_STATE_RUNNING) == ESP_OK);
    }
    vTaskDelay(pdMS_TO_TICKS(1000));
    CALLGRIND_TOGGLE_COLLECT;
    vTaskDelay(pdMS_TO_TICKS(seconds * 1000u));
    CALLGRIND_TOGGLE_COLLECT;
    snprintf(name, sizeof(name), "idle %u", (unsigned)seconds);
    CALLGRIND_DUMP_STATS_AT(name);
    watchdog_totals_t totals;
    BENCH_CHECK(watchdog_get_totals(&totals) == ESP_OK);
    bench_figure_count("watched", totals.watched);
    bench_figure_count("timeouts", totals.timeouts);
}

const bench_case_t bench_case_overhead = {
    .name = "overhead",
    .help = "services= seconds= timeout_ms=: under callgrind",
    .sched = HOST_SCHED_SIM,
    .run = run,
};
