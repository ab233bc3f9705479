// SPDX-License-Identifier: Apache-2.0
#pragma once

/* Queues, semaphores and mutexes share one record, as in FreeRTOS: queue.c moves items, semphr.c
 * has the rest. */

#include "freertos/FreeRTOS.h"
#include "freertos/queue.h"
#include "sched.h"

#define QUEUE_LIVE 0x0B1EC700u

struct QueueDefinition {
    uint32_t magic;
    uint32_t ordinal;
    k_waitlist_t senders, receivers;
    uint8_t *items; /* NULL: a semaphore or mutex, only counted */
    uint32_t length, item_size, count, first;
    uint32_t user_number;
    uint8_t type;
    bool is_static, has_caps;
    tcb_t *holder;   /* mutex: who has it */
    uint32_t nested; /* recursive mutex: how often */
    struct QueueDefinition *set;
    const char *name;
};

_Static_assert(sizeof(struct QueueDefinition) <= sizeof(StaticQueue_t), "StaticQueue_t too small");

/* Abort when q is no live queue. */
void queue_check(const struct QueueDefinition *q, const char *call);
void queue_init(QueueHandle_t q, uint32_t length, uint32_t item_size, uint8_t *items, uint8_t type);
static inline bool queue_is_mutex(const struct QueueDefinition *q)
{
    return q->type == queueQUEUE_TYPE_MUTEX || q->type == queueQUEUE_TYPE_RECURSIVE_MUTEX;
}
/* Lock held, there is room: put an item (or count) and wake a receiver. @return the task woken */
tcb_t *queue_put_locked(QueueHandle_t q, const void *item, BaseType_t position);
/* Lock held, count > 0: take the first item out (keep = leave it there). @return the sender woken
 */
tcb_t *queue_take_locked(QueueHandle_t q, void *item, bool keep);
/* semphr.c, lock held: a mutex changes hands */
void mutex_taken_locked(QueueHandle_t q, tcb_t *self);
void mutex_given_locked(QueueHandle_t q, tcb_t *self);
void mutex_inherit_locked(QueueHandle_t q, tcb_t *self);
void mutex_wait_over_locked(QueueHandle_t q, tcb_t *self, bool taken);
