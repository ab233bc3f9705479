// SPDX-License-Identifier: Apache-2.0

// The RAM an ESP32-S3 with 8 MB of PSRAM has left for the heap, region by region.
//
//   RAM      0x3FC88000..0x3FCE9710 is 399,120 B shared by code and data. We take off 153,360 B for
//            the firmware's code in RAM and its statics, an allowance for an image with Wi-Fi and
//            Bluetooth LE, and leave 245,760 B (240 KB). 32 KB of these are set apart for DMA as
//            CONFIG_SPIRAM_MALLOC_RESERVE_INTERNAL says.
//   RAM      0x3FCE9710..0x3FCEEE34: 22,308 B that the start-up stacks give back.
//   DRAM     0x3FCF0000: 32,768 B, free because the data cache takes 32 KB.
//   RTCRAM   0x600FE000: 8,168 B of the fast RTC memory, taken last.
//   SPIRAM   8 MB.
//
// The statics of PC code are not taken from these figures: the allowance stands for them.

#include "heap_internal.h"

#include <string.h>
#include <sys/mman.h>
#include "esp_heap_caps.h"
#include "host_heap.h"
#include "host_services.h"
#include "host_system.h"

#define INTERNAL_MAIN     245760u
#define INTERNAL_STACKS   22308u
#define INTERNAL_CACHE    32768u
#define INTERNAL_RTC      8168u
#define SPIRAM_BYTES      (8u * 1024u * 1024u)
#define BOARD_RAM_ADDRESS 0x3C000000u    // where the S3 has its data bus
#define SMALL_BOARD       (128u * 1024u) // below this all internal RAM is one region

#define COMMON_CAPS (MALLOC_CAP_DEFAULT | MALLOC_CAP_32BIT | MALLOC_CAP_8BIT)
#define DIRAM_CAPS                                                                                 \
    (COMMON_CAPS | MALLOC_CAP_INTERNAL | MALLOC_CAP_DMA | MALLOC_CAP_RETENTION | MALLOC_CAP_SIMD)

#if defined(CONFIG_SPIRAM) && CONFIG_SPIRAM
#define HAVE_SPIRAM true
#else
#define HAVE_SPIRAM false
#endif
#ifdef CONFIG_SPIRAM_MALLOC_RESERVE_INTERNAL
#define DMA_POOL ((size_t)CONFIG_SPIRAM_MALLOC_RESERVE_INTERNAL)
#else
#define DMA_POOL ((size_t)0)
#endif

static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;
static heap_region_t s_regions[HEAP_REGIONS_MAX];
static size_t s_count;
static uint8_t *s_memory;
static size_t s_memory_size;

void heap_lock(void)
{
    pthread_mutex_lock(&s_lock);
}

void heap_unlock(void)
{
    pthread_mutex_unlock(&s_lock);
}

static void add_region(const char *name, size_t *offset, size_t size, uint32_t high,
                       uint32_t medium, uint32_t low)
{
    heap_region_t *r = &s_regions[s_count++];
    memset(r, 0, sizeof(*r));
    r->name = name;
    r->caps[0] = high;
    r->caps[1] = medium;
    r->caps[2] = low;
    r->all_caps = high | medium | low;
    heap_arena_init(&r->arena, s_memory + *offset, size);
    r->local_minimum = heap_arena_free_bytes(&r->arena);
    *offset += (size + 15u) & ~(size_t)15u;
}

static void add_internal(size_t *offset, size_t bytes)
{
    size_t fixed = INTERNAL_STACKS + INTERNAL_CACHE + INTERNAL_RTC;
    size_t main_bytes = bytes < SMALL_BOARD ? bytes : bytes - fixed;
    size_t pool = HAVE_SPIRAM && main_bytes > 2 * DMA_POOL ? DMA_POOL : 0;
    add_region("RAM", offset, main_bytes - pool, DIRAM_CAPS, 0, 0);
    if (bytes >= SMALL_BOARD) {
        add_region("RAM", offset, INTERNAL_STACKS, DIRAM_CAPS, 0, 0);
        add_region("DRAM", offset, INTERNAL_CACHE, 0,
                   COMMON_CAPS | MALLOC_CAP_INTERNAL | MALLOC_CAP_DMA | MALLOC_CAP_SIMD, 0);
    }
    if (pool > 0) {
        add_region("DMA pool", offset, pool, 0, MALLOC_CAP_DMA | MALLOC_CAP_INTERNAL, COMMON_CAPS);
    }
    if (bytes >= SMALL_BOARD) {
        add_region("RTCRAM", offset, INTERNAL_RTC, MALLOC_CAP_RTCRAM, 0,
                   COMMON_CAPS | MALLOC_CAP_INTERNAL);
    }
}

// The same address in every run, as on the board: what hashes or sorts pointers to the heap then
// does the same each time, and a seed of the simulator repeats itself. Elsewhere if that is taken.
static void *map_memory(size_t size)
{
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    void *memory = mmap((void *)BOARD_RAM_ADDRESS, size, PROT_READ | PROT_WRITE,
                        flags | MAP_FIXED_NOREPLACE, -1, 0);
    return memory != MAP_FAILED ? memory : mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);
}

static void build(size_t internal_bytes, size_t spiram_bytes)
{
    size_t internal = internal_bytes;
    if (internal == 0) {
        internal = INTERNAL_MAIN + INTERNAL_STACKS + INTERNAL_CACHE + INTERNAL_RTC;
    }
    size_t spiram = HAVE_SPIRAM ? (spiram_bytes != 0 ? spiram_bytes : SPIRAM_BYTES) : 0;
    size_t size = internal + spiram + HEAP_REGIONS_MAX * 16u;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    heap_arena_drop_all();
#endif
    if (s_memory != NULL) {
        munmap(s_memory, s_memory_size);
    }
    void *memory = map_memory(size);
    if (memory == MAP_FAILED) {
        host_panic("cannot reserve %zu bytes for the board's RAM", size);
    }
    s_memory = memory;
    s_memory_size = size;
    s_count = 0;
    size_t offset = 0;
    add_internal(&offset, internal);
    if (spiram > 0) {
        add_region("SPIRAM", &offset, spiram, MALLOC_CAP_SPIRAM, 0, COMMON_CAPS | MALLOC_CAP_SIMD);
    }
}

void host_heap_reset(size_t internal_bytes, size_t spiram_bytes)
{
    heap_lock();
    build(internal_bytes, spiram_bytes);
    heap_unlock();
    heap_fault_reset();
}

// The caller holds the heap lock.
size_t heap_regions(heap_region_t **first)
{
    if (s_count == 0) {
        build(0, 0);
    }
    *first = s_regions;
    return s_count;
}

heap_region_t *heap_region_of(const void *p)
{
    for (size_t i = 0; i < s_count; i++) {
        if (heap_arena_contains(&s_regions[i].arena, p)) {
            return &s_regions[i];
        }
    }
    return NULL;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
bool host_heap_owns(const void *p)
{
    heap_lock();
    bool owned = heap_region_of(p) != NULL;
    heap_unlock();
    return owned;
}
#else
// Without the lock, for every free() passes here: the bounds only change between boots.
bool host_heap_owns(const void *p)
{
    uintptr_t low = (uintptr_t)s_memory;
    return low != 0 && (uintptr_t)p - low < s_memory_size;
}
#endif

void host_heap_init(const host_config_t *cfg)
{
    host_system_init(cfg);
    host_log_init(); // frees what the tags' levels take before the heap is gone
    host_heap_reset(cfg->heap_internal_bytes, cfg->heap_spiram_bytes);
}
