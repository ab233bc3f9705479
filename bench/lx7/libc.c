/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the compiler and the code call of a C library: Debian's for this compiler has another
 * calling convention. Also the way out of the emulator.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "esp_heap_caps.h"
#include "esp_log.h"

#include "lx7.h"

/* ---- the emulator ---- */

#define SIMCALL_EXIT  1
#define SIMCALL_WRITE 4

void lx7_exit(int status)
{
    for (;;) {
        (void)lx7_simcall(SIMCALL_EXIT, status, 0, 0);
    }
}

void lx7_put(const char *text)
{
    (void)lx7_simcall(SIMCALL_WRITE, 1, (int)(uintptr_t)text, (int)strlen(text));
}

void lx7_put_number(uint32_t number)
{
    char digits[12];
    char *next = &digits[sizeof(digits) - 1];
    *next = '\0';
    do {
        *--next = (char)('0' + number % 10u);
        number /= 10u;
    } while (number != 0);
    lx7_put(next);
}

void lx7_fail(const char *what, uint32_t value)
{
    lx7_put("failed: ");
    lx7_put(what);
    lx7_put(" ");
    lx7_put_number(value);
    lx7_put("\n");
    lx7_exit(1);
}

void lx7_fault(uint32_t cause, uint32_t where);
void lx7_fault(uint32_t cause, uint32_t where)
{
    lx7_put_number(where);
    lx7_fail(": exception", cause);
}

void __assert_func(const char *file, int line, const char *function, const char *text);
void __assert_func(const char *file, int line, const char *function, const char *text)
{
    (void)file, (void)function;
    lx7_fail(text, (uint32_t)line);
}

/* ---- strings ---- */

/* Or the compiler makes a call of memset() out of the loop in memset(). */
#pragma GCC optimize("no-tree-loop-distribute-patterns")

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    uint8_t *t = to;
    const uint8_t *f = from;
    if ((((uintptr_t)to | (uintptr_t)from) & 3u) == 0) {
        uint32_t *tw = to;
        const uint32_t *fw = from;
        for (; n >= 4; n -= 4) {
            *tw++ = *fw++;
        }
        t = (uint8_t *)tw;
        f = (const uint8_t *)fw;
    }
    while (n-- > 0) {
        *t++ = *f++;
    }
    return to;
}

void *memset(void *to, int value, size_t n)
{
    uint8_t *t = to;
    while (n-- > 0) {
        *t++ = (uint8_t)value;
    }
    return to;
}

size_t strnlen(const char *s, size_t limit)
{
    size_t n = 0;
    while (n < limit && s[n] != '\0') {
        n++;
    }
    return n;
}

size_t strlen(const char *s)
{
    return strnlen(s, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n > 0; n--, a++, b++) {
        if (*a != *b || *a == '\0') {
            return (unsigned char)*a - (unsigned char)*b;
        }
    }
    return 0;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, SIZE_MAX);
}

size_t strspn(const char *s, const char *set)
{
    size_t n = 0;
    for (; s[n] != '\0'; n++) {
        const char *c = set;
        while (*c != '\0' && *c != s[n]) {
            c++;
        }
        if (*c == '\0') {
            break;
        }
    }
    return n;
}

int snprintf(char *restrict out, size_t size, const char *restrict format, ...)
{
    (void)out, (void)size;
    lx7_fail(format, 0);
}

void esp_log_write(esp_log_level_t level, const char *tag, const char *format, ...)
{
    (void)level;
    lx7_put(tag);
    lx7_put(": ");
    lx7_put(format);
}

uint32_t esp_log_timestamp(void)
{
    return 0;
}

/* ---- arithmetic: this core divides, the compiler does not know it ---- */

#define DIVISION(name, op)                                                                         \
    uint32_t name(uint32_t a, uint32_t b);                                                         \
    uint32_t name(uint32_t a, uint32_t b)                                                          \
    {                                                                                              \
        uint32_t result;                                                                           \
        __asm__(op "\t%0, %1, %2" : "=a"(result) : "a"(a), "a"(b));                                \
        return result;                                                                             \
    }
DIVISION(__udivsi3, "quou")
DIVISION(__umodsi3, "remu")

uint64_t __udivdi3(uint64_t a, uint64_t b);
uint64_t __udivdi3(uint64_t a, uint64_t b)
{
    uint64_t quotient = 0;
    uint64_t rest = 0;
    for (int i = 63; i >= 0; i--) {
        rest = rest << 1 | (a >> i & 1u);
        if (rest >= b) {
            rest -= b;
            quotient |= 1ULL << i;
        }
    }
    return quotient;
}

int64_t __divdi3(int64_t a, int64_t b);
int64_t __divdi3(int64_t a, int64_t b)
{
    const uint64_t q =
        __udivdi3(a < 0 ? 0 - (uint64_t)a : (uint64_t)a, b < 0 ? 0 - (uint64_t)b : (uint64_t)b);
    return (a < 0) != (b < 0) ? (int64_t)(0 - q) : (int64_t)q;
}

uint64_t __muldi3(uint64_t a, uint64_t b);
uint64_t __muldi3(uint64_t a, uint64_t b)
{
    uint64_t sum = 0;
    for (; b != 0; b >>= 1, a <<= 1) {
        sum += b & 1u ? a : 0;
    }
    return sum;
}

int __ctzdi2(uint64_t value);
int __ctzdi2(uint64_t value)
{
    int n = 0;
    while (n < 64 && !(value >> n & 1u)) {
        n++;
    }
    return n;
}

/* ---- memory: what is set up stays ---- */

void *heap_caps_aligned_alloc(size_t alignment, size_t size, uint32_t caps)
{
    static uint8_t arena[160 * 1024] __attribute__((aligned(16)));
    static size_t used;
    (void)caps;
    used = (used + alignment - 1) / alignment * alignment;
    void *block = &arena[used];
    used += size;
    return used <= sizeof(arena) ? block : NULL;
}

void *heap_caps_malloc(size_t size, uint32_t caps)
{
    return heap_caps_aligned_alloc(8, size, caps);
}

void heap_caps_free(void *ptr)
{
    (void)ptr;
}

void *pvPortMalloc(size_t size)
{
    return heap_caps_malloc(size, 0);
}

void vPortFree(void *ptr)
{
    (void)ptr;
}
