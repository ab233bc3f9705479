// SPDX-License-Identifier: Apache-2.0

// An app for both processors: deep calls that use up the register windows, addresses in data, both
// ways of calling, tables, constructors.

#include <stdint.h>

extern void host_note(const char *what, uint32_t value);
extern uint32_t host_call_back(uint32_t (*function)(uint32_t), uint32_t value);
extern void host_absent(void) __attribute__((weak));

uint32_t app_main(uint32_t seed);

static uint32_t s_state = 17;
static uint32_t s_zero[1000];
static const char *const s_names[] = {"zero", "one", "two", "three", "many"};

static uint32_t add(uint32_t a, uint32_t b)
{
    return a + b;
}

static uint32_t mix(uint32_t a, uint32_t b)
{
    return (a ^ b << 5) + (b >> 3);
}

static uint32_t (*const s_operations[])(uint32_t, uint32_t) = {add, mix, add, mix};

__attribute__((constructor)) static void begin(void)
{
    host_note("constructor", s_state);
    s_state += 100;
}

__attribute__((destructor)) static void end(void)
{
    host_note("destructor", s_state);
}

__attribute__((noinline)) static uint32_t deep(uint32_t depth, uint32_t value)
{
    volatile uint32_t own = value;
    if (depth == 0) {
        return own;
    }
    const uint32_t below = deep(depth - 1, s_operations[depth & 3u](value, depth));
    return below + own; // own must have survived everything below
}

static uint32_t called_back(uint32_t value)
{
    s_state = mix(s_state, value);
    return deep(20, value) ^ s_state;
}

__attribute__((noinline)) static const char *name_of(uint32_t n)
{
    switch (n) {
    case 0:
    case 1:
    case 2:
    case 3:
        return s_names[n];
    default:
        return s_names[4];
    }
}

uint32_t app_main(uint32_t seed)
{
    uint32_t sum = seed;
    for (uint32_t i = 0; i < 6; i++) {
        sum = mix(sum, deep(i * 30, sum + i));
        host_note(name_of(i), sum);
        s_zero[i * 100] += sum;
    }
    for (uint32_t i = 0; i < 1000; i++) {
        sum += s_zero[i];
    }
    sum += host_call_back(called_back, sum);
    if (host_absent != 0) {
        host_absent();
    }
    return sum;
}
