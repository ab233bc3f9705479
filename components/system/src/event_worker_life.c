/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Workers come and go. A worker that is to end parks: it suspends itself for good, and whoever
 * needs its place deletes it then, when it is certain that it is off both cores and its stack may
 * be used again. A worker whose handler hangs is quarantined: ended by force if that does no harm,
 * else left to spin at the lowest priority until the handler returns and it parks.
 *
 * Private workers are made and destroyed under the registry lock, shared ones by the supervisor
 * alone: their places are apart.
 */

#include "esp_log.h"
#include "esp_timer.h"

#include "event_worker_internal.h"
#include "supervisor_internal.h"
#include "system_lock_internal.h"
#include "task_end.h"
#include "task_memory.h"
#include "task_ref.h"

static const char *TAG = "event_worker";

/* How many tasks are about to end this worker by force: should it park meanwhile, it is theirs. */
static _Atomic uint8_t s_ending[WORKERS];
static StaticTask_t s_tcbs[WORKERS];
/* Shared workers and their replacements run on these; private ones bring stacks from the heap. */
static StackType_t s_stacks[STATIC_WORKERS][CONFIG_SYSTEM_WORKER_STACK / sizeof(StackType_t)];

static void update_mask(worker_kind_t kind)
{
    uint32_t mask = 0;
    for (unsigned n = 0; n < WORKERS; n++) {
        if (atomic_load(&event_workers[n].alive) == PLACE_ALIVE && event_workers[n].kind == kind &&
            !atomic_load(&event_workers[n].quarantined)) {
            mask |= 1u << n;
        }
    }
    atomic_store(&event_worker_masks[kind], mask);
}

/* ---- places --------------------------------------------------------------------------------- */

/** Free the place of a worker that parked. Several tasks may try at once: one of them does it. */
static bool reap(event_worker_t *worker)
{
    uint8_t parked = PLACE_PARKED;
    if (!atomic_compare_exchange_strong(&worker->alive, &parked, PLACE_REAPED)) {
        return false;
    }
    const bool there = atomic_load(&worker->task) != NULL; /* or somebody else deleted it */
    if (atomic_load(&s_ending[worker->number]) ||
        (there && (!task_ref_is_suspended(&worker->task) || !task_ref_delete(&worker->task)))) {
        atomic_store(&worker->alive, PLACE_PARKED); /* not yet */
        return false;
    }
    atomic_store(&worker->alive, PLACE_FREE);
    return true;
}

/** Nobody is in a place, and FreeRTOS is done with who was. Asked by who may give it away: the
 *  supervisor, or with the registry's lock held where it is a private worker's. */
static bool is_free(event_worker_t *worker)
{
    (void)reap(worker);
    return atomic_load(&worker->alive) == PLACE_FREE &&
           task_memory_is_free(&s_tcbs[worker - event_workers], &worker->deleter);
}

static event_worker_t *find_place(unsigned first, unsigned end)
{
    for (unsigned n = first; n < end; n++) {
        if (is_free(&event_workers[n])) {
            return &event_workers[n];
        }
    }
    return NULL;
}

/** A place is made a new worker's while others may still look at the one that was there: what they
 * look at is atomic. */
static void clear(event_worker_t *worker)
{
    atomic_store(&worker->identity.slot, SYSTEM_SLOT_NONE);
    worker->identity.is_worker = true;
    atomic_store(&worker->identity.depth, 0);
    atomic_store(&worker->identity.locks, 0);
    worker->turn = 0;
    atomic_store(&worker->raised, 0);
    atomic_store(&worker->quarantined, 0);
    atomic_store(&worker->of_app, 0);
    atomic_store(&worker->stop, 0);
    atomic_store(&worker->killed, 0);
    atomic_store(&worker->task, NULL);
    atomic_store(&worker->started_us, 0);
    atomic_store(&worker->running_sub, 0);
    atomic_store(&worker->running_type, 0);
    atomic_store(&worker->block, POOL_NONE);
    atomic_store(&worker->warned, 0);
}

static esp_err_t start_worker(event_worker_t *worker, worker_kind_t kind, unsigned slot,
                              uint8_t priority, BaseType_t core, StackType_t *stack,
                              uint32_t stack_bytes)
{
    static const char *const names[] = {"ev_general", "ev_express", "ev_private"};
    const unsigned number = (unsigned)(worker - event_workers);
    clear(worker);
    worker->kind = (uint8_t)kind;
    worker->number = (uint8_t)number;
    worker->base_priority = priority;
    worker->core = (int8_t)core;
    worker->private_slot = (uint8_t)slot;
    worker->private_stack = kind == WORKER_PRIVATE ? stack : NULL;
    worker->private_stack_bytes = kind == WORKER_PRIVATE ? stack_bytes : 0;
    event_worker_reset(worker);
    atomic_store(&worker->alive, PLACE_ALIVE);
    update_mask(kind);
    const TaskHandle_t task =
        xTaskCreateStaticPinnedToCore(event_worker_main, names[kind], stack_bytes, worker, priority,
                                      stack, &s_tcbs[number], core);
    if (task == NULL) {
        return ESP_ERR_NO_MEM;
    }
    return ESP_OK; /* it knows itself: whoever calls it before it has begun need not */
}

static esp_err_t start_shared(worker_kind_t kind, BaseType_t core)
{
    event_worker_t *worker = find_place(0, STATIC_WORKERS);
    if (worker == NULL) {
        return ESP_ERR_NO_MEM;
    }
    return start_worker(worker, kind, SYSTEM_SLOT_NONE,
                        kind == WORKER_EXPRESS ? CONFIG_SYSTEM_EXPRESS_PRIORITY
                                               : CONFIG_SYSTEM_WORKER_PRIORITY,
                        core, s_stacks[worker - event_workers], sizeof(s_stacks[0]));
}

esp_err_t event_workers_start(void)
{
    for (BaseType_t core = 0; core < portNUM_PROCESSORS; core++) {
        esp_err_t ret = start_shared(WORKER_GENERAL, core);
        if (ret == ESP_OK) {
            ret = start_shared(WORKER_EXPRESS, core);
        }
        if (ret != ESP_OK) {
            return ret;
        }
    }
    return ESP_OK;
}

/** Ask a worker to end and wait for it. */
static esp_err_t stop_worker(event_worker_t *worker, uint32_t wait_ms)
{
    atomic_store(&worker->stop, 1);
    for (uint32_t waited = 0; atomic_load(&worker->alive) == PLACE_ALIVE; waited++) {
        if (waited > wait_ms) {
            return ESP_ERR_TIMEOUT;
        }
        event_worker_notify(worker);
        vTaskDelay(pdMS_TO_TICKS(1));
    }
    /* It has parked but for its last instructions; it may be kept from its core for long: then the
     * place is reaped when it is needed. */
    for (uint32_t waited = 0; !reap(worker) && atomic_load(&worker->alive) != PLACE_FREE;
         waited++) {
        if (waited > wait_ms) {
            break;
        }
        vTaskDelay(pdMS_TO_TICKS(1));
    }
    update_mask((worker_kind_t)worker->kind);
    return ESP_OK;
}

esp_err_t event_workers_stop(void)
{
    esp_err_t ret = ESP_OK;
    for (unsigned n = 0; n < WORKERS; n++) {
        if (atomic_load(&event_workers[n].alive) != PLACE_FREE) {
            const esp_err_t one = stop_worker(&event_workers[n], CONFIG_SYSTEM_STOP_GRACE_MS);
            ret = one != ESP_OK ? one : ret;
        }
    }
    return ret;
}

/** The place that this owner had before, with its stack, if it fits; else a free one without. */
static event_worker_t *find_private_place(unsigned slot, uint32_t bytes)
{
    event_worker_t *empty = NULL;
    for (unsigned n = STATIC_WORKERS; n < WORKERS; n++) {
        event_worker_t *worker = &event_workers[n];
        if (!is_free(worker)) {
            if (atomic_load(&worker->alive) == PLACE_FREE && worker->private_slot == slot) {
                worker->private_slot =
                    SYSTEM_SLOT_NONE; /* its stack: event_workers_free_stacks() */
            }
            continue;
        }
        if (worker->private_stack == NULL) {
            empty = worker;
        } else if (worker->private_slot == slot && worker->private_stack_bytes == bytes) {
            return worker;
        }
    }
    return empty;
}

event_worker_t *event_worker_create_private(unsigned slot, uint32_t stack, uint8_t priority)
{
    const uint32_t bytes = stack ? stack : CONFIG_SYSTEM_WORKER_STACK;
    event_worker_t *worker = find_private_place(slot, bytes);
    if (worker == NULL) {
        return NULL;
    }
    StackType_t *memory = worker->private_stack;
    if (memory == NULL) { /* internal RAM: flash may be written from here */
        memory = pvPortMalloc(bytes);
    }
    if (memory == NULL) {
        return NULL;
    }
    if (start_worker(worker, WORKER_PRIVATE, slot,
                     priority ? priority : CONFIG_SYSTEM_WORKER_PRIORITY, tskNO_AFFINITY, memory,
                     bytes) != ESP_OK) {
        atomic_store(&worker->alive, PLACE_FREE);
        event_worker_forget_private(slot);
        return NULL;
    }
    return worker;
}

void event_worker_forget_private(unsigned slot)
{
    for (unsigned n = STATIC_WORKERS; n < WORKERS; n++) {
        event_worker_t *worker = &event_workers[n];
        if (worker->private_stack != NULL && worker->private_slot == slot && is_free(worker)) {
            vPortFree(worker->private_stack);
            worker->private_stack = NULL;
        } else if (worker->private_stack != NULL && worker->private_slot == slot) {
            worker->private_slot = SYSTEM_SLOT_NONE; /* its task still runs on it */
            last_resort_aside();
        }
    }
}

bool event_workers_free_stacks(void)
{
    bool all = true;
    registry_lock();
    for (unsigned n = STATIC_WORKERS; n < WORKERS; n++) {
        event_worker_t *worker = &event_workers[n];
        if (worker->private_stack == NULL || worker->private_slot != SYSTEM_SLOT_NONE) {
            continue;
        }
        if (is_free(worker)) {
            vPortFree(worker->private_stack);
            worker->private_stack = NULL;
        } else {
            all = false;
        }
    }
    registry_unlock();
    return all;
}

esp_err_t event_worker_destroy_private(event_worker_t *worker)
{
    return stop_worker(worker, CONFIG_SYSTEM_STOP_GRACE_MS);
}

/* ---- quarantine ----------------------------------------------------------------------------- */

/** Its task was ended. */
static void bury(event_worker_t *worker)
{
    system_locks_holder_gone(&worker->identity);
    event_worker_release_block(worker); /* the reference was the dead task's */
    atomic_store(&worker->started_us, 0);
    atomic_store(&worker->alive, PLACE_FREE);
}

esp_err_t event_worker_quarantine(unsigned n, unsigned slot, uint16_t sub)
{
    event_worker_t *worker = &event_workers[n];
    atomic_fetch_add(&s_ending[n], 1); /* should it park from now on, nobody else deletes it */
    atomic_store(&worker->of_app, service_record(slot)->is_app);
    if (!event_mailbox_seize(slot, worker, sub)) {
        atomic_fetch_sub(&s_ending[n], 1);
        return ESP_ERR_NOT_FOUND;
    }
    const worker_kind_t kind = (worker_kind_t)worker->kind;
    const BaseType_t core = worker->core;
    const bool killed = atomic_load(&worker->killed) != WORKER_NOT_KILLED;
    const esp_err_t ended = killed ? ESP_OK : task_end(&worker->task, &worker->identity);
    if (ended == ESP_OK) {
        /* Mostly that is a moment; else its place comes back when it may, see find_place(). */
        (void)task_memory_wait(&s_tcbs[n], &worker->deleter);
        bury(worker);
    } else {
        (void)task_ref_set_priority(&worker->task,
                                    tskIDLE_PRIORITY); /* let it spin where it hurts least */
    }
    atomic_fetch_sub(&s_ending[n], 1);
    update_mask(kind);
    event_worker_lose_high(worker); /* one express worker is missing now: none begins with HIGH */
    if (ended != ESP_OK) {
        last_resort_aside();
        supervisor_poke();
    }
    if (kind != WORKER_PRIVATE && start_shared(kind, core) != ESP_OK) {
        ESP_LOGE(TAG, "no spare worker left to replace worker %u", n);
        event_workers_wake(SYSTEM_EVENT_LANES - 1, NULL); /* for HIGH that now is theirs alone */
        return ESP_ERR_NO_MEM;
    }
    return ended;
}

worker_killed_t event_worker_killed(unsigned n, unsigned *slot)
{
    const event_worker_t *worker = &event_workers[n];
    const uint8_t killed = atomic_load(&worker->killed);
    *slot = system_identity_slot(&worker->identity);
    if (killed == WORKER_NOT_KILLED || atomic_load(&worker->quarantined) ||
        atomic_load(&worker->alive) != PLACE_ALIVE) {
        return WORKER_NOT_KILLED;
    }
    return atomic_load(&worker->started_us) != 0 && atomic_load(&worker->identity.depth) == 0
               ? (worker_killed_t)killed
               : WORKER_KILLED_IN_CORE;
}

bool event_worker_aside(unsigned n, unsigned *slot)
{
    const event_worker_t *worker = &event_workers[n];
    *slot = system_identity_slot(&worker->identity);
    return atomic_load(&worker->quarantined) && atomic_load(&worker->alive) == PLACE_ALIVE;
}

esp_err_t event_worker_end_aside(unsigned n)
{
    event_worker_t *worker = &event_workers[n];
    unsigned slot;
    esp_err_t ret = ESP_OK;
    atomic_fetch_add(&s_ending[n], 1); /* before the look: from now on nobody else deletes it */
    if (event_worker_aside(n, &slot)) {
        const bool killed = atomic_load(&worker->killed) != WORKER_NOT_KILLED;
        if (killed && (atomic_load(&worker->killed) == WORKER_KILLED_IN_CORE ||
                       atomic_load(&worker->identity.depth) != 0)) {
            ret = ESP_ERR_INVALID_STATE; /* with what nobody can take from it any more */
        } else if (!killed) {
            ret = task_try_end(&worker->task, &worker->identity);
        }
        if (ret == ESP_OK) {
            bury(worker);
        }
    }
    atomic_fetch_sub(&s_ending[n], 1);
    return ret;
}

bool event_workers_refill(void)
{
    bool all = true;
    for (BaseType_t core = 0; core < portNUM_PROCESSORS; core++) {
        for (worker_kind_t kind = WORKER_GENERAL; kind <= WORKER_EXPRESS; kind++) {
            bool serves = false;
            for (unsigned n = 0; n < STATIC_WORKERS; n++) {
                const event_worker_t *worker = &event_workers[n];
                serves |= atomic_load(&worker->alive) == PLACE_ALIVE && worker->kind == kind &&
                          worker->core == core && !atomic_load(&worker->quarantined);
            }
            if (!serves) {
                all &= start_shared(kind, core) == ESP_OK;
            }
        }
    }
    return all;
}

/* ---- what the supervisor sees ------------------------------------------------------ */

unsigned event_workers_count(void)
{
    return WORKERS;
}

bool event_worker_running(unsigned n, worker_run_t *out)
{
    event_worker_t *worker = &event_workers[n];
    const uint32_t started = atomic_load_explicit(&worker->started_us, memory_order_acquire);
    if (started == 0 || atomic_load(&worker->quarantined) ||
        atomic_load(&worker->alive) != PLACE_ALIVE) {
        return false;
    }
    const uint16_t sub = atomic_load(&worker->running_sub);
    const uint8_t slot = atomic_load(&worker->identity.slot);
    *out = (worker_run_t){
        .worker = n,
        .slot = slot,
        .sub = sub,
        .type = atomic_load(&worker->running_type),
        .handler = atomic_load(&event_sub(sub)->handler),
        .time_limit_us = atomic_load(&event_sub(sub)->time_limit_us),
        .started_us = started,
        /* without the bit that stamp() may have added: a run does not begin in the future */
        .running_us = (uint32_t)esp_timer_get_time() - (started & ~1u),
        .warned = atomic_load(&worker->warned),
    };
    /* All of it belongs to one run only if that run is still the same one. */
    return slot != SYSTEM_SLOT_NONE && atomic_load(&worker->started_us) == started;
}

void event_worker_set_warned(unsigned n)
{
    atomic_store(&event_workers[n].warned, 1);
}

unsigned event_workers_serving(worker_kind_t kind)
{
    unsigned count = 0;
    for (unsigned n = 0; n < WORKERS; n++) {
        count += atomic_load(&event_workers[n].alive) == PLACE_ALIVE &&
                 event_workers[n].kind == kind && !atomic_load(&event_workers[n].quarantined);
    }
    return count;
}

unsigned event_workers_quarantined(void)
{
    unsigned count = 0;
    for (unsigned n = 0; n < WORKERS; n++) {
        count += atomic_load(&event_workers[n].quarantined) &&
                 atomic_load(&event_workers[n].alive) == PLACE_ALIVE;
    }
    return count;
}
