// SPDX-License-Identifier: Apache-2.0
#pragma once

// How far a seed got, over all lives of its board; for torture_run.c and torture_faults.c.

#include "torture.h"

typedef struct {
    unsigned fault;         // being played, or next
    bool reset_pending;     // the fault resets the board
    torture_state_t column; // of that fault
    bool last_resort;       // by restarting in order: what was cut nobody can take back
    char culprit[16];       // whom the boot report must name
    uint32_t crashes;       // in a row, as the boot record must count them
    torture_report_t report;
} torture_story_t;

torture_story_t *torture_story(void);
/** Book this life, right before a reset. */
void torture_story_before_reset(void);

/** The task that makes blocking calls while the main one looks. */
void fault_helper_start(void);
void fault_helper_stop(void);
