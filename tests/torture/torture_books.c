// SPDX-License-Identifier: Apache-2.0
/*
 * The books: what posters were told became of their events, against what the bus counted, and the
 * mailboxes of those who missed them. A refusal that somebody was told of is counted, always. One
 * that nobody was told of may be: posts of interrupts, timers and answers are told nothing.
 */
#include "torture.h"

#include <string.h>

#include "freertos/FreeRTOS.h"

#include "event_internal.h"
#include "service_record.h"

static struct {
    _Atomic uint32_t refused, displaced;
    _Atomic uint32_t untold; // most that nobody was told of
} s_told;

/** Of all mailboxes, since they were opened. */
typedef struct {
    uint32_t refused, displaced, told_refused, told_displaced, untold;
    uint32_t lives; // of all, so that a mailbox opened anew is noticed
} page_t;

static page_t s_last;

void books_told(const system_post_result_t *result)
{
    atomic_fetch_add(&s_told.refused, result->refused);
    atomic_fetch_add(&s_told.displaced, result->displaced);
}

void books_refused(void)
{
    atomic_fetch_add(&s_told.refused, 1);
}

void books_untold(uint32_t receivers)
{
    atomic_fetch_add(&s_told.untold, receivers);
}

static page_t now(const torture_plan_t *plan)
{
    page_t page = {.told_refused = atomic_load(&s_told.refused),
                   .told_displaced = atomic_load(&s_told.displaced),
                   .untold = atomic_load(&s_told.untold)};
    for (unsigned slot = 0; slot < SYSTEM_SLOTS; slot++) {
        mailbox_t *mailbox = event_mailbox(slot);
        portENTER_CRITICAL(&mailbox->lock);
        page.refused += mailbox->refused;
        page.displaced += mailbox->displaced;
        portEXIT_CRITICAL(&mailbox->lock);
    }
    for (unsigned i = 0; i < plan->services; i++) {
        page.lives += atomic_load(&actors[i].life);
    }
    for (unsigned i = 0; i < plan->apps; i++) {
        page.lives += atomic_load(&actor_apps[i].lives);
    }
    return page;
}

static void check(const char *what, uint32_t told, uint32_t counted, uint32_t untold,
                  const char *where)
{
    TORTURE_CHECK(counted - told <= untold,
                  "posters were told of %" PRIu32 " %s events, %s counted %" PRIu32 " (%" PRIu32
                  " more could be)",
                  told, what, where, counted, untold);
}

void books_checks(const torture_plan_t *plan)
{
    system_event_bus_stats_t bus;
    const page_t page = now(plan);
    (void)system_event_get_bus_stats(&bus);
    check("refused", page.told_refused, bus.refused, page.untold, "the bus");
    check("displaced", page.told_displaced, bus.displaced, page.untold, "the bus");
    if (page.lives == s_last.lives) {
        const uint32_t untold = page.untold - s_last.untold;
        check("refused", page.told_refused - s_last.told_refused, page.refused - s_last.refused,
              untold, "mailboxes");
        check("displaced", page.told_displaced - s_last.told_displaced,
              page.displaced - s_last.displaced, untold, "mailboxes");
    }
    s_last = page;
}
