// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What the cases of the bench share. A case is one measurement in a process of its own; it prints
 * its figures as lines "= name value" and bench.py repeats, interleaves and compares them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host_control.h"
#include "system_service/event_bus.h"
#include "system_service/system_service.h"

/** The arguments of a case: "name=value" words. */
typedef struct {
    int count;
    char **words;
} bench_args_t;

const char *bench_arg(const bench_args_t *args, const char *name, const char *missing);
/** Ends the program when the value is no number within the limits. */
uint32_t bench_arg_number(const bench_args_t *args, const char *name, uint32_t missing,
                          uint32_t min, uint32_t max);

typedef struct {
    const char *name;
    const char *help;
    host_sched_t sched;
    void (*run)(const bench_args_t *args); /* in the task "main" of a fresh board */
} bench_case_t;

extern const bench_case_t bench_case_throughput, bench_case_latency, bench_case_pool_time,
    bench_case_operations, bench_case_scale, bench_case_fragmentation, bench_case_overhead,
    bench_case_recovery, bench_case_memory, bench_case_producers, bench_case_apps;

/* ---- figures ---- */

void bench_figure(const char *name, double value);
void bench_figure_count(const char *name, uint64_t value);
void bench_figure_text(const char *name, const char *value);

/** Sorts values and prints <name>_p50, _p99 and _max. n > 0 */
void bench_figure_percentiles(const char *name, uint64_t *values, size_t n);

/** Prints why and ends the case as failed: a figure that cannot be had is not made up. */
_Noreturn void bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define BENCH_CHECK(condition)                                                                     \
    ((condition) ? (void)0 : bench_fail("%s:%d: %s", __FILE__, __LINE__, #condition))

/* ---- the system under measurement ---- */

/** Nanoseconds of a clock that only moves on; for wall-clock cases alone. */
uint64_t bench_now_ns(void);

system_secure_key_t bench_system_up(void);

/** A service with quotas that do not bite. */
system_service_id_t bench_service(const char *name);
system_event_type_t bench_type(const char *name);
