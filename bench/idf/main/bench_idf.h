/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What the measurements share: the cycle counter, medians, the shape of a comparison.
 */

#include <stdbool.h>
#include <stdint.h>

#include "esp_cpu.h"
#include "esp_err.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#define BENCH_TIMES   101u /* odd: the median is one of them */
#define BENCH_BURST   32u
#define BENCH_PAYLOAD 32u

/** Priorities of the task that measures: below everything that handles events, or above it. */
#define BENCH_BELOW 1u
#define BENCH_ABOVE 23u

typedef struct {
    uint32_t of[BENCH_TIMES];
    unsigned count;
} bench_samples_t;

void bench_add(bench_samples_t *samples, uint32_t cycles);
/** The median, less what reading the counter costs; forgets the samples. 0: there are none */
uint32_t bench_median(bench_samples_t *samples);

/** Two words for each figure: a name and cycles. */
void bench_print(const char *name, uint32_t cycles);

#define BENCH_CHECK(expression) bench_check((expression), #expression)
/** Print and stop for good: no figure is better than a wrong one. */
void bench_check(bool true_expected, const char *what);

/* ---- one handler of everybody: bench_main.c ---- */

/** What waits for events calls this first with each. */
void bench_arrived(void);
/** Expect so many arrivals. */
void bench_expect(uint32_t arrivals);
/** Sleep until they came. */
void bench_wait(void);
/** When the last one came. */
uint32_t bench_arrival(void);

/** Post with fn(arg) to somebody of higher priority, again and again: to the handler's first line,
 * and back. */
void bench_alone(const char *name, void (*fn)(void *arg), void *arg);
/** Post BENCH_BURST times from above, then let them be handled; arrivals of all of them. Prints the
 * cost of one post with its deliveries. @return that */
uint32_t bench_burst(const char *name, void (*fn)(void *arg), void *arg, unsigned receivers);
/** Call fn(arg) again and again. */
void bench_call(const char *name, void (*fn)(void *arg), void *arg);

/* ---- who is compared ---- */

void bench_rivals(void);
void bench_kraken(void);
