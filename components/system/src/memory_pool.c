/* SPDX-License-Identifier: Apache-2.0 */
#include "system_service/memory_pool.h"

#include <inttypes.h>
#include <string.h>

#include "esp_heap_caps.h"
#include "esp_log.h"
#include "freertos/FreeRTOS.h"

#include "event_internal.h"
#include "memory_pool_internal.h"
#include "resource_quota_internal.h"
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

/** The smallest class that holds size bytes, or MEMORY_POOL_CLASSES. */
static inline unsigned class_of(size_t size)
{
    if (size <= SIZE_SMALL) {
        return MEMORY_POOL_SMALL;
    }
    if (size <= SIZE_MEDIUM) {
        return MEMORY_POOL_MEDIUM;
    }
    if (size <= SIZE_LARGE) {
        return MEMORY_POOL_LARGE;
    }
    return size <= MEMORY_POOL_MAX_BLOCK ? MEMORY_POOL_XLARGE : MEMORY_POOL_CLASSES;
}

/** What changes. On the ESP32-S3 these words must be in internal RAM: compare-and-swap does not
 *  work on PSRAM. Statics are, unless somebody moves .bss there by hand. */
typedef struct {
    _Atomic uint32_t head;  /* tag << 16 | index: the tag grows with each pop, against ABA */
    _Atomic uint32_t taken; /* since boot; wraps, and so does freed */
    _Atomic uint32_t freed;
    _Atomic uint32_t high_water;
    _Atomic uint32_t lent;       /* now */
    _Atomic uint32_t lent_total; /* since boot: taken for a smaller class */
    _Atomic uint32_t borrowed;
    _Atomic uint32_t exhausted;
} pool_t;

static pool_t s_pools[MEMORY_POOL_CLASSES];
pool_block_t pool_blocks[BLOCKS];
pool_area_t pool_areas[MEMORY_POOL_CLASSES];

static struct {
    _Atomic uint32_t double_frees, foreign_frees, overruns, reclaimed;
} s_totals;

/* ---- blocks --------------------------------------------------------------------------------- */

/** The guard stands right behind the bytes asked for, rounded up to a word. */
static uint32_t *guard_of(pool_index_t index)
{
    uint8_t *payload = pool_payload(index);
    return (uint32_t *)(void *)(payload + ((pool_blocks[index].size + 3u) & ~3u));
}

pool_index_t pool_find(const void *ptr)
{
    const uintptr_t address = (uintptr_t)ptr;
    for (unsigned i = 0; i < MEMORY_POOL_CLASSES; i++) {
        const size_t stride = s_desc[i].size + POOL_TAIL_BYTES;
        const uintptr_t offset = address - (uintptr_t)pool_areas[i].payload;
        if (pool_areas[i].payload != NULL && offset < stride * s_desc[i].count) {
            return offset % stride == 0 ? (pool_index_t)(s_desc[i].first + offset / stride)
                                        : POOL_NONE;
        }
    }
    return POOL_NONE;
}

/* ---- free lists ----------------------------------------------------------------------------- */

static pool_index_t list_pop(pool_t *pool)
{
    uint32_t head = atomic_load_explicit(&pool->head, memory_order_acquire);
    for (;;) {
        const pool_index_t index = (pool_index_t)head;
        if (index == POOL_NONE) {
            return POOL_NONE;
        }
        /* May read a block that another taker has just got: then the tag differs and we retry. */
        const uint16_t next = atomic_load_explicit(&pool_blocks[index].link, memory_order_relaxed);
        const uint32_t wanted = ((head & 0xFFFF0000u) + 0x10000u) | next;
        if (atomic_compare_exchange_weak_explicit(&pool->head, &head, wanted, memory_order_acquire,
                                                  memory_order_acquire)) {
            return index;
        }
    }
}

static void list_push(pool_t *pool, pool_index_t index)
{
    uint32_t head = atomic_load_explicit(&pool->head, memory_order_relaxed);
    uint32_t wanted;
    do {
        atomic_store_explicit(&pool_blocks[index].link, (uint16_t)head, memory_order_relaxed);
        wanted = (head & 0xFFFF0000u) | index;
    } while (!atomic_compare_exchange_weak_explicit(&pool->head, &head, wanted,
                                                    memory_order_release, memory_order_relaxed));
}

static uint32_t used_of(const pool_t *pool)
{
    const uint32_t taken = atomic_load_explicit(&pool->taken, memory_order_relaxed);
    return taken - atomic_load_explicit(&pool->freed, memory_order_relaxed);
}

/** Count one more as taken unless that passes limit. Never more than are taken, not for an
 *  instruction: a taker that is interrupted in here must not make the pool look full to others. */
static bool count_taken(pool_t *pool, uint32_t limit)
{
    uint32_t taken = atomic_load_explicit(&pool->taken, memory_order_relaxed);
    int32_t now;
    do {
        /* What is freed now is on the list. If others took and freed since taken was read, this is
         * too low, even below nothing, and the exchange fails. */
        now = (int32_t)(taken + 1 - atomic_load_explicit(&pool->freed, memory_order_acquire));
        if (now > (int32_t)limit) {
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(&pool->taken, &taken, taken + 1,
                                                    memory_order_acq_rel, memory_order_relaxed));
    uint32_t high = atomic_load_explicit(&pool->high_water, memory_order_relaxed);
    while ((uint32_t)now > high &&
           !atomic_compare_exchange_weak_explicit(&pool->high_water, &high, (uint32_t)now,
                                                  memory_order_relaxed, memory_order_relaxed)) {
    }
    return true;
}

static pool_index_t take_from(unsigned pool, bool critical)
{
    const pool_desc_t *desc = &s_desc[pool];
    if (pool_areas[pool].payload == NULL) {
        return POOL_NONE; /* the class is empty, or the system is not up */
    }
    if (!count_taken(&s_pools[pool], critical ? desc->count : desc->count - desc->reserve)) {
        return POOL_NONE;
    }
    const pool_index_t index = list_pop(&s_pools[pool]);
    configASSERT(index != POOL_NONE); /* the counters say that there is one: see the invariants */
    pool_blocks[index].borrowed = false;
    return index;
}

/** For a request that belongs to a smaller class, within a bound. */
static pool_index_t lend_from(unsigned pool, unsigned wanted, bool critical)
{
    pool_t *p = &s_pools[pool];
    uint32_t lent = atomic_load_explicit(&p->lent, memory_order_relaxed);
    do {
        if (lent >= s_desc[pool].lend_limit) {
            return POOL_NONE;
        }
    } while (!atomic_compare_exchange_weak_explicit(&p->lent, &lent, lent + 1, memory_order_relaxed,
                                                    memory_order_relaxed));
    const pool_index_t index = take_from(pool, critical);
    if (index == POOL_NONE) {
        atomic_fetch_sub_explicit(&p->lent, 1, memory_order_relaxed);
        return POOL_NONE;
    }
    pool_blocks[index].borrowed = true;
    atomic_fetch_add_explicit(&p->lent_total, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&s_pools[wanted].borrowed, 1, memory_order_relaxed);
    return index;
}

static void give_back(pool_index_t index)
{
    pool_t *p = &s_pools[pool_blocks[index].pool];
    if (pool_blocks[index].borrowed) {
        atomic_fetch_sub_explicit(&p->lent, 1, memory_order_relaxed);
    }
    list_push(p, index);
    atomic_fetch_add_explicit(&p->freed, 1, memory_order_release);
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
static inline bool guard_whole(pool_index_t index)
{
    if (__builtin_expect(*guard_of(index) == GUARD_WORD, 1)) {
        return true;
    }
    report_overrun(index);
    return false;
}

/* ---- for the bus ---------------------------------------------------------------------------- */

pool_index_t pool_block_take(size_t size, system_service_id_t source, pool_kind_t kind,
                             bool critical)
{
    const unsigned wanted = class_of(size);
    if (wanted == MEMORY_POOL_CLASSES) {
        return POOL_NONE;
    }
    pool_index_t index = take_from(wanted, critical);
    for (unsigned pool = wanted + 1; index == POOL_NONE && pool < MEMORY_POOL_CLASSES; pool++) {
        index = lend_from(pool, wanted, critical);
    }
    if (index == POOL_NONE) {
        atomic_fetch_add_explicit(&s_pools[wanted].exhausted, 1, memory_order_relaxed);
        return POOL_NONE;
    }
    pool_block_t *block = &pool_blocks[index];
    block->size = (uint16_t)size;
    atomic_store_explicit(&block->source, source, memory_order_relaxed);
    *guard_of(index) = GUARD_WORD;
    atomic_store_explicit(&block->state, (uint32_t)kind << 16 | 1u, memory_order_release);
    return index;
}

void pool_block_shrink(pool_index_t index, size_t size)
{
    if (guard_whole(index)) {
        pool_blocks[index].size = (uint16_t)size;
        *guard_of(index) = GUARD_WORD;
    }
}

void pool_block_release(pool_index_t index)
{
    pool_block_t *block = &pool_blocks[index];
    uint32_t before = atomic_load_explicit(&block->state, memory_order_acquire);
    /* The only reference is ours: nobody can add or drop one, so nothing need be subtracted. */
    if ((before & 0xFFFFu) != 1) {
        before = atomic_fetch_sub_explicit(&block->state, 1, memory_order_acq_rel);
        configASSERT((before & 0xFFFFu) != 0);
    }
    if ((before & 0xFFFFu) == 1) {
        (void)guard_whole(index);
        atomic_store_explicit(&block->state, 0, memory_order_relaxed);
        give_back(index);
    }
}

bool pool_block_convert(pool_index_t index, pool_kind_t from, pool_kind_t to)
{
    uint32_t expected = (uint32_t)from << 16 | 1u;
    const uint32_t wanted = to == POOL_KIND_FREE ? 0 : ((uint32_t)to << 16 | 1u);
    return atomic_compare_exchange_strong_explicit(&pool_blocks[index].state, &expected, wanted,
                                                   memory_order_acq_rel, memory_order_relaxed);
}

/* ---- quota -------------------------------------------------------------------------------- */

/** The memory quota counts what the block occupies. The owner may be gone: then nothing counts. */
static void release_quota(system_service_id_t source, size_t bytes)
{
    unsigned slot;
    if (service_slot_of(source, &slot) == ESP_OK) {
        quota_release_memory(slot, bytes);
    }
}

size_t memory_pool_block_bytes(size_t size)
{
    const unsigned pool = class_of(size);
    return pool < MEMORY_POOL_CLASSES ? s_desc[pool].size : size;
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
        pool_areas[i].size = desc->size;
        pool_areas[i].first = desc->first;
        pool_areas[i].payload = heap_caps_aligned_alloc(
            MEMORY_POOL_ALIGNMENT, (size_t)desc->count * (desc->size + POOL_TAIL_BYTES),
            payload_caps(i));
        if (pool_areas[i].payload == NULL) {
            memory_pool_deinit();
            return ESP_ERR_NO_MEM;
        }
        atomic_store(&pool->head, POOL_NONE);
        for (unsigned n = desc->count; n-- > 0;) {
            pool_block_t *block = &pool_blocks[desc->first + n];
            memset(block, 0, sizeof(*block));
            block->pool = (uint8_t)i;
            list_push(pool, (pool_index_t)(desc->first + n));
        }
    }
    return ESP_OK;
}

void memory_pool_deinit(void)
{
    pool_heap_free_all();
    for (unsigned i = 0; i < MEMORY_POOL_CLASSES; i++) {
        heap_caps_free(pool_areas[i].payload);
        pool_areas[i].payload = NULL;
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
            pool_block_convert((pool_index_t)i, (pool_kind_t)kind, POOL_KIND_FREE)) {
            (void)guard_whole((pool_index_t)i);
            give_back((pool_index_t)i);
            taken++;
        }
    }
    taken += pool_heap_reclaim(source);
    atomic_fetch_add_explicit(&s_totals.reclaimed, taken, memory_order_relaxed);
    return taken;
}

/* ---- public API ----------------------------------------------------------------------------- */

void *memory_pool_alloc(size_t size)
{
    if (size == 0) {
        return NULL;
    }
    const unsigned slot = system_current_slot();
    const system_service_id_t source = service_slot_id(slot);
    const size_t bytes = memory_pool_block_bytes(size);
    if (quota_charge_memory(slot, bytes) != ESP_OK) {
        return NULL;
    }
    system_identity_t *identity = system_enter();
    const pool_index_t index = pool_block_take(size, source, POOL_KIND_MANUAL, false);
    void *ptr = index != POOL_NONE ? pool_payload(index) : pool_heap_alloc(size, source);
    system_leave(identity);
    if (ptr == NULL) {
        quota_release_memory(slot, bytes);
    }
    return ptr;
}

static esp_err_t free_heap_block(void *ptr)
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

static esp_err_t free_pool_block(pool_index_t index)
{
    pool_block_t *block = &pool_blocks[index];
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
    const bool whole = guard_whole(index);
    give_back(index);
    release_quota(source, memory_pool_block_bytes(size));
    return whole ? ESP_OK : ESP_ERR_MEMORY_CORRUPTED;
}

esp_err_t memory_pool_free(void *ptr)
{
    if (ptr == NULL) {
        return ESP_OK;
    }
    const pool_index_t index = pool_find(ptr);
    system_identity_t *identity = system_enter();
    const esp_err_t ret = index == POOL_NONE ? free_heap_block(ptr) : free_pool_block(index);
    system_leave(identity);
    return ret;
}

esp_err_t memory_pool_get_stats(memory_pool_class_t pool, memory_pool_stats_t *out)
{
    if (out == NULL || (unsigned)pool >= MEMORY_POOL_CLASSES) {
        return ESP_ERR_INVALID_ARG;
    }
    const pool_t *p = &s_pools[pool];
    const uint32_t borrowed = atomic_load_explicit(&p->borrowed, memory_order_relaxed);
    *out = (memory_pool_stats_t){
        .block_size = s_desc[pool].size,
        .blocks = s_desc[pool].count,
        .used = used_of(p),
        .high_water = atomic_load_explicit(&p->high_water, memory_order_relaxed),
        .reserved = s_desc[pool].reserve,
        .lent = atomic_load_explicit(&p->lent, memory_order_relaxed),
        .allocations = atomic_load_explicit(&p->taken, memory_order_relaxed) -
                       atomic_load_explicit(&p->lent_total, memory_order_relaxed) + borrowed,
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
    pool_index_t index = (pool_index_t)atomic_load(&s_pools[pool].head);
    while (index != POOL_NONE) {
        if (index >= BLOCKS || pool_blocks[index].pool != pool ||
            atomic_load(&pool_blocks[index].state) != 0 || ++length > s_desc[pool].count) {
            return -1;
        }
        index = atomic_load(&pool_blocks[index].link);
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
