// SPDX-License-Identifier: Apache-2.0

// abort() and a failed assert() are panics on the device, so they are here.

#include "esp_rom_sys.h"
#include "heap_wrap.h"
#include "host_system.h"

void __wrap_abort(void)
{
    host_panic("abort() was called at %p", __builtin_return_address(0));
}

void __wrap___assert_fail(const char *expression, const char *file, unsigned line,
                          const char *function)
{
    host_panic("assert failed: %s %s:%u (%s)", function, file, line, expression);
}
