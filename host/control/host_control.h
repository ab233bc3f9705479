// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The virtual board from outside: start it, turn its clock, be an interrupt, inject faults.
 *
 * Only tests, the simulator's front end and code under host/ or port/linux may include this header;
 * everything above the ESP-IDF line stays ignorant of it. All calls here begin host_.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Which scheduler runs the tasks; both are in every binary. */
typedef enum {
    HOST_SCHED_THREADS = 0, /* one POSIX thread per task, real clock, truly parallel */
    HOST_SCHED_SIM = 1,     /* one fiber per task, virtual clock, one seed = one run */
} host_sched_t;

/* Exit codes that host_boot() gives by itself; 0 and 1 are left to the program. */
#define HOST_EXIT_DEADLOCK 90 /* sim: tasks wait for ever and nothing can wake them */
#define HOST_EXIT_RUNAWAY  91 /* sim: more scheduling points than max_points */
#define HOST_EXIT_TIME     92 /* sim: virtual time passed max_time_us */

/* Probabilities are parts in a million, drawn from the seed; 0 = never. Sim only unless said. */
typedef struct {
    uint32_t preempt_ppm;    /* at a FreeRTOS/ESP call: a running task is put behind its equals */
    uint32_t drop_wake_ppm;  /* a timed wait is woken only when its timeout is reached */
    uint32_t alloc_fail_ppm; /* an allocation fails (both schedulers) */
    uint32_t clock_jump_ppm; /* when the clock moves on, it also leaps up to clock_jump_max_us */
    uint32_t clock_jump_max_us; /* 0 = 100000 */
} host_faults_t;

/* Everything may be zero: that is the default board. */
typedef struct {
    host_sched_t sched;
    uint64_t seed;  /* of every choice the simulator makes; also of esp_random in sim */
    uint32_t cores; /* 1 or 2; 0 = 2 */
    host_faults_t faults;

    /* sim: chance that another core's task goes on at a scheduling point, in ppm. 0 = default. */
    uint32_t switch_call_ppm;   /* FreeRTOS/ESP calls and critical sections, default 250000 */
    uint32_t switch_atomic_ppm; /* atomics in instrumented code, default 60000 */
    uint32_t plain_mean;        /* mean number of plain accesses between two points, default 150 */
    /* sim: points a task may pass without virtual time moving before it is charged time; 0 = 2000
     */
    uint32_t spin_bound;
    uint64_t max_points;  /* sim: give up after so many scheduling points, 0 = 2,000,000,000 */
    uint64_t max_time_us; /* sim: give up when the clock passes this, 0 = never */

    /* RAM of the board in bytes; 0 = what an ESP32-S3 with 8 MB of PSRAM leaves free. */
    size_t heap_internal_bytes;
    size_t heap_spiram_bytes;

    const char *state_dir; /* flash and no-init memory live here; NULL = in memory only */
    bool restart_exits;    /* esp_restart() and panics end host_boot()/the process, no reboot */
    bool quiet;            /* no board messages on stderr except reports of failures */
} host_config_t;

/**
 * @brief Boot the board and run main_fn in the task "main" (priority 1, core 0).
 *
 * Returns when host_exit() was called, or when every task but the board's own has ended.
 *
 * @context  plain program code, never a task
 * @blocks   until the board stops
 * @return the code given to host_exit(), 0 when all tasks ended, or a HOST_EXIT_ code
 */
int host_boot(const host_config_t *cfg, void (*main_fn)(void *arg), void *arg);

/**
 * @brief Stop the board; host_boot() returns this code.
 *
 * @context  any task; isr-ok. In a task it does not return
 */
void host_exit(int code);

/** @brief True from host_boot() until it returns. @context any */
bool host_is_running(void);

/** @brief The scheduler in use. @context any */
host_sched_t host_sched(void);

/** @brief The configuration host_boot() was given, with defaults filled in. @context any */
const host_config_t *host_config(void);

/* ---- clock ---- */

/** @brief Microseconds since boot: virtual in sim, real in threads. @context any */
uint64_t host_now_us(void);

/** @brief Let the clock leap forward; deadlines that are passed fall due at once. @context any
 * task, isr-ok */
void host_clock_jump(uint64_t us);

/**
 * @brief Keep the calling core busy for so long, as a computation would.
 *
 * In sim virtual time is burnt: tasks of higher priority pre-empt, the other core goes on. In
 * threads the caller spins.
 *
 * @context any task, isr-ok
 */
void host_busy(uint64_t us);

/* ---- interrupts ---- */

/**
 * @brief Run fn(arg) as an interrupt handler of a core and wait until it returned.
 *
 * Held back while the task on that core is in a critical section (sim; in threads the portMUX alone
 * excludes). Called from inside an interrupt it is the same as host_isr_raise().
 *
 * @context any task
 * @blocks  until the handler has returned
 */
void host_isr_run(void (*fn)(void *arg), void *arg, int core);

/**
 * @brief Make an interrupt pending and return.
 *
 * @context any task, isr-ok; with the threads scheduler also any foreign thread
 * @return false when 64 interrupts of that core are pending already: this one is lost
 */
bool host_isr_raise(void (*fn)(void *arg), void *arg, int core);

/** @brief As host_isr_raise(), when the clock reaches at_us. @context any task @return false: table
 * full */
bool host_isr_raise_at(void (*fn)(void *arg), void *arg, int core, uint64_t at_us);

/* ---- faults by script ---- */

/**
 * @brief Delete the task of this name when it passes its n-th scheduling point from now (n >= 1).
 *
 * @context any task, or before host_boot()
 * @return false: 16 scripts are waiting already
 */
bool host_fault_kill_at(const char *task_name, uint64_t n);

/** @brief As host_fault_kill_at(), but the task computes for ever from there (its core stays busy).
 */
bool host_fault_hang_at(const char *task_name, uint64_t n);

/** @brief Drop the wake-up of the next n timed waits of this task (sim). @return false: table full
 */
bool host_fault_drop_wakes(const char *task_name, uint32_t n);

/** @brief Ask whether this allocation is to fail; the heap calls it once per request. @context any
 */
bool host_fault_alloc_should_fail(void);

/** @brief Delete a task by name as vTaskDelete() would. @return false: no such task */
bool host_task_kill(const char *task_name);

/** @brief Keep whoever deletes the next task of this name for so long after its deletion callbacks,
 *         before the deletion is over. @context any task */
void host_fault_keep_deletion(const char *task_name, uint64_t us);

/* ---- looking in ---- */

/** @brief No deletion that is not over touches this control block (a StaticTask_t) or the stack
 * made with it, and no task is in it. @context any */
bool host_task_memory_is_free(const void *static_tcb);

/** @brief Call a function each time that such a deletion is over, in the task that deletes.
 *  @context any */
void host_on_task_memory_free(void (*told)(void));

/** @brief Mutexes that a task (a TaskHandle_t) holds now; on the device its control block tells. */
uint32_t host_task_mutexes_held(const void *task);

/** @brief The random stream of the seed (sim) or of the operating system (threads). @context any */
uint32_t host_random_u32(void);

/**
 * @brief Hash of the run so far: time, task number, kind of point and object ordinal of each point.
 *
 * Contains no address, so it is the same with address randomisation on. 0 in threads.
 */
uint64_t host_trace_hash(void);

/** @brief Scheduling points passed so far; 0 in threads. */
uint64_t host_trace_points(void);

/** @brief Switches between tasks so far; 0 in threads. */
uint64_t host_switches(void);

/** @brief Clock reading when the core last had nothing to do (sim); now in threads. */
uint64_t host_core_last_idle_us(int core);

/** @brief A scheduling point with a number of the caller's own, visible in the trace hash. @context
 * any task */
void host_point(uint32_t ordinal);

#ifdef __cplusplus
}
#endif
