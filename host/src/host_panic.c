// SPDX-License-Identifier: Apache-2.0

// The end of a run that went wrong: who, where, why; then reboot or stop.

#include <execinfo.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include "esp_debug_helpers.h"
#include "esp_rom_sys.h"
#include "host_control.h"
#include "host_panic.h"
#include "host_system.h"
#include "host_internal.h"
#include "host_task.h"
#include "trap.h"

#define TEXT_MAX  384
#define DEPTH_MAX 32

static host_panic_hook_t s_hook;
static int s_panics; // a second one while reporting the first ends the process at once

void host_panic_set_hook(host_panic_hook_t hook)
{
    __atomic_store_n(&s_hook, hook, __ATOMIC_RELEASE);
}

static void print_where(void)
{
    if (!host_is_running()) {
        esp_rom_printf("Outside the board's tasks\n");
        return;
    }
    esp_rom_printf("Task: %s, %" PRIu64 " us after boot\n", host_task_name(), host_now_us());
}

typedef struct {
    void *frames[DEPTH_MAX];
    int room, count;
} chain_t;

static void find_chain(void *arg)
{
    chain_t *chain = arg;
    chain->count = backtrace(chain->frames, chain->room);
}

esp_err_t esp_backtrace_print(int depth)
{
    chain_t chain = {.room = depth + 1 < DEPTH_MAX ? depth + 1 : DEPTH_MAX};
    if (depth <= 0) {
        return ESP_ERR_INVALID_ARG;
    }
    // The stack may be what is damaged, or the code a place where there is none.
    const int count = trap_try(find_chain, &chain) ? chain.count : 0;
    void **frames = chain.frames;
    if (count <= 1) {
        return ESP_FAIL;
    }
    esp_rom_printf("\nBacktrace:");
    for (int i = 1; i < count; i++) {
        esp_rom_printf(" %p", frames[i]);
    }
    esp_rom_printf("\n");
    fflush(stdout);
    backtrace_symbols_fd(frames + 1, count - 1, 1);
    return ESP_OK;
}

static _Noreturn void report(esp_reset_reason_t reason, const char *text)
{
    if (__atomic_fetch_add(&s_panics, 1, __ATOMIC_ACQ_REL) > 0) {
        fprintf(stderr, "panic while another was being reported: %s\n", text);
        host_panic_reset(reason);
    }
    host_panic_hook_t hook = __atomic_load_n(&s_hook, __ATOMIC_ACQUIRE);
    if (hook != NULL) {
        hook(reason, text);
    }
    esp_rom_printf("\nGuru Meditation Error: Core %d panic'ed (%s).\n", host_core_id(), text);
    print_where();
    esp_backtrace_print(DEPTH_MAX);
    esp_rom_printf("\nRebooting...\n");
    host_panic_reset(reason);
}

// Both format into memory of their own: the heap may be what went wrong.

void host_panic(const char *format, ...)
{
    char text[TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    report(ESP_RST_PANIC, text);
}

void host_panic_as(esp_reset_reason_t reason, const char *format, ...)
{
    char text[TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    report(reason, text);
}
