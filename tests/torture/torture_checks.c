// SPDX-License-Identifier: Apache-2.0
#include "torture.h"

#include <string.h>

#include "esp_heap_caps.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "event_internal.h"
#include "request_internal.h"
#include "service_record.h"
#include "system_service/common_events.h"
#include "system_service/memory_pool.h"
#include "system_service/request_response.h"

static size_t s_heap_before;

void checks_begin(void)
{
    // Retained events keep their blocks for ever.
    TORTURE_CHECK(system_event_set_retained(SYSTEM_EVENT_SYSTEM_READY, false) == ESP_OK &&
                      system_event_set_retained(SYSTEM_EVENT_HEALTH, false) == ESP_OK,
                  "retained events");
    s_heap_before = heap_caps_get_free_size(MALLOC_CAP_INTERNAL);
}

/** Mailboxes that are being drained. */
static uint32_t draining(void)
{
    uint32_t n = 0;
    for (unsigned slot = 0; slot < SYSTEM_SLOTS; slot++) {
        mailbox_t *mailbox = event_mailbox(slot);
        portENTER_CRITICAL(&mailbox->lock);
        n += mailbox->running != NULL;
        portEXIT_CRITICAL(&mailbox->lock);
    }
    return n;
}

static uint32_t waiting(void)
{
    uint32_t n = 0;
    for (unsigned slot = 0; slot < SYSTEM_SLOTS; slot++) {
        mailbox_t *mailbox = event_mailbox(slot);
        portENTER_CRITICAL(&mailbox->lock);
        n += priority_queue_count(&mailbox->queue);
        portEXIT_CRITICAL(&mailbox->lock);
    }
    return n;
}

bool checks_critical_reserve_used(void)
{
    memory_pool_stats_t pool;
    uint32_t critical = 0;
    for (unsigned slot = 0; slot < SYSTEM_SLOTS; slot++) {
        critical += event_mailbox(slot)->queue.count[0];
    }
    (void)memory_pool_get_stats(MEMORY_POOL_SMALL, &pool);
    return critical >= pool.reserved;
}

/** Events in their handlers, that nobody has given up so far. */
static uint32_t running(void)
{
    uint32_t n = 0;
    for (unsigned slot = 0; slot < SYSTEM_SLOTS; slot++) {
        portENTER_CRITICAL(&event_mailbox(slot)->lock);
        n += event_mailbox(slot)->running_sub != SUB_NONE;
        portEXIT_CRITICAL(&event_mailbox(slot)->lock);
    }
    return n;
}

static void check_conservation(void)
{
    system_event_bus_stats_t bus;
    uint32_t lost;
    uint32_t accounted;
    /* A post under way may lie in a mailbox and not be counted as delivered yet: it must add up
     * once that task has run on. */
    for (unsigned ticks = 0;; ticks++) {
        (void)system_event_get_bus_stats(&bus);
        lost = bus.cut + running();
        accounted = bus.handled + bus.displaced + bus.discarded + lost + waiting();
        if (bus.delivered == accounted || ticks == 20) {
            break;
        }
        vTaskDelay(1);
    }
    TORTURE_CHECK(bus.delivered == accounted,
                  "%" PRIu32 " delivered; %" PRIu32 " handled + %" PRIu32 " displaced + %" PRIu32
                  " discarded + %" PRIu32 " cut or in handlers + %" PRIu32 " waiting",
                  bus.delivered, bus.handled, bus.displaced, bus.discarded, lost, waiting());
}

static void check_pools(void)
{
    memory_pool_totals_t totals;
    TORTURE_CHECK(memory_pool_check() == ESP_OK, "a pool is broken");
    (void)memory_pool_get_totals(&totals);
    TORTURE_CHECK(totals.double_frees == 0 && totals.foreign_frees == 0 && totals.overruns == 0,
                  "pools saw %" PRIu32 " double frees, %" PRIu32 " foreign ones, %" PRIu32
                  " overruns",
                  totals.double_frees, totals.foreign_frees, totals.overruns);
}

void checks_at_rest(void)
{
    load_pause(true);
    for (uint32_t i = 0; waiting() != 0 || draining() != 0; i++) {
        TORTURE_CHECK(i < 20000, "%" PRIu32 " events wait for ever, %" PRIu32 " handlers run",
                      waiting(), draining());
        vTaskDelay(1);
    }
    vTaskDelay(pdMS_TO_TICKS(10)); // the workers book it
    check_conservation();
    check_pools();
    load_checks();
    life_checks(torture_plan());
    books_checks(torture_plan());
    load_pause(false);
}

void checks_at_end(void)
{
    watchdog_totals_t totals;
    (void)watchdog_get_totals(&totals);
    const uint32_t aside = totals.quarantined_tasks + app_manager_set_aside_count();
    torture_report()->set_aside += aside;
    check_conservation();
    check_pools();
    uint32_t used = 0;
    for (unsigned pool = 0; pool < MEMORY_POOL_CLASSES; pool++) {
        memory_pool_stats_t stats;
        (void)memory_pool_get_stats((memory_pool_class_t)pool, &stats);
        used += stats.used;
    }
    // A task that was set aside keeps the event it works on.
    TORTURE_CHECK(used <= aside,
                  "%" PRIu32 " pool blocks are not back, %" PRIu32 " tasks set aside", used, aside);
    TORTURE_CHECK(event_subs_count(SYSTEM_SLOT_NONE) == 0, "%u subscriptions are left",
                  event_subs_count(SYSTEM_SLOT_NONE));
    TORTURE_CHECK(event_timers_count(SYSTEM_SLOT_NONE) == 0, "%u timers are left",
                  event_timers_count(SYSTEM_SLOT_NONE));
    TORTURE_CHECK(requests_count(SYSTEM_SLOT_NONE) == 0, "%u requests are left",
                  requests_count(SYSTEM_SLOT_NONE));
    TORTURE_CHECK(service_count() == 0, "%u owners are left", service_count());
    const size_t heap = heap_caps_get_free_size(MALLOC_CAP_INTERNAL);
    TORTURE_CHECK(aside != 0 || heap == s_heap_before, "heap: %u bytes free, before %u",
                  (unsigned)heap, (unsigned)s_heap_before);
}
