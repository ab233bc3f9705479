// SPDX-License-Identifier: Apache-2.0

// Event groups.

#include "freertos/FreeRTOS.h"
#include "freertos/event_groups.h"

#include <string.h>
#include "host_internal.h"
#include "sched.h"

#define KERNEL_BITS 0xff000000u
#define GROUP_LIVE  0x0E6E0700u

/* tcb_t.event_flags while a task waits, and afterwards */
#define WAIT_ALL   1u
#define WAIT_CLEAR 2u
#define MATCHED    4u

struct EventGroupDef_t {
    uint32_t magic;
    uint32_t ordinal;
    EventBits_t bits;
    k_waitlist_t waiters;
    bool is_static;
};

_Static_assert(sizeof(struct EventGroupDef_t) <= sizeof(StaticEventGroup_t), "too small");

static void check(EventGroupHandle_t g, const char *call)
{
    configASSERT(g != NULL);
    if (g->magic != GROUP_LIVE) {
        host_panic("%s(%p): not an event group, or one that was deleted", call, (void *)g);
    }
}

EventGroupHandle_t xEventGroupCreateStatic(StaticEventGroup_t *pxEventGroupBuffer)
{
    configASSERT(pxEventGroupBuffer != NULL);
    EventGroupHandle_t g = (EventGroupHandle_t)pxEventGroupBuffer;
    memset(g, 0, sizeof(*g));
    g->magic = GROUP_LIVE;
    g->ordinal = k_next_ordinal();
    g->is_static = true;
    return g;
}

EventGroupHandle_t xEventGroupCreate(void)
{
    (void)k_task_call("xEventGroupCreate", 0);
    StaticEventGroup_t *memory = pvPortMalloc(sizeof(*memory));
    if (memory == NULL) {
        return NULL;
    }
    EventGroupHandle_t g = xEventGroupCreateStatic(memory);
    g->is_static = false;
    return g;
}

BaseType_t xEventGroupGetStaticBuffer(EventGroupHandle_t xEventGroup,
                                      StaticEventGroup_t **ppxEventGroupBuffer)
{
    check(xEventGroup, "xEventGroupGetStaticBuffer");
    if (!xEventGroup->is_static) {
        return pdFALSE;
    }
    *ppxEventGroupBuffer = (StaticEventGroup_t *)xEventGroup;
    return pdTRUE;
}

static bool satisfied(EventBits_t bits, EventBits_t wanted, bool all)
{
    return all ? (bits & wanted) == wanted : (bits & wanted) != 0;
}

/* Every waiter sees the bits as set; those they consume are cleared after the last has been looked
 * at. */
static void set_locked(EventGroupHandle_t g, EventBits_t bits)
{
    EventBits_t clear = 0;
    g->bits |= bits;
    tcb_t *t = g->waiters.first;
    while (t != NULL) {
        tcb_t *next = t->wait_next;
        if (satisfied(g->bits, t->event_bits, (t->event_flags & WAIT_ALL) != 0)) {
            if ((t->event_flags & WAIT_CLEAR) != 0) {
                clear |= t->event_bits;
            }
            t->event_bits = g->bits;
            t->event_flags |= MATCHED;
            k_unblock(t, K_WOKEN);
        }
        t = next;
    }
    g->bits &= ~clear;
}

/* Lock held. @return the bits the wait ended with */
static EventBits_t wait_locked(EventGroupHandle_t g, tcb_t *self, EventBits_t wanted, bool clear,
                               bool all, TickType_t ticks)
{
    uint64_t deadline = ticks == 0 ? 0 : k_deadline(ticks);
    bool late = ticks == 0;
    for (;;) {
        if (satisfied(g->bits, wanted, all)) {
            EventBits_t bits = g->bits;
            if (clear) {
                g->bits &= ~wanted;
            }
            return bits;
        }
        if (late) {
            return g->bits;
        }
        self->event_bits = wanted;
        self->event_flags = (all ? WAIT_ALL : 0) | (clear ? WAIT_CLEAR : 0);
        late = k_block(&g->waiters, deadline, "event bits", g->ordinal) == K_TIMEOUT;
        if ((self->event_flags & MATCHED) != 0) {
            return self->event_bits;
        }
    }
}

EventBits_t xEventGroupWaitBits(EventGroupHandle_t xEventGroup, const EventBits_t uxBitsToWaitFor,
                                const BaseType_t xClearOnExit, const BaseType_t xWaitForAllBits,
                                TickType_t xTicksToWait)
{
    check(xEventGroup, "xEventGroupWaitBits");
    configASSERT((uxBitsToWaitFor & KERNEL_BITS) == 0 && uxBitsToWaitFor != 0);
    tcb_t *self = k_task_call("xEventGroupWaitBits", xEventGroup->ordinal);
    k_lock();
    EventBits_t bits = wait_locked(xEventGroup, self, uxBitsToWaitFor, xClearOnExit != pdFALSE,
                                   xWaitForAllBits != pdFALSE, xTicksToWait);
    k_unlock();
    return bits & ~KERNEL_BITS;
}

EventBits_t xEventGroupSetBits(EventGroupHandle_t xEventGroup, const EventBits_t uxBitsToSet)
{
    check(xEventGroup, "xEventGroupSetBits");
    configASSERT((uxBitsToSet & KERNEL_BITS) == 0);
    (void)k_task_call("xEventGroupSetBits", xEventGroup->ordinal);
    k_lock();
    set_locked(xEventGroup, uxBitsToSet);
    EventBits_t bits = xEventGroup->bits;
    k_unlock();
    return bits;
}

EventBits_t xEventGroupClearBits(EventGroupHandle_t xEventGroup, const EventBits_t uxBitsToClear)
{
    check(xEventGroup, "xEventGroupClearBits");
    configASSERT((uxBitsToClear & KERNEL_BITS) == 0);
    (void)k_task_call("xEventGroupClearBits", xEventGroup->ordinal);
    k_lock();
    EventBits_t bits = xEventGroup->bits;
    xEventGroup->bits &= ~uxBitsToClear;
    k_unlock();
    return bits;
}

EventBits_t xEventGroupSync(EventGroupHandle_t xEventGroup, const EventBits_t uxBitsToSet,
                            const EventBits_t uxBitsToWaitFor, TickType_t xTicksToWait)
{
    check(xEventGroup, "xEventGroupSync");
    configASSERT((uxBitsToWaitFor & KERNEL_BITS) == 0 && uxBitsToWaitFor != 0);
    tcb_t *self = k_task_call("xEventGroupSync", xEventGroup->ordinal);
    k_lock();
    /* Whoever arrives last consumes the bits for all of them, so they are looked at before the
     * waiters that this arrival releases clear them. */
    EventBits_t together = xEventGroup->bits | uxBitsToSet;
    set_locked(xEventGroup, uxBitsToSet);
    EventBits_t bits;
    if (satisfied(together, uxBitsToWaitFor, true)) {
        xEventGroup->bits &= ~uxBitsToWaitFor;
        bits = together;
    } else {
        bits = wait_locked(xEventGroup, self, uxBitsToWaitFor, true, true, xTicksToWait);
    }
    k_unlock();
    return bits & ~KERNEL_BITS;
}

EventBits_t xEventGroupGetBitsFromISR(EventGroupHandle_t xEventGroup)
{
    check(xEventGroup, "xEventGroupGetBitsFromISR");
    (void)k_any_call("xEventGroupGetBitsFromISR", xEventGroup->ordinal);
    k_lock();
    EventBits_t bits = xEventGroup->bits;
    k_unlock();
    return bits;
}

void vEventGroupSetBitsCallback(void *pvEventGroup, uint32_t ulBitsToSet)
{
    (void)xEventGroupSetBits(pvEventGroup, ulBitsToSet);
}

void vEventGroupClearBitsCallback(void *pvEventGroup, uint32_t ulBitsToClear)
{
    (void)xEventGroupClearBits(pvEventGroup, ulBitsToClear);
}

BaseType_t xEventGroupSetBitsFromISR(EventGroupHandle_t xEventGroup, const EventBits_t uxBitsToSet,
                                     BaseType_t *pxHigherPriorityTaskWoken)
{
    check(xEventGroup, "xEventGroupSetBitsFromISR");
    return xTimerPendFunctionCallFromISR(vEventGroupSetBitsCallback, xEventGroup, uxBitsToSet,
                                         pxHigherPriorityTaskWoken);
}

BaseType_t xEventGroupClearBitsFromISR(EventGroupHandle_t xEventGroup,
                                       const EventBits_t uxBitsToClear)
{
    check(xEventGroup, "xEventGroupClearBitsFromISR");
    return xTimerPendFunctionCallFromISR(vEventGroupClearBitsCallback, xEventGroup, uxBitsToClear,
                                         NULL);
}

void vEventGroupDelete(EventGroupHandle_t xEventGroup)
{
    check(xEventGroup, "vEventGroupDelete");
    (void)k_task_call("vEventGroupDelete", xEventGroup->ordinal);
    k_lock();
    while (xEventGroup->waiters.first != NULL) {
        xEventGroup->waiters.first->event_bits = 0;
        xEventGroup->waiters.first->event_flags |= MATCHED;
        k_unblock(xEventGroup->waiters.first, K_WOKEN);
    }
    xEventGroup->magic = 0;
    k_unlock();
    if (!xEventGroup->is_static) {
        vPortFree(xEventGroup);
    }
}
