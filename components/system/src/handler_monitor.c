/* SPDX-License-Identifier: Apache-2.0 */
#include "system_service/handler_monitor.h"

#include <stdbool.h>
#include <string.h>

#include "esp_attr.h"

#include "event_internal.h"
#include "handler_monitor_internal.h"
#include "relaxed.h"

#ifdef CONFIG_SYSTEM_HANDLER_MONITOR

#define BUCKETS 12u

#define FIRST_BOUND 50u

/* Longest run in us that belongs to a range; there is no bound for the last one. */
static const uint32_t s_bounds[BUCKETS - 1] = {
    FIRST_BOUND, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000,
};

/* One subscription. Only `slow` has several writers. */
typedef struct {
    _Atomic uint16_t bucket[BUCKETS];
    _Atomic uint16_t generation; /* of the subscription it is about */
    uint16_t rest_us;            /* of the total: less than 1 ms; the writer's own */
    _Atomic uint32_t calls;
    _Atomic uint32_t max_us;
    _Atomic uint32_t total_ms;
    _Atomic uint32_t slow;
} histogram_t;

_Static_assert(sizeof(histogram_t) == 44, "the help text of SYSTEM_HANDLER_MONITOR says so");

static EXT_RAM_BSS_ATTR histogram_t s_histograms[CONFIG_SYSTEM_MAX_SUBSCRIPTIONS];
static _Atomic uint32_t s_total_slow;

/* ---- recording ------------------------------------------------------------------------------ */

static inline uint16_t bucket_get(const _Atomic uint16_t *bucket)
{
    return atomic_load_explicit(bucket, memory_order_relaxed);
}

static inline void bucket_put(_Atomic uint16_t *bucket, uint16_t value)
{
    atomic_store_explicit(bucket, value, memory_order_relaxed);
}

/* A range that holds anything keeps something: a rare long run is not forgotten by rounding. */
static void halve(histogram_t *h)
{
    for (unsigned i = 0; i < BUCKETS; i++) {
        bucket_put(&h->bucket[i], (uint16_t)((bucket_get(&h->bucket[i]) + 1u) / 2u));
    }
}

static void clear(histogram_t *h)
{
    for (unsigned i = 0; i < BUCKETS; i++) {
        bucket_put(&h->bucket[i], 0);
    }
    h->rest_us = 0;
    relaxed_put(&h->calls, 0);
    relaxed_put(&h->max_us, 0);
    relaxed_put(&h->total_ms, 0);
    relaxed_put(&h->slow, 0);
}

void handler_monitor_init(void)
{
    for (uint16_t i = 0; i < CONFIG_SYSTEM_MAX_SUBSCRIPTIONS; i++) {
        clear(&s_histograms[i]);
        /* not the present one: nobody has subscribed yet */
        s_histograms[i].generation = (uint16_t)(atomic_load(&event_sub(i)->generation) - 1u);
    }
    relaxed_put(&s_total_slow, 0);
}

void handler_monitor_reset(unsigned sub_index)
{
    if (sub_index < CONFIG_SYSTEM_MAX_SUBSCRIPTIONS) {
        histogram_t *h = &s_histograms[sub_index];

        clear(h);
        atomic_store(&h->generation, atomic_load(&event_sub((uint16_t)sub_index)->generation));
    }
}

static __attribute__((noinline)) unsigned range_of(uint32_t us)
{
    unsigned i = us > s_bounds[5] ? 6 : 1;

    while (i < BUCKETS - 1 && us > s_bounds[i]) {
        i++;
    }
    return i;
}

void handler_monitor_record(unsigned sub_index, uint32_t us)
{
    if (sub_index >= CONFIG_SYSTEM_MAX_SUBSCRIPTIONS) {
        return;
    }
    histogram_t *h = &s_histograms[sub_index];
    FOUND_ONCE(h);
    const unsigned i = us <= FIRST_BOUND ? 0 : range_of(us);
    const uint16_t n = bucket_get(&h->bucket[i]);

    if (n == UINT16_MAX) {
        halve(h);
        bucket_put(&h->bucket[i], (uint16_t)(bucket_get(&h->bucket[i]) + 1u));
    } else {
        bucket_put(&h->bucket[i], (uint16_t)(n + 1u));
    }
    relaxed_put(&h->calls, relaxed_get(&h->calls) + 1);
    if (us > relaxed_get(&h->max_us)) {
        relaxed_put(&h->max_us, us);
    }
    const uint32_t sum_us = us + h->rest_us;

    if (sum_us >= us && sum_us < 1000u) { /* mostly, and it spares two divisions */
        h->rest_us = (uint16_t)sum_us;
        return;
    }
    /* a run of 71 minutes: the sum wrapped, the millisecond lost does not matter */
    relaxed_put(&h->total_ms, relaxed_get(&h->total_ms) + (sum_us < us ? us : sum_us) / 1000u);
    h->rest_us = (uint16_t)(sum_us % 1000u);
}

void handler_monitor_note_slow(unsigned sub_index)
{
    if (sub_index < CONFIG_SYSTEM_MAX_SUBSCRIPTIONS) {
        relaxed_add(&s_histograms[sub_index].slow, 1);
        relaxed_add(&s_total_slow, 1);
    }
}

uint32_t handler_monitor_total_slow(void)
{
    return relaxed_get(&s_total_slow);
}

/* ---- reading -------------------------------------------------------------------------------- */

/* Ranges of one or more subscriptions, counted together. */
typedef struct {
    uint32_t bucket[BUCKETS];
    handler_stats_t stats;
} sum_t;

/* The bound that `percent` of the runs do not exceed. */
static uint32_t percentile(const sum_t *sum, uint32_t percent)
{
    uint64_t total = 0;
    uint64_t seen = 0;

    for (unsigned i = 0; i < BUCKETS; i++) {
        total += sum->bucket[i];
    }
    for (unsigned i = 0; i < BUCKETS - 1; i++) {
        seen += sum->bucket[i];
        if (seen * 100 >= total * percent) {
            return s_bounds[i] < sum->stats.max_us ? s_bounds[i] : sum->stats.max_us;
        }
    }
    return sum->stats.max_us;
}

static void sum_add(sum_t *sum, const histogram_t *h)
{
    const uint32_t max_us = relaxed_get(&h->max_us);

    for (unsigned i = 0; i < BUCKETS; i++) {
        sum->bucket[i] += bucket_get(&h->bucket[i]);
    }
    sum->stats.calls += relaxed_get(&h->calls);
    sum->stats.slow += relaxed_get(&h->slow);
    sum->stats.total_ms += relaxed_get(&h->total_ms);
    if (max_us > sum->stats.max_us) {
        sum->stats.max_us = max_us;
    }
}

static void sum_finish(sum_t *sum)
{
    sum->stats.p50_us = percentile(sum, 50);
    sum->stats.p99_us = percentile(sum, 99);
}

/* True when the subscription lives and is the slot's (NONE: anybody's). Needs the registry lock:
 * while it is held, no entry of the table is given away. */
static bool belongs_to(uint16_t sub, unsigned slot)
{
    const event_sub_t *s = event_sub(sub);
    const unsigned owner = atomic_load(&s->slot);

    return atomic_load(&s_histograms[sub].generation) == atomic_load(&s->generation) &&
           (slot == SYSTEM_SLOT_NONE || slot == owner) &&
           service_slot_id(owner) != SYSTEM_SERVICE_ID_NONE;
}

/* ---- public API ----------------------------------------------------------------------------- */

esp_err_t handler_monitor_get(system_service_id_t id, handler_stats_t *out)
{
    unsigned slot;
    sum_t sum = {.stats = {.owner = id}};

    if (out == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    registry_lock();
    const esp_err_t err = service_slot_of(id, &slot);

    for (uint16_t sub = 0; err == ESP_OK && sub < CONFIG_SYSTEM_MAX_SUBSCRIPTIONS; sub++) {
        if (belongs_to(sub, slot)) {
            sum_add(&sum, &s_histograms[sub]);
        }
    }
    registry_unlock();
    if (err == ESP_OK) {
        sum_finish(&sum);
        *out = sum.stats;
    }
    return err;
}

esp_err_t handler_monitor_list(system_service_id_t id, handler_stats_t *out, size_t *count)
{
    unsigned slot = SYSTEM_SLOT_NONE;
    size_t found = 0;
    esp_err_t err = ESP_OK;

    if (count == NULL || (out == NULL && *count > 0)) {
        return ESP_ERR_INVALID_ARG;
    }
    registry_lock();
    if (id != SYSTEM_SERVICE_ID_NONE) {
        err = service_slot_of(id, &slot);
    }
    for (uint16_t sub = 0; err == ESP_OK && sub < CONFIG_SYSTEM_MAX_SUBSCRIPTIONS; sub++) {
        if (!belongs_to(sub, slot)) {
            continue;
        }
        if (found < *count) {
            const event_sub_t *s = event_sub(sub);
            sum_t sum = {
                .stats = {.owner = service_slot_id(atomic_load(&s->slot)), .type = s->type}};

            sum_add(&sum, &s_histograms[sub]);
            sum_finish(&sum);
            out[found] = sum.stats;
        }
        found++;
    }
    registry_unlock();
    if (err != ESP_OK) {
        return err;
    }
    const bool all = found <= *count;

    *count = found;
    return all ? ESP_OK : ESP_ERR_INVALID_SIZE;
}

#endif
