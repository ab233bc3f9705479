// SPDX-License-Identifier: Apache-2.0
#include <stdint.h>

#include "ktest.h"
#include "time_ms.h"

static void is_the_division(int64_t us)
{
    if (time_ms_of_us(us) != (uint32_t)(us / 1000)) {
        print_error("%lld us\n", (long long)us);
    }
    assert_int_equal(time_ms_of_us(us), (uint32_t)(us / 1000));
}

static void is_the_division_around_every_edge(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 61; bit++) {
        for (int64_t off = -2100; off <= 2100; off += 7) {
            const int64_t us = ((int64_t)1 << bit) + off;
            if (us >= 0) {
                is_the_division(us);
            }
        }
    }
    for (int64_t n = 1; n < 2000; n++) { /* where the low word carries */
        is_the_division((n << 35) - 1);
        is_the_division((n << 35) - 8 * 46 * n);
        is_the_division((n << 35) - 8 * 46 * n - 1);
        is_the_division((n << 35) - 8 * 46 * n + 8);
    }
}

static void is_the_division_anywhere(void **state)
{
    uint64_t seed = 88172645463325252ULL;
    (void)state;
    for (unsigned i = 0; i < 200000; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        is_the_division((int64_t)(seed >> (3 + i % 50)));
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_the_division_around_every_edge),
        cmocka_unit_test(is_the_division_anywhere),
    };
    return KTEST_MAIN(argc, argv, tests);
}
