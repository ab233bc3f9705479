/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The contexts of apps: one for each life of an app, counted by reference.
 *
 * Contexts live in a table for ever, so a stale one can be looked at without harm: it is refused
 * because the calling code is not that life's. Two references keep a context from being given away:
 * the app table's, as long as the life goes on, and the task's, as long as the task exists. A task
 * that could not be ended keeps its context, its stack and its control block, however long.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "event_internal.h"
#include "system_service/app_manager.h"
#include "task_memory.h"
#include "task_ref.h"

/** What is left of the task of a life. */
typedef enum {
    APP_TASK_NONE = 0, /* never made, or deleted */
    APP_TASK_ALIVE,
    APP_TASK_PARKED, /* its entry point returned; it suspends itself for good */
} app_task_t;

typedef struct {
    app_context_t api;              /* first: what the app sees, and may scribble over */
    system_identity_t *identity;    /* of its task */
    _Atomic system_service_id_t id; /* of this life */
    uint8_t app;                    /* its place in the app table */
    _Atomic bool set_aside;         /* the task could not be ended: reap it when it parks */
    int64_t aside_us;               /* since when, or when it was tried last to end it */
    char name[SYSTEM_NAME_MAX + 1]; /* of the app; its manifest may go before such a task */
    _Atomic bool paused_itself;     /* its own call paused it: its own call may resume it */
    _Atomic uint8_t refs;           /* 0 = free */
    _Atomic uint8_t task_state;     /* app_task_t */
    _Atomic uint8_t state;          /* app_state_t: what the app's own calls look at */
    _Atomic uint32_t refusals;      /* of event names that it may not use */
    _Atomic uint32_t alive_ms;      /* last pause point; wraps */
    uint32_t watch_ms;              /* longest time between two */
    void (*entry_point)(app_context_t *ctx);
    void (*unload)(void *image); /* NULL: nothing to take out */
    void *image;
    bool image_kept; /* a handler that hangs in it was set aside: it can never be taken out */
    task_ref_t task;
    task_deleter_t deleter; /* not us: his, until he is past its memory */
    StackType_t *stack;
    uint32_t stack_size;    /* in bytes */
    SemaphoreHandle_t wake; /* given when state changes */
    StaticSemaphore_t wake_storage;
    StaticTask_t *tcb; /* internal RAM, as FreeRTOS demands */
} app_life_t;

/** @context init only */
void app_contexts_init(void);

/** Take a free context: one reference, fields cleared. @return NULL none is free */
app_life_t *app_context_take(void);
void app_context_ref(app_life_t *life);
void app_context_unref(app_life_t *life);

/** The life that ctx belongs to, if the calling code is that life's.
 *  @return NULL: no context at all, another app's, or of a life that is over. isr-ok */
app_life_t *app_context_check(app_context_t *ctx);

/** The context that an identity belongs to. */
app_life_t *app_context_of(const system_identity_t *identity);

/** Call fn for every context in use. */
void app_contexts_for_each(void (*fn)(app_life_t *life, void *arg), void *arg);

/* ---- app_context.c: what an app calls ----------------------------------------------------------
 */

/** Fill in the functions, name and id. */
void app_context_fill(app_life_t *life, const char *name, system_service_id_t id);
