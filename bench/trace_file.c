// SPDX-License-Identifier: Apache-2.0

// A recorded trace, replayed again and again; what is left at its end is given back before it
// begins anew.

#include <inttypes.h>
#include <stdio.h>

#include "trace.h"

#define STEPS_MAX 100000u

static trace_step_t s_steps[STEPS_MAX];
static uint32_t s_count, s_next;
static bool s_alive[TRACE_IDS];
static uint32_t s_leftover; /* below TRACE_IDS: these are being given back */

/** @return false: not a line of a trace, or one that cannot follow those before */
static bool parse(const char *line, trace_step_t *step)
{
    char how;
    *step = (trace_step_t){.alloc = line[0] == '+'};
    if (step->alloc
            ? sscanf(line, "+ %" SCNu32 " %" SCNu32 " %c", &step->id, &step->size, &how) != 3
            : sscanf(line, "- %" SCNu32, &step->id) != 1) {
        return false;
    }
    step->passing = step->alloc && how == 'p';
    if (step->id >= TRACE_IDS || s_alive[step->id] == step->alloc) {
        return false;
    }
    s_alive[step->id] = step->alloc;
    return true;
}

bool trace_start_file(const char *path)
{
    char line[64];
    FILE *file = fopen(path, "r");
    bool good = file != NULL;
    s_count = 0;
    while (good && fgets(line, sizeof(line), file) != NULL) {
        good = s_count < STEPS_MAX && parse(line, &s_steps[s_count]);
        s_count++;
    }
    if (file != NULL) {
        fclose(file);
    }
    for (uint32_t id = 0; id < TRACE_IDS; id++) {
        s_alive[id] = false;
    }
    s_next = 0;
    s_leftover = 0;
    return good && s_count > 0;
}

trace_step_t trace_file_next(void)
{
    if (s_next == s_count) {
        while (s_leftover < TRACE_IDS && !s_alive[s_leftover]) {
            s_leftover++;
        }
        if (s_leftover < TRACE_IDS) {
            s_alive[s_leftover] = false;
            return (trace_step_t){.id = s_leftover};
        }
        s_next = 0;
        s_leftover = 0;
    }
    const trace_step_t step = s_steps[s_next++];
    s_alive[step.id] = step.alloc;
    return step;
}
