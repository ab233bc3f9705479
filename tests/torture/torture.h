// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The torture test: a random system under a random load, and faults at random moments. One seed is
 * one process, which goes through several lives when a fault resets the board. Grouped by file.
 */

#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host_control.h"
#include "system_service/app_manager.h"
#include "system_service/event_bus.h"
#include "system_service/service_manager.h"
#include "system_service/service_supervisor.h"
#include "system_service/system_lock.h"

/* clang-format off */
/** X(constant, name, states that the victim can be in, ms until it must be noticed) */
#define TORTURE_FAULTS(X)                                                                          \
    X(HANG_HANDLER, "hang-handler",  IN(RUNNING) | IN(PAUSED) | IN(STOPPING) | IN(RESTARTING), 5200) \
    X(HANG_INIT,    "hang-init",     IN(STARTING) | IN(RESTARTING), 3200)                          \
    X(HANG_START,   "hang-start",    IN(STARTING) | IN(RESTARTING), 3200)                          \
    X(HANG_STOP,    "hang-stop",     IN(STOPPING) | IN(RESTARTING), 3200)                          \
    X(HANG_DEINIT,  "hang-deinit",   IN(STOPPING) | IN(RESTARTING), 3200)                          \
    X(START_ERROR,  "start-error",   IN(STARTING) | IN(RESTARTING), 3200)                          \
    X(SLOW_HANDLER, "slow-handler",  IN(RUNNING) | IN(PAUSED) | IN(STOPPING) | IN(RESTARTING), 250) \
    X(REPORTED,     "crash-service", IN_ALL, 200)                                                  \
    X(SILENCE,      "silence",       IN(RUNNING), 1200)                                            \
    X(FOREIGN_BEAT, "foreign-beat",  IN_ALL, 10)                                                   \
    X(APP_RETURNS,  "app-returns",   IN(RUNNING) | IN(STOPPING), 300)                              \
    X(APP_HANGS,    "app-hangs",     IN(RUNNING) | IN(STOPPING), 5600)                             \
    X(KILLED_TASK,  "killed-task",   IN(RUNNING) | IN(PAUSED) | IN(STOPPING), 300)                 \
    X(NO_MEMORY,    "no-memory",     IN_ALL, 10)                                                   \
    X(FULL_QUEUE,   "full-queue",    IN_ALL, 10)                                                   \
    X(ISR_STORM,    "isr-storm",     IN_ALL, 10)                                                   \
    X(CLOCK_JUMP,   "clock-jump",    IN_ALL, 10)                                                   \
    X(PANIC,        "panic",         IN_ALL, 10)                                                   \
    X(RESTART,      "restart",       IN_ALL, 10)                                                   \
    X(FOREIGN_LOCK, "foreign-lock",  IN(RUNNING) | IN(STARTING) | IN(STOPPING) | IN(RESTARTING), 5200)
/* clang-format on */

#define TORTURE_CONSTANT(constant, name, states, ms) TORTURE_##constant,
typedef enum {
    TORTURE_FAULTS(TORTURE_CONSTANT) TORTURE_FAULT_KINDS
} torture_fault_t;
#undef TORTURE_CONSTANT
/* Those that a seed mixes; the others are for --fault alone, so that seeds mean what they meant. */
#define TORTURE_MIX TORTURE_FOREIGN_LOCK

/** The victim's state when the fault happens: the columns of the table. */
typedef enum {
    IN_STOPPED,
    IN_STARTING,
    IN_RUNNING,
    IN_PAUSED,
    IN_STOPPING,
    IN_RESTARTING,
    TORTURE_STATES,
} torture_state_t;

typedef struct {
    const char *name;
    uint32_t states;     /* bit set of torture_state_t */
    uint32_t noticed_ms; /* longest time until it is noticed */
} torture_kind_t;

extern const torture_kind_t torture_kinds[TORTURE_FAULT_KINDS];
const char *torture_state_name(torture_state_t state);

/* ---- torture_plan.c: what a seed means ---------------------------------------------------------
 */

#define SERVICES_MAX 7
#define APPS_MAX     2
#define FAULTS_MAX   6
#define EVENTS_MIN   5000u
#define NEEDS_MAX    2

typedef struct {
    torture_fault_t kind;
    torture_state_t state;
    uint8_t victim; /* service, or app for the kinds of apps */
    uint32_t pick;  /* a random number for the details */
} planned_fault_t;

typedef struct {
    uint64_t seed;
    unsigned services;
    unsigned apps;
    unsigned faults;
    uint8_t needs[SERVICES_MAX]; /* bit set of services with lower numbers */
    uint8_t own_worker[SERVICES_MAX];
    uint8_t subscriptions[SERVICES_MAX];
    uint8_t listener;  /* service that subscribes to all work by a pattern; SERVICES_MAX = none */
    uint8_t strategy;  /* of the group that the odd services are in; 3 = no group */
    uint32_t idle_s;   /* rest at the end */
    uint32_t restarts; /* instead of faults: so many of one service */
    planned_fault_t fault[FAULTS_MAX];
} torture_plan_t;

/** What shrinking leaves out, and what the command line insists on. */
typedef struct {
    uint32_t drop_faults;  /* bit set of fault numbers */
    uint32_t max_services; /* 0 = as the seed says */
    uint32_t max_apps;     /* UINT32_MAX = as the seed says */
    int32_t only_kind;     /* -1 = any */
} torture_limits_t;

typedef struct {
    uint64_t state;
} torture_random_t;
uint32_t torture_random(torture_random_t *random);
/** 0..n-1 */
uint32_t torture_below(torture_random_t *random, uint32_t n);

void torture_make_plan(uint64_t seed, const torture_limits_t *limits, torture_plan_t *plan);

/* ---- what one seed reports ---- */

typedef struct {
    uint32_t count, noticed, recovered, escalated;
} torture_cell_t;

#define RECOVERIES_MAX 16

typedef struct {
    uint32_t complete; /* TORTURE_COMPLETE when the seed passed */
    uint32_t reboots;
    _Atomic uint64_t events;
    uint64_t virtual_us;
    uint64_t critical_worst_us;
    uint32_t set_aside;
    torture_cell_t cell[TORTURE_FAULT_KINDS][TORTURE_STATES];
    uint32_t recoveries;
    struct {
        uint8_t kind;
        uint32_t ms;
    } recovery[RECOVERIES_MAX];
} torture_report_t;

#define TORTURE_COMPLETE 0x70127042u

/* ---- torture_run.c: one seed in its board ------------------------------------------------------
 */

/** Run a seed; does not return when the seed's board resets itself. @return exit code */
int torture_run(const torture_plan_t *plan, bool threads, bool verbose, int report_fd);
/** On real threads, with the real clock: nothing is asked of how long things take. */
bool torture_is_real(void);
const torture_plan_t *torture_plan(void);
torture_report_t *torture_report(void);
/** Every check of the torture ends here: the seed fails. */
_Noreturn void torture_fail(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
#define TORTURE_CHECK(condition, ...)                                                              \
    ((condition) ? (void)0 : torture_fail(__FILE__, __LINE__, __VA_ARGS__))

/* ---- torture_actors.c: services and apps that misbehave when told ------------------------------
 */

typedef enum {
    CODE_INIT,
    CODE_START,
    CODE_STOP,
    CODE_DEINIT,
    CODE_HANDLER,
    CODES
} actor_code_t;

typedef enum {
    DO_NOTHING = 0,
    DO_LINGER, /* takes amount ms */
    DO_HANG,   /* does not return: sleeps, or computes when amount is odd */
    DO_FAIL,   /* returns ESP_FAIL */
    DO_PANIC,  /* abort() */
    DO_CHURN,  /* does not return: takes and gives back whatever can be taken */
    DO_KEEP,   /* hangs with the lock of a library, which it gives back after amount ms; 0: never */
} actor_deed_t;

#define LIVES             8u
#define ACTOR_WATCHDOG_MS 1000
#define NO_WATCHDOG_MS    30000
#define TICK_MS           10000u

/** What a life holds; all of it must be taken back with it. Written by its own code. */
typedef struct {
    uint32_t life;          /* whose figures these are */
    uint32_t bytes;         /* of accounted memory */
    uint32_t blocks;        /* of the pools, kept */
    uint32_t subscriptions; /* charged to it */
    uint32_t unsubscribed;  /* of these, by now */
    _Atomic uint32_t tried; /* to ask at least once */
    _Atomic uint32_t asked; /* asynchronous requests on their way or answered */
    _Atomic uint32_t answered;
} actor_holds_t;

typedef struct {
    char name[24];
    system_service_descriptor_t descriptor;
    service_watchdog_config_t watchdog;
    service_quota_t quota;
    const char *needs[NEEDS_MAX + 1];
    system_service_id_t id;
    system_event_type_t type;     /* "work.<name>": every actor may subscribe to each */
    system_event_type_t tick;     /* "tick.<name>": of its timer */
    system_event_type_t ask;      /* "ask.<name>": what it answers */
    _Atomic uint32_t deed[CODES]; /* actor_deed_t, taken by the next call */
    _Atomic uint32_t amount[CODES];
    _Atomic uint32_t calls[CODES];
    _Atomic uint64_t happened_us; /* when the last deed began */
    _Atomic(TaskHandle_t) hangs;  /* the task whose handler hangs now, with nothing but our locks */
    _Atomic uint32_t life;
    _Atomic uint32_t inside[LIVES]; /* code that runs now, of each of the last lives */
    actor_holds_t holds;
    _Atomic uint32_t ticks;       /* of its timers, since boot */
    _Atomic uint32_t state_seen;  /* newest value of the retained type */
    system_lock_t lock;           /* in its hands while it hangs */
    _Atomic uint32_t locked;      /* its code hangs with it */
    _Atomic uint32_t paused_runs; /* handlers begun in a row while it is paused */
} actor_t;

typedef struct {
    char name[24];
    app_manifest_t manifest;
    service_quota_t quota;
    _Atomic uint32_t deed; /* DO_FAIL: its entry point returns */
    _Atomic uint32_t amount;
    _Atomic uint64_t happened_us;
    _Atomic uint32_t lives;
    system_event_type_t note; /* "note.<name>": nobody hears it */
} actor_app_t;

extern actor_t actors[SERVICES_MAX];
extern actor_app_t actor_apps[APPS_MAX];

/** Register and start all of them. */
void actors_up(const torture_plan_t *plan);
/** How long an actor may be silent, from now on. */
void actor_watch(const actor_t *actor, uint32_t timeout_ms);
/** Stop and unregister all of them. */
void actors_down(const torture_plan_t *plan);
/** Let the next call of a function do something. */
void actor_tell(actor_t *actor, actor_code_t code, actor_deed_t deed, uint32_t amount);
void actors_tell_nothing(void);
torture_state_t actor_state(const actor_t *actor, bool *is_column);
system_service_info_t actor_info(const actor_t *actor);
/** Before DO_KEEP. */
void actor_library_up(void);
/** Call the library whose lock DO_KEEP keeps. */
void actor_library_call(void);
/** Do what was told to a function, in it. */
esp_err_t actor_act(actor_t *actor, actor_code_t code);

/* ---- torture_apps.c: likewise apps
 * ------------------------------------------------------------------ */

void apps_up(const torture_plan_t *plan);
void apps_down(const torture_plan_t *plan);

/* ---- torture_events.c: subscriptions, and the handler that notices what must not be -------------
 */

typedef struct context context_t;

/** Subscribe an actor to a type, or with SYSTEM_EVENT_TYPE_NONE to all work by its pattern. */
void events_subscribe(actor_t *actor, system_service_id_t id, system_event_type_t type,
                      const system_subscription_config_t *config);
/** A subscription of an app to a type. */
void events_subscribe_app(actor_app_t *app, app_context_t *ctx, system_event_type_t type);
/** What this owner had subscribed to is over. */
void events_over(const void *owner);
/** The next handler of each subscription takes so long; UINT32_MAX: does not return. */
void events_linger(const void *owner, uint32_t ms);
/** Handler runs that began and will never end. */
uint32_t events_lost(void);
/** Take a subscription of an actor away while its handler runs: it must be back. */
void events_unsubscribe_one(actor_t *actor, uint32_t n);

/* ---- torture_life.c: what each life of a service takes, and that the next one finds none of it --
 */

/** Register "<what>.<name>". */
system_event_type_t life_type(const char *what, const char *name);
void life_types(actor_t *actor);
/** In init(): nothing is left of the life before. */
void life_begins(actor_t *actor, system_service_id_t id);
/** In start(), first of all: subscribe to the retained state while there is room. */
void life_knows_state(actor_t *actor, system_service_id_t id);
/** In start(): memory, a pool block, a timer, requests to answer. */
void life_takes(actor_t *actor, system_service_id_t id);
/** Before it hangs: take its lock. */
void life_locks(actor_t *actor);
/** At rest: every life holds what it took, and the pools nothing else. */
void life_checks(const torture_plan_t *plan);
/** Post the next value of the retained type. */
void life_post_state(void);
/** The retained value goes. */
void life_end_state(void);
/** Ask an actor something and check the answer. */
void life_ask(const actor_t *actor, uint32_t number);

/* ---- torture_books.c: what posters were told, and what the core counted ------------------------
 */

void books_told(const system_post_result_t *result);
void books_refused(void);
/** A post that is told nothing may have been refused so often. */
void books_untold(uint32_t receivers);
void books_checks(const torture_plan_t *plan);

/* ---- torture_load.c: who posts, and how soon the critical ones arrive --------------------------
 */

void load_start(const torture_plan_t *plan);
void load_stop(void);
void load_pause(bool paused);
bool load_is_paused(void);
typedef struct {
    uint32_t publisher, number, check;
} torture_payload_t;
uint32_t torture_payload_check(const torture_payload_t *payload);
/** Two tasks, the flood, the interrupts, and the services. */
#define PUBLISHERS       (4 + SERVICES_MAX)
#define PUBLISHER_ACTORS 4
torture_payload_t load_payload(uint32_t publisher);
/** Nobody has heard a CRITICAL event less than was posted. */
void load_checks(void);
/** Post up to n events to an actor's type. @return how many subscriptions refused */
uint32_t load_flood(actor_t *actor, uint32_t n, uint8_t priority);
/** n posts from interrupts. */
void load_isr_storm(actor_t *actor, uint32_t n);
/** The clock was turned: latencies of what is on its way mean nothing. */
void load_clock_turned(void);

/* ---- torture_faults.c: one fault, from the moment it happens until all is well again ------------
 */

void fault_play(unsigned number);
/** After a reset that a fault made: was it noticed? */
void fault_after_reset(unsigned number);

/* ---- torture_restarts.c: one service, restarted without end
 * ------------------------------------------ */

void restarts_play(uint32_t times);
_Noreturn void actor_churn(actor_t *actor);

/* ---- torture_checks.c: what must always hold ---------------------------------------------------
 */

/** Wait until nothing is under way, and check what holds then. */
void checks_at_rest(void);
/** With all actors gone: everything is back. */
void checks_at_end(void);
/** CRITICAL events that wait hold as many blocks as are kept for them. */
bool checks_critical_reserve_used(void);
void checks_begin(void);
