/* SPDX-License-Identifier: Apache-2.0 */
/* The bare core: reset, window exceptions, the switch from one stack to another, the way out. */

    .section .reset.first, "ax"     /* the core starts here, whatever the file's entry says */
    j       _reset

    .section .reset, "ax"
    .literal_position
    .global _reset
_reset:
    movi    a2, 0x40020         /* windowed, no interrupts */
    wsr     a2, ps
    rsync
    movi    a2, vectors
    wsr     a2, vecbase
    movi    a2, 0x2a            /* compare-and-swap works on memory that is not cached, as on the chip */
    wsr     a2, atomctl
    movi    a2, 1
    wsr     a2, windowstart
    movi    a2, 0
    wsr     a2, windowbase
    rsync
    movi    a1, _stack_top
    movi    a0, 0
    movi    a4, lx7_main
    callx8  a4
    movi    a2, 1               /* exit, with what lx7_main returned */
    mov     a3, a10
    .byte   0, 0x51, 0

/* ---- window exceptions ---- */

    .section .vectors, "ax"
    .global vectors
    .align  1024
vectors:
    s32e    a0, a5, -16
    s32e    a1, a5, -12
    s32e    a2, a5, -8
    s32e    a3, a5, -4
    rfwo
    .org    0x40
    l32e    a0, a5, -16
    l32e    a1, a5, -12
    l32e    a2, a5, -8
    l32e    a3, a5, -4
    rfwu
    .org    0x80
    s32e    a0, a9, -16
    l32e    a0, a1, -12
    s32e    a1, a9, -12
    s32e    a2, a9, -8
    s32e    a3, a9, -4
    s32e    a4, a0, -32
    s32e    a5, a0, -28
    s32e    a6, a0, -24
    s32e    a7, a0, -20
    rfwo
    .org    0xC0
    l32e    a0, a9, -16
    l32e    a1, a9, -12
    l32e    a2, a9, -8
    l32e    a7, a1, -12
    l32e    a3, a9, -4
    l32e    a4, a7, -32
    l32e    a5, a7, -28
    l32e    a6, a7, -24
    l32e    a7, a7, -20
    rfwu
    .org    0x300               /* kernel exception: nothing here causes one on purpose */
    j       fault
    .org    0x340
    j       fault
    .org    0x3c0
    j       fault
    .org    0x3f0
    .text
    .literal_position
    .align  4
fault:
    movi    a2, 0x40000         /* the C side says where and why */
    rsr     a10, exccause
    rsr     a11, epc1
    wsr     a2, ps
    rsync
    movi    a4, lx7_fault
    callx8  a4

/* ---- tasks ---- */

/* void lx7_switch(void **save, void *load): leave this stack, go on where the other one was left */
    .global lx7_switch
    .align  4
lx7_switch:
    entry   sp, 48
    and     a12, a12, a12       /* 32 registers: three turns push out all callers' windows */
    rotw    3
    and     a12, a12, a12
    rotw    3
    and     a4, a4, a4
    rotw    2
    s32i    a0, sp, 0
    s32i    sp, a2, 0
    mov     sp, a3
    l32i    a0, sp, 0
    retw

/* Where a new task begins: a2 and a3 come from its stack. */
    .global lx7_begin_task
    .align  4
lx7_begin_task:
    mov     a10, a2
    mov     a11, a3
    movi    a4, lx7_first
    callx8  a4

/* int lx7_simcall(int number, int a, int b, int c) */
    .global lx7_simcall
    .align  4
lx7_simcall:
    entry   sp, 32
    .byte   0, 0x51, 0
    retw
