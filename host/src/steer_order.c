// SPDX-License-Identifier: Apache-2.0

// A run of threads again: each mailbox takes and hands out its events in the recorded order.
//
// The simulator's code takes no time, so everything is ready early: a delivery waits for the moment
// at which it was made, and a worker that has claimed a mailbox waits until the event is there that
// was taken out next. All waits are bounded; what comes otherwise than it did is let through and
// counted, and the recording is found again behind it.
//
// The simulator runs one task at a time and this file passes no scheduling point but where it
// waits, so nothing here needs a lock.

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "host_heap.h"
#include "host_services.h"
#include "record.h"
#include "record_format.h"
#include "sched.h"

#define SLOTS       256
#define TYPES       1024
#define WINDOW      256     // how far ahead an event is looked for
#define PATIENCE_US 20000   // for one that is later than it was
#define HOLD_US     1000000 // the longest that a worker is held
#define STEP_US     100
#define NO_TURN     UINT32_MAX

bool host_steer_on;

// What tells an event from others, in both runs: names and lane. Numbers differ from run to run.
typedef struct {
    uint64_t key;
    bool reserved, done;
    record_t record;
} past_t;

typedef struct {
    past_t *past; // in the recorded order
    uint32_t count, room;
    uint32_t at; // all before it are done, or will not come
} order_t;

// By what there is more of is no fault, and shown only if nothing else differs.
typedef enum {
    DIFFERS_NOT,
    DIFFERS_BY_MORE,
    DIFFERS_BY_ANOTHER
} differs_t;

typedef struct {
    uint64_t owners[SLOTS]; // hashes of names
    uint64_t types[TYPES];
} names_t;

static order_t s_in[SLOTS], s_out[SLOTS];
static uint64_t s_waits_since[SLOTS]; // for the next to take out; 0: nobody waits
static names_t s_then, s_now;
static uint32_t s_same, s_missed, s_more;
static differs_t s_differs;
static record_t s_want, s_got; // the first that differs

// ---- names and keys ----

static uint64_t hash(const void *bytes, size_t size)
{
    const uint8_t *p = bytes;
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++) {
        h = (h ^ p[i]) * 0x100000001b3u;
    }
    return h;
}

static void learn(names_t *names, const record_t *r)
{
    if (r->kind == RECORD_TYPE && r->value[0] < TYPES) {
        names->types[r->value[0]] = hash(r->bytes, r->size);
    } else if (r->kind == RECORD_OWNER && r->value[0] < SLOTS) {
        names->owners[r->value[0]] = hash(r->bytes, r->size);
    }
}

static uint64_t make_key(const names_t *names, uint64_t type, uint64_t source, uint64_t lane)
{
    const uint64_t owner = source == 0 ? 0 : names->owners[source % SLOTS];
    return (type * 3u ^ owner) * 0x9e3779b97f4a7c15u + lane;
}

static uint64_t key_of_record(const names_t *names, const record_t *r)
{
    const uint64_t *v = r->value;
    return make_key(names, names->types[v[EVENT_TYPE] % TYPES], v[EVENT_SOURCE], v[EVENT_LANE]);
}

static uint64_t key_of(const host_trace_event_t *event)
{
    return make_key(&s_now, hash(event->type_name, strlen(event->type_name)), event->source,
                    event->lane);
}

// ---- the recorded order ----

void steer_order_add(const record_t *r)
{
    learn(&s_then, r);
    if (!record_is_event(r->kind)) {
        return;
    }
    order_t *order = &(r->kind == RECORD_DELIVERED ? s_in : s_out)[r->value[EVENT_SLOT] % SLOTS];
    if (order->count == order->room) {
        order->room = order->room * 2 + 64;
        order->past = host_libc_realloc(order->past, order->room * sizeof(order->past[0]));
        if (order->past == NULL) {
            host_panic("no memory for the recording");
        }
    }
    order->past[order->count++] = (past_t){.key = key_of_record(&s_then, r), .record = *r};
}

/** The next that nobody has taken yet. @return NO_TURN: none of the next ones */
static uint32_t find(const order_t *order, uint64_t key)
{
    for (uint32_t i = order->at; i < order->count && i < order->at + WINDOW; i++) {
        const past_t *past = &order->past[i];
        if (past->key == key && !past->reserved && !past->done) {
            return i;
        }
    }
    return NO_TURN;
}

// ---- deliveries ----

static bool may_wait(void)
{
    const tcb_t *self = k_self;
    return self != NULL && !self->is_isr && self->sched_lock == 0 && k_may_cut(self);
}

uint32_t host_steer_deliver(const host_trace_event_t *event)
{
    order_t *order = &s_in[event->slot % SLOTS];
    const uint32_t turn = find(order, key_of(event));
    if (turn == NO_TURN) {
        return NO_TURN;
    }
    const uint64_t at_us = order->past[turn].record.time_us;
    order->past[turn].reserved = true;
    if (may_wait()) {
        steer_wait_until(at_us);
        while (order->at < turn && g_sched->now() < at_us + PATIENCE_US) {
            steer_wait_until(g_sched->now() + STEP_US);
        }
    }
    return turn;
}

void host_steer_delivered(uint32_t slot, uint32_t turn)
{
    order_t *order = &s_in[slot % SLOTS];
    if (turn == NO_TURN) {
        return;
    }
    order->past[turn].done = true;
    if (order->at < turn && g_sched->now() >= order->past[turn].record.time_us + PATIENCE_US) {
        order->at = turn; // those before it do not come any more
    }
    while (order->at < order->count && order->past[order->at].done) {
        order->at++;
    }
}

// ---- taking out ----

static uint64_t next_time(uint32_t slot)
{
    const order_t *order = &s_out[slot % SLOTS];
    return order->at < order->count ? order->past[order->at].record.time_us : 0;
}

/** May a worker go on waiting for what was taken out next? */
static bool is_patient(uint32_t slot)
{
    uint64_t *since = &s_waits_since[slot % SLOTS];
    const uint64_t now = g_sched->now();
    if (*since == 0) {
        *since = now + 1;
    }
    const uint64_t hold = *since + HOLD_US;
    const uint64_t due = next_time(slot) > *since ? next_time(slot) : *since;
    return now < hold && now < due + PATIENCE_US;
}

int host_steer_choose(const host_trace_event_t *heads, unsigned lanes)
{
    const uint32_t slot = heads[0].slot;
    const order_t *order = &s_out[slot % SLOTS];
    bool known = false;
    if (order->at == order->count) {
        return HOST_STEER_ANY;
    }
    for (unsigned lane = 0; lane < lanes; lane++) {
        if (heads[lane].type_name == NULL) {
            continue;
        }
        const uint64_t key = key_of(&heads[lane]);
        if (key == order->past[order->at].key) {
            return (int)lane;
        }
        known = known || find(order, key) != NO_TURN;
    }
    return known && is_patient(slot) ? HOST_STEER_WAIT : HOST_STEER_ANY;
}

void host_steer_pause(uint32_t slot)
{
    const uint64_t now = g_sched->now();
    const uint64_t at = next_time(slot);
    steer_wait_until(at > now && at < now + 10 * STEP_US ? at : now + STEP_US);
}

// ---- comparing ----

static void compare(const record_t *r)
{
    const uint32_t slot = (uint32_t)r->value[EVENT_SLOT] % SLOTS;
    order_t *order = &s_out[slot];
    const uint32_t turn = find(order, key_of_record(&s_now, r));
    s_waits_since[slot] = 0;
    if (turn == order->at && turn != NO_TURN) {
        s_same++;
        order->at++;
        return;
    }
    const differs_t differs = turn == NO_TURN ? DIFFERS_BY_MORE : DIFFERS_BY_ANOTHER;
    if (s_differs < differs && order->at < order->count) {
        s_differs = differs;
        s_want = order->past[order->at].record;
        s_got = *r;
    }
    if (turn == NO_TURN) {
        s_more++;
    } else {
        s_missed += turn - order->at;
        s_same++;
        order->at = turn + 1;
    }
}

void steer_order_observe(const record_t *r)
{
    learn(&s_now, r);
    if (r->kind == RECORD_HANDLED) {
        compare(r);
    }
}

static uint32_t still_to_come(void)
{
    uint32_t count = 0;
    for (unsigned i = 0; i < SLOTS; i++) {
        count += s_out[i].count - s_out[i].at;
    }
    return count;
}

bool steer_order_kept(void)
{
    return s_missed == 0 && still_to_come() == 0;
}

static void print(const char *label, const record_t *r)
{
    char text[512];
    record_text_describe(r, text, sizeof(text));
    fprintf(stderr, "%s%4" PRIu64 ".%06" PRIu64 " s  %s\n", label, r->time_us / 1000000u,
            r->time_us % 1000000u, text);
}

void steer_order_report(void)
{
    const uint32_t missing = s_missed + still_to_come();
    fprintf(stderr,
            "kraken: replay: recorded with threads, boot %" PRIu32 ": %" PRIu32 " of %" PRIu32
            " events taken out in the recorded order of their mailbox, %" PRIu32 " not, %" PRIu32
            " more than recorded\n",
            host_boot_count(), s_same, s_same + missing, missing, s_more);
    if (s_differs != DIFFERS_NOT) {
        fprintf(stderr, "kraken: replay: the first that differs:\n");
        print("  recorded: ", &s_want);
        print("  now:      ", &s_got);
    }
}
