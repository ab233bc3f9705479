/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The inside of the event bus, grouped by the file that defines it.
 *
 * The life of an event: event_bus.c checks the post and fills a pool block; event_routes.c names
 * the subscriptions; event_mailbox.c puts one reference into each mailbox and marks it ready;
 * event_worker.c takes it out, calls the handler and drops the reference.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "freertos/FreeRTOS.h"
#include "freertos/idf_additions.h"
#include "freertos/semphr.h"

#include "identity_backend.h"
#include "memory_pool_internal.h"
#include "priority_queue.h"
#include "system_internal.h"
#include "system_service/event_bus.h"
#include "task_memory.h"

/* ---- event_types.c: names, patterns, retained values ------------------------------------------
 */

#define EVENT_TYPE_VALID(type) ((type) != 0 && (type) <= CONFIG_SYSTEM_MAX_EVENT_TYPES)

void event_types_init(void);
/** Release the retained blocks. */
void event_types_deinit(void);

typedef struct {
    char name[SYSTEM_NAME_MAX + 1];
    _Atomic bool retained;
    _Atomic system_service_id_t owner; /* who registered it first; NONE: firmware */
} event_type_t;

extern event_type_t event_type_table[CONFIG_SYSTEM_MAX_EVENT_TYPES];
/** Raised under the registry lock, after the entry is complete. */
extern _Atomic uint16_t event_type_count;

static inline bool event_type_known(system_event_type_t type)
{
    return type != SYSTEM_EVENT_TYPE_NONE &&
           type <= atomic_load_explicit(&event_type_count, memory_order_acquire);
}

/** The name of a known type; valid for ever. isr-ok. */
static inline const char *event_type_name(system_event_type_t type)
{
    return event_type_known(type) ? event_type_table[type - 1].name : "?";
}

/** Of a known type. */
static inline bool event_type_retained(system_event_type_t type)
{
    return atomic_load_explicit(&event_type_table[type - 1].retained, memory_order_relaxed);
}

/** Call fn for every type that pattern matches. Caller holds the registry lock. */
void event_types_match(const char *pattern, void (*fn)(system_event_type_t type, void *arg),
                       void *arg);
bool event_pattern_matches(const char *pattern, const char *name);
/** Types registered so far. */
unsigned event_types_count(void);

/* ---- event_subscriptions.c: the table of subscriptions -----------------------------------------
 */

typedef struct {
    /* constant while it lives: written under route and mailbox lock; the supervisor reads late */
    _Atomic(system_event_handler_t) handler;
    void *user_data;
    _Atomic uint32_t time_limit_us;
    uint32_t block_ms;
    system_event_type_t type; /* NONE for a pattern */
    _Atomic uint8_t slot;     /* subscriber */
    uint8_t overflow;         /* system_overflow_t */
    uint8_t pattern;          /* pattern number + 1, or 0 */
    /* under the subscriber's mailbox lock */
    bool active;
    _Atomic bool free_on_return; /* unsubscribed while its handler ran: the worker frees it */
    /* under the route lock */
    _Atomic uint16_t next; /* next subscription of the type, in rising order */
    /* raised under the subscriber's mailbox lock when the subscription ends */
    _Atomic uint16_t generation;
} event_sub_t;

#define SUB_NONE 0xFFFFu
/* A mailbox entry without block: the supervisor asks for a sign of life. */
#define SUB_PING 0xFFFEu
_Static_assert(CONFIG_SYSTEM_MAX_SUBSCRIPTIONS < SUB_PING, "subscription numbers are 16 bit");

/** A subscription as copied from the routes: still valid if the generation is unchanged. */
typedef struct {
    uint16_t sub;
    uint16_t generation;
} event_receiver_t;

extern event_sub_t event_subs[CONFIG_SYSTEM_MAX_SUBSCRIPTIONS];

static inline event_sub_t *event_sub(uint16_t sub)
{
    event_sub_t *found = &event_subs[sub];
    FOUND_ONCE(found);
    return found;
}

void event_subs_init(void);
/** The subscription's place in the table may be used again. Caller holds the mailbox lock, or
 *  knows that nobody else sees it. */
void event_sub_free(uint16_t sub);
/** End all subscriptions of an owner; waits for running handlers as unsubscribe does.
 *  @return ESP_OK; ESP_ERR_TIMEOUT a handler hangs */
esp_err_t event_subs_reclaim(unsigned slot);
/** Subscriptions in use now: of one slot, or with SYSTEM_SLOT_NONE of all. */
unsigned event_subs_count(unsigned slot);
/** The handle of a subscription. */
system_subscription_t event_sub_handle(uint16_t sub);
/** A subscription of a slot that no post reaches, only event_bus_put_block(): its type is NONE.
 *  system_event_unsubscribe() and the reclaim end it like any other.
 *  @return as system_event_subscribe() from ESP_ERR_EVENT_ALREADY_SUBSCRIBED on */
esp_err_t event_subscribe_direct(unsigned slot, system_event_handler_t handler, void *user_data,
                                 event_receiver_t *out);

/* ---- event_routes.c: the routes from types to subscriptions ------------------------------------
 */

/** Receivers copied per turn of the route lock: bounds the time that interrupts are off. */
#define EVENT_ROUTE_BATCH 16

/** Where the copying of a type's receivers stands. Zero it, then call event_routes_next(). */
typedef struct {
    uint16_t after; /* subscriptions up to this number (+ 1) were copied */
    bool listed;    /* the type's own list is done; patterns are next */
    bool done;
} event_route_cursor_t;

void event_routes_init(void);
/** Copy the next receivers of a type. With retain != POOL_NONE, the first call also makes that
 *  block the type's retained value, in the same turn of the lock. isr-ok.
 *  @return how many, 0 at the end */
unsigned event_routes_next(system_event_type_t type, event_route_cursor_t *cursor,
                           event_receiver_t out[EVENT_ROUTE_BATCH], pool_index_t retain);
/** All receivers of a type at once and without a lock: of most types there are few.
 *  @return how many; EVENT_ROUTE_BATCH + 1: ask event_routes_next(). isr-ok */
unsigned event_routes_short(system_event_type_t type, event_receiver_t out[EVENT_ROUTE_BATCH]);
/** Let patterns know a new type. Caller holds the registry lock. */
void event_routes_type_added(system_event_type_t type);
/** Drop the retained value of a type. */
void event_routes_forget_retained(system_event_type_t type);
/** Put a subscription on the list of its type and hand it the retained value. Registry lock held.
 */
void event_routes_link(uint16_t sub, system_event_type_t type);
/** Let a subscription have all types that match. Registry lock held. @return false: no pattern free
 */
bool event_routes_link_pattern(uint16_t sub, const char *pattern);
/** Take a subscription off its list, or its pattern away. Registry lock held. */
void event_routes_unlink(uint16_t sub);
/** The text of pattern number - 1. Registry lock held. */
const char *event_pattern_text(uint8_t pattern);

/* ---- event_mailbox.c: one mailbox per owner, and which of them are ready -----------------------
 */

struct event_worker;

typedef enum {
    MAILBOX_CLOSED = 0, /* nobody owns the slot: deliveries are discarded */
    MAILBOX_OPEN,
    MAILBOX_PAUSED, /* takes events, hands none out */
} mailbox_state_t;

typedef struct {
    portMUX_TYPE lock;            /* order 4: protects all below */
    uint8_t state;                /* mailbox_state_t */
    uint8_t waiters;              /* tasks that wait for room or for a handler to return */
    uint16_t running_sub;         /* subscription whose handler runs now, or SUB_NONE */
    struct event_worker *running; /* worker that drains this mailbox now, or NULL */
    struct event_worker *own;     /* private worker, or NULL for the shared ones */
    uint32_t pings;               /* answered; each handler that returns is an answer too */
    uint32_t handled, refused, displaced, discarded;
    /* Of all owners since boot: the totals of the bus are their sums, so that no counter of its own
     * is fought for by all cores with every event. */
    uint32_t total_delivered;
    uint32_t handled_before; /* by the owners before this one */
    priority_queue_t queue;  /* last: it ends with the entries */
} mailbox_t;

typedef enum {
    DELIVERED = 0,
    DELIVERED_DISPLACED, /* delivered, and an older one had to go */
    DELIVERY_FULL,       /* no room, and the policy says so */
    DELIVERY_GONE,       /* the subscription ended meanwhile */
} delivery_t;

extern mailbox_t event_mailboxes[SYSTEM_SLOTS];

void event_mailbox_init(void);
static inline mailbox_t *event_mailbox(unsigned slot)
{
    mailbox_t *found = &event_mailboxes[slot];
    FOUND_ONCE(found);
    return found;
}
/** What all mailboxes delivered and handled since boot. */
void event_mailbox_totals(uint32_t *delivered, uint32_t *handled);
void event_mailbox_open(unsigned slot, struct event_worker *own);
/** Close, discard what waits. Returns how many events that were. */
unsigned event_mailbox_close(unsigned slot);
/** Pause or resume; handlers that run are not touched. */
void event_mailbox_pause(unsigned slot, bool paused);
/** What to do once the locks are released: event_mailbox_wake() does it. */
typedef struct {
    struct event_worker *own;   /* wake this private worker */
    struct event_worker *raise; /* lift this general worker to express priority */
    uint8_t shared;             /* wake a shared worker ... */
    uint8_t lane;               /* ... for this lane */
    bool some;                  /* any of these: in a burst there is mostly nobody to wake */
    bool in_isr;                /* said by who puts: whether an ISR does */
} mailbox_wake_t;

/** Put one reference into the receiver's mailbox. It is taken over when the result is DELIVERED or
 *  DELIVERED_DISPLACED. May be called with the route lock held. isr-ok. */
delivery_t event_mailbox_put(event_receiver_t receiver, pool_index_t block, unsigned lane,
                             mailbox_wake_t *wake, pool_index_t *displaced);
/** Wake who is to be woken. Called without locks. isr-ok with woken. */
void event_mailbox_wake(const mailbox_wake_t *wake, BaseType_t *woken);
/** A post did not find room for this subscription. isr-ok. */
void event_mailbox_count_refused(uint16_t sub);
/** Ask a mailbox for a sign of life. @return false: closed, paused or full */
bool event_mailbox_ping(unsigned slot);
/** What the mailbox answered so far: changes with every handler that returns. */
uint32_t event_mailbox_answers(unsigned slot);
/** End a subscription: raise its generation, purge its waiting events, and free its entry unless
 *  its handler runs, in which case the worker frees it on return.
 *  @return the worker that runs it now, or NULL */
struct event_worker *event_mailbox_purge(unsigned slot, uint16_t sub);
/** Find a ready mailbox of the shared workers for lanes 0..last_lane and make it worker's.
 *  @return its slot, or SYSTEM_SLOT_NONE */
unsigned event_mailbox_claim(struct event_worker *worker, unsigned last_lane);
/** Claim one certain mailbox. @return false: empty, paused, or another worker has it */
bool event_mailbox_claim_own(struct event_worker *worker, unsigned slot);
bool event_mailbox_any_ready(unsigned last_lane);
/** True when something waits that may be handed out. */
bool event_mailbox_waiting(unsigned slot);
/** The worker is done with the mailbox for now. Lock held. */
void event_mailbox_release_locked(unsigned slot, mailbox_wake_t *wake);
/** Take the mailbox from a worker that hangs in this subscription's handler.
 *  @return false: it does not any more */
bool event_mailbox_seize(unsigned slot, struct event_worker *worker, uint16_t sub);

/* ---- event_waiter.c: tasks that wait on a mailbox ------------------------------------------ */

void event_waiters_init(void);
/**
 * Be told when room is made in a mailbox or one of its handlers returns: begin, look at what you
 * wait for, sleep, look again, ..., end.
 * @return NULL: all CONFIG_SYSTEM_MAX_BLOCKED_POSTERS places are taken
 */
struct mailbox_waiter *event_waiter_begin(unsigned slot);
/** @return false: the time is up */
bool event_waiter_sleep(struct mailbox_waiter *waiter, TickType_t ticks);
void event_waiter_end(struct mailbox_waiter *waiter);
/** The tasks of this owner are to be ended: what they wait for on mailboxes, they wait for no more.
 *  Holds until event_waits_begin(). */
void event_waits_end(unsigned slot);
/** The owner's mailbox is opened: tasks of its new life may wait. */
void event_waits_begin(unsigned slot);
/** The calling task is one of those. */
bool event_waits_ended(void);
/** Wake whoever waits on the mailbox. Called without locks. */
void event_waiters_signal(unsigned slot);

/* ---- event_worker.c, event_worker_life.c: the tasks that run handlers ------------------------ */

typedef enum {
    WORKER_GENERAL = 0, /* all lanes of shared mailboxes */
    WORKER_EXPRESS,     /* CRITICAL and HIGH of shared mailboxes, at a higher priority */
    WORKER_PRIVATE,     /* all lanes of one mailbox */
} worker_kind_t;

/** Who a task acts for; kept in the task's thread-local pointer CONFIG_SYSTEM_TLS_INDEX. */
typedef struct {
    _Atomic uint8_t slot;  /* owner whose code runs now, or SYSTEM_SLOT_NONE */
    uint8_t is_worker;     /* a worker of the bus: must not wait for other workers */
    _Atomic uint8_t depth; /* > 0 inside a call of ours: not to be cut here */
    _Atomic uint8_t locks; /* how many of ours it holds; changed under the lock of system_lock.c */
} system_identity_t;

typedef struct event_worker {
    system_identity_t identity; /* first: the thread-local pointer points here */
    uint8_t kind;
    uint8_t number;
    uint8_t base_priority;
    uint8_t turn; /* slot to look at first */
    int8_t core;
    _Atomic uint8_t raised; /* somebody raised this worker: lower it when the handler is back */
    _Atomic uint8_t quarantined; /* given up while a handler ran: end when it returns */
    _Atomic uint8_t of_app;      /* that was an app's; its slot may be somebody else's by now */
    _Atomic uint8_t stop;        /* end when idle */
    _Atomic uint8_t alive;       /* place in the table: free, alive, parked */
    _Atomic uint8_t killed;      /* worker_killed_t: somebody else deleted its task */
    uint8_t private_slot;        /* WORKER_PRIVATE: whose */
    StackType_t *private_stack;  /* WORKER_PRIVATE: from the heap; outlives the task, see forget */
    uint32_t private_stack_bytes;
    task_ref_t task;
    /* What runs now, for the supervisor; started_us is written last and 0 while nothing runs. */
    _Atomic uint32_t started_us; /* low 32 bits of the time, never 0 while a handler runs */
    _Atomic uint16_t running_sub;
    _Atomic system_event_type_t running_type;
    _Atomic pool_index_t block; /* event handled last: whoever takes it out drops the reference */
    _Atomic uint8_t warned;     /* this run was reported as slow already */
    task_deleter_t deleter;     /* somebody else: his, until he is past its memory */
} event_worker_t;

/** What a worker is doing, as the supervisor sees it. */
typedef struct {
    unsigned worker;
    unsigned slot;
    uint16_t sub;
    system_event_type_t type;
    system_event_handler_t handler;
    uint32_t time_limit_us;
    uint32_t started_us; /* tells this run from the next */
    uint32_t running_us;
    bool warned;
} worker_run_t;

/** What somebody who deleted the task of a worker cut. */
typedef enum {
    WORKER_NOT_KILLED = 0,
    WORKER_KILLED_IN_HANDLER, /* a handler's own code: what it had is known */
    WORKER_KILLED_IN_CORE,    /* elsewhere, or with a mutex: anything may be lost */
} worker_killed_t;

/** Was the task of a worker deleted by anybody but us? @param[out] slot whose code it ran */
worker_killed_t event_worker_killed(unsigned n, unsigned *slot);

esp_err_t event_workers_start(void);
/** End all workers that are idle. @return ESP_ERR_TIMEOUT some handler did not return */
esp_err_t event_workers_stop(void);
/** Wake an idle worker for lane. Called without locks; isr-ok with woken. */
void event_workers_wake(unsigned lane, BaseType_t *woken);
/** Wake a private worker. isr-ok with woken. */
void event_worker_wake_one(event_worker_t *worker, BaseType_t *woken);
/** Notify a private worker, or with NULL all general ones: whoever is about to may be kept. */
void event_workers_rouse(event_worker_t *own);
/** A CRITICAL or HIGH event waits behind a handler on this worker: run it at express priority. */
void event_worker_raise(event_worker_t *worker, BaseType_t *woken);
/** A worker of its own for a slot; after a restart on the stack it had, so without the heap.
 *  @return NULL no free worker, or no memory for its stack */
event_worker_t *event_worker_create_private(unsigned slot, uint32_t stack, uint8_t priority);
/** The owner goes for good: free the stacks that were kept for its restart. */
void event_worker_forget_private(unsigned slot);
/** End a private worker whose mailbox is closed; its stack is kept for the same owner.
 *  @return ESP_ERR_TIMEOUT its handler hangs: it is quarantined */
esp_err_t event_worker_destroy_private(event_worker_t *worker);
/** Describe the n-th worker's present handler. @return false: no such worker, or idle */
bool event_worker_running(unsigned n, worker_run_t *out);
unsigned event_workers_count(void);
/** The run was reported. */
void event_worker_set_warned(unsigned n);
/**
 * Give up on a worker whose handler hangs: its mailbox is freed for others, a fresh worker takes
 * its place, its task is ended if that is safe, else it ends by itself should the handler return.
 * @return ESP_OK its task was ended; ESP_ERR_TIMEOUT it lives on, set aside; ESP_ERR_NOT_FOUND the
 *         handler returned meanwhile; ESP_ERR_NO_MEM no spare worker left to take its place
 */
esp_err_t event_worker_quarantine(unsigned n, unsigned slot, uint16_t sub);
/** Workers of a kind that take mailboxes: alive, not given up. */
unsigned event_workers_serving(worker_kind_t kind);
/** A worker was set aside and is so still. @param[out] slot whose handler holds it */
bool event_worker_aside(unsigned n, unsigned *slot);
/** Try once more to end one that was set aside.
 *  @return ESP_OK it is gone; ESP_ERR_INVALID_STATE it holds a mutex; ESP_ERR_TIMEOUT not at a safe
 *          point now */
esp_err_t event_worker_end_aside(unsigned n);
/** Free the stacks of private workers whose owner is gone, once their tasks are gone too.
 *  @context the supervisor  @return false: some still run */
bool event_workers_free_stacks(void);
/** Put shared workers where some are missing and places are free again. @context the supervisor
 *  @return false: some are missing still */
bool event_workers_refill(void);
/** Workers given up whose tasks still exist. */
unsigned event_workers_quarantined(void);

/* ---- event_bus.c ----------------------------------------------------------------------------- */

void event_bus_init(void);
/** Post in the name of a slot, past identity and quota: for the core's own events. Does not wait
 * for anybody's mailbox. isr-ok. */
esp_err_t event_bus_post_as(unsigned slot, system_event_type_t type, const void *data, size_t size,
                            uint8_t priority);
/** Post in the name of an owner and at the cost of its quota, whoever calls: for its timers. Does
 *  not wait: all timers there are share one task. */
esp_err_t event_bus_post_for(system_service_id_t id, system_event_type_t type, const void *data,
                             size_t size, uint8_t priority);
/**
 * Deliver a filled block to one receiver, past the routes. tag takes the place of the event's
 * sequence number. The caller's reference is taken over when this returns ESP_OK, and only then.
 * @return ESP_OK; ESP_ERR_EVENT_QUEUE_FULL; ESP_ERR_EVENT_NOT_SUBSCRIBED the receiver is gone
 */
esp_err_t event_bus_put_block(event_receiver_t receiver, pool_index_t block,
                              system_event_type_t type, uint8_t priority, uint32_t tag);
/** A handler was given up, and with it the event that it worked on. */
void event_bus_count_cut(void);
/** Changes with every post. */
uint32_t event_bus_posts(void);
/** One delivery to a subscription found no room, and no poster adds it up. isr-ok */
void event_bus_count_refused(uint16_t sub);
void event_bus_count_discarded(unsigned n);

/* ---- event_timer.c ------------------------------------------------------------------------------
 */

esp_err_t event_timers_init(void);
void event_timers_deinit(void);
void event_timers_reclaim(unsigned slot);
unsigned event_timers_count(unsigned slot);

/* ---- system_identity.c: whose code is this? -----------------------------------------------------
 */

/** The calling task's identity, or NULL for firmware and ISRs. */
system_identity_t *system_identity(void);
/** The same once the scheduler runs. */
static inline system_identity_t *system_identity_now(void)
{
    return identity_backend_in_isr() ? NULL : identity_backend_get();
}
/** Give the calling task an identity; NULL takes it away. */
void system_identity_set(system_identity_t *identity);
/** And call on_deleted when the task is deleted with it. */
void system_identity_set_until(system_identity_t *identity, TlsDeleteCallbackFunction_t on_deleted);
/** The slot it stands for now; SYSTEM_SLOT_NONE for NULL. */
static inline unsigned system_identity_slot(const system_identity_t *identity)
{
    return identity != NULL ? atomic_load_explicit(&identity->slot, memory_order_relaxed)
                            : SYSTEM_SLOT_NONE;
}
/** True in a worker of the bus or in an ISR: must not wait. */
bool system_must_not_block(void);

/** Brackets around calls of ours in which a task must not be cut: see task_end(). isr-ok. */
static inline void system_enter_as(system_identity_t *identity)
{
    if (identity != NULL) { /* one writer: the task itself */
        const uint8_t depth = atomic_load_explicit(&identity->depth, memory_order_relaxed);
        atomic_store_explicit(&identity->depth, (uint8_t)(depth + 1), memory_order_seq_cst);
    }
}

static inline system_identity_t *system_enter(void)
{
    system_identity_t *identity = system_identity();
    system_enter_as(identity);
    return identity;
}

static inline void system_leave(system_identity_t *identity)
{
    if (identity != NULL) { /* what was done inside is seen before the end of it */
        const uint8_t depth = atomic_load_explicit(&identity->depth, memory_order_relaxed);
        atomic_store_explicit(&identity->depth, (uint8_t)(depth - 1), memory_order_release);
    }
}

/** Posts under way that no task's own count tells of: those of firmware and of ISRs. */
extern _Atomic uint32_t system_posts_of_firmware;

/** The brackets of a post: what it uses is not taken down under it. The id is looked at inside: a
 *  post that finds it alive is waited for. isr-ok */
static inline void system_enter_post(system_identity_t *identity)
{
    if (identity == NULL) {
        atomic_fetch_add(&system_posts_of_firmware, 1);
    }
    system_enter_as(identity);
}

static inline void system_leave_post(system_identity_t *identity)
{
    system_leave(identity);
    if (identity == NULL) {
        atomic_fetch_sub_explicit(&system_posts_of_firmware, 1, memory_order_release);
    }
}

/* ---- attached_task.c ----------------------------------------------------------------------------
 */

/** A task that a service attached is inside a call of ours. */
bool attached_tasks_inside(void);
