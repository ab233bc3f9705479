/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A runner's state says whose turn it is: the supervisor takes it from IDLE to BUSY and from DONE
 * to IDLE, the runner from BUSY to DONE. Giving up is the race of the two for BUSY, decided by one
 * compare-and-swap.
 *
 * Should somebody delete the task of a runner, FreeRTOS tells, and the supervisor replaces it: a
 * function that was cut is as one that hangs, without its wait. Should somebody delete that of the
 * supervisor, a runner restarts the board: nobody else looks after those who look after all others.
 */
#include "lifecycle_runner.h"

#include <string.h>

#include "esp_log.h"

#include "event_internal.h"
#include "supervisor_internal.h"
#include "system_lock_internal.h"
#include "task_end.h"
#include "task_memory.h"
#include "task_ref.h"

static const char *TAG = "lifecycle";

enum {
    RUNNER_NONE = 0, /* no task */
    RUNNER_IDLE,
    RUNNER_BUSY,
    RUNNER_DONE,
    RUNNER_GIVEN_UP, /* its function hangs */
    RUNNER_PARKED,   /* suspended itself for good */
};

typedef struct {
    system_identity_t identity; /* first: the thread-local pointer points here */
    _Atomic uint8_t state;
    _Atomic uint8_t stop;
    _Atomic uint8_t killed; /* worker_killed_t: somebody deleted its task */
    task_deleter_t deleter; /* his, until he is past its memory */
    task_ref_t task;
    lifecycle_job_t job; /* belongs to the runner while BUSY */
    esp_err_t result;
} runner_t;

#define RUNNERS CONFIG_SYSTEM_LIFECYCLE_RUNNERS

static runner_t s_runners[RUNNERS];
static StaticTask_t s_tcbs[RUNNERS];
static StackType_t s_stacks[RUNNERS][CONFIG_SYSTEM_LIFECYCLE_STACK / sizeof(StackType_t)];

static void serve(runner_t *runner)
{
    const lifecycle_job_t job = runner->job;
    atomic_store(&runner->identity.slot, job.slot);
    const esp_err_t result = job.function(job.id, job.arg);
    system_locks_forgotten(&runner->identity);
    atomic_store(&runner->identity.slot, SYSTEM_SLOT_NONE);
    uint8_t expected = RUNNER_BUSY;
    runner->result = result; /* nobody reads it unless the next line makes it DONE */
    if (atomic_compare_exchange_strong(&runner->state, &expected, RUNNER_DONE)) {
        supervisor_poke();
        return;
    }
    ESP_LOGW(TAG, "a function that was given up came back");
    atomic_store(&runner->state, RUNNER_IDLE);
    vTaskPrioritySet(NULL, CONFIG_SYSTEM_WORKER_PRIORITY);
    supervisor_poke();
}

/**
 * FreeRTOS calls it for each runner whose task is deleted; also by us, who then replace it at once.
 * Who finds the reference void when it has parked, or killed, may start it anew: so what is asked
 * of this life is asked before, and nothing is written after.
 */
static void on_deleted(int index, void *identity)
{
    (void)index;
    runner_t *runner = identity; /* its first member */
    const uint8_t state = atomic_load(&runner->state);
    /* NULL: we do it, and have looked */
    const TaskHandle_t task = task_memory_lost(&runner->task, &runner->deleter);
    if (state == RUNNER_PARKED) {
        return;
    }
    const bool loses =
        atomic_load(&runner->identity.depth) != 0 || (task != NULL && task_end_loses_mutex(task));
    atomic_store(&runner->killed, loses ? WORKER_KILLED_IN_CORE : WORKER_KILLED_IN_HANDLER);
    if (state == RUNNER_GIVEN_UP || atomic_load(&runner->state) == RUNNER_GIVEN_UP) {
        last_resort_aside_gone(); /* or it became so just now, by one who did not know */
    } else {
        supervisor_poke();
    }
}

static void runner_main(void *arg)
{
    runner_t *runner = arg;
    system_identity_set_until(&runner->identity, on_deleted); /* first: it voids the reference */
    task_ref_set(&runner->task, xTaskGetCurrentTaskHandle());
    while (!atomic_load(&runner->stop)) {
        if (atomic_load(&runner->state) == RUNNER_BUSY) {
            serve(runner);
        } else {
            last_resort_if_unsupervised();
            (void)ulTaskNotifyTake(pdTRUE, portMAX_DELAY);
        }
    }
    atomic_store(&runner->state, RUNNER_PARKED);
    for (;;) { /* deleted by lifecycle_runners_stop() */
        vTaskSuspend(NULL);
    }
}

static esp_err_t start_runner(runner_t *runner)
{
    const unsigned n = (unsigned)(runner - s_runners);
    if (!task_memory_is_free(&s_tcbs[n], &runner->deleter)) {
        return ESP_ERR_NOT_FINISHED;
    }
    memset(runner, 0, sizeof(*runner));
    atomic_store(&runner->identity.slot, SYSTEM_SLOT_NONE);
    atomic_store(&runner->state, RUNNER_IDLE);
    /* It knows itself: whoever calls it before it has begun need not. */
    if (xTaskCreateStaticPinnedToCore(runner_main, "lifecycle", sizeof(s_stacks[n]), runner,
                                      CONFIG_SYSTEM_WORKER_PRIORITY, s_stacks[n], &s_tcbs[n],
                                      tskNO_AFFINITY) == NULL) {
        atomic_store(&runner->state, RUNNER_NONE);
        return ESP_ERR_NO_MEM;
    }
    return ESP_OK;
}

esp_err_t lifecycle_runners_start(void)
{
    for (unsigned n = 0; n < RUNNERS; n++) {
        (void)task_memory_wait(&s_tcbs[n], &s_runners[n].deleter);
        const esp_err_t ret = start_runner(&s_runners[n]);
        if (ret != ESP_OK) {
            return ret;
        }
    }
    return ESP_OK;
}

/** It has parked, or somebody deleted it. */
static bool may_delete(runner_t *runner)
{
    return atomic_load(&runner->killed) ||
           (atomic_load(&runner->state) == RUNNER_PARKED &&
            (atomic_load(&runner->task) == NULL || task_ref_is_suspended(&runner->task)));
}

/** Nobody takes what they bring any more, but what they do comes to an end: safe mode stops the
 * apps on one, for instance. */
static bool all_at_rest(void)
{
    for (unsigned n = 0; n < RUNNERS; n++) {
        const uint8_t state = atomic_load(&s_runners[n].state);
        if (state == RUNNER_GIVEN_UP ||
            (state == RUNNER_BUSY && !atomic_load(&s_runners[n].killed))) {
            return false;
        }
    }
    return true;
}

esp_err_t lifecycle_runners_stop(void)
{
    for (TickType_t waited = 0; !all_at_rest(); waited++) {
        if (waited >= pdMS_TO_TICKS(CONFIG_SYSTEM_LIFECYCLE_TIMEOUT_MS)) {
            return ESP_ERR_TIMEOUT;
        }
        vTaskDelay(1);
    }
    for (unsigned n = 0; n < RUNNERS; n++) {
        runner_t *runner = &s_runners[n];
        if (atomic_load(&runner->state) == RUNNER_NONE) {
            continue;
        }
        atomic_store(&runner->stop, 1);
        (void)task_ref_notify(&runner->task, NULL);
        while (!may_delete(runner) ||
               (!task_ref_delete(&runner->task) && atomic_load(&runner->task) != NULL)) {
            vTaskDelay(1);
        }
        atomic_store(&runner->state, RUNNER_NONE);
    }
    return ESP_OK;
}

int lifecycle_run(const lifecycle_job_t *job)
{
    for (int n = 0; n < RUNNERS; n++) {
        runner_t *runner = &s_runners[n];
        if (atomic_load(&runner->state) == RUNNER_IDLE && !atomic_load(&runner->killed)) {
            runner->job = *job;
            atomic_store(&runner->state, RUNNER_BUSY);
            (void)task_ref_notify(&runner->task, NULL);
            return n;
        }
    }
    return LIFECYCLE_RUNNER_NONE;
}

bool lifecycle_result(int runner, esp_err_t *result)
{
    runner_t *r = &s_runners[runner];
    if (atomic_load(&r->state) != RUNNER_DONE) {
        return false;
    }
    *result = r->result;
    atomic_store(&r->state, RUNNER_IDLE);
    return true;
}

/** Its task is gone. If FreeRTOS is not done with it yet, it stays without one: nobody gives it a
 *  job, and lifecycle_runners_mend() tries again. */
static esp_err_t replace(runner_t *runner)
{
    system_locks_holder_gone(&runner->identity);
    const esp_err_t ret = start_runner(runner);
    if (ret == ESP_ERR_NOT_FINISHED) {
        atomic_store(&runner->identity.slot, SYSTEM_SLOT_NONE);
        atomic_store(&runner->state, RUNNER_IDLE);
    } else if (ret != ESP_OK) {
        ESP_LOGE(TAG, "cannot replace runner %u", (unsigned)(runner - s_runners));
    }
    return ret;
}

bool lifecycle_runner_deleted(int runner)
{
    return atomic_load(&s_runners[runner].killed) != WORKER_NOT_KILLED;
}

/** It is gone, in the middle of what it did. @return ESP_OK: that can be taken back, and it is
 *  replaced now or later; ESP_ERR_INVALID_STATE */
static esp_err_t bury(runner_t *runner)
{
    if (atomic_load(&runner->killed) == WORKER_KILLED_IN_CORE) {
        return ESP_ERR_INVALID_STATE;
    }
    (void)replace(runner);
    return ESP_OK;
}

void lifecycle_runners_mend(void)
{
    for (unsigned n = 0; n < RUNNERS; n++) {
        runner_t *runner = &s_runners[n];
        const uint8_t state = atomic_load(&runner->state);
        const uint8_t killed = atomic_load(&runner->killed);
        if (killed == WORKER_NOT_KILLED) {
            continue;
        }
        const unsigned slot = system_identity_slot(&runner->identity);
        if (state == RUNNER_IDLE && killed == WORKER_KILLED_IN_HANDLER) {
            if (replace(runner) == ESP_OK) {
                ESP_LOGE(TAG, "the task of runner %u was deleted: replaced", n);
            }
        } else if (state == RUNNER_IDLE || (state == RUNNER_BUSY && slot >= SYSTEM_SLOTS)) {
            last_resort_ask("lifecycle", SYSTEM_SERVICE_ID_NONE, ESP_ERR_SYSTEM_LOCK_LOST);
        } /* else whoever waits for its result finds out */
    }
}

void lifecycle_runners_alarm(void)
{
    for (unsigned n = 0; n < RUNNERS; n++) {
        const uint8_t state = atomic_load(&s_runners[n].state);
        if (state != RUNNER_NONE && state != RUNNER_PARKED && !atomic_load(&s_runners[n].killed)) {
            (void)task_ref_notify(&s_runners[n].task, NULL);
        }
    }
}

bool lifecycle_runner_aside(unsigned n, unsigned *slot)
{
    *slot = system_identity_slot(&s_runners[n].identity);
    return atomic_load(&s_runners[n].state) == RUNNER_GIVEN_UP;
}

esp_err_t lifecycle_end_aside(unsigned n)
{
    runner_t *r = &s_runners[n];
    if (atomic_load(&r->killed)) {
        return bury(r);
    }
    const esp_err_t ret = task_try_end(&r->task, &r->identity);
    if (ret == ESP_OK) { /* also when its function came back just now: nobody has given it a job */
        (void)replace(r);
    }
    return ret;
}

esp_err_t lifecycle_give_up(int runner)
{
    runner_t *r = &s_runners[runner];
    uint8_t expected = RUNNER_BUSY;
    if (!atomic_compare_exchange_strong(&r->state, &expected, RUNNER_GIVEN_UP)) {
        return ESP_ERR_INVALID_STATE;
    }
    if (atomic_load(&r->killed)) {
        const unsigned slot = system_identity_slot(&r->identity);
        ESP_LOGE(TAG, "the task of runner %d was deleted in a function of %s", runner,
                 service_slot_name(slot));
        if (bury(r) == ESP_OK) {
            return ESP_OK;
        }
        last_resort_ask(service_slot_name(slot), service_slot_id(slot), ESP_ERR_SYSTEM_LOCK_LOST);
        return ESP_ERR_TIMEOUT;
    }
    if (task_end(&r->task, &r->identity) == ESP_OK) {
        (void)replace(r);
        return ESP_OK;
    }
    (void)task_ref_set_priority(&r->task, tskIDLE_PRIORITY); /* let it spin where it hurts least */
    if (atomic_load(&r->state) != RUNNER_GIVEN_UP) {         /* it came back just now */
        (void)task_ref_set_priority(&r->task, CONFIG_SYSTEM_WORKER_PRIORITY);
    }
    last_resort_aside();
    return ESP_ERR_TIMEOUT;
}

bool lifecycle_runners_exhausted(void)
{
    return lifecycle_runners_given_up() == RUNNERS;
}

unsigned lifecycle_runners_given_up(void)
{
    unsigned count = 0;
    for (unsigned n = 0; n < RUNNERS; n++) {
        count += atomic_load(&s_runners[n].state) == RUNNER_GIVEN_UP;
    }
    return count;
}

/** The calling task's runner, or NULL. */
static const runner_t *current_runner(void)
{
    const uintptr_t identity = (uintptr_t)system_identity();
    const uintptr_t first = (uintptr_t)s_runners;
    if (identity < first || identity >= first + sizeof(s_runners)) {
        return NULL;
    }
    return &s_runners[(identity - first) / sizeof(s_runners[0])];
}

bool lifecycle_runner_is_current(void)
{
    return current_runner() != NULL;
}

bool lifecycle_runner_given_up(void)
{
    const runner_t *runner = current_runner();
    return runner != NULL && atomic_load(&runner->state) == RUNNER_GIVEN_UP;
}
