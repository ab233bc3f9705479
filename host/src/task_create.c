// SPDX-License-Identifier: Apache-2.0

// Task records: made, named, charged to the heap, deleted.

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include "esp_heap_caps.h"
#include "host_internal.h"
#include "sched.h"

#define TCB_CHUNK  64
#define TCB_FIGURE 352 /* bytes an ESP32-S3's control block takes from the heap */

/* All guarded by the kernel lock. Records are never unmapped, so that a stale handle is recognised
 * by its magic instead of faulting; freed ones are reused oldest first, to recognise it for longer.
 */
static tcb_t *s_free_first, *s_free_last;
static uint32_t s_number;
tcb_t *k_all_tasks;
uint32_t k_live_tasks, k_task_count;

static bool more_tcbs(void)
{
    tcb_t *chunk = mmap(NULL, sizeof(tcb_t) * TCB_CHUNK, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (chunk == MAP_FAILED) {
        return false;
    }
    for (int i = 0; i < TCB_CHUNK; i++) {
        k_tcb_free(&chunk[i]);
    }
    return true;
}

void k_tcb_free(tcb_t *t)
{
    t->magic = K_TCB_DEAD;
    t->state = K_DELETED;
    t->all_next = NULL;
    if (s_free_last != NULL) {
        s_free_last->all_next = t;
    } else {
        s_free_first = t;
    }
    s_free_last = t;
}

static tcb_t *take_tcb_locked(void)
{
    if (s_free_first == NULL && !more_tcbs()) {
        return NULL;
    }
    tcb_t *t = s_free_first;
    s_free_first = t->all_next;
    if (s_free_first == NULL) {
        s_free_last = NULL;
    }
    memset(t, 0, sizeof(*t));
    return t;
}

static void link_locked(tcb_t *t)
{
    t->magic = K_TCB_LIVE;
    t->number = ++s_number;
    t->all_prev = NULL;
    t->all_next = k_all_tasks;
    if (k_all_tasks != NULL) {
        k_all_tasks->all_prev = t;
    }
    k_all_tasks = t;
    if (!t->is_isr) {
        k_task_count++;
    }
    if (!t->is_daemon) {
        k_live_tasks++;
    }
}

/* From here on the handle is invalid. */
static void unlink_locked(tcb_t *t)
{
    t->magic = K_TCB_DEAD;
    t->state = K_DELETED;
    if (t->all_prev != NULL) {
        t->all_prev->all_next = t->all_next;
    } else {
        k_all_tasks = t->all_next;
    }
    if (t->all_next != NULL) {
        t->all_next->all_prev = t->all_prev;
    }
    if (!t->is_isr) {
        k_task_count--;
    }
    if (!t->is_daemon) {
        k_live_tasks--;
    }
}

static void fill(tcb_t *t, const k_task_spec_t *spec)
{
    strncpy(t->name, spec->name != NULL ? spec->name : "", sizeof(t->name) - 1);
    t->prio = spec->prio;
    t->base_prio = spec->prio;
    t->affinity = spec->core;
    t->fn = spec->fn;
    t->arg = spec->arg;
    t->is_isr = spec->is_isr;
    t->is_idle = spec->is_idle;
    t->is_daemon = spec->is_daemon;
    t->user_stack = spec->user_stack;
    t->user_tcb = spec->user_tcb;
    t->is_static = spec->user_tcb != NULL;
    t->sim.core = -1;
    t->sim.last_core = -1;
}

/** Until its deletion is over, a task's static memory is not its maker's again. Lock held. */
static const tcb_t *whose_memory(const StaticTask_t *tcb, const StackType_t *stack)
{
    for (const tcb_t *t = k_all_tasks; t != NULL; t = t->all_next) {
        if (!t->memory_free &&
            ((tcb != NULL && t->user_tcb == tcb) || (stack != NULL && t->user_stack == stack))) {
            return t;
        }
    }
    return NULL;
}

static void refuse_reuse(const k_task_spec_t *spec)
{
    char name[configMAX_TASK_NAME_LEN];
    k_lock();
    const tcb_t *t = whose_memory(spec->user_tcb, spec->user_stack);
    if (t != NULL) {
        memcpy(name, t->name, sizeof(name));
    }
    k_unlock();
    if (t != NULL) {
        host_panic("task %s is made in the memory of task %s, which is there, or whose deletion is "
                   "not over",
                   spec->name, name);
    }
}

tcb_t *k_task_create(const k_task_spec_t *spec)
{
    void *charged = NULL;
    if (spec->user_tcb != NULL) {
        refuse_reuse(spec);
    }
    if (spec->caps != 0) {
        charged = heap_caps_malloc(spec->stack + TCB_FIGURE, spec->caps);
        if (charged == NULL) {
            return NULL;
        }
    }
    host_stack_t stack = {0};
    if (!spec->is_idle && !host_stack_get(&stack, spec->stack)) {
        heap_caps_free(charged);
        return NULL;
    }
    k_lock();
    tcb_t *t = take_tcb_locked();
    if (t != NULL) {
        fill(t, spec);
        t->stack = stack;
        t->charged = charged;
        link_locked(t);
        if (spec->out != NULL) {
            *spec->out = t;
        }
        if (spec->is_idle || g_sched->start(t)) {
            k_unlock();
            return t;
        }
        unlink_locked(t);
        k_tcb_free(t);
    }
    host_stack_put(&stack);
    k_unlock();
    heap_caps_free(charged);
    return NULL;
}

tcb_t *k_tcb_check(TaskHandle_t t, const char *call)
{
    if (t == NULL) {
        return k_self;
    }
    if (t->magic != K_TCB_LIVE) {
        host_panic("%s(%p): not a task, or one that was deleted", call, (void *)t);
    }
    return t;
}

void k_tasks_init(void)
{
    s_number = 0;
    k_all_tasks = NULL;
    k_live_tasks = 0;
    k_task_count = 0;
}

/* ---- deletion ---- */

static void run_tls_callbacks(tcb_t *t)
{
    for (int i = 0; i < configNUM_THREAD_LOCAL_STORAGE_POINTERS; i++) {
        if (t->tls_delete[i] != NULL) {
            t->tls_delete[i](i, t->tls[i]);
            t->tls_delete[i] = NULL;
        }
    }
}

static void (*_Atomic s_on_memory_free)(void);
static char s_kept[configMAX_TASK_NAME_LEN]; /* kernel lock */
static uint64_t s_keep_us;                   /* too; 0: nobody */

void host_fault_keep_deletion(const char *task_name, uint64_t us)
{
    k_lock();
    strncpy(s_kept, task_name, sizeof(s_kept) - 1);
    s_keep_us = us;
    k_unlock();
}

/** Whoever deletes this task is kept from its core before it is done. */
static void be_kept(const tcb_t *t)
{
    k_lock();
    if (s_keep_us != 0 && strcmp(t->name, s_kept) == 0) {
        const uint64_t us = s_keep_us;
        s_keep_us = 0;
        (void)k_block(NULL, g_sched->now() + us, "kept in a deletion", 0);
    }
    k_unlock();
}

void host_on_task_memory_free(void (*told)(void))
{
    atomic_store(&s_on_memory_free, told);
}

bool host_task_memory_is_free(const void *static_tcb)
{
    k_lock();
    const bool is_free = whose_memory(static_tcb, NULL) == NULL;
    k_unlock();
    return is_free;
}

/**
 * What a deletion runs. As on the device, where prvDeleteTCB() cleans up in the control block after
 * the callbacks, and whoever runs it may be kept from its core before it does.
 */
static void clean_up(tcb_t *t)
{
    run_tls_callbacks(t);
    g_sched->point(K_POINT_CALL, t->number);
    be_kept(t);
    k_lock();
    const bool tell = t->user_tcb != NULL && !t->memory_free;
    t->memory_free = true;
    k_unlock();
    void (*told)(void) = atomic_load(&s_on_memory_free);
    if (tell && told != NULL) {
        told();
    }
}

static void delete_self(tcb_t *self)
{
    if (self->crit_nest > 0 || self->sched_lock > 0) {
        host_panic("task %s ends inside a critical section or with the scheduler suspended",
                   self->name);
    }
    k_lock();
    self->kill = true;
    k_end_self();
}

void vTaskDelete(TaskHandle_t xTaskToDelete)
{
    tcb_t *self = k_task_call("vTaskDelete", 0);
    tcb_t *t = k_tcb_check(xTaskToDelete, "vTaskDelete");
    if (t == self) {
        delete_self(self);
    }
    if (t->is_idle || t->is_isr) {
        host_panic("vTaskDelete(%s): the board's own task", t->name);
    }
    k_lock();
    if (t->kill || t->magic != K_TCB_LIVE) {
        k_unlock();
        return;
    }
    if (!g_sched->withdraw(t)) {
        t->kill = true; /* computing on another core: it goes at its next point */
        k_unlock();
        return;
    }
    k_remove_waiter(t);
    t->state = K_DELETED;
    t->kill = true;
    k_unlock();
    clean_up(t);
    heap_caps_free(t->charged);
    k_lock();
    unlink_locked(t);
    uint32_t live = k_live_tasks;
    g_sched->discard(t);
    k_unlock();
    if (live == 0) {
        g_sched->stop(0);
    }
}

void k_finish_self(tcb_t *self)
{
    clean_up(self);
    heap_caps_free(self->charged);
    self->charged = NULL;
    k_lock();
    unlink_locked(self);
}

/* ---- creation calls ---- */

static BaseType_t create(const k_task_spec_t *spec, TaskHandle_t *out)
{
    (void)k_task_call("xTaskCreatePinnedToCore", 0);
    configASSERT(spec->fn != NULL);
    configASSERT(spec->prio < configMAX_PRIORITIES);
    configASSERT(taskVALID_CORE_ID(spec->core) || spec->core == tskNO_AFFINITY);
    k_task_spec_t s = *spec;
    if (s.core != tskNO_AFFINITY && (uint32_t)s.core >= host_config()->cores) {
        s.core = 0; /* a board with one core, code built for two */
    }
    s.out = out;
    if (k_task_create(&s) == NULL) {
        return errCOULD_NOT_ALLOCATE_REQUIRED_MEMORY;
    }
    g_sched->point(K_POINT_CALL, 0);
    return pdPASS;
}

BaseType_t xTaskCreatePinnedToCore(TaskFunction_t pxTaskCode, const char *const pcName,
                                   const uint32_t usStackDepth, void *const pvParameters,
                                   UBaseType_t uxPriority, TaskHandle_t *const pxCreatedTask,
                                   const BaseType_t xCoreID)
{
    return xTaskCreatePinnedToCoreWithCaps(pxTaskCode, pcName, usStackDepth, pvParameters,
                                           uxPriority, pxCreatedTask, xCoreID,
                                           MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT);
}

BaseType_t xTaskCreatePinnedToCoreWithCaps(TaskFunction_t pvTaskCode, const char *const pcName,
                                           const configSTACK_DEPTH_TYPE usStackDepth,
                                           void *const pvParameters, UBaseType_t uxPriority,
                                           TaskHandle_t *const pvCreatedTask,
                                           const BaseType_t xCoreID, UBaseType_t uxMemoryCaps)
{
    const k_task_spec_t spec = {
        .fn = pvTaskCode,
        .arg = pvParameters,
        .name = pcName,
        .stack = usStackDepth,
        .prio = uxPriority,
        .core = xCoreID,
        .caps = uxMemoryCaps,
    };
    return create(&spec, pvCreatedTask);
}

TaskHandle_t xTaskCreateStaticPinnedToCore(TaskFunction_t pxTaskCode, const char *const pcName,
                                           const uint32_t ulStackDepth, void *const pvParameters,
                                           UBaseType_t uxPriority,
                                           StackType_t *const puxStackBuffer,
                                           StaticTask_t *const pxTaskBuffer,
                                           const BaseType_t xCoreID)
{
    configASSERT(puxStackBuffer != NULL);
    configASSERT(pxTaskBuffer != NULL);
    const k_task_spec_t spec = {
        .fn = pxTaskCode,
        .arg = pvParameters,
        .name = pcName,
        .stack = ulStackDepth,
        .prio = uxPriority,
        .core = xCoreID,
        .user_stack = puxStackBuffer,
        .user_tcb = pxTaskBuffer,
    };
    TaskHandle_t t = NULL;
    return create(&spec, &t) == pdPASS ? t : NULL;
}

void vTaskDeleteWithCaps(TaskHandle_t xTaskToDelete)
{
    vTaskDelete(xTaskToDelete);
}
