// SPDX-License-Identifier: Apache-2.0

// abort() and a failed assert() are panics on the device, so they are here; an app's may end that
// app alone.

#include "esp_rom_sys.h"
#include "heap_wrap.h"
#include "host_system.h"
#include "trap.h"

void __wrap_abort(void)
{
    trap_abort("abort()", (uintptr_t)__builtin_return_address(0) - 1);
    host_panic("abort() was called at %p", __builtin_return_address(0));
}

void __wrap___assert_fail(const char *expression, const char *file, unsigned line,
                          const char *function)
{
    trap_abort("assert()", (uintptr_t)__builtin_return_address(0) - 1);
    host_panic("assert failed: %s %s:%u (%s)", function, file, line, expression);
}
