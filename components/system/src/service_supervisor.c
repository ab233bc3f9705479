/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisor's task, and what other tasks ask of it.
 *
 * Those who wait for an answer leave a request and sleep on its semaphore. What needs no answer is
 * a bit in the slot. Requests say what is wanted, not what is to be done: they are looked at each
 * time something changed, and answered when the services concerned have come to rest.
 */
#include "supervisor_internal.h"

#include <string.h>

#include "esp_attr.h"
#include "esp_log.h"
#include "esp_timer.h"
#include "freertos/semphr.h"

#include "event_internal.h"
#include "lifecycle_runner.h"
#include "system_service/app_manager.h"
#include "supervisor_backstop.h"
#include "task_memory.h"
#include "task_ref.h"
#include "watchdog_internal.h"

static const char *TAG = "supervisor";

typedef enum {
    REQUEST_NONE = 0, /* place is free */
    REQUEST_START,
    REQUEST_START_ALL,
    REQUEST_STOP,
    REQUEST_STOP_ALL,
    REQUEST_STOP_EVERYTHING, /* apps too */
    REQUEST_REMOVE,
    REQUEST_ANSWERED,
} request_kind_t;

typedef struct {
    _Atomic uint8_t kind; /* set last by who asks; ANSWERED by the supervisor */
    system_service_id_t id;
    esp_err_t result;
    /* the supervisor's own */
    bool looked_at;
    slot_set_t set;   /* whom it concerns */
    slot_set_t begun; /* who is on the way, or was there already */
    StaticSemaphore_t storage;
    SemaphoreHandle_t answered;
} request_t;

/* As many tasks can wait for a start or stop at once; more wait for a place. */
#define REQUESTS 4

static EXT_RAM_BSS_ATTR request_t s_requests[REQUESTS];
static _Atomic bool s_taken[REQUESTS];

static system_identity_t s_identity;
static StaticTask_t s_tcb;
static StackType_t s_stack[CONFIG_SYSTEM_SUPERVISOR_STACK / sizeof(StackType_t)];
static task_ref_t s_task;
static task_deleter_t s_deleter;
static _Atomic bool s_quit;
static _Atomic bool s_parked;

void supervisor_poke(void)
{
    BaseType_t woken = pdFALSE;
    (void)task_ref_notify(&s_task, &woken);
    if (xPortInIsrContext()) {
        portYIELD_FROM_ISR(woken);
    }
}

/* ---- requests, the supervisor's side -------------------------------------------------------- */

static void answer(request_t *request, esp_err_t result)
{
    request->result = result;
    atomic_store(&request->kind, REQUEST_ANSWERED);
    (void)xSemaphoreGive(request->answered);
}

/** Services that can be started, or with a bit of kind: everybody who may own something. */
static slot_set_t everybody(request_kind_t kind)
{
    slot_set_t set = 0;
    for (unsigned slot = 0; slot < SYSTEM_SLOTS; slot++) {
        if (supervised_present(slot) &&
            (kind == REQUEST_START_ALL
                 ? service_restartable(slot)
                 : kind == REQUEST_STOP_EVERYTHING || !service_record(slot)->is_app)) {
            set |= SLOT_BIT(slot);
        }
    }
    return set;
}

/** Find out whom it concerns. @return ESP_OK, or what to answer at once */
static esp_err_t look_at(request_t *request, request_kind_t kind)
{
    unsigned slot = SYSTEM_SLOT_NONE;
    request->looked_at = true;
    if (kind == REQUEST_START_ALL || kind == REQUEST_STOP_ALL || kind == REQUEST_STOP_EVERYTHING) {
        request->set = everybody(kind);
        return ESP_OK;
    }
    const esp_err_t ret = service_slot_of(request->id, &slot);
    if (ret != ESP_OK || !supervised_present(slot)) {
        return ret;
    }
    request->set = SLOT_BIT(slot);
    registry_lock();
    const slot_set_t needs = dependencies_needed_by(slot);
    slot_set_t dependants = dependencies_dependants_of(slot);
    const bool missing = dependencies_first_missing(slot) != NULL;
    registry_unlock();
    if (kind == REQUEST_START) {
        if (!service_restartable(slot)) {
            return ESP_ERR_SERVICE_NOT_RESTARTABLE;
        }
        if (system_safe_mode_active() && !safe_mode_keeps(slot)) {
            return ESP_ERR_SYSTEM_SAFE_MODE;
        }
        if (missing) {
            return ESP_ERR_SERVICE_DEPENDENCY_MISSING;
        }
        request->set |= needs;
    }
    for (; kind == REQUEST_REMOVE && dependants != 0; dependants &= dependants - 1) {
        if (!supervised_is_down((unsigned)__builtin_ctzll(dependants))) {
            return ESP_ERR_SERVICE_HAS_DEPENDANTS;
        }
    }
    return ESP_OK;
}

/** Set one on its way up, when what it needs is. @return true when it is on its way or there */
static bool begin_start(const request_t *request, unsigned slot)
{
    registry_lock();
    const slot_set_t needs = dependencies_direct(slot) & request->set;
    registry_unlock();
    if ((needs & ~request->begun) != 0) {
        return false;
    }
    if (!supervised_is_idle(slot)) {
        return !supervised_goes_down(slot) || supervised(slot)->after == AFTER_RESTART;
    }
    if (!supervised_is_up(slot) && service_restartable(slot)) {
        supervised_begin_up(slot);
    }
    return true;
}

/** Set one on its way down, unless a call into it has to end first. */
static bool begin_stop(unsigned slot)
{
    supervised_t *s = supervised(slot);
    const uint8_t phase = atomic_load(&s->phase);
    if (supervised_goes_down(slot)) {
        if (s->after == AFTER_RESTART) { /* and not up again */
            s->after = AFTER_STOPPED;
            s->restarting = false;
        }
        return true;
    }
    if (phase != PHASE_IDLE && phase != PHASE_NEEDS && phase != PHASE_BACKOFF) {
        return false;
    }
    s->waits_for_needs = s->safe_mode_stopped = false;
    if (s->open || phase != PHASE_IDLE) {
        supervised_begin_down(slot, AFTER_STOPPED, true, ESP_OK);
    }
    return true;
}

static esp_err_t result_of(unsigned slot, request_kind_t kind)
{
    const supervised_t *s = supervised(slot);
    switch (kind) {
    case REQUEST_START:
    case REQUEST_START_ALL:
        if (supervised_is_up(slot) || !supervised_present(slot)) {
            return ESP_OK;
        }
        return s->error != ESP_OK ? s->error : ESP_ERR_SERVICE_START_FAILED;
    case REQUEST_REMOVE:
        return s->set_aside ? ESP_ERR_TIMEOUT : ESP_OK;
    default: /* one that was down already has nothing to answer for */
        return s->set_aside                ? ESP_ERR_SERVICE_STOP_TIMEOUT
               : s->after == AFTER_STOPPED ? s->error
                                           : ESP_OK;
    }
}

/** The first error of those concerned; of a single start: that of the service itself. */
static esp_err_t result(const request_t *request, request_kind_t kind)
{
    uint8_t order[SYSTEM_SLOTS];
    size_t count = SYSTEM_SLOTS;
    unsigned slot;
    if (kind == REQUEST_START) {
        const esp_err_t ret = service_slot_of(request->id, &slot);
        return ret != ESP_OK ? ret : result_of(slot, kind);
    }
    registry_lock();
    (void)dependencies_start_order(request->set, order, &count);
    registry_unlock();
    for (size_t i = 0; i < count; i++) {
        const esp_err_t ret = result_of(order[i], kind);
        if (ret != ESP_OK) {
            return ret;
        }
    }
    return ESP_OK;
}

static bool step_request(request_t *request, request_kind_t kind)
{
    if (!request->looked_at) {
        const esp_err_t ret = look_at(request, kind);
        if (ret != ESP_OK) {
            answer(request, ret);
            return true;
        }
    }
    const bool start = kind == REQUEST_START || kind == REQUEST_START_ALL;
    bool changed = false;
    bool at_rest = true;
    for (unsigned slot = 0; slot < SYSTEM_SLOTS; slot++) {
        const slot_set_t bit = SLOT_BIT(slot);
        if ((request->set & bit) == 0) {
            continue;
        }
        if ((request->begun & bit) == 0 && supervised_present(slot) &&
            (start ? begin_start(request, slot) : begin_stop(slot))) {
            request->begun |= bit;
            changed = true;
        }
        at_rest = at_rest && supervised_is_idle(slot) &&
                  ((request->begun & bit) != 0 || !supervised_present(slot));
    }
    if (at_rest) {
        answer(request, result(request, kind));
        return true;
    }
    return changed;
}

bool supervisor_requests_step(void)
{
    bool changed = false;
    for (unsigned i = 0; i < REQUESTS; i++) {
        const request_kind_t kind = (request_kind_t)atomic_load(&s_requests[i].kind);
        if (kind != REQUEST_NONE && kind != REQUEST_ANSWERED) {
            changed |= step_request(&s_requests[i], kind);
        }
    }
    return changed;
}

static bool step_asked(unsigned slot)
{
    supervised_t *s = supervised(slot);
    const uint8_t asked = atomic_exchange(&s->asked, 0);
    if ((asked & ASK_FAULT) != 0) {
        supervisor_fault(slot, atomic_load(&s->asked_reason));
    }
    if ((asked & ASK_RESTART) != 0 && supervised_is_up(slot) && service_restartable(slot)) {
        s->fault_us = esp_timer_get_time();
        s->backoff_ms = 0;
        supervised_begin_down(slot, AFTER_RESTART, false, ESP_OK);
        supervisor_pause_dependants(slot);
    }
    return asked != 0;
}

/* ---- the task ------------------------------------------------------------------------------- */

static void settle(void)
{
    bool changed;
    do {
        changed = supervisor_requests_step();
        changed |= safe_mode_step();
        changed |= last_resort_step();
        for (unsigned slot = 0; slot < SYSTEM_SLOTS; slot++) {
            if (supervised_present(slot)) {
                changed |= step_asked(slot);
                changed |= supervised_step(slot);
            }
        }
        changed |= supervisor_start_waiting();
    } while (changed);
}

static void sleep_until_needed(void)
{
    int64_t deadline = supervisor_watch_deadline();
    const int64_t last = last_resort_deadline();
    deadline = last < deadline ? last : deadline;
    for (unsigned slot = 0; slot < SYSTEM_SLOTS; slot++) {
        if (supervised_present(slot)) {
            const int64_t one = supervised_deadline(slot);
            deadline = one < deadline ? one : deadline;
        }
    }
    deadline = supervisor_watch_sleeps_until(deadline);
    TickType_t ticks = portMAX_DELAY;
    if (deadline != NEVER_US) {
        const int64_t left_us = deadline - esp_timer_get_time();
        const int64_t left = left_us > 0 ? left_us * configTICK_RATE_HZ / 1000000 + 1 : 1;
        ticks = left < portMAX_DELAY ? (TickType_t)left : portMAX_DELAY - 1;
    }
    (void)ulTaskNotifyTake(pdTRUE, supervisor_backstop_feed(ticks));
}

/** FreeRTOS calls it when the supervisor's task is deleted. Unless it parked, where it was nobody
 * knows, so nobody can go on in its place. */
static void on_deleted(int index, void *identity)
{
    (void)index;
    (void)identity;
    (void)task_memory_lost(&s_task, &s_deleter);
    if (!atomic_load(&s_parked)) {
        last_resort_unsupervised();
    }
}

static void supervisor_main(void *arg)
{
    (void)arg;
    system_identity_set_until(&s_identity, on_deleted); /* first: it voids the reference */
    task_ref_set(&s_task, xTaskGetCurrentTaskHandle());
    supervisor_backstop_begin();
    while (!atomic_load(&s_quit)) {
        lifecycle_runners_mend();
        supervisor_watch();
        settle();
        sleep_until_needed();
    }
    supervisor_backstop_end();
    atomic_store(&s_parked, true);
    for (;;) { /* deleted by supervisor_stop() */
        vTaskSuspend(NULL);
    }
}

esp_err_t supervisor_start(void)
{
    supervised_init();
    supervisor_groups_init();
    safe_mode_init();
    last_resort_init();
    supervisor_watch_init();
    for (unsigned i = 0; i < REQUESTS; i++) {
        memset(&s_requests[i], 0, sizeof(s_requests[i]));
        s_requests[i].answered = xSemaphoreCreateBinaryStatic(&s_requests[i].storage);
        atomic_store(&s_taken[i], false);
    }
    atomic_store(&s_identity.slot, SYSTEM_SLOT_NONE);
    s_identity.is_worker = true; /* it must not wait for room in a mailbox either */
    atomic_store(&s_quit, false);
    atomic_store(&s_parked, false);
    esp_err_t ret = task_memory_init();
    if (ret == ESP_OK && !task_memory_wait(&s_tcb, &s_deleter)) {
        ret = ESP_ERR_NOT_FINISHED;
    }
    if (ret == ESP_OK) {
        ret = lifecycle_runners_start();
    }
    if (ret != ESP_OK) {
        return ret;
    }
    const TaskHandle_t task = xTaskCreateStaticPinnedToCore(
        supervisor_main, "supervisor", sizeof(s_stack), NULL, CONFIG_SYSTEM_SUPERVISOR_PRIORITY,
        s_stack, &s_tcb, tskNO_AFFINITY);
    task_ref_set(&s_task, task);
    return task != NULL ? ESP_OK : ESP_ERR_NO_MEM;
}

/* ---- requests, the asking side -------------------------------------------------------------- */

static esp_err_t ask_and_wait(request_kind_t kind, system_service_id_t id)
{
    system_identity_t *identity = system_enter(); /* the place is given back */
    unsigned n = 0;
    for (bool expected = false; !atomic_compare_exchange_strong(&s_taken[n], &expected, true);
         expected = false) {
        n = (n + 1) % REQUESTS;
        if (n == 0) {
            vTaskDelay(1); /* all places are taken by tasks that wait, too */
        }
    }
    request_t *request = &s_requests[n];
    request->id = id;
    request->looked_at = false;
    request->set = request->begun = 0;
    atomic_store(&request->kind, (uint8_t)kind);
    supervisor_poke();
    (void)xSemaphoreTake(request->answered, portMAX_DELAY); /* each step of it is bounded */
    const esp_err_t ret = request->result;
    atomic_store(&request->kind, REQUEST_NONE);
    atomic_store(&s_taken[n], false);
    system_leave(identity);
    return ret;
}

/** Who may wait for the supervisor: not those whom it may have to wait for. */
static esp_err_t check_caller(void)
{
    if (!system_is_initialized()) {
        return ESP_ERR_SYSTEM_NOT_INITIALIZED;
    }
    const unsigned caller = system_current_slot();
    if (caller == SYSTEM_SLOT_DEAD || (caller < SYSTEM_SLOTS && service_record(caller)->is_app)) {
        return ESP_ERR_NOT_OWNER;
    }
    return system_must_not_block() || lifecycle_runner_is_current() ? ESP_ERR_INVALID_STATE
                                                                    : ESP_OK;
}

static esp_err_t ask(request_kind_t kind, system_service_id_t id)
{
    unsigned slot;
    esp_err_t ret = check_caller();
    if (ret == ESP_OK && id != SYSTEM_SERVICE_ID_NONE) {
        ret = service_slot_of(id, &slot);
    }
    return ret == ESP_OK ? ask_and_wait(kind, id) : ret;
}

static esp_err_t ask_one(request_kind_t kind, system_service_id_t id)
{
    return id == SYSTEM_SERVICE_ID_NONE ? ESP_ERR_SERVICE_NOT_FOUND : ask(kind, id);
}

esp_err_t system_service_start(system_service_id_t id)
{
    return ask_one(REQUEST_START, id);
}

esp_err_t system_service_stop(system_service_id_t id)
{
    return ask_one(REQUEST_STOP, id);
}

esp_err_t system_service_start_all(void)
{
    return ask(REQUEST_START_ALL, SYSTEM_SERVICE_ID_NONE);
}

esp_err_t system_service_stop_all(void)
{
    return ask(REQUEST_STOP_ALL, SYSTEM_SERVICE_ID_NONE);
}

esp_err_t supervisor_remove(system_service_id_t id)
{
    return ask(REQUEST_REMOVE, id);
}

esp_err_t supervisor_stop(void)
{
    if (atomic_load(&s_task) == NULL) {
        return lifecycle_runners_stop();
    }
    (void)ask_and_wait(REQUEST_STOP_EVERYTHING, SYSTEM_SERVICE_ID_NONE);
    if (lifecycle_runners_given_up() != 0 || event_workers_quarantined() != 0) {
        ESP_LOGE(TAG, "%u lifecycle functions and %u handlers hang: the system stays up",
                 lifecycle_runners_given_up(), event_workers_quarantined());
        return ESP_ERR_SERVICE_STOP_TIMEOUT;
    }
    if (app_manager_set_aside_count() != 0) {
        ESP_LOGE(TAG, "%u tasks of apps hang: the system stays up",
                 (unsigned)app_manager_set_aside_count());
        return ESP_ERR_APP_STOP_TIMEOUT;
    }
    atomic_store(&s_quit, true);
    supervisor_poke();
    while (atomic_load(&s_task) != NULL && /* else somebody deleted it */
           (!atomic_load(&s_parked) || !task_ref_is_suspended(&s_task))) {
        vTaskDelay(1);
    }
    (void)task_ref_delete(&s_task);
    return lifecycle_runners_stop();
}
