// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the program's arguments ask of the system, for host/main.c and port/linux.

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    HOST_PROGRAM_DEMO = 0, // the narrated demonstration, then the end
    HOST_PROGRAM_SHELL,    // the shell on standard input
    HOST_PROGRAM_PICTURE,  // let it settle, then the end; main() writes what is on the screen
} host_program_mode_t;

typedef struct {
    const char *app;   // to start first; NULL = none
    unsigned after_ms; // of the board's time
} host_program_picture_t;

/** @context plain program code before host_boot() */
void host_program_set_mode(host_program_mode_t mode);

/** @context any */
host_program_mode_t host_program_mode(void);

/** Somebody reads along: standard output is a terminal, or was when the run was recorded.
 *  @context plain program code before host_boot() */
void host_program_set_watched(bool watched);

/** @context any */
bool host_program_watched(void);

/** @context plain program code before host_boot(); app must live until the end */
void host_program_set_picture(const host_program_picture_t *picture);

/** @context any */
const host_program_picture_t *host_program_picture(void);

#ifdef __cplusplus
}
#endif
