/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults are signals; the virtual board catches them and asks here.
 */
#include "app_crash.h"

#include <signal.h>
#include <string.h>

#include "host_trap.h"

static app_crash_cause_t cause_of(const host_trap_t *trap)
{
    if (trap->stack_overflow) {
        return APP_CRASH_STACK;
    }
    switch (trap->signal) {
    case 0:
        return APP_CRASH_ABORT;
    case SIGSEGV:
        return trap->pc == trap->address ? APP_CRASH_JUMP : APP_CRASH_ADDRESS;
    case SIGBUS:
        return APP_CRASH_ALIGNMENT;
    case SIGFPE:
        return APP_CRASH_ARITHMETIC;
    default:
        return APP_CRASH_INSTRUCTION;
    }
}

static host_trap_land_t on_trap(const host_trap_t *trap, void **arg)
{
    app_crash_facts_t facts = {
        .cause = cause_of(trap),
        .what = trap->what,
        .pc = trap->pc,
        .address = trap->address,
        .frame_count =
            (uint8_t)(trap->frame_count < APP_CRASH_FRAMES ? trap->frame_count : APP_CRASH_FRAMES),
    };
    memcpy(facts.frames, trap->frames, facts.frame_count * sizeof(facts.frames[0]));
    *arg = app_crash_take(xTaskGetCurrentTaskHandle(), &facts);
    return *arg != NULL ? app_crash_land : NULL;
}

esp_err_t crash_backend_install(bool on)
{
    host_trap_set_hook(on ? on_trap : NULL);
    return ESP_OK;
}
