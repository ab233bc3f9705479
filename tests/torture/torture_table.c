// SPDX-License-Identifier: Apache-2.0
#include "torture_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES 65536 // recoveries kept for each kind; more are left out of the percentiles

static struct {
    torture_cell_t cell[TORTURE_FAULT_KINDS][TORTURE_STATES];
    uint32_t ms[TORTURE_FAULT_KINDS][SAMPLES];
    uint32_t samples[TORTURE_FAULT_KINDS];
    uint64_t events, virtual_us, reboots, set_aside, critical_worst_us;
} s_table;

void table_begin(void)
{
    memset(&s_table, 0, sizeof(s_table));
}

void table_add(const torture_report_t *report)
{
    for (unsigned kind = 0; kind < TORTURE_FAULT_KINDS; kind++) {
        for (unsigned state = 0; state < TORTURE_STATES; state++) {
            torture_cell_t *to = &s_table.cell[kind][state];
            const torture_cell_t *from = &report->cell[kind][state];
            to->count += from->count;
            to->noticed += from->noticed;
            to->recovered += from->recovered;
            to->escalated += from->escalated;
        }
    }
    for (uint32_t i = 0; i < report->recoveries && i < RECOVERIES_MAX; i++) {
        const unsigned kind = report->recovery[i].kind;
        if (kind < TORTURE_FAULT_KINDS && s_table.samples[kind] < SAMPLES) {
            s_table.ms[kind][s_table.samples[kind]++] = report->recovery[i].ms;
        }
    }
    s_table.events += report->events;
    s_table.virtual_us += report->virtual_us;
    s_table.reboots += report->reboots;
    s_table.set_aside += report->set_aside;
    if (report->critical_worst_us > s_table.critical_worst_us) {
        s_table.critical_worst_us = report->critical_worst_us;
    }
}

static int compare(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a;
    const uint32_t y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/** @return false: one of its cells is empty */
static bool print_row(unsigned kind)
{
    torture_cell_t sum = {0};
    bool whole = true;
    printf("%-14s", torture_kinds[kind].name);
    for (unsigned state = 0; state < TORTURE_STATES; state++) {
        const torture_cell_t *cell = &s_table.cell[kind][state];
        sum.count += cell->count;
        sum.noticed += cell->noticed;
        sum.recovered += cell->recovered;
        sum.escalated += cell->escalated;
        if (cell->count != 0) {
            printf(" %10" PRIu32, cell->count);
        } else if (torture_kinds[kind].states & 1u << state) {
            printf(" %10s", "0 !");
            whole = false;
        } else {
            printf(" %10s", "-");
        }
    }
    printf(" |%8" PRIu32 " %9" PRIu32 " %9" PRIu32 " |", sum.noticed, sum.recovered, sum.escalated);
    const uint32_t n = s_table.samples[kind];
    if (n != 0) {
        qsort(s_table.ms[kind], n, sizeof(uint32_t), compare);
        printf(" %6" PRIu32 " %6" PRIu32 " %6" PRIu32, s_table.ms[kind][n / 2],
               s_table.ms[kind][(uint64_t)n * 99 / 100], s_table.ms[kind][n - 1]);
    }
    printf("\n");
    return whole;
}

bool table_print(uint64_t seeds, unsigned seconds, int only_kind)
{
    bool whole = true;
    printf("\n%-14s", "fault");
    for (unsigned state = 0; state < TORTURE_STATES; state++) {
        printf(" %10s", torture_state_name((torture_state_t)state));
    }
    printf(" |%8s %9s %9s | recovery p50/p99/max ms\n", "noticed", "recovered", "escalated");
    for (unsigned kind = 0; kind < TORTURE_FAULT_KINDS; kind++) {
        if (only_kind < 0 ? kind < TORTURE_MIX : (unsigned)only_kind == kind) {
            whole &= print_row(kind);
        }
    }
    const uint64_t hours = s_table.virtual_us / UINT64_C(3600000000);
    printf("\n%" PRIu64 " seeds in %u s; %" PRIu64 " events; %" PRIu64 " h simulated (%" PRIu64
           ".%" PRIu64 " days); %" PRIu64 " resets; worst CRITICAL %" PRIu64
           " us; tasks set aside %" PRIu64 "\n",
           seeds, seconds, s_table.events, hours, hours / 24, hours % 24 * 10 / 24, s_table.reboots,
           s_table.critical_worst_us, s_table.set_aside);
    return whole;
}
