// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Wires from the outside into the virtual board: buttons and the touch panel. The window, scripts
 * and tests put changes in; the input service's port/linux takes them out.
 */

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One change of one wire. */
typedef struct {
    uint64_t at_us; /* board time; filled in by host_input_put() */
    enum {
        HOST_INPUT_KEY,
        HOST_INPUT_TOUCH,
        HOST_INPUT_TURN
    } kind;
    bool down;    /* pressed, or the finger is on the glass (also while it moves) */
    char key[16]; /* "up", "down", "left", "right", "select", "back", "home", "power", ... */
    int x;        /* of the finger, as the person sees the screen; of a turn: counts, clockwise
                     positive, four from one detent to the next */
    int y;
} host_input_t;

/* So many changes wait at most; the oldest go first. */
#define HOST_INPUT_WAITING 64

/** @brief A wire changes. @context any, foreign threads too @return false: the oldest was lost */
bool host_input_put(const host_input_t *change);

/** @brief Take the oldest change. @context any task @return false: there is none */
bool host_input_take(host_input_t *change);

/** @brief How many changes were lost because nobody took them. @context any */
uint32_t host_input_lost(void);

/** @brief Have fn see each change that is put, with its time; two threads' changes may come in
 * either order. It must not put any itself. NULL = nobody. @context any task, or plain program code
 */
void host_input_on_put(void (*fn)(const host_input_t *change));

/** @brief Have fn called, as an interrupt of core 0, whenever a change was put. NULL = nobody.
 * @context any task */
void host_input_on_change(void (*fn)(void *arg), void *arg);

#ifdef __cplusplus
}
#endif
