/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What the cases, the kernel and the C library of the bare core share.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

/** Kernel calls, counted apart: on the chip FreeRTOS' and esp_timer's own code takes their place.
 */
typedef enum {
    LX7_CRITICAL, /* sections entered */
    LX7_EXIT,
    LX7_ISR_QUERY,
    LX7_TLS,
    LX7_TIME,
    LX7_STATE, /* eTaskGetState() */
    LX7_NOTIFY,
    LX7_TAKE,
    LX7_OTHER,
    LX7_WITHIN, /* of the sections, those that ask first where they are; twice each */
    LX7_KINDS,
} lx7_kind_t;

typedef struct {
    uint32_t ticks;            /* all of it, in ticks of CCOUNT */
    uint32_t kernel;           /* of these, inside kernel calls */
    uint32_t stretches;        /* how often it began */
    uint32_t calls[LX7_KINDS]; /* how many */
    uint32_t longest_critical; /* ticks between entering and leaving */
} lx7_count_t;

/** The shape of the emulator's clock: one instruction is 1024 ns, CCOUNT runs at 40 MHz. */
#define LX7_INSTRUCTIONS(ticks, times) (((ticks)*100u + 2048u * (times)) / (4096u * (times)))

static inline uint32_t lx7_ccount(void)
{
    uint32_t ticks;
    __asm__ volatile("rsr %0, ccount" : "=a"(ticks));
    return ticks;
}

/* ---- core.c ---- */

/** The kernel and on it the event core: pools and workers, and so many types that those which come
 *  later are none of the core's own. */
void lx7_core_init(void);

/* ---- kernel.c ---- */

void lx7_kernel_init(void);
/** Stop the clock of this measurement and set it to zero. */
void lx7_begin(void);
/** Add what passed since lx7_begin(). */
void lx7_end(lx7_count_t *sum);
/** What passed since lx7_begin(), while it goes on. Cheap: called in handlers. */
void lx7_look(lx7_count_t *sum);
/** Let the workers run until all of them wait. */
void lx7_drain(void);
/** Of the task that calls; a task that is notified runs at once when it is above. */
void lx7_set_priority(unsigned priority);
/** pdTRUE: the code that follows runs as an interrupt. */
void lx7_set_isr(BaseType_t isr);
/** A kernel call that does nothing: what counting one costs. */
void lx7_nothing(void);

/* ---- start.S ---- */

int lx7_simcall(int number, int a, int b, int c);
void lx7_switch(void **save, void *load);
void lx7_begin_task(void);

/* ---- libc.c ---- */

_Noreturn void lx7_exit(int status);
void lx7_put(const char *text);
void lx7_put_number(uint32_t number);
_Noreturn void lx7_fail(const char *what, uint32_t value);
