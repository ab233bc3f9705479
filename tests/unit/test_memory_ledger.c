/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "memory_utils_internal.h"

#define LEDGER (CONFIG_SYSTEM_TRACKED_BLOCKS - CONFIG_SYSTEM_TRACKED_BLOCKS / 8)

void vPortEnterCriticalSafe(portMUX_TYPE *mux)
{
    (void)mux;
}

void vPortExitCriticalSafe(portMUX_TYPE *mux)
{
    (void)mux;
}

static int setup(void **state)
{
    (void)state;
    ledger_init();
    return 0;
}

/* The table against an array that is searched from end to end. */
static void test_ledger_finds_what_was_put(void **state)
{
    (void)state;
    enum {
        POINTERS = 300
    };
    static ledger_entry_t there[POINTERS];
    unsigned count = 0;
    uint64_t bytes = 0;

    srand(3);
    memset(there, 0, sizeof(there));
    for (int step = 0; step < 200000; step++) {
        const unsigned i = (unsigned)rand() % POINTERS;
        void *ptr = (void *)(uintptr_t)(0x3FC80000u + i * (i % 3 == 0 ? 4096u : 8u));
        ledger_entry_t got;

        if (rand() % 2 == 0) {
            const ledger_entry_t entry = {.ptr = ptr, .size = i + 1, .slot = i % 5};
            const bool had = there[i].ptr != NULL;
            const bool fits = ledger_put(entry, &got);

            assert_int_equal(got.ptr != NULL, had);
            assert_true(fits == (count - had < LEDGER));
            bytes = bytes - (had ? there[i].size : 0) + (fits ? entry.size : 0);
            count = count - had + fits;
            there[i] = fits ? entry : (ledger_entry_t){.ptr = NULL};
        } else {
            assert_int_equal(ledger_take(ptr, LEDGER_KINDS, &got), there[i].ptr != NULL);
            if (there[i].ptr != NULL) {
                assert_int_equal(got.size, there[i].size);
                bytes -= got.size;
                count--;
            }
            there[i].ptr = NULL;
        }
        if (step % 1000 == 0) {
            uint32_t used, high, sum = 0;

            ledger_fill(&used, &high);
            assert_int_equal(used, count);
            for (unsigned slot = 0; slot < 5; slot++) {
                uint32_t b, n;

                ledger_count(slot, LEDGER_PLAIN, &b, &n);
                sum += b;
            }
            assert_int_equal(sum, bytes);
            for (unsigned k = 0; k < POINTERS; k++) {
                assert_true(there[k].ptr == NULL || ledger_find(there[k].ptr, &got));
            }
        }
    }
}

static void add_up(const ledger_entry_t *entry, void *arg)
{
    *(uint32_t *)arg += entry->size;
}

static void test_entries_of_one_owner(void **state)
{
    (void)state;
    static char memory[60];
    ledger_entry_t got;
    uint32_t bytes = 0, blocks = 0;

    for (unsigned i = 0; i < 60; i++) {
        const ledger_entry_t entry = {.ptr = &memory[i], .size = 1, .slot = i % 3, .kind = i % 2};

        assert_true(ledger_put(entry, &got));
    }
    ledger_for_each(add_up, &bytes);
    assert_int_equal(bytes, 60);
    ledger_count(1, LEDGER_ACCOUNTED, &bytes, &blocks);
    assert_int_equal(blocks, 10);
    for (unsigned i = 0; i < 10; i++) {
        assert_true(ledger_take_one_of(1, LEDGER_ACCOUNTED, &got));
        assert_int_equal(got.slot, 1);
        assert_int_equal(got.kind, LEDGER_ACCOUNTED);
    }
    assert_false(ledger_take_one_of(1, LEDGER_ACCOUNTED, &got));
    ledger_count(1, LEDGER_PLAIN, &bytes, &blocks);
    assert_int_equal(blocks, 10);
    ledger_fill(&blocks, &bytes);
    assert_int_equal(blocks, 50);
    assert_int_equal(bytes, 60);
}

/* An entry of the other kind is shown and left where it is. */
static void test_kinds_are_kept_apart(void **state)
{
    (void)state;
    char memory[1];
    ledger_entry_t got;
    const ledger_entry_t entry = {.ptr = memory, .size = 7, .kind = LEDGER_PLAIN};

    assert_true(ledger_put(entry, &got));
    assert_null(got.ptr);
    assert_false(ledger_take(memory, LEDGER_ACCOUNTED, &got));
    assert_ptr_equal(got.ptr, memory);
    assert_true(ledger_find(memory, &got));
    assert_true(ledger_take(memory, LEDGER_PLAIN, &got));
    assert_false(ledger_take(memory, LEDGER_PLAIN, &got));
    assert_null(got.ptr);
}

static void test_the_last_sixteen_frees_are_known(void **state)
{
    (void)state;
    char memory[20];

    for (int i = 0; i < 20; i++) {
        ledger_note_freed(&memory[i]);
    }
    for (int i = 0; i < 20; i++) {
        assert_int_equal(ledger_freed_lately(&memory[i]), i >= 4);
    }
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ledger_finds_what_was_put),
        TEST(test_entries_of_one_owner),
        TEST(test_kinds_are_kept_apart),
        TEST(test_the_last_sixteen_frees_are_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
