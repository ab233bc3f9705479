/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The order of the core's locks, and its check in builds for finding defects.
 *
 * A lock may be taken only under locks of a smaller rank. With CONFIG_SYSTEM_LOCK_ORDER_CHECK every
 * portENTER_CRITICAL() of the core and its mutexes are checked: who takes two locks in the wrong
 * order stops the system and is named, whether or not somebody else held one of them just then.
 */

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "sdkconfig.h"

typedef enum {
    LOCK_RANK_NONE = 0,
    LOCK_RANK_APPS,     /* mutex: the table of apps */
    LOCK_RANK_REGISTRY, /* mutex: records, names, types, subscriptions */
    LOCK_RANK_ROUTES,   /* portMUX: from types to subscriptions */
    LOCK_RANK_MAILBOX,  /* portMUX: one mailbox; never two of them */
    LOCK_RANK_LEAF,     /* portMUX: monitors, timers, tables; nothing is taken under them */
} lock_rank_t;

#ifdef CONFIG_SYSTEM_LOCK_ORDER_CHECK

/** A portMUX of this rank; mailboxes are known, and what is not named is a leaf. @context any */
void lock_order_name(const portMUX_TYPE *mux, lock_rank_t rank);

/** The caller has it. Stops the system if it holds another one that comes later, or as late.
 *  @context any, isr-ok */
void lock_order_taken(const portMUX_TYPE *mux);

/** Around a mutex: before it is taken, when it was, and before it is given. @context task */
void lock_order_wants(lock_rank_t mutex);
void lock_order_has(lock_rank_t mutex);
void lock_order_gives(lock_rank_t mutex);

static inline void lock_order_enter(portMUX_TYPE *mux)
{
    portENTER_CRITICAL(mux);
    lock_order_taken(mux);
}

static inline void lock_order_enter_isr(portMUX_TYPE *mux)
{
    portENTER_CRITICAL_ISR(mux);
    lock_order_taken(mux);
}

static inline void lock_order_enter_safe(portMUX_TYPE *mux)
{
    portENTER_CRITICAL_SAFE(mux);
    lock_order_taken(mux);
}

#undef portENTER_CRITICAL
#undef portENTER_CRITICAL_ISR
#undef portENTER_CRITICAL_SAFE
#define portENTER_CRITICAL(mux)      lock_order_enter(mux)
#define portENTER_CRITICAL_ISR(mux)  lock_order_enter_isr(mux)
#define portENTER_CRITICAL_SAFE(mux) lock_order_enter_safe(mux)

#else

static inline void lock_order_name(const portMUX_TYPE *mux, lock_rank_t rank)
{
    (void)mux;
    (void)rank;
}

static inline void lock_order_wants(lock_rank_t mutex)
{
    (void)mutex;
}

static inline void lock_order_has(lock_rank_t mutex)
{
    (void)mutex;
}

static inline void lock_order_gives(lock_rank_t mutex)
{
    (void)mutex;
}

#endif
