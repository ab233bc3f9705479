/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of docs/PERFORMANCE.md, on the device or under emulation. The unit is the cycle
 * counter's; how many of it an instruction takes that waits for nothing is one of the rows.
 * ./kraken bench --device FILE --renew takes what this prints.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "esp32s3/rom/ets_sys.h"
#include "esp_idf_version.h"

#include "bench_idf.h"

static TaskHandle_t s_main;
static volatile uint32_t s_arrived, s_expected, s_arrival;
static uint32_t s_reading; /* what two looks at the counter cost */

/* ---- samples ---- */

void bench_add(bench_samples_t *samples, uint32_t cycles)
{
    if (samples->count < BENCH_TIMES) {
        samples->of[samples->count++] = cycles;
    }
}

static int by_value(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a;
    const uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

uint32_t bench_median(bench_samples_t *samples)
{
    if (samples->count == 0) {
        return 0;
    }
    qsort(samples->of, samples->count, sizeof(samples->of[0]), by_value);
    const uint32_t median = samples->of[samples->count / 2];
    samples->count = 0;
    return median > s_reading ? median - s_reading : 0;
}

void bench_print(const char *name, uint32_t cycles)
{
    printf("%-52s %8" PRIu32 "\n", name, cycles);
}

void bench_check(bool true_expected, const char *what)
{
    if (true_expected) {
        return;
    }
    printf("bench: failed: %s\n", what);
    for (;;) {
        vTaskDelay(portMAX_DELAY);
    }
}

/* ---- arrivals ---- */

void bench_arrived(void)
{
    s_arrival = esp_cpu_get_cycle_count();
    s_arrived++;
    if (s_arrived == s_expected) {
        xTaskNotifyGive(s_main);
    }
}

void bench_expect(uint32_t arrivals)
{
    s_arrived = 0;
    s_expected = arrivals;
}

void bench_wait(void)
{
    BENCH_CHECK(ulTaskNotifyTake(pdTRUE, pdMS_TO_TICKS(5000)) != 0);
}

uint32_t bench_arrival(void)
{
    return s_arrival;
}

/* ---- the three ways to measure ---- */

void bench_alone(const char *name, void (*fn)(void *arg), void *arg)
{
    static bench_samples_t one_way, back;
    char text[64];
    vTaskPrioritySet(NULL, BENCH_BELOW);
    for (unsigned i = 0; i < BENCH_TIMES; i++) {
        vTaskDelay(2); /* everybody sleeps, and a tick is just over */
        bench_expect(0);
        const uint32_t start = esp_cpu_get_cycle_count();
        fn(arg);
        const uint32_t end = esp_cpu_get_cycle_count();
        BENCH_CHECK(s_arrived == 1);
        bench_add(&one_way, bench_arrival() - start);
        bench_add(&back, end - start);
    }
    snprintf(text, sizeof(text), "%s: one way", name);
    bench_print(text, bench_median(&one_way));
    snprintf(text, sizeof(text), "%s: and back", name);
    bench_print(text, bench_median(&back));
}

uint32_t bench_burst(const char *name, void (*fn)(void *arg), void *arg, unsigned receivers)
{
    static bench_samples_t samples;
    vTaskPrioritySet(NULL, BENCH_ABOVE);
    for (unsigned i = 0; i < BENCH_TIMES; i++) {
        vTaskDelay(2);
        bench_expect(BENCH_BURST * receivers);
        const uint32_t start = esp_cpu_get_cycle_count();
        for (unsigned n = 0; n < BENCH_BURST; n++) {
            fn(arg);
        }
        bench_wait();
        bench_add(&samples, (esp_cpu_get_cycle_count() - start) / BENCH_BURST);
    }
    const uint32_t each = bench_median(&samples);
    bench_print(name, each);
    return each;
}

void bench_call(const char *name, void (*fn)(void *arg), void *arg)
{
    static bench_samples_t samples;
    vTaskPrioritySet(NULL, BENCH_ABOVE);
    vTaskDelay(2);
    for (unsigned i = 0; i < BENCH_TIMES; i++) {
        const uint32_t start = esp_cpu_get_cycle_count();
        fn(arg);
        bench_add(&samples, esp_cpu_get_cycle_count() - start);
    }
    bench_print(name, bench_median(&samples));
}

/* ---- the program ---- */

/* An emulator that gives its cores turns counts the instructions of the one that waits in the ROM
 * in the time of the other: there it goes where it waits for an interrupt that does not come. On
 * the chip it has no clock, and stays where it is. */
void bench_park(void);
__asm__(".section .iram1.bench_park, \"ax\"\n"
        ".align 4\n"
        ".global bench_park\n"
        "bench_park:\n"
        "waiti 15\n"
        "j bench_park\n"
        ".previous\n");

static void park_the_other_core(void)
{
#if CONFIG_FREERTOS_UNICORE
    ets_set_appcpu_boot_addr((uint32_t)(uintptr_t)bench_park);
    vTaskDelay(2);
#endif
}

static void nothing(void *arg)
{
    (void)arg;
}

/** What the counter's unit is worth: these take one instruction and one cycle each on the chip. */
static void thousand_instructions(void *arg)
{
    (void)arg;
    __asm__ volatile(".rept 1000\n\tnop\n\t.endr");
}

void app_main(void)
{
    s_main = xTaskGetCurrentTaskHandle();
    park_the_other_core();
    printf("\nkraken bench: ESP-IDF %s, GCC " __VERSION__
           ", %u core, payload %u B, medians of %u; unit: cycles of the cycle counter\n\n",
           esp_get_idf_version(), (unsigned)portNUM_PROCESSORS, BENCH_PAYLOAD, BENCH_TIMES);
    bench_call("(reading the counter, taken off all others)", nothing, NULL);
    static bench_samples_t empty;
    for (unsigned i = 0; i < BENCH_TIMES; i++) {
        const uint32_t start = esp_cpu_get_cycle_count();
        bench_add(&empty, esp_cpu_get_cycle_count() - start);
    }
    s_reading = bench_median(&empty);
    bench_call("1000 instructions that do nothing", thousand_instructions, NULL);
    bench_rivals();
    bench_kraken();
    printf("\nkraken bench: done\n");
}
