// SPDX-License-Identifier: Apache-2.0

#include "host_input.h"

#include <pthread.h>

#include "host_control.h"

// Held for a few instructions, never across a call of the scheduler.
static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;
static host_input_t s_waiting[HOST_INPUT_WAITING];
static unsigned s_first;
static unsigned s_count;
static uint32_t s_lost;
static void (*s_fn)(void *arg);
static void *s_arg;
static void (*s_watch)(const host_input_t *change);

bool host_input_put(const host_input_t *change)
{
    const uint64_t now = host_is_running() ? host_now_us() : 0;

    pthread_mutex_lock(&s_lock);
    const bool lost = s_count == HOST_INPUT_WAITING;
    if (lost) {
        s_first = (s_first + 1) % HOST_INPUT_WAITING;
        s_count--;
        s_lost++;
    }
    host_input_t *slot = &s_waiting[(s_first + s_count++) % HOST_INPUT_WAITING];
    *slot = *change;
    slot->at_us = now;
    const host_input_t put = *slot;
    void (*const watch)(const host_input_t *change) = s_watch;
    void (*const fn)(void *arg) = s_fn;
    void *const arg = s_arg;
    pthread_mutex_unlock(&s_lock);

    if (watch != NULL) {
        watch(&put);
    }
    if (fn != NULL && host_is_running()) {
        (void)host_isr_raise(fn, arg, 0);
    }
    return !lost;
}

bool host_input_take(host_input_t *change)
{
    pthread_mutex_lock(&s_lock);
    const bool found = s_count != 0;
    if (found) {
        *change = s_waiting[s_first];
        s_first = (s_first + 1) % HOST_INPUT_WAITING;
        s_count--;
    }
    pthread_mutex_unlock(&s_lock);
    return found;
}

uint32_t host_input_lost(void)
{
    pthread_mutex_lock(&s_lock);
    const uint32_t lost = s_lost;
    pthread_mutex_unlock(&s_lock);
    return lost;
}

void host_input_on_change(void (*fn)(void *arg), void *arg)
{
    pthread_mutex_lock(&s_lock);
    s_fn = fn;
    s_arg = arg;
    pthread_mutex_unlock(&s_lock);
}

void host_input_on_put(void (*fn)(const host_input_t *change))
{
    pthread_mutex_lock(&s_lock);
    s_watch = fn;
    pthread_mutex_unlock(&s_lock);
}
