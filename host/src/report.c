// SPDX-License-Identifier: Apache-2.0

// Who waits for what: printed when a run cannot go on, and on demand.

#include <inttypes.h>
#include <stdio.h>
#include "queue.h"
#include "sched.h"

static const char *doing(const tcb_t *t)
{
    if (t->is_idle) {
        return "idle task";
    }
    if (t->state == K_READY) {
        return t->sim.spin_on != NULL ? "spins on a portMUX" : t->sim.core >= 0 ? "runs" : "ready";
    }
    return t->wait_what != NULL ? t->wait_what : "-";
}

/* Reads without the kernel lock: whoever reports may hold it, and nothing is changed. */
void k_report(const char *why)
{
    fprintf(stderr, "\nTasks at %" PRIu64 " us (%s):\n", g_sched->now(), why);
    fprintf(stderr, "%-4s %-16s %-5s %-5s waits for\n", "no", "name", "prio", "core");
    for (const tcb_t *t = k_all_tasks; t != NULL; t = t->all_next) {
        fprintf(stderr, "%-4" PRIu32 " %-16s %-5u ", t->number, t->name, t->prio);
        if (t->affinity == tskNO_AFFINITY) {
            fprintf(stderr, "%-5s ", "any");
        } else {
            fprintf(stderr, "%-5d ", t->affinity);
        }
        fprintf(stderr, "%s", doing(t));
        if (t->state == K_BLOCKED && t->wait_ordinal != 0) {
            fprintf(stderr, " #%" PRIu32, t->wait_ordinal);
        }
        if (t->state == K_BLOCKED && t->wait_mutex != NULL && t->wait_mutex->holder != NULL) {
            fprintf(stderr, ", held by %s", t->wait_mutex->holder->name);
        }
        if (t->state == K_BLOCKED && t->deadline != K_FOREVER) {
            fprintf(stderr, ", until %" PRIu64 " us", t->deadline);
        }
        fprintf(stderr, "\n");
    }
    fflush(NULL);
}
