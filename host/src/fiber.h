// SPDX-License-Identifier: Apache-2.0
#pragma once

/* Stacks that hand over to each other without a system call. One thread only. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct fiber fiber_t;

/* Fiber of the caller's own stack: the program's. */
fiber_t *fiber_root(void);
/* @return NULL: no memory */
fiber_t *fiber_create(uint8_t *stack, size_t size, void (*entry)(void *arg), void *arg);
/* The fiber must not be the running one. */
void fiber_destroy(fiber_t *f);
/* from must be the running one; last: it will never be switched to again. */
void fiber_switch(fiber_t *from, fiber_t *to, bool last);
