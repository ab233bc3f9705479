/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "esp_heap_caps.h"
#include "fake_heap.h"
#include "fake_log.h"
#include "fake_registry.h"
#include "memory_utils_internal.h"
#include "resource_quota_internal.h"

#define BIG    CONFIG_SYSTEM_MEMORY_BIG_BLOCK
#define LEDGER (CONFIG_SYSTEM_TRACKED_BLOCKS - CONFIG_SYSTEM_TRACKED_BLOCKS / 8)
#define PLENTY SIZE_MAX

static system_service_id_t s_audio, s_display;

static int setup(void **state)
{
    (void)state;
    fake_registry_reset();
    fake_heap_reset();
    fake_log_clear();
    quota_init();
    memory_accounts_init();
    s_audio = fake_registry_add(0, "audio", false);
    s_display = fake_registry_add(1, "display", false);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_registry_run_as(SYSTEM_SLOT_NONE);
    for (unsigned slot = 0; slot < SYSTEM_SLOTS; slot++) {
        memory_reclaim(slot);
        memory_reclaim_plain(slot, true);
        assert_int_equal(quota_memory_used(slot), 0);
    }
    return fake_heap_blocks() == 0 ? 0 : -1;
}

static memory_usage_t usage(system_service_id_t id)
{
    memory_usage_t u;

    assert_int_equal(memory_get_usage(id, &u), ESP_OK);
    return u;
}

static memory_totals_t totals(void)
{
    memory_totals_t t;

    assert_int_equal(memory_get_totals(&t), ESP_OK);
    return t;
}

static void set_limit(system_service_id_t id, uint32_t bytes)
{
    const service_quota_t q = {.max_memory_bytes = bytes};
    const unsigned as = system_current_slot();

    fake_registry_run_as(SYSTEM_SLOT_NONE);
    assert_int_equal(quota_set(id, &q), ESP_OK);
    fake_registry_run_as(as);
}

/* ---- placement ------------------------------------------------------------------------------ */

static void expect_place(size_t size, memory_purpose_t purpose, uint32_t kind)
{
    void *ptr = memory_alloc(size, purpose);

    if (kind == 0) {
        assert_null(ptr);
        return;
    }
    assert_non_null(ptr);
    memset(ptr, 0xA5, size);
    assert_int_equal(fake_heap_kind(ptr), kind);
    assert_int_equal(memory_free(ptr), ESP_OK);
}

static void test_purpose_decides_the_place(void **state)
{
    (void)state;
    expect_place(100, MEMORY_PURPOSE_GENERAL, MALLOC_CAP_INTERNAL);
    expect_place(BIG - 1, MEMORY_PURPOSE_GENERAL, MALLOC_CAP_INTERNAL);
    expect_place(BIG, MEMORY_PURPOSE_GENERAL, MALLOC_CAP_SPIRAM);
    expect_place(BIG, MEMORY_PURPOSE_HOT, MALLOC_CAP_INTERNAL);
    expect_place(100, MEMORY_PURPOSE_DMA, MALLOC_CAP_INTERNAL);
    expect_place(100, MEMORY_PURPOSE_BIG, MALLOC_CAP_SPIRAM);
    assert_int_equal(totals().misplaced, 0);
    /* no PSRAM */
    fake_heap_limit(PLENTY, 0);
    expect_place(BIG, MEMORY_PURPOSE_GENERAL, MALLOC_CAP_INTERNAL);
    expect_place(100, MEMORY_PURPOSE_BIG, MALLOC_CAP_INTERNAL);
    assert_int_equal(totals().misplaced, 2);
    fake_heap_limit(CONFIG_SYSTEM_HEAP_INTERNAL_FREE_WARN + 100, 0);
    expect_place(1000, MEMORY_PURPOSE_BIG, 0); /* would leave too little */
    expect_place(101, MEMORY_PURPOSE_BIG, 0);
    expect_place(100, MEMORY_PURPOSE_BIG, MALLOC_CAP_INTERNAL); /* just what is to be left */
    /* no internal RAM */
    fake_heap_limit(0, PLENTY);
    expect_place(100, MEMORY_PURPOSE_GENERAL, MALLOC_CAP_SPIRAM);
    expect_place(100, MEMORY_PURPOSE_HOT, 0);
    expect_place(100, MEMORY_PURPOSE_DMA, 0);
    assert_int_equal(totals().refused, 4);
}

/* ---- accounts ------------------------------------------------------------------------------- */

static void test_what_is_held_is_counted(void **state)
{
    (void)state;
    fake_registry_run_as(0);
    void *a = memory_alloc(100, MEMORY_PURPOSE_GENERAL);
    void *b = memory_alloc(BIG, MEMORY_PURPOSE_BIG);
    memory_usage_t u = usage(s_audio);

    assert_int_equal(u.bytes, 100 + BIG);
    assert_int_equal(u.blocks, 2);
    assert_int_equal(u.plain_blocks, 0);
    assert_int_equal(u.charged, 100 + BIG);
    assert_int_equal(u.limit, CONFIG_SYSTEM_QUOTA_MEMORY_BYTES);
    assert_int_equal(usage(s_display).blocks, 0);
    assert_int_equal(memory_free(a), ESP_OK);
    assert_int_equal(system_mem_free(b), ESP_OK);
    u = usage(s_audio);
    assert_int_equal(u.bytes + u.blocks + u.charged, 0);
    assert_int_equal(totals().tracked, 0);
    assert_int_equal(totals().tracked_high_water, 2);
}

static void test_over_quota_is_refused(void **state)
{
    (void)state;
    quota_usage_t q;

    set_limit(s_audio, 1000);
    fake_registry_run_as(0);
    void *a = memory_alloc(600, MEMORY_PURPOSE_GENERAL);
    assert_non_null(a);
    assert_null(memory_alloc(401, MEMORY_PURPOSE_GENERAL));
    void *b = memory_alloc(400, MEMORY_PURPOSE_GENERAL);
    assert_non_null(b);
    /* the heap's hook saw the same blocks: they were not counted twice */
    assert_int_equal(quota_get_usage(s_audio, &q), ESP_OK);
    assert_int_equal(q.violations[QUOTA_MEMORY], 1);
    assert_int_equal(q.memory_peak, 1000);
    assert_int_equal(totals().over_quota, 1);
    memory_free(a);
    memory_free(b);
    /* what could not be had costs nothing */
    fake_heap_limit(0, 0);
    assert_null(memory_alloc(400, MEMORY_PURPOSE_GENERAL));
    assert_int_equal(quota_memory_used(0), 0);
}

static void test_in_the_name_of_another(void **state)
{
    (void)state;
    const system_service_id_t app = fake_registry_add(20, "music", true);
    void *ptr = system_mem_alloc(s_audio, 64, MEMORY_PURPOSE_DMA);

    assert_non_null(ptr);
    assert_int_equal(usage(s_audio).bytes, 64);
    assert_null(system_mem_alloc(app, 64, MEMORY_PURPOSE_GENERAL));
    assert_null(system_mem_alloc(SYSTEM_SERVICE_ID_NONE, 64, MEMORY_PURPOSE_GENERAL));
    fake_registry_run_as(1);
    assert_null(system_mem_alloc(s_audio, 64, MEMORY_PURPOSE_GENERAL));
    assert_int_equal(memory_free(ptr), ESP_ERR_NOT_OWNER);
    assert_non_null(strstr(fake_log_text(), "display tried to free a block of audio"));
    fake_registry_run_as(SYSTEM_SLOT_NONE);
    assert_int_equal(memory_free(ptr), ESP_OK);
}

static void test_bad_sizes_and_purposes(void **state)
{
    (void)state;
    memory_usage_t u;

    assert_null(memory_alloc(0, MEMORY_PURPOSE_GENERAL));
    assert_null(memory_alloc(LEDGER_SIZE_MAX + 1, MEMORY_PURPOSE_GENERAL));
    assert_null(memory_alloc(SIZE_MAX, MEMORY_PURPOSE_GENERAL));
    assert_null(memory_alloc(1, MEMORY_PURPOSES));
    assert_int_equal(memory_free(NULL), ESP_OK);
    assert_int_equal(memory_get_usage(s_audio, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(memory_get_usage(0, &u), ESP_ERR_SERVICE_NOT_FOUND);
    assert_int_equal(memory_get_totals(NULL), ESP_ERR_INVALID_ARG);
}

/* ---- wrong pointers ------------------------------------------------------------------------- */

/* T8: 12 bytes before any pointer were read, and nothing noticed a block freed twice. */
static void test_t8_wrong_pointers_are_refused_unread(void **state)
{
    (void)state;
    fake_registry_run_as(0);
    char *ptr = memory_alloc(32, MEMORY_PURPOSE_GENERAL);

    assert_int_equal(memory_free(ptr + 4), ESP_ERR_MEMORY_FOREIGN_POINTER);
    assert_int_equal(memory_free((void *)8), ESP_ERR_MEMORY_FOREIGN_POINTER);
    assert_int_equal(memory_free(&s_audio), ESP_ERR_MEMORY_FOREIGN_POINTER);
    assert_int_equal(memory_free(ptr), ESP_OK);
    assert_int_equal(memory_free(ptr), ESP_ERR_MEMORY_DOUBLE_FREE);
    assert_int_equal(totals().foreign_frees, 3);
    assert_int_equal(totals().double_frees, 1);
    assert_non_null(strstr(fake_log_text(), "audio freed"));
    /* plain memory is not memory_free()'s to free */
    void *plain = heap_caps_malloc(32, MALLOC_CAP_DEFAULT);
    assert_int_equal(memory_free(plain), ESP_ERR_MEMORY_FOREIGN_POINTER);
    heap_caps_free(plain);
}

static void test_overrun_is_named(void **state)
{
    (void)state;
    fake_registry_run_as(0);
    for (size_t size = 1; size < 10; size++) {
        char *ptr = memory_alloc(size, MEMORY_PURPOSE_GENERAL);

        memset(ptr, 0, size);
        assert_int_equal(memory_check(), ESP_OK);
        ptr[size] ^= 1;
        assert_int_equal(memory_check(), ESP_ERR_MEMORY_CORRUPTED);
        assert_int_equal(memory_free(ptr), ESP_ERR_MEMORY_CORRUPTED);
    }
    assert_int_equal(totals().overruns, 9);
    assert_non_null(strstr(fake_log_text(), "audio wrote beyond its block of 9 bytes"));
    assert_int_equal(quota_memory_used(0), 0);
    assert_int_equal(memory_check(), ESP_OK);
}

/* ---- owners that go ------------------------------------------------------------------------- */

static void test_reclaim_takes_everything_back(void **state)
{
    (void)state;
    fake_registry_run_as(1);
    void *kept = memory_alloc(10, MEMORY_PURPOSE_GENERAL);
    fake_registry_run_as(0);
    for (int i = 0; i < 50; i++) {
        char *ptr = memory_alloc(20, MEMORY_PURPOSE_GENERAL);

        assert_non_null(ptr);
        ptr[20] += i == 7;
    }
    assert_int_equal(memory_reclaim(0), 1000);
    assert_int_equal(memory_reclaim(0), 0);
    assert_int_equal(quota_memory_used(0), 0);
    assert_int_equal(fake_heap_blocks(), 1);
    assert_int_equal(totals().reclaimed_blocks, 50);
    assert_int_equal(totals().reclaimed_bytes, 1000);
    assert_int_equal(totals().overruns, 1);
    assert_int_equal(memory_reclaim(SYSTEM_SLOT_NONE), 0);
    fake_registry_run_as(1);
    assert_int_equal(memory_free(kept), ESP_OK);
}

static void test_plain_blocks_can_be_freed_or_forgiven(void **state)
{
    (void)state;
    fake_registry_run_as(0);
    void *given_away = heap_caps_malloc(30, MALLOC_CAP_DEFAULT);
    assert_int_equal(memory_reclaim(0), 0); /* not an accounted one */
    assert_int_equal(memory_reclaim_plain(0, false), 30);
    assert_int_equal(quota_memory_used(0), 0);
    assert_int_equal(fake_heap_blocks(), 1);
    assert_non_null(heap_caps_malloc(40, MALLOC_CAP_DEFAULT));
    assert_int_equal(memory_reclaim_plain(0, true), 40);
    assert_int_equal(quota_memory_used(0), 0);
    assert_int_equal(fake_heap_blocks(), 1);
    heap_caps_free(given_away);
}

/* ---- plain malloc() ------------------------------------------------------------------------- */

/* D2: memory was never counted. */
static void test_d2_plain_malloc_counts_against_the_quota(void **state)
{
    (void)state;
    quota_usage_t q;

    set_limit(s_audio, 1000);
    fake_registry_run_as(0);
    void *a = heap_caps_malloc(700, MALLOC_CAP_DEFAULT);
    assert_int_equal(usage(s_audio).plain_bytes, 700);
    assert_int_equal(usage(s_audio).charged, 700);
    assert_null(memory_alloc(400, MEMORY_PURPOSE_GENERAL));
    void *b = heap_caps_malloc(400, MALLOC_CAP_DEFAULT); /* cannot be refused */
    assert_int_equal(quota_get_usage(s_audio, &q), ESP_OK);
    assert_int_equal(q.violations[QUOTA_MEMORY], 2);
    fake_registry_run_as(1); /* freed by another: it was audio's all the same */
    heap_caps_free(a);
    heap_caps_free(b);
    assert_int_equal(usage(s_audio).charged + usage(s_audio).plain_blocks, 0);
    assert_int_equal(usage(s_display).charged, 0);
}

static void test_firmware_is_not_counted(void **state)
{
    (void)state;
    void *ptr = heap_caps_malloc(700, MALLOC_CAP_DEFAULT);

    assert_int_equal(totals().tracked, 0);
    heap_caps_free(ptr);
}

static void test_addresses_that_come_again(void **state)
{
    (void)state;
    char fake[8];

    fake_registry_run_as(0);
    esp_heap_trace_alloc_hook(fake, 100, 0);
    esp_heap_trace_alloc_hook(fake, 300, 0); /* realloc() in place */
    assert_int_equal(usage(s_audio).charged, 300);
    assert_int_equal(usage(s_audio).plain_blocks, 1);
    fake_registry_run_as(1); /* moved away by realloc(), unreported; the address is display's now */
    esp_heap_trace_alloc_hook(fake, 50, 0);
    assert_int_equal(usage(s_audio).charged, 0);
    assert_int_equal(usage(s_display).charged, 50);
    fake_registry_run_as(SYSTEM_SLOT_NONE);
    esp_heap_trace_alloc_hook(fake, 60, 0);
    assert_int_equal(usage(s_display).charged, 0);
    esp_heap_trace_free_hook(fake);
    esp_heap_trace_free_hook(fake);
    assert_int_equal(totals().tracked, 0);
    esp_heap_trace_alloc_hook(fake, (size_t)LEDGER_SIZE_MAX + 1, 0);
    assert_int_equal(totals().untracked, 0);
    fake_registry_run_as(0);
    esp_heap_trace_alloc_hook(fake, (size_t)LEDGER_SIZE_MAX + 1, 0);
    assert_int_equal(totals().untracked, 1);
}

/* ---- the ledger ----------------------------------------------------------------------------- */

static void test_full_ledger_refuses_and_says_so(void **state)
{
    (void)state;
    static void *blocks[LEDGER];

    set_limit(s_audio, 1 << 20);
    fake_registry_run_as(0);
    for (unsigned i = 0; i < LEDGER; i++) {
        blocks[i] = memory_alloc(8, MEMORY_PURPOSE_GENERAL);
        assert_non_null(blocks[i]);
    }
    assert_int_equal(totals().tracked, totals().tracked_max);
    assert_null(memory_alloc(8, MEMORY_PURPOSE_GENERAL));
    assert_int_equal(totals().refused, 1);
    void *plain = heap_caps_malloc(8, MALLOC_CAP_DEFAULT);
    assert_int_equal(totals().untracked, 1);
    heap_caps_free(plain);
    assert_int_equal(quota_memory_used(0), 8 * LEDGER);
    for (unsigned i = 0; i < LEDGER; i++) {
        assert_int_equal(memory_free(blocks[i]), ESP_OK);
    }
}

/* ---- the seal ------------------------------------------------------------------------------- */

static void test_seal_counts_the_cores_own_allocations(void **state)
{
    (void)state;
    assert_true(memory_seal_watches());
    fake_heap_identity(true, SYSTEM_SLOT_NONE, 0); /* a worker between two handlers */
    heap_caps_free(heap_caps_malloc(1, MALLOC_CAP_DEFAULT));
    assert_int_equal(memory_seal_violations(), 0);
    memory_seal();
    heap_caps_free(heap_caps_malloc(1, MALLOC_CAP_DEFAULT));
    assert_int_equal(memory_seal_violations(), 1);
    fake_heap_identity(true, 0, 0); /* in a handler */
    heap_caps_free(heap_caps_malloc(1, MALLOC_CAP_DEFAULT));
    fake_heap_identity(false, 0, 0); /* firmware */
    heap_caps_free(heap_caps_malloc(1, MALLOC_CAP_DEFAULT));
    assert_int_equal(memory_seal_violations(), 1);
    fake_heap_identity(true, 0, 1); /* a service inside a call of the core */
    heap_caps_free(heap_caps_malloc(1, MALLOC_CAP_DEFAULT));
    assert_int_equal(memory_seal_violations(), 2);
    memory_unseal();
    heap_caps_free(heap_caps_malloc(1, MALLOC_CAP_DEFAULT));
    assert_int_equal(memory_seal_violations(), 2);
    memory_seal();
    assert_int_equal(memory_seal_violations(), 0);
}

static void test_tracking_can_be_paused_by_a_few_at_once(void **state)
{
    (void)state;
    int pauses[20];
    int granted = 0;

    fake_registry_run_as(0);
    for (int i = 0; i < 20; i++) {
        pauses[i] = memory_tracking_pause();
        granted += pauses[i] >= 0;
    }
    assert_in_range(granted, 4, 19);
    void *ptr = heap_caps_malloc(100, MALLOC_CAP_DEFAULT);
    assert_int_equal(usage(s_audio).charged, 0);
    for (int i = 0; i < 20; i++) {
        memory_tracking_resume(pauses[i]);
    }
    void *counted = heap_caps_malloc(100, MALLOC_CAP_DEFAULT);
    assert_int_equal(usage(s_audio).charged, 100);
    heap_caps_free(ptr);
    heap_caps_free(counted);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_purpose_decides_the_place),
        TEST(test_what_is_held_is_counted),
        TEST(test_over_quota_is_refused),
        TEST(test_in_the_name_of_another),
        TEST(test_bad_sizes_and_purposes),
        TEST(test_t8_wrong_pointers_are_refused_unread),
        TEST(test_overrun_is_named),
        TEST(test_reclaim_takes_everything_back),
        TEST(test_plain_blocks_can_be_freed_or_forgiven),
        TEST(test_d2_plain_malloc_counts_against_the_quota),
        TEST(test_firmware_is_not_counted),
        TEST(test_addresses_that_come_again),
        TEST(test_full_ledger_refuses_and_says_so),
        TEST(test_seal_counts_the_cores_own_allocations),
        TEST(test_tracking_can_be_paused_by_a_few_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
