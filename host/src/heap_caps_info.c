// SPDX-License-Identifier: Apache-2.0

// What is left, how broken up it is, and whether it is still sound.

#include <inttypes.h>
#include <string.h>
#include "esp_heap_caps.h"
#include "esp_memory_utils.h"
#include "esp_rom_sys.h"
#include "heap_internal.h"
#include "host_system.h"

static bool s_local_minimum; // heap lock

typedef void (*region_fn_t)(heap_region_t *region, void *ctx);

static void for_each_locked(uint32_t caps, region_fn_t fn, void *ctx)
{
    heap_region_t *regions;
    size_t count = heap_regions(&regions);
    for (size_t i = 0; i < count; i++) {
        if ((regions[i].all_caps & caps) == caps) {
            fn(&regions[i], ctx);
        }
    }
}

static void for_each(uint32_t caps, region_fn_t fn, void *ctx)
{
    heap_lock();
    for_each_locked(caps, fn, ctx);
    heap_unlock();
}

static void add_info(heap_region_t *r, void *ctx)
{
    multi_heap_info_t *info = ctx;
    size_t largest = heap_arena_largest(&r->arena);
    info->total_free_bytes += heap_arena_free_bytes(&r->arena);
    info->total_allocated_bytes += r->arena.used_bytes;
    info->largest_free_block =
        largest > info->largest_free_block ? largest : info->largest_free_block;
    info->minimum_free_bytes += s_local_minimum ? r->local_minimum : r->arena.minimum_free;
    info->allocated_blocks += r->arena.used_blocks;
    info->free_blocks += r->arena.free_blocks;
    info->total_blocks += r->arena.used_blocks + r->arena.free_blocks;
}

void heap_caps_get_info(multi_heap_info_t *info, uint32_t caps)
{
    memset(info, 0, sizeof(*info));
    for_each(caps, add_info, info);
}

size_t heap_caps_get_free_size(uint32_t caps)
{
    multi_heap_info_t info;
    heap_caps_get_info(&info, caps);
    return info.total_free_bytes;
}

size_t heap_caps_get_minimum_free_size(uint32_t caps)
{
    multi_heap_info_t info;
    heap_caps_get_info(&info, caps);
    return info.minimum_free_bytes;
}

size_t heap_caps_get_largest_free_block(uint32_t caps)
{
    multi_heap_info_t info;
    heap_caps_get_info(&info, caps);
    return info.largest_free_block;
}

static void add_total(heap_region_t *r, void *ctx)
{
    *(size_t *)ctx += heap_arena_total(&r->arena);
}

size_t heap_caps_get_total_size(uint32_t caps)
{
    size_t total = 0;
    for_each(caps, add_total, &total);
    return total;
}

static void start_local_minimum(heap_region_t *r, void *ctx)
{
    (void)ctx;
    r->local_minimum = heap_arena_free_bytes(&r->arena);
}

esp_err_t heap_caps_monitor_local_minimum_free_size_start(void)
{
    heap_lock();
    bool running = s_local_minimum;
    if (!running) {
        s_local_minimum = true;
        for_each_locked(0, start_local_minimum, NULL);
    }
    heap_unlock();
    return running ? ESP_FAIL : ESP_OK;
}

esp_err_t heap_caps_monitor_local_minimum_free_size_stop(void)
{
    heap_lock();
    bool running = s_local_minimum;
    s_local_minimum = false;
    heap_unlock();
    return running ? ESP_OK : ESP_FAIL;
}

static void print_region(heap_region_t *r, void *ctx)
{
    multi_heap_info_t info = {0};
    (void)ctx;
    add_info(r, &info);
    esp_rom_printf("  %-8s len %7zu free %7zu allocated %7zu min_free %7zu\n"
                   "    largest_free_block %zu alloc_blocks %zu free_blocks %zu total_blocks %zu\n",
                   r->name, heap_arena_total(&r->arena), info.total_free_bytes,
                   info.total_allocated_bytes, info.minimum_free_bytes, info.largest_free_block,
                   info.allocated_blocks, info.free_blocks, info.total_blocks);
}

void heap_caps_print_heap_info(uint32_t caps)
{
    multi_heap_info_t info;
    esp_rom_printf("Heap summary for capabilities 0x%08" PRIX32 ":\n", caps);
    for_each(caps, print_region, NULL);
    heap_caps_get_info(&info, caps);
    esp_rom_printf("  Totals:\n    free %zu allocated %zu min_free %zu largest_free_block %zu\n",
                   info.total_free_bytes, info.total_allocated_bytes, info.minimum_free_bytes,
                   info.largest_free_block);
}

typedef struct {
    const void *bad;
    heap_ptr_state_t what;
} check_t;

static void check_region(heap_region_t *r, void *ctx)
{
    check_t *check = ctx;
    if (check->bad == NULL) {
        check->bad = heap_arena_check(&r->arena, &check->what);
    }
}

static bool report(const check_t *check, bool print_errors)
{
    if (check->bad != NULL && print_errors) {
        esp_rom_printf("CORRUPT HEAP: block at %p %s\n", check->bad,
                       check->what == HEAP_PTR_OVERRUN ? "was written beyond its end"
                                                       : "has a damaged header");
    }
    return check->bad == NULL;
}

bool heap_caps_check_integrity(uint32_t caps, bool print_errors)
{
    check_t check = {0};
    for_each(caps, check_region, &check);
    return report(&check, print_errors);
}

bool heap_caps_check_integrity_all(bool print_errors)
{
    return heap_caps_check_integrity(0, print_errors);
}

bool heap_caps_check_integrity_addr(intptr_t addr, bool print_errors)
{
    check_t check = {0};
    heap_lock();
    heap_region_t *r = heap_region_of((const void *)addr);
    if (r != NULL) {
        check_region(r, &check);
    }
    heap_unlock();
    return r != NULL && report(&check, print_errors);
}

size_t heap_caps_get_allocated_size(void *ptr)
{
    heap_lock();
    heap_region_t *r = heap_region_of(ptr);
    bool known = r != NULL && heap_arena_state(&r->arena, ptr) == HEAP_PTR_OK;
    size_t size = known ? heap_arena_usable(&r->arena, ptr) : 0;
    heap_unlock();
    if (!known) {
        host_panic("heap_caps_get_allocated_size(%p): not an allocation", ptr);
    }
    return size;
}

typedef struct {
    const void *p;
    size_t size;
} containing_t;

static void find_containing(heap_region_t *r, void *ctx)
{
    containing_t *found = ctx;
    void *block = heap_arena_containing(&r->arena, found->p);
    if (block != NULL) {
        found->size = heap_arena_usable(&r->arena, block);
    }
}

size_t heap_caps_get_containing_block_size(void *ptr)
{
    containing_t found = {.p = ptr};
    for_each(0, find_containing, &found);
    if (found.size == 0) {
        host_panic("heap_caps_get_containing_block_size(%p): not in a block", ptr);
    }
    return found.size;
}

typedef struct {
    heap_caps_walker_cb_t fn;
    void *user_data;
    walker_heap_into_t heap;
} walk_t;

static bool walk_block(void *payload, size_t size, bool used, void *ctx)
{
    walk_t *walk = ctx;
    walker_block_info_t block = {.ptr = payload, .size = size, .used = used};
    return walk->fn(walk->heap, block, walk->user_data);
}

static void walk_region(heap_region_t *r, void *ctx)
{
    walk_t *walk = ctx;
    walk->heap.start = (intptr_t)r->arena.base;
    walk->heap.end = walk->heap.start + (intptr_t)heap_arena_total(&r->arena);
    heap_arena_walk(&r->arena, walk_block, walk);
}

void heap_caps_walk(uint32_t caps, heap_caps_walker_cb_t walker_func, void *user_data)
{
    walk_t walk = {.fn = walker_func, .user_data = user_data};
    for_each(caps, walk_region, &walk);
}

void heap_caps_walk_all(heap_caps_walker_cb_t walker_func, void *user_data)
{
    heap_caps_walk(0, walker_func, user_data);
}

static bool dump_block(walker_heap_into_t heap, walker_block_info_t block, void *user_data)
{
    (void)heap;
    (void)user_data;
    esp_rom_printf("  %p %7zu %s\n", block.ptr, block.size, block.used ? "used" : "free");
    return true;
}

void heap_caps_dump(uint32_t caps)
{
    heap_caps_walk(caps, dump_block, NULL);
}

void heap_caps_dump_all(void)
{
    heap_caps_dump(0);
}

typedef struct {
    const void *p;
    bool found;
} lies_t;

static void look_in(heap_region_t *r, void *ctx)
{
    lies_t *lies = ctx;
    lies->found = lies->found || heap_arena_contains(&r->arena, lies->p) ||
                  heap_arena_containing(&r->arena, lies->p) != NULL;
}

static bool lies_in(const void *p, uint32_t caps)
{
    lies_t lies = {.p = p};
    for_each(caps, look_in, &lies);
    return lies.found;
}

bool esp_ptr_external_ram(const void *p)
{
    return lies_in(p, MALLOC_CAP_SPIRAM);
}

bool esp_ptr_internal(const void *p)
{
    return p != NULL && !esp_ptr_external_ram(p);
}

bool esp_ptr_in_dram(const void *p)
{
    return esp_ptr_internal(p) && !lies_in(p, MALLOC_CAP_RTCRAM);
}

bool esp_ptr_dma_capable(const void *p)
{
    return esp_ptr_in_dram(p);
}

bool esp_ptr_dma_ext_capable(const void *p)
{
    return esp_ptr_external_ram(p);
}

bool esp_ptr_byte_accessible(const void *p)
{
    return p != NULL;
}

bool esp_ptr_in_iram(const void *p)
{
    (void)p;
    return false; // no code is placed in RAM on the virtual board
}

bool esp_ptr_executable(const void *p)
{
    return p != NULL && !lies_in(p, 0);
}
