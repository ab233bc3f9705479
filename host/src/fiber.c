// SPDX-License-Identifier: Apache-2.0

// A fiber is entered once through ucontext and switched by _setjmp/_longjmp from then on: no system
// call, no signal mask. Under AddressSanitizer, which must be told about each switch, ucontext does
// it all.

#include "fiber.h"

#include <setjmp.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#define WITH_ASAN 1
#else
#define WITH_ASAN 0
#endif

#define CHUNK 32

struct fiber {
    jmp_buf env;
    ucontext_t context;
    bool entered;
    void (*entry)(void *arg);
    void *arg;
    const uint8_t *stack;
    size_t size;
    void *fake_stack; /* AddressSanitizer's */
    fiber_t *next_free;
};

static fiber_t s_root = {.entered = true};
static fiber_t *s_free;
static fiber_t *s_entering; /* handed to first_entry() */
#if WITH_ASAN
static fiber_t *s_from; /* whose stack bounds finish_switch reports */
#endif

fiber_t *fiber_root(void)
{
    return &s_root;
}

static void arrived(fiber_t *f)
{
#if WITH_ASAN
    const void *bottom;
    size_t size;
    __sanitizer_finish_switch_fiber(f->fake_stack, &bottom, &size);
    if (s_from == &s_root) {
        s_root.stack = bottom;
        s_root.size = size;
    }
#else
    (void)f;
#endif
}

static void first_entry(void)
{
    fiber_t *f = s_entering;
    arrived(f);
    f->entry(f->arg);
    __builtin_trap(); /* an entry never returns */
}

static fiber_t *take(void)
{
    if (s_free == NULL) {
        fiber_t *chunk = mmap(NULL, CHUNK * sizeof(*chunk), PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (chunk == MAP_FAILED) {
            return NULL;
        }
        for (int i = 0; i < CHUNK; i++) {
            fiber_destroy(&chunk[i]);
        }
    }
    fiber_t *f = s_free;
    s_free = f->next_free;
    return f;
}

/* Apart, since getcontext() may return twice as far as the compiler knows. */
__attribute__((noinline)) static void prepare(fiber_t *f, uint8_t *stack, size_t size)
{
    getcontext(&f->context);
    f->context.uc_stack.ss_sp = stack;
    f->context.uc_stack.ss_size = size;
    f->context.uc_link = NULL;
    makecontext(&f->context, first_entry, 0);
}

fiber_t *fiber_create(uint8_t *stack, size_t size, void (*entry)(void *arg), void *arg)
{
    fiber_t *f = take();
    if (f == NULL) {
        return NULL;
    }
    memset(f, 0, sizeof(*f));
    f->entry = entry;
    f->arg = arg;
    f->stack = stack;
    f->size = size;
    prepare(f, stack, size);
    return f;
}

void fiber_destroy(fiber_t *f)
{
    f->next_free = s_free;
    s_free = f;
}

#if WITH_ASAN

void fiber_switch(fiber_t *from, fiber_t *to, bool last)
{
    s_from = from;
    if (!to->entered) {
        to->entered = true;
        s_entering = to;
    }
    __sanitizer_start_switch_fiber(last ? NULL : &from->fake_stack, to->stack, to->size);
    swapcontext(&from->context, &to->context);
    arrived(from);
}

#else

__attribute__((noinline)) void fiber_switch(fiber_t *from, fiber_t *to, bool last)
{
    (void)last;
    if (_setjmp(from->env) != 0) {
        arrived(from);
        return;
    }
    if (to->entered) {
        _longjmp(to->env, 1);
    }
    to->entered = true;
    s_entering = to;
    setcontext(&to->context);
}

#endif
