/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Breakpoint instructions without a debugger: GCC's __builtin_trap() is one. They enter at the
 * debugger's level, for which ESP-IDF knows panic only. From a task that has nothing masked they
 * go on as an illegal instruction, which crash_backend.c ends an app for, and which is a panic
 * for everybody else. Watchpoints, the one at the end of a stack among them, stay what they are.
 *
 * ESP-IDF's own xt_debugexception is weak.
 */
#include "sdkconfig.h"

#ifndef CONFIG_ESP_SYSTEM_GDBSTUB_RUNTIME /* it has breakpoints of its own */

#include "esp_private/panic_reason.h"
#include "xtensa/corebits.h"
#include "xtensa/coreasm.h"
#include "xtensa/specreg.h"

#define DEBUG_LEVEL XCHAL_DEBUGLEVEL
/* PS of a task: user mode, no level masked, no exception under way. */
#define PS_LOW_BITS 6
#define PS_OF_TASK  PS_UM

    .section .iram1, "ax"
    .global xt_debugexception
    .type   xt_debugexception, @function
    .align  4
xt_debugexception: /* a0 is in EXCSAVE of this level */
    rsr     a0, DEBUGCAUSE
    bbsi    a0, DEBUGCAUSE_BREAK_SHIFT, .Lbreak
    bbci    a0, DEBUGCAUSE_BREAKN_SHIFT, .Lpanic
.Lbreak:
    rsr     a0, EPS + DEBUG_LEVEL
    extui   a0, a0, 0, PS_LOW_BITS
    bnei    a0, PS_OF_TASK, .Lpanic

    /* As if it had been an exception of level 1. */
    movi    a0, EXCCAUSE_ILLEGAL
    wsr     a0, EXCCAUSE
    rsr     a0, EPC + DEBUG_LEVEL
    wsr     a0, EPC_1
    rsr     a0, EPS + DEBUG_LEVEL
    addi    a0, a0, PS_EXCM
    wsr     a0, PS
    rsync
    rsr     a0, EXCSAVE + DEBUG_LEVEL
    j       _UserExceptionVector

.Lpanic: /* as ESP-IDF's: the registers of level 1 are where the panic handler looks */
    movi    a0, PANIC_RSN_DEBUGEXCEPTION
    wsr     a0, EXCCAUSE
    rsr     a0, EPC + DEBUG_LEVEL
    wsr     a0, EPC_1
    rsr     a0, EXCSAVE + DEBUG_LEVEL
    wsr     a0, EXCSAVE_1
    call0   _xt_panic /* does not return */

#endif

/* So that this file is linked: CMakeLists.txt asks for it. */
    .section .rodata
    .global crash_backend_breaks
    .align  4
crash_backend_breaks:
    .byte   1
