/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pools of blocks. Long, and one file: whatever is here works without a lock on the same atomic
 * words, whose order can only be judged together. memory_pool_heap.c has what comes after them.
 */
#include "system_service/memory_pool.h"

#include <inttypes.h>
#include <string.h>

#include "esp_heap_caps.h"
#include "esp_log.h"
#include "freertos/FreeRTOS.h"

#include "event_internal.h"
#include "lock_order.h"
#include "memory_pool_internal.h"
#include "quota_state.h"
#include "supervisor_wake.h"
#include "system_internal.h"

static const char *TAG = "memory_pool";

#define GUARD_WORD 0xB10C6A4Du
#define BLOCKS                                                                                     \
    (CONFIG_SYSTEM_POOL_SMALL_COUNT + CONFIG_SYSTEM_POOL_MEDIUM_COUNT +                            \
     CONFIG_SYSTEM_POOL_LARGE_COUNT + CONFIG_SYSTEM_POOL_XLARGE_COUNT)
_Static_assert(BLOCKS < POOL_NONE, "block indices are 16 bit");

/** What never changes of a class. */
typedef struct {
    uint16_t size;
    uint16_t count;
    uint16_t first; /* index of its first block */
    uint16_t reserve;
    uint16_t lend_limit;
} pool_desc_t;

#define POOL_DESC(size_, count_, first_)                                                           \
    {                                                                                              \
        .size = (size_), .count = (count_), .first = (first_),                                     \
        .reserve = ((count_)*CONFIG_SYSTEM_POOL_RESERVE_PERCENT + 99) / 100,                       \
        .lend_limit = (count_)*CONFIG_SYSTEM_POOL_LEND_PERCENT / 100,                              \
    }
#define SIZE_SMALL   64
#define SIZE_MEDIUM  256
#define SIZE_LARGE   1024
#define FIRST_MEDIUM CONFIG_SYSTEM_POOL_SMALL_COUNT
#define FIRST_LARGE  (FIRST_MEDIUM + CONFIG_SYSTEM_POOL_MEDIUM_COUNT)
#define FIRST_XLARGE (FIRST_LARGE + CONFIG_SYSTEM_POOL_LARGE_COUNT)

static const pool_desc_t s_desc[MEMORY_POOL_CLASSES] = {
    POOL_DESC(SIZE_SMALL, CONFIG_SYSTEM_POOL_SMALL_COUNT, 0),
    POOL_DESC(SIZE_MEDIUM, CONFIG_SYSTEM_POOL_MEDIUM_COUNT, FIRST_MEDIUM),
    POOL_DESC(SIZE_LARGE, CONFIG_SYSTEM_POOL_LARGE_COUNT, FIRST_LARGE),
    POOL_DESC(MEMORY_POOL_MAX_BLOCK, CONFIG_SYSTEM_POOL_XLARGE_COUNT, FIRST_XLARGE),
};

/* The head of a free list: the first block's number within the class, how many blocks are in use,
 * and a tag that grows with each pop, against ABA: one compare-and-swap takes a block and counts
 * it. Fields as wide as the largest class needs, the tag has the rest: 18 bits by default, 14 at
 * least. */
#define MAX2(a, b) ((a) > (b) ? (a) : (b))
#define MOST_BLOCKS                                                                                \
    MAX2(MAX2(CONFIG_SYSTEM_POOL_SMALL_COUNT, CONFIG_SYSTEM_POOL_MEDIUM_COUNT),                    \
         MAX2(CONFIG_SYSTEM_POOL_LARGE_COUNT, CONFIG_SYSTEM_POOL_XLARGE_COUNT))
#define FIELD_BITS (MOST_BLOCKS < 127 ? 7u : 9u)
#define FIELD      ((1u << FIELD_BITS) - 1u)
#define LIST_END   FIELD
#define ONE_USED   (1u << FIELD_BITS)
#define ONE_TAG    (1u << 2 * FIELD_BITS)
#define TAG_BITS   (32u - 2u * FIELD_BITS)
_Static_assert(MOST_BLOCKS < LIST_END,
               "a block's number within its class fits beside the end mark");

/** What changes, and beside it what every call asks for: one base address. On the ESP32-S3 the
 * atomic words must be in internal RAM: compare-and-swap does not work on PSRAM. Statics are,
 * unless somebody moves .bss there by hand. */
typedef struct {
    _Atomic uint32_t head;
    _Atomic uint32_t high_water;
    /* constant while the pools are up, 0 before and after */
    uint8_t *payload;
    uint32_t bytes;         /* of all payloads and tails */
    uint16_t stride;        /* from one payload to the next */
    uint16_t first;         /* index of its first block */
    _Atomic uint16_t limit; /* may be in use at once; by CRITICAL events all of them */
    _Atomic uint16_t limit_critical;
    _Atomic uint32_t rounds;     /* of the tag since boot */
    _Atomic uint32_t lent;       /* now */
    _Atomic uint32_t lent_total; /* since boot: taken for a smaller class */
    _Atomic uint32_t borrowed;
    _Atomic uint32_t exhausted;
} pool_t;

/* The last one, for what is larger than any class, stays empty. */
static pool_t s_pools[MEMORY_POOL_CLASSES + 1];
pool_block_t pool_blocks[BLOCKS];
pool_area_t pool_areas[MEMORY_POOL_CLASSES];

/** The pool of the smallest class that holds size bytes, or the one that stays empty. A search, not
 *  a choice between numbers: the compiler makes a way of its own of what follows for each number.
 */
static inline pool_t *pool_for(size_t size)
{
    pool_t *p = s_pools;
    while (p < &s_pools[MEMORY_POOL_CLASSES] && size > p->stride - (size_t)POOL_TAIL_BYTES) {
        p++;
    }
    return p;
}

/** What the memory quota counts for a request that p serves. */
static inline size_t charge_of(const pool_t *p, size_t size)
{
    return p < &s_pools[MEMORY_POOL_CLASSES] ? p->stride - (size_t)POOL_TAIL_BYTES : size;
}

/* A leaf: one at a time asks whose a block is. */
static portMUX_TYPE s_ask_lock = portMUX_INITIALIZER_UNLOCKED;

static struct {
    _Atomic uint32_t double_frees, foreign_frees, overruns, reclaimed;
} s_totals;

/* ---- blocks --------------------------------------------------------------------------------- */

/** The guard stands right behind the bytes asked for, rounded up to a word. */
static inline uint32_t *guard_behind(void *payload, size_t size)
{
    return (uint32_t *)(void *)((uint8_t *)payload + ((size + 3u) & ~(size_t)3));
}

static uint32_t *guard_of(pool_index_t index)
{
    return guard_behind(pool_payload(index), pool_blocks[index].size);
}

/** @param[out] pool whose it is  @return POOL_NONE: no block begins at ptr */
static inline pool_index_t find(const void *ptr, pool_t **pool)
{
    for (pool_t *p = s_pools; p < &s_pools[MEMORY_POOL_CLASSES]; p++) {
        const uintptr_t offset = (uintptr_t)ptr - (uintptr_t)p->payload;
        if (offset < p->bytes) {
            const uint32_t number = (uint32_t)offset / p->stride;
            *pool = p;
            return number * p->stride == offset ? (pool_index_t)(p->first + number) : POOL_NONE;
        }
    }
    return POOL_NONE;
}

pool_index_t pool_find(const void *ptr)
{
    pool_t *pool;
    return find(ptr, &pool);
}

/* ---- free lists ----------------------------------------------------------------------------- */

static inline uint32_t used_in(uint32_t head)
{
    return head >> FIELD_BITS & FIELD;
}

static uint32_t used_of(const pool_t *pool)
{
    return used_in(atomic_load_explicit(&pool->head, memory_order_relaxed));
}

/** The tag came round: it counts the pops, and this its rounds. */
static __attribute__((noinline)) void count_round(pool_t *pool)
{
    atomic_fetch_add_explicit(&pool->rounds, 1, memory_order_relaxed);
}

/** How many blocks were taken since boot; wraps. A round behind while a taker that ended one is
 * kept from counting it. */
static uint32_t pops_of(const pool_t *pool)
{
    uint32_t head;
    uint32_t rounds = atomic_load_explicit(&pool->rounds, memory_order_relaxed);
    uint32_t before;
    do { /* a round that ends between the two looks is counted soon */
        before = rounds;
        head = atomic_load_explicit(&pool->head, memory_order_acquire);
        rounds = atomic_load_explicit(&pool->rounds, memory_order_relaxed);
    } while (rounds != before);
    return rounds << TAG_BITS | head >> 2 * FIELD_BITS;
}

static __attribute__((noinline)) void raise_high_water(pool_t *pool, uint32_t used)
{
    uint32_t high = atomic_load_explicit(&pool->high_water, memory_order_relaxed);
    while (used > high &&
           !atomic_compare_exchange_weak_explicit(&pool->high_water, &high, used,
                                                  memory_order_relaxed, memory_order_relaxed)) {
    }
}

/** Take a block unless as many are in use as may be. As many as are not in use are on the list: who
 * is interrupted in here makes the pool look neither full nor empty to others.
 *  @return its number in the class, or LIST_END */
static inline uint32_t take_number(pool_t *p, bool critical)
{
    const uint32_t limit =
        atomic_load_explicit(critical ? &p->limit_critical : &p->limit, memory_order_relaxed);
    uint32_t head = atomic_load_explicit(&p->head, memory_order_acquire);
    uint32_t wanted;
    do {
        if (used_in(head) >= limit) {
            return LIST_END;
        }
        /* May read a block that another taker has just got: then the tag differs and we retry. */
        const uint32_t next = atomic_load_explicit(&pool_blocks[p->first + (head & FIELD)].link,
                                                   memory_order_relaxed) &
                              FIELD;
        wanted = ((head & ~FIELD) | next) + ONE_TAG + ONE_USED;
    } while (!atomic_compare_exchange_weak_explicit(&p->head, &head, wanted, memory_order_acquire,
                                                    memory_order_acquire));
    if (used_in(wanted) > atomic_load_explicit(&p->high_water, memory_order_relaxed)) {
        raise_high_water(p, used_in(wanted));
    }
    if (wanted < ONE_TAG) {
        count_round(p);
    }
    return head & FIELD;
}

/** Put a block back that is in use, or that never was: then used is 0. */
static inline void list_push(pool_t *p, uint32_t number, uint32_t used)
{
    _Atomic uint16_t *link = &pool_blocks[p->first + number].link;
    uint32_t head = atomic_load_explicit(&p->head, memory_order_relaxed);
    uint32_t wanted;
    do {
        atomic_store_explicit(link, (uint16_t)(head & FIELD), memory_order_relaxed);
        wanted = ((head & ~FIELD) | number) - used;
    } while (!atomic_compare_exchange_weak_explicit(&p->head, &head, wanted, memory_order_release,
                                                    memory_order_relaxed));
}

/** For a request that belongs to a smaller class, within a bound. */
static uint32_t lend_from(unsigned pool, unsigned wanted, bool critical)
{
    pool_t *p = &s_pools[pool];
    uint32_t lent = atomic_load_explicit(&p->lent, memory_order_relaxed);
    do {
        if (lent >= s_desc[pool].lend_limit) {
            return LIST_END;
        }
    } while (!atomic_compare_exchange_weak_explicit(&p->lent, &lent, lent + 1, memory_order_relaxed,
                                                    memory_order_relaxed));
    const uint32_t number = take_number(p, critical);
    if (number == LIST_END) {
        atomic_fetch_sub_explicit(&p->lent, 1, memory_order_relaxed);
        return LIST_END;
    }
    pool_blocks[p->first + number].borrowed = true;
    atomic_fetch_add_explicit(&p->lent_total, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&s_pools[wanted].borrowed, 1, memory_order_relaxed);
    return number;
}

/** @param p the pool that the block is of */
static inline void give_back(pool_t *p, pool_index_t index)
{
    pool_block_t *block = pool_block(index);
    if (block->borrowed) {
        block->borrowed = false;
        atomic_fetch_sub_explicit(&p->lent, 1, memory_order_relaxed);
    }
    list_push(p, (uint32_t)index - p->first, ONE_USED);
}

static void report_overrun(pool_index_t index)
{
    atomic_fetch_add_explicit(&s_totals.overruns, 1, memory_order_relaxed);
    if (!xPortInIsrContext()) {
        const system_service_id_t owner = atomic_load(&pool_blocks[index].source);
        ESP_LOGE(TAG, "block %u of %s: written beyond its %u bytes", (unsigned)index,
                 service_slot_name(system_id_slot(owner)), (unsigned)pool_blocks[index].size);
    }
}

/** Look at the guard of a block that is about to be given back. */
static inline bool guard_whole(pool_index_t index, void *payload)
{
    if (__builtin_expect(*guard_behind(payload, pool_blocks[index].size) == GUARD_WORD, 1)) {
        return true;
    }
    report_overrun(index);
    return false;
}

/* ---- for the bus ---------------------------------------------------------------------------- */

/** The class is used up, or there is none. @return the pool that lends, with the number; NULL: none
 */
static __attribute__((noinline)) pool_t *take_elsewhere(unsigned wanted, bool critical,
                                                        uint32_t *number)
{
    if (wanted == MEMORY_POOL_CLASSES) {
        return NULL;
    }
    for (unsigned pool = wanted + 1; pool < MEMORY_POOL_CLASSES; pool++) {
        *number = lend_from(pool, wanted, critical);
        if (*number != LIST_END) {
            return &s_pools[pool];
        }
    }
    atomic_fetch_add_explicit(&s_pools[wanted].exhausted, 1, memory_order_relaxed);
    return NULL;
}

/** @param p pool_for(size)  @return the payload, or NULL */
static inline uint8_t *take_block(pool_t *p, size_t size, system_service_id_t source,
                                  pool_kind_t kind, bool critical, pool_index_t *index)
{
    uint32_t number = take_number(p, critical);
    if (__builtin_expect(number == LIST_END, 0)) {
        p = take_elsewhere((unsigned)(p - s_pools), critical, &number);
        if (p == NULL) {
            return NULL;
        }
    }
    *index = (pool_index_t)(p->first + number);
    pool_block_t *block = pool_block(*index);
    uint8_t *payload = p->payload + number * p->stride;
    block->size = (uint16_t)size;
    atomic_store_explicit(&block->source, source, memory_order_relaxed);
    *guard_behind(payload, size) = GUARD_WORD;
    atomic_store_explicit(&block->state, (uint32_t)kind << 16 | 1u, memory_order_release);
    return payload;
}

pool_index_t pool_block_take(size_t size, system_service_id_t source, pool_kind_t kind,
                             bool critical)
{
    pool_index_t index;
    return take_block(pool_for(size), size, source, kind, critical, &index) != NULL ? index
                                                                                    : POOL_NONE;
}

void pool_block_shrink(pool_index_t index, size_t size)
{
    if (guard_whole(index, pool_payload(index))) {
        pool_blocks[index].size = (uint16_t)size;
        *guard_of(index) = GUARD_WORD;
    }
}

void pool_block_release(pool_index_t index)
{
    pool_block_t *block = pool_block(index);
    uint32_t before = atomic_load_explicit(&block->state, memory_order_acquire);
    /* The only reference is ours: nobody can add or drop one, so nothing need be subtracted. */
    if ((before & 0xFFFFu) != 1) {
        before = atomic_fetch_sub_explicit(&block->state, 1, memory_order_acq_rel);
        configASSERT((before & 0xFFFFu) != 0);
    }
    if ((before & 0xFFFFu) == 1) {
        (void)guard_whole(index, pool_payload(index));
        atomic_store_explicit(&block->state, 0, memory_order_relaxed);
        give_back(&s_pools[block->pool], index);
    }
}

/** With one reference; free with none. */
static inline uint32_t state_of(pool_kind_t kind)
{
    return kind == POOL_KIND_FREE ? 0 : ((uint32_t)kind << 16 | 1u);
}

bool pool_block_convert(pool_index_t index, pool_kind_t from, pool_kind_t to)
{
    uint32_t expected = state_of(from);
    bool done = false;
    do { /* who asks is on another core, and about to answer */
        expected = state_of(from);
        done = atomic_compare_exchange_strong_explicit(&pool_blocks[index].state, &expected,
                                                       state_of(to), memory_order_acq_rel,
                                                       memory_order_relaxed);
    } while (!done && __builtin_expect(expected == state_of(POOL_KIND_ASKED), 0));
    return done;
}

bool pool_block_convert_of(pool_index_t index, pool_kind_t from, pool_kind_t to,
                           system_service_id_t source)
{
    /* Not a look and then a conversion: in between, the block may become another owner's. While it
     * is ASKED nobody gives it back; others wait for us, so nobody may take this core from us. */
    portENTER_CRITICAL_SAFE(&s_ask_lock);
    bool done = pool_block_convert(index, from, POOL_KIND_ASKED);
    if (done) {
        done = atomic_load_explicit(&pool_blocks[index].source, memory_order_relaxed) == source;
        atomic_store_explicit(&pool_blocks[index].state, state_of(done ? to : from),
                              memory_order_release);
    }
    portEXIT_CRITICAL_SAFE(&s_ask_lock);
    return done;
}

/* ---- quota -------------------------------------------------------------------------------- */

/** The memory quota counts what the block occupies. The owner may be gone: then nothing counts. */
static inline void release_quota(system_service_id_t source, size_t bytes)
{
    unsigned slot;
    if (registry_slot_of(source, &slot) == ESP_OK) {
        quota_give_memory(slot, (uint32_t)bytes);
    }
}

size_t memory_pool_block_bytes(size_t size)
{
    return charge_of(pool_for(size), size);
}

/* ---- lifecycle ------------------------------------------------------------------------------ */

static uint32_t payload_caps(unsigned pool)
{
#ifdef CONFIG_SYSTEM_POOL_LARGE_IN_PSRAM
    if (pool >= MEMORY_POOL_LARGE) {
        return MALLOC_CAP_SPIRAM | MALLOC_CAP_8BIT;
    }
#endif
    (void)pool;
    return MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT;
}

esp_err_t memory_pool_init(void)
{
    memset(&s_totals, 0, sizeof(s_totals));
    pool_heap_init();
    for (unsigned i = 0; i < MEMORY_POOL_CLASSES; i++) {
        pool_t *pool = &s_pools[i];
        const pool_desc_t *desc = &s_desc[i];
        memset(pool, 0, sizeof(*pool));
        pool->stride = (uint16_t)(desc->size + POOL_TAIL_BYTES);
        pool->first = desc->first;
        pool->payload = heap_caps_aligned_alloc(
            MEMORY_POOL_ALIGNMENT, (size_t)desc->count * pool->stride, payload_caps(i));
        if (pool->payload == NULL) {
            memory_pool_deinit();
            return ESP_ERR_NO_MEM;
        }
        pool_areas[i].stride = pool->stride;
        pool_areas[i].origin =
            (uintptr_t)pool->payload - (uintptr_t)pool->first * pool_areas[i].stride;
        atomic_store(&pool->head, LIST_END);
        for (unsigned n = desc->count; n-- > 0;) {
            pool_block_t *block = &pool_blocks[desc->first + n];
            memset(block, 0, sizeof(*block));
            block->pool = (uint8_t)i;
            list_push(pool, n, 0);
        }
        pool->bytes = (uint32_t)pool->stride * desc->count;
        atomic_store(&pool->limit, (uint16_t)(desc->count - desc->reserve));
        atomic_store(&pool->limit_critical, desc->count);
    }
    return ESP_OK;
}

void memory_pool_deinit(void)
{
    pool_heap_free_all();
    for (unsigned i = 0; i < MEMORY_POOL_CLASSES; i++) {
        atomic_store(&s_pools[i].limit, 0);
        atomic_store(&s_pools[i].limit_critical, 0);
        s_pools[i].bytes = 0;
        heap_caps_free(s_pools[i].payload);
        s_pools[i].payload = NULL;
    }
}

uint32_t memory_pool_reclaim(system_service_id_t source)
{
    uint32_t taken = 0;
    for (unsigned i = 0; i < BLOCKS; i++) {
        const uint32_t kind =
            atomic_load_explicit(&pool_blocks[i].state, memory_order_acquire) >> 16;
        if ((kind == POOL_KIND_LOAN || kind == POOL_KIND_MANUAL) &&
            atomic_load_explicit(&pool_blocks[i].source, memory_order_relaxed) == source &&
            pool_block_convert_of((pool_index_t)i, (pool_kind_t)kind, POOL_KIND_FREE, source)) {
            (void)guard_whole((pool_index_t)i, pool_payload((pool_index_t)i));
            give_back(&s_pools[pool_blocks[i].pool], (pool_index_t)i);
            taken++;
        }
    }
    taken += pool_heap_reclaim(source);
    atomic_fetch_add_explicit(&s_totals.reclaimed, taken, memory_order_relaxed);
    return taken;
}

/* ---- public API ----------------------------------------------------------------------------- */

/** Who calls. Before the pools are up, the scheduler may not run yet. */
static inline system_identity_t *caller(void)
{
    return s_pools[0].payload != NULL ? system_identity_now() : system_identity();
}

void *memory_pool_alloc(size_t size)
{
    if (size == 0) {
        return NULL;
    }
    system_identity_t *identity = caller();
    const unsigned slot = system_identity_slot(identity);
    const system_service_id_t source = registry_slot_id(slot);
    pool_t *p = pool_for(size);
    const size_t bytes = charge_of(p, size);
    system_enter_as(identity);
    /* What is refused here asks once more, to be counted. */
    if (slot < SYSTEM_SLOTS && (bytes > INT32_MAX || !quota_try_memory(slot, (uint32_t)bytes)) &&
        quota_charge_memory(slot, bytes) != ESP_OK) {
        supervisor_note_busy(); /* it reports the refusal */
        system_leave(identity);
        return NULL;
    }
    pool_index_t index;
    void *ptr = take_block(p, size, source, POOL_KIND_MANUAL, false, &index);
    if (ptr == NULL) {
        ptr = pool_heap_alloc(size, source);
    }
    system_leave(identity);
    if (ptr == NULL) {
        quota_release_memory(slot, bytes);
    }
    return ptr;
}

static __attribute__((noinline)) esp_err_t free_heap_block(void *ptr)
{
    size_t size;
    system_service_id_t source;
    if (pool_heap_free(ptr, &size, &source)) {
        release_quota(source, memory_pool_block_bytes(size));
        return ESP_OK;
    }
    atomic_fetch_add_explicit(&s_totals.foreign_frees, 1, memory_order_relaxed);
    return ESP_ERR_MEMORY_FOREIGN_POINTER;
}

static inline esp_err_t free_pool_block(pool_t *p, pool_index_t index, void *payload)
{
    pool_block_t *block = pool_block(index);
    if (!pool_block_convert(index, POOL_KIND_MANUAL, POOL_KIND_FREE)) {
        const uint32_t state = atomic_load_explicit(&block->state, memory_order_relaxed);
        if (state >> 16 != POOL_KIND_FREE) {
            return ESP_ERR_MEMORY_FOREIGN_POINTER;
        }
        atomic_fetch_add_explicit(&s_totals.double_frees, 1, memory_order_relaxed);
        return ESP_ERR_MEMORY_DOUBLE_FREE;
    }
    const uint16_t size = block->size; /* ours alone until it is given back */
    const system_service_id_t source = atomic_load_explicit(&block->source, memory_order_relaxed);
    const bool whole = guard_whole(index, payload);
    give_back(p, index);
    release_quota(source, memory_pool_block_bytes(size));
    return whole ? ESP_OK : ESP_ERR_MEMORY_CORRUPTED;
}

esp_err_t memory_pool_free(void *ptr)
{
    if (ptr == NULL) {
        return ESP_OK;
    }
    pool_t *p = NULL;
    const pool_index_t index = find(ptr, &p);
    system_identity_t *identity = caller();
    system_enter_as(identity);
    const esp_err_t ret =
        index == POOL_NONE ? free_heap_block(ptr) : free_pool_block(p, index, ptr);
    system_leave(identity);
    return ret;
}

esp_err_t memory_pool_get_stats(memory_pool_class_t pool, memory_pool_stats_t *out)
{
    if (out == NULL || (unsigned)pool >= MEMORY_POOL_CLASSES) {
        return ESP_ERR_INVALID_ARG;
    }
    const pool_t *p = &s_pools[pool];
    const uint32_t used = used_of(p);
    const uint32_t borrowed = atomic_load_explicit(&p->borrowed, memory_order_relaxed);
    *out = (memory_pool_stats_t){
        .block_size = s_desc[pool].size,
        .blocks = s_desc[pool].count,
        .used = used,
        .high_water = atomic_load_explicit(&p->high_water, memory_order_relaxed),
        .reserved = s_desc[pool].reserve,
        .lent = atomic_load_explicit(&p->lent, memory_order_relaxed),
        .allocations =
            pops_of(p) - atomic_load_explicit(&p->lent_total, memory_order_relaxed) + borrowed,
        .borrowed = borrowed,
        .exhausted = atomic_load_explicit(&p->exhausted, memory_order_relaxed),
    };
    return ESP_OK;
}

esp_err_t memory_pool_get_totals(memory_pool_totals_t *out)
{
    if (out == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    *out = (memory_pool_totals_t){
        .double_frees = atomic_load_explicit(&s_totals.double_frees, memory_order_relaxed),
        .foreign_frees = atomic_load_explicit(&s_totals.foreign_frees, memory_order_relaxed),
        .overruns = atomic_load_explicit(&s_totals.overruns, memory_order_relaxed),
        .reclaimed = atomic_load_explicit(&s_totals.reclaimed, memory_order_relaxed),
    };
    pool_heap_get_counts(&out->heap_fallbacks, &out->heap_blocks);
    return ESP_OK;
}

/** Length of a free list, or -1 when it holds a block in use or one of another class, or a ring. */
static int list_length(unsigned pool)
{
    int length = 0;
    uint32_t number = atomic_load(&s_pools[pool].head) & FIELD;
    while (number != LIST_END) {
        const unsigned index = s_desc[pool].first + number;
        if (index >= BLOCKS || pool_blocks[index].pool != pool ||
            atomic_load(&pool_blocks[index].state) != 0 || ++length > s_desc[pool].count) {
            return -1;
        }
        number = atomic_load(&pool_blocks[index].link);
    }
    return length;
}

esp_err_t memory_pool_check(void)
{
    for (unsigned i = 0; i < MEMORY_POOL_CLASSES; i++) {
        const int free_blocks = list_length(i);
        if (free_blocks < 0 || (uint32_t)free_blocks + used_of(&s_pools[i]) != s_desc[i].count) {
            return ESP_ERR_MEMORY_CORRUPTED;
        }
    }
    for (unsigned i = 0; i < BLOCKS; i++) {
        if (atomic_load(&pool_blocks[i].state) != 0 && *guard_of((pool_index_t)i) != GUARD_WORD) {
            return ESP_ERR_MEMORY_CORRUPTED;
        }
    }
    return ESP_OK;
}
