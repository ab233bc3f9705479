// SPDX-License-Identifier: Apache-2.0

// What gcc's -fsanitize=thread calls, when its runtime is not linked: every atomic operation may,
// and every so many plain accesses do, become a scheduling point of the simulator. Outside the
// simulator they cost a load and a branch. Empty in every other flavour, whose sanitizers bring
// their own.

#include "sched.h"

#if !defined(HOST_FLAVOUR_SIM)
typedef int sim_hooks_unused_t;
#else

/* 128-bit operations are not here: nothing that has to run on the device can use them. */

static int s_plain_left;

static inline bool in_sim(void)
{
    return k_self != NULL && g_sched == &g_sched_sim;
}

/* Geometric on average, without a logarithm: uniform over twice the mean. */
static void reload(void)
{
    uint32_t mean = host_config()->plain_mean;
    s_plain_left = 1 + (int)rng_below(RNG_SCHED, 2 * mean);
}

static inline void plain(void)
{
    if (__builtin_expect(in_sim(), 0) && --s_plain_left < 0) {
        reload();
        g_sched->point(K_POINT_PLAIN, 0);
    }
}

static inline void atomic_point(void)
{
    if (__builtin_expect(in_sim(), 0)) {
        g_sched->point(K_POINT_ATOMIC, 0);
    }
}

/* ---- set-up and function entries ---- */

void __tsan_init(void);
void __tsan_init(void)
{
}

void __tsan_func_entry(void *pc);
void __tsan_func_entry(void *pc)
{
    (void)pc;
}

void __tsan_func_exit(void);
void __tsan_func_exit(void)
{
}

void __tsan_vptr_update(void **vptr, void *value);
void __tsan_vptr_update(void **vptr, void *value)
{
    (void)vptr;
    (void)value;
    plain();
}

void __tsan_vptr_read(void **vptr);
void __tsan_vptr_read(void **vptr)
{
    (void)vptr;
    plain();
}

/* ---- plain accesses ---- */

#define PLAIN(name)                                                                                \
    void name(void *addr);                                                                         \
    void name(void *addr)                                                                          \
    {                                                                                              \
        (void)addr;                                                                                \
        plain();                                                                                   \
    }

#define PLAIN_SIZES(prefix)                                                                        \
    PLAIN(prefix##1)                                                                               \
    PLAIN(prefix##2)                                                                               \
    PLAIN(prefix##4)                                                                               \
    PLAIN(prefix##8)                                                                               \
    PLAIN(prefix##16)

PLAIN_SIZES(__tsan_read)
PLAIN_SIZES(__tsan_write)
PLAIN_SIZES(__tsan_volatile_read)
PLAIN_SIZES(__tsan_volatile_write)
PLAIN_SIZES(__tsan_read_write)
PLAIN(__tsan_unaligned_read2)
PLAIN(__tsan_unaligned_read4)
PLAIN(__tsan_unaligned_read8)
PLAIN(__tsan_unaligned_read16)
PLAIN(__tsan_unaligned_write2)
PLAIN(__tsan_unaligned_write4)
PLAIN(__tsan_unaligned_write8)
PLAIN(__tsan_unaligned_write16)

#define RANGE(name)                                                                                \
    void name(void *addr, unsigned long size);                                                     \
    void name(void *addr, unsigned long size)                                                      \
    {                                                                                              \
        (void)addr;                                                                                \
        (void)size;                                                                                \
        plain();                                                                                   \
    }

RANGE(__tsan_read_range)
RANGE(__tsan_write_range)

/* ---- atomics: a point before, then the operation itself, always sequentially consistent ---- */

#define ATOMIC_RMW(bits, type, op, builtin)                                                        \
    type __tsan_atomic##bits##_##op(volatile type *a, type v, int mo);                             \
    type __tsan_atomic##bits##_##op(volatile type *a, type v, int mo)                              \
    {                                                                                              \
        (void)mo;                                                                                  \
        atomic_point();                                                                            \
        return builtin(a, v, __ATOMIC_SEQ_CST);                                                    \
    }

#define ATOMIC_CAS(bits, type, kind, weak)                                                         \
    int __tsan_atomic##bits##_compare_exchange_##kind(volatile type *a, type *c, type v, int mo,   \
                                                      int fail_mo);                                \
    int __tsan_atomic##bits##_compare_exchange_##kind(volatile type *a, type *c, type v, int mo,   \
                                                      int fail_mo)                                 \
    {                                                                                              \
        (void)mo;                                                                                  \
        (void)fail_mo;                                                                             \
        atomic_point();                                                                            \
        return __atomic_compare_exchange_n(a, c, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);    \
    }

#define ATOMIC(bits, type)                                                                         \
    type __tsan_atomic##bits##_load(const volatile type *a, int mo);                               \
    type __tsan_atomic##bits##_load(const volatile type *a, int mo)                                \
    {                                                                                              \
        (void)mo;                                                                                  \
        atomic_point();                                                                            \
        return __atomic_load_n(a, __ATOMIC_SEQ_CST);                                               \
    }                                                                                              \
    void __tsan_atomic##bits##_store(volatile type *a, type v, int mo);                            \
    void __tsan_atomic##bits##_store(volatile type *a, type v, int mo)                             \
    {                                                                                              \
        (void)mo;                                                                                  \
        atomic_point();                                                                            \
        __atomic_store_n(a, v, __ATOMIC_SEQ_CST);                                                  \
    }                                                                                              \
    ATOMIC_RMW(bits, type, exchange, __atomic_exchange_n)                                          \
    ATOMIC_RMW(bits, type, fetch_add, __atomic_fetch_add)                                          \
    ATOMIC_RMW(bits, type, fetch_sub, __atomic_fetch_sub)                                          \
    ATOMIC_RMW(bits, type, fetch_and, __atomic_fetch_and)                                          \
    ATOMIC_RMW(bits, type, fetch_or, __atomic_fetch_or)                                            \
    ATOMIC_RMW(bits, type, fetch_xor, __atomic_fetch_xor)                                          \
    ATOMIC_RMW(bits, type, fetch_nand, __atomic_fetch_nand)                                        \
    ATOMIC_CAS(bits, type, strong, false)                                                          \
    ATOMIC_CAS(bits, type, weak, true)                                                             \
    type __tsan_atomic##bits##_compare_exchange_val(volatile type *a, type c, type v, int mo,      \
                                                    int fail_mo);                                  \
    type __tsan_atomic##bits##_compare_exchange_val(volatile type *a, type c, type v, int mo,      \
                                                    int fail_mo)                                   \
    {                                                                                              \
        (void)mo;                                                                                  \
        (void)fail_mo;                                                                             \
        atomic_point();                                                                            \
        __atomic_compare_exchange_n(a, &c, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);          \
        return c;                                                                                  \
    }

ATOMIC(8, uint8_t)
ATOMIC(16, uint16_t)
ATOMIC(32, uint32_t)
ATOMIC(64, uint64_t)

void __tsan_atomic_thread_fence(int mo);
void __tsan_atomic_thread_fence(int mo)
{
    (void)mo;
    atomic_point();
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void __tsan_atomic_signal_fence(int mo);
void __tsan_atomic_signal_fence(int mo)
{
    (void)mo;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

#endif
