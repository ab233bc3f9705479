/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who gets an event of a type. Each type has a list of its subscriptions, sorted by their number,
 * and a mask of the patterns that match its name. A post copies the receivers in batches under
 * s_route_lock and delivers with the lock released; since the list is sorted, the next batch goes
 * on behind the last number copied, whatever changed in between. Each copy carries the
 * subscription's generation, which the delivery checks under the mailbox lock: so a subscription
 * that ended meanwhile gets nothing, without anybody having to wait for the posts under way.
 *
 * Most types have a short list, no pattern and no retained value. Their posts take no lock: they
 * copy the list, and take it if the version says that nothing changed meanwhile. Posters on both
 * cores then share nothing but memory that nobody writes.
 */
#include <string.h>

#include "esp_attr.h"

#include "event_internal.h"

_Static_assert(CONFIG_SYSTEM_MAX_PATTERNS <= 32, "the patterns of a type are one word of bits");

typedef struct {
    _Atomic uint16_t first;    /* head of the list, or SUB_NONE */
    pool_index_t retained;     /* last value, or POOL_NONE: one reference is held */
    _Atomic uint32_t patterns; /* bit n: pattern n matches */
} event_route_t;

typedef struct {
    char text[SYSTEM_NAME_MAX + 1]; /* under the registry lock */
    uint16_t sub;                   /* SUB_NONE = free; under the route lock */
} event_pattern_t;

/* s_route_lock (order 3): protects s_routes, the next links, s_patterns[].sub. Never held across
 * anything but a put into a mailbox. */
static portMUX_TYPE s_route_lock = portMUX_INITIALIZER_UNLOCKED;
/* Odd while a list or a mask of patterns changes, under the lock. All stores between the two steps
 * release and all loads of a reader acquire: who saw a new value sees the odd version too. */
static _Atomic uint32_t s_version;
static event_route_t s_routes[CONFIG_SYSTEM_MAX_EVENT_TYPES + 1];
static EXT_RAM_BSS_ATTR event_pattern_t s_patterns[CONFIG_SYSTEM_MAX_PATTERNS];

void event_routes_init(void)
{
    lock_order_name(&s_route_lock, LOCK_RANK_ROUTES);
    for (unsigned i = 0; i <= CONFIG_SYSTEM_MAX_EVENT_TYPES; i++) {
        s_routes[i].retained = POOL_NONE;
        atomic_store(&s_routes[i].patterns, 0);
        atomic_store(&s_routes[i].first, SUB_NONE);
    }
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_PATTERNS; i++) {
        s_patterns[i].sub = SUB_NONE;
    }
}

const char *event_pattern_text(uint8_t pattern)
{
    return s_patterns[pattern - 1].text;
}

/* ---- changing and reading ------------------------------------------------------------------- */

static void step_version_locked(void)
{
    atomic_fetch_add_explicit(&s_version, 1, memory_order_release);
}

static uint16_t get_link(const _Atomic uint16_t *link)
{
    return atomic_load_explicit(link, memory_order_acquire);
}

static void put_link(_Atomic uint16_t *link, uint16_t sub)
{
    atomic_store_explicit(link, sub, memory_order_release);
}

static uint32_t get_patterns(const event_route_t *route)
{
    return atomic_load_explicit(&route->patterns, memory_order_acquire);
}

/** One pattern of a type, set or cleared. */
static void mark_pattern_locked(system_event_type_t type, unsigned pattern, bool matches)
{
    const uint32_t bit = 1u << pattern;
    const uint32_t old = get_patterns(&s_routes[type]);
    step_version_locked();
    atomic_store_explicit(&s_routes[type].patterns, matches ? old | bit : old & ~bit,
                          memory_order_release);
    step_version_locked();
}

/* ---- copying the receivers ------------------------------------------------------------------ */

static event_receiver_t receiver_of(uint16_t sub)
{
    return (event_receiver_t){
        sub, atomic_load_explicit(&event_sub(sub)->generation, memory_order_acquire)};
}

unsigned event_routes_short(system_event_type_t type, event_receiver_t out[EVENT_ROUTE_BATCH])
{
    if (event_type_retained(type)) {
        return EVENT_ROUTE_BATCH + 1; /* each of its events is kept: under the lock */
    }
    const event_route_t *route = &s_routes[type];
    const uint32_t version = atomic_load_explicit(&s_version, memory_order_acquire);
    unsigned n = 0;
    uint16_t sub = get_link(&route->first);
    /* Links lead to higher numbers only, whatever list they belong to by now: this ends. */
    while (sub != SUB_NONE && n < EVENT_ROUTE_BATCH) {
        const event_sub_t *s = event_sub(sub);
        out[n++] =
            (event_receiver_t){sub, atomic_load_explicit(&s->generation, memory_order_acquire)};
        sub = get_link(&s->next);
    }
    const bool whole = sub == SUB_NONE && (version & 1u) == 0 && get_patterns(route) == 0 &&
                       atomic_load_explicit(&s_version, memory_order_relaxed) == version;
    return whole ? n : EVENT_ROUTE_BATCH + 1;
}

static unsigned copy_list(const event_route_t *route, event_route_cursor_t *cursor,
                          event_receiver_t *out)
{
    unsigned n = 0;
    uint16_t sub = get_link(&route->first);
    while (sub != SUB_NONE && sub < cursor->after) {
        sub = get_link(&event_subs[sub].next);
    }
    for (; sub != SUB_NONE && n < EVENT_ROUTE_BATCH; sub = get_link(&event_subs[sub].next)) {
        out[n++] = receiver_of(sub);
        cursor->after = (uint16_t)(sub + 1);
    }
    if (sub == SUB_NONE) {
        cursor->listed = true;
        cursor->after = 0;
        cursor->done = get_patterns(route) == 0;
    }
    return n;
}

/** Patterns are numbered too: the cursor goes on behind the last number copied. */
static unsigned copy_patterns(const event_route_t *route, event_route_cursor_t *cursor,
                              event_receiver_t *out, unsigned n)
{
    unsigned pattern = cursor->after;
    for (; pattern < CONFIG_SYSTEM_MAX_PATTERNS && n < EVENT_ROUTE_BATCH; pattern++) {
        const uint16_t sub = s_patterns[pattern].sub;
        if ((get_patterns(route) >> pattern & 1u) && sub != SUB_NONE) {
            out[n++] = receiver_of(sub);
        }
    }
    cursor->after = (uint16_t)pattern;
    cursor->done = pattern == CONFIG_SYSTEM_MAX_PATTERNS;
    return n;
}

unsigned event_routes_next(system_event_type_t type, event_route_cursor_t *cursor,
                           event_receiver_t out[EVENT_ROUTE_BATCH], pool_index_t retain)
{
    if (cursor->done) {
        return 0;
    }
    event_route_t *route = &s_routes[type];
    pool_index_t old = POOL_NONE;
    unsigned n = 0;
    const bool first = cursor->after == 0 && !cursor->listed;
    portENTER_CRITICAL_SAFE(&s_route_lock);
    /* Asked again under the lock: nothing is kept after forget_retained(). */
    if (retain != POOL_NONE && first && event_type_retained(type)) {
        old = route->retained;
        route->retained = retain;
        pool_block_ref(retain);
    }
    if (!cursor->listed) {
        n = copy_list(route, cursor, out);
    }
    if (cursor->listed && !cursor->done) {
        n = copy_patterns(route, cursor, out, n);
    }
    portEXIT_CRITICAL_SAFE(&s_route_lock);
    if (old != POOL_NONE) {
        pool_block_release(old);
    }
    return n;
}

void event_routes_forget_retained(system_event_type_t type)
{
    portENTER_CRITICAL(&s_route_lock);
    const pool_index_t old = s_routes[type].retained;
    s_routes[type].retained = POOL_NONE;
    portEXIT_CRITICAL(&s_route_lock);
    if (old != POOL_NONE) {
        pool_block_release(old);
    }
}

/* ---- linking -------------------------------------------------------------------------------- */

/**
 * Hand the retained value to a new subscription: under the route lock, so that no newer event of
 * the type can overtake it.
 * @return what it took the place of, to be released without the lock, or POOL_NONE
 */
static pool_index_t put_retained_locked(const event_route_t *route, uint16_t sub,
                                        mailbox_wake_t *wake)
{
    if (route->retained == POOL_NONE) {
        return POOL_NONE;
    }
    const pool_index_t block = route->retained;
    const uint8_t priority = (uint8_t)atomic_load(&pool_block(block)->link);
    const event_receiver_t receiver = {sub, atomic_load(&event_subs[sub].generation)};
    pool_index_t displaced = POOL_NONE;
    pool_block_ref(block);
    const delivery_t outcome =
        event_mailbox_put(receiver, block, priority_queue_lane(priority), wake, &displaced);
    if (outcome == DELIVERY_FULL) {
        event_bus_count_refused(sub); /* nobody posts it that could be told */
    }
    if (outcome == DELIVERY_FULL || outcome == DELIVERY_GONE) {
        pool_block_release(block); /* never the last one: the route holds one too */
    }
    return displaced;
}

/** What is left to do once the route lock is released. */
static void after_put(const mailbox_wake_t *wake, pool_index_t displaced)
{
    if (displaced != POOL_NONE) {
        pool_block_release(displaced);
    }
    event_mailbox_wake(wake, NULL);
}

void event_routes_link(uint16_t sub, system_event_type_t type)
{
    mailbox_wake_t wake = {0};
    portENTER_CRITICAL(&s_route_lock);
    _Atomic uint16_t *link = &s_routes[type].first;
    while (get_link(link) != SUB_NONE && get_link(link) < sub) {
        link = &event_subs[get_link(link)].next;
    }
    step_version_locked();
    put_link(&event_subs[sub].next, get_link(link));
    put_link(link, sub);
    step_version_locked();
    const pool_index_t displaced = put_retained_locked(&s_routes[type], sub, &wake);
    portEXIT_CRITICAL(&s_route_lock);
    after_put(&wake, displaced);
}

static void link_pattern_type(system_event_type_t type, void *arg)
{
    const uint16_t sub = *(const uint16_t *)arg;
    const unsigned pattern = event_subs[sub].pattern - 1u;
    mailbox_wake_t wake = {0};
    portENTER_CRITICAL(&s_route_lock);
    mark_pattern_locked(type, pattern, true);
    const pool_index_t displaced = put_retained_locked(&s_routes[type], sub, &wake);
    portEXIT_CRITICAL(&s_route_lock);
    after_put(&wake, displaced);
}

static uint8_t take_pattern(const char *text, uint16_t sub)
{
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_PATTERNS; i++) {
        if (s_patterns[i].sub == SUB_NONE) {
            system_copy_name(s_patterns[i].text, text);
            portENTER_CRITICAL(&s_route_lock);
            s_patterns[i].sub = sub;
            portEXIT_CRITICAL(&s_route_lock);
            return (uint8_t)(i + 1);
        }
    }
    return 0;
}

bool event_routes_link_pattern(uint16_t sub, const char *pattern)
{
    event_sub(sub)->pattern = take_pattern(pattern, sub);
    if (event_sub(sub)->pattern == 0) {
        return false;
    }
    event_types_match(pattern, link_pattern_type, &sub);
    return true;
}

void event_routes_type_added(system_event_type_t type)
{
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_PATTERNS; i++) {
        if (s_patterns[i].sub != SUB_NONE &&
            event_pattern_matches(s_patterns[i].text, event_type_name(type))) {
            portENTER_CRITICAL(&s_route_lock);
            mark_pattern_locked(type, i, true);
            portEXIT_CRITICAL(&s_route_lock);
        }
    }
}

void event_routes_unlink(uint16_t sub)
{
    event_sub_t *s = &event_subs[sub];
    portENTER_CRITICAL(&s_route_lock);
    if (s->pattern == 0) {
        _Atomic uint16_t *link = &s_routes[s->type].first;
        while (get_link(link) != SUB_NONE && get_link(link) != sub) {
            link = &event_subs[get_link(link)].next;
        }
        if (get_link(link) == sub) {
            step_version_locked();
            put_link(link, get_link(&s->next));
            step_version_locked();
        }
    } else {
        s_patterns[s->pattern - 1].sub = SUB_NONE;
    }
    portEXIT_CRITICAL(&s_route_lock);
    if (s->pattern == 0) {
        return;
    }
    for (unsigned i = 1; i <= event_types_count(); i++) { /* one short turn each, not one long */
        portENTER_CRITICAL(&s_route_lock);
        mark_pattern_locked((system_event_type_t)i, s->pattern - 1u, false);
        portEXIT_CRITICAL(&s_route_lock);
    }
}
