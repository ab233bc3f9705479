// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The allocation traces: sequences of "allocate so much under this number" and "free this number",
 * the same on every machine. README.md of this folder describes them.
 */

#include <stdbool.h>
#include <stdint.h>

/** Numbers in use at once, at most. */
#define TRACE_IDS 4096u

/** What a step asks for. */
typedef struct {
    bool alloc;    /* else free */
    uint32_t id;   /* below TRACE_IDS; free before an alloc, used before a free */
    uint32_t size; /* of an alloc, in bytes */
    bool passing;  /* of an alloc: an event or a message on its way, gone after a few steps */
} trace_step_t;

/** @return false: no trace has this name */
bool trace_start(const char *name, uint32_t seed);

/** A recorded trace. @return false: no such file, or a line of it cannot be */
bool trace_start_file(const char *path);
trace_step_t trace_file_next(void);

/** The next step; traces have no end. @context the one task that called trace_start() */
trace_step_t trace_next(void);
