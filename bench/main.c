// SPDX-License-Identifier: Apache-2.0

// One case, one process: bench.py starts this program once for each measurement.

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "esp_log.h"

#include "bench.h"
#include "system_service/resource_quota.h"
#include "system_service/service_manager.h"

#define EXIT_USAGE 2

static const bench_case_t *const s_cases[] = {
    &bench_case_throughput, &bench_case_latency,  &bench_case_pool_time,
    &bench_case_operations, &bench_case_scale,    &bench_case_fragmentation,
    &bench_case_overhead,   &bench_case_recovery, &bench_case_memory,
    &bench_case_producers,  &bench_case_apps,
};
#define CASES (sizeof(s_cases) / sizeof(s_cases[0]))

static const bench_case_t *s_case;
static bench_args_t s_args;

/* ---- arguments ---- */

const char *bench_arg(const bench_args_t *args, const char *name, const char *missing)
{
    const size_t length = strlen(name);
    for (int i = 0; i < args->count; i++) {
        if (strncmp(args->words[i], name, length) == 0 && args->words[i][length] == '=') {
            return args->words[i] + length + 1;
        }
    }
    return missing;
}

uint32_t bench_arg_number(const bench_args_t *args, const char *name, uint32_t missing,
                          uint32_t min, uint32_t max)
{
    const char *text = bench_arg(args, name, NULL);
    if (text == NULL) {
        return missing;
    }
    char *end;
    const unsigned long long value = strtoull(text, &end, 10);
    if (end == text || *end != '\0' || text[0] == '-' || value < min || value > max) {
        bench_fail("%s=%s: a number from %u to %u is wanted", name, text, (unsigned)min,
                   (unsigned)max);
    }
    return (uint32_t)value;
}

/* ---- figures ---- */

void bench_figure(const char *name, double value)
{
    printf("= %s %.6g\n", name, value);
}

void bench_figure_count(const char *name, uint64_t value)
{
    printf("= %s %llu\n", name, (unsigned long long)value);
}

void bench_figure_text(const char *name, const char *value)
{
    printf("= %s %s\n", name, value);
}

static int by_value(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

void bench_figure_percentiles(const char *name, uint64_t *values, size_t n)
{
    static const struct {
        const char *suffix;
        unsigned percent;
    } wanted[] = {{"p50", 50}, {"p99", 99}, {"max", 100}};
    char full[64];
    qsort(values, n, sizeof(values[0]), by_value);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        const size_t rank = (n * wanted[i].percent + 99) / 100; /* nearest rank, from 1 */
        snprintf(full, sizeof(full), "%s_%s", name, wanted[i].suffix);
        bench_figure_count(full, values[rank - 1]);
    }
}

_Noreturn void bench_fail(const char *format, ...)
{
    va_list args;
    fflush(stdout);
    fputs("kraken_bench: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    _Exit(1);
}

uint64_t bench_now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* ---- the system ---- */

system_secure_key_t bench_system_up(void)
{
    system_secure_key_t key;
    esp_log_level_set("*", ESP_LOG_WARN);
    BENCH_CHECK(system_service_init(&key) == ESP_OK);
    return key;
}

system_service_id_t bench_service(const char *name)
{
    static const service_quota_t wide = {
        .max_events_per_sec = 1000000,
        .max_subscriptions = 64,
        .max_event_data_size = 4096,
        .max_memory_bytes = 1024 * 1024,
        .max_cpu_percent = 100,
    };
    system_service_id_t id;
    BENCH_CHECK(system_service_register(name, NULL, &id) == ESP_OK);
    BENCH_CHECK(quota_set(id, &wide) == ESP_OK);
    return id;
}

system_event_type_t bench_type(const char *name)
{
    system_event_type_t type;
    BENCH_CHECK(system_event_register_type(name, &type) == ESP_OK);
    return type;
}

/* ---- the program ---- */

static void run_case(void *arg)
{
    (void)arg;
    s_case->run(&s_args);
    fflush(stdout);
    host_exit(0);
}

static void list_cases(void)
{
    puts("usage: kraken_bench CASE [NAME=VALUE]...\n"
         "One measurement; prints lines \"= figure value\". bench/bench.py runs them all.\n");
    for (size_t i = 0; i < CASES; i++) {
        printf("%-14s %s\n", s_cases[i]->name, s_cases[i]->help);
    }
}

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < CASES; i++) {
        if (strcmp(s_cases[i]->name, argv[1]) == 0) {
            s_case = s_cases[i];
        }
    }
    if (s_case == NULL) {
        list_cases();
        return argc > 1 && strcmp(argv[1], "--help") == 0 ? 0 : EXIT_USAGE;
    }
    s_args = (bench_args_t){.count = argc - 2, .words = argv + 2};
    const host_config_t board = {
        .sched = s_case->sched,
        .seed = bench_arg_number(&s_args, "seed", 1, 0, UINT32_MAX),
        /* In the simulator a case wants its own order of things, not a surprise at each call. */
        .switch_call_ppm = bench_arg_number(&s_args, "switch_ppm", 1, 1, 1000000),
        /* Eight queues of 32 items of 1 KB do not fit into the RAM of an ESP32-S3. */
        .heap_internal_bytes = s_case->sched == HOST_SCHED_THREADS ? 2u * 1024 * 1024 : 0,
        .restart_exits = true,
        .quiet = true,
    };
    return host_boot(&board, run_case, NULL);
}
