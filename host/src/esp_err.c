// SPDX-License-Identifier: Apache-2.0

// What a failed check prints, and how it ends.

#include "esp_err.h"

#include "esp_rom_sys.h"
#include "host_system.h"

static void print_failure(const char *macro, esp_err_t rc, const char *file, int line,
                          const char *function, const char *expression, const void *from)
{
    esp_rom_printf("%s failed: esp_err_t 0x%x (%s) at %p\n"
                   "file: \"%s\" line %d\nfunc: %s\nexpression: %s\n",
                   macro, (unsigned)rc, esp_err_to_name(rc), from, file, line, function,
                   expression);
}

void _esp_error_check_failed_without_abort(esp_err_t rc, const char *file, int line,
                                           const char *function, const char *expression)
{
    print_failure("ESP_ERROR_CHECK_WITHOUT_ABORT", rc, file, line, function, expression,
                  __builtin_return_address(0));
}

void _esp_error_check_failed(esp_err_t rc, const char *file, int line, const char *function,
                             const char *expression)
{
    print_failure("ESP_ERROR_CHECK", rc, file, line, function, expression,
                  __builtin_return_address(0));
    host_panic("abort() was called: ESP_ERROR_CHECK failed: %s", esp_err_to_name(rc));
}
