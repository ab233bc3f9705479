/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As much of a kernel as the code under measurement calls: tasks on stacks of their own that run
 * until they wait, thread-local pointers, notifications, one core. Each call stops the time it
 * takes, so that it can be taken off again.
 */
#include "lx7.h"

#include <string.h>

#include "esp_timer.h"
#include "freertos/idf_additions.h"
#include "freertos/semphr.h"

#include "task_backend.h"

#define TASKS     16u
#define TLS       4u
#define US_A_LOOK 3

typedef struct {
    void *sp;
    TaskFunction_t code;
    void *argument;
    void *tls[TLS];
    void *own;
    uint32_t notified;
    unsigned priority;
    bool waits;
} task_t;

static task_t s_tasks[TASKS];
static unsigned s_count = 1; /* task 0 is the one that measures */
static unsigned s_current;
static BaseType_t s_isr;
static int64_t s_now = 1000000;

static uint32_t s_start, s_mark, s_kernel, s_critical_mark, s_longest, s_depth;
static bool s_switch_pending;
static uint32_t s_calls[LX7_KINDS];

/* Inlined: what lies outside of the two is the same few instructions for each call. */
#define ENTER(kind)                                                                                \
    s_mark = lx7_ccount();                                                                         \
    s_calls[kind]++
#define LEAVE() s_kernel += lx7_ccount() - s_mark

/* ---- measuring ---- */

void lx7_begin(void)
{
    s_kernel = s_longest = 0;
    memset(s_calls, 0, sizeof(s_calls));
    s_start = lx7_ccount();
}

static inline void add(lx7_count_t *sum, uint32_t now)
{
    sum->ticks += now - s_start;
    sum->kernel += s_kernel;
    sum->stretches++;
    for (unsigned i = 0; i < LX7_KINDS; i++) {
        sum->calls[i] += s_calls[i];
    }
}

void lx7_look(lx7_count_t *sum)
{
    s_mark = lx7_ccount();
    add(sum, s_mark);
    s_calls[LX7_OTHER]++; /* of the stretch that goes on; not of the one that ends here */
    LEAVE();
}

void lx7_end(lx7_count_t *sum)
{
    const uint32_t now = lx7_ccount();
    add(sum, now);
    if (s_longest > sum->longest_critical) {
        sum->longest_critical = s_longest;
    }
}

void lx7_nothing(void)
{
    ENTER(LX7_OTHER);
    LEAVE();
}

/* ---- tasks ---- */

static task_t *of(TaskHandle_t handle)
{
    return handle == NULL ? &s_tasks[s_current] : (task_t *)(void *)handle;
}

/** The highest task that does not wait; the one that measures comes first of its priority. */
static unsigned pick(void)
{
    unsigned best = 0;
    for (unsigned i = 1; i < s_count; i++) {
        if (!s_tasks[i].waits &&
            (s_tasks[best].waits || s_tasks[i].priority > s_tasks[best].priority)) {
            best = i;
        }
    }
    if (s_tasks[best].waits) {
        lx7_fail("every task waits", s_current);
    }
    return best;
}

/* The one variable of a task's own that there is stands where its thread pointer points. */
static void point_at_own(void)
{
    __asm__ volatile("wur %0, threadptr" ::"r"(&s_tasks[s_current].own));
}

static void reschedule(void)
{
    const unsigned next = pick();
    const unsigned last = s_current;
    if (next != last) {
        s_current = next;
        lx7_switch(&s_tasks[last].sp, s_tasks[next].sp);
        point_at_own(); /* back again */
    }
}

void lx7_first(TaskFunction_t code, void *argument);
void lx7_first(TaskFunction_t code, void *argument)
{
    point_at_own();
    LEAVE();
    code(argument);
    lx7_fail("a task returned", 0);
}

TaskHandle_t xTaskCreateStaticPinnedToCore(TaskFunction_t code, const char *const name,
                                           const uint32_t stack_bytes, void *const argument,
                                           UBaseType_t priority, StackType_t *const stack,
                                           StaticTask_t *const storage, const BaseType_t core)
{
    (void)name, (void)storage, (void)core;
    if (s_count == TASKS) {
        lx7_fail("too many tasks", TASKS);
    }
    task_t *task = &s_tasks[s_count++];
    /* As if lx7_begin_task had called lx7_switch: see there. The callers' registers are saved below
     * the stack pointer of whom they called. */
    uint32_t *caller = (uint32_t *)(((uintptr_t)stack + stack_bytes - 64) & ~(uintptr_t)15);
    uint32_t *callee = caller - 12;
    memset(callee - 4, 0, 16 * sizeof(uint32_t));
    callee[0] = ((uint32_t)(uintptr_t)lx7_begin_task & 0x3FFFFFFFu) | 0x80000000u;
    callee[-3] = (uint32_t)(uintptr_t)caller;
    callee[-2] = (uint32_t)(uintptr_t)code;
    callee[-1] = (uint32_t)(uintptr_t)argument;
    caller[-3] = (uint32_t)(uintptr_t)(caller + 8);
    *task = (task_t){.sp = callee, .code = code, .argument = argument, .priority = priority};
    return (TaskHandle_t)(void *)task;
}

void lx7_kernel_init(void)
{
    s_tasks[0].priority = 1;
    point_at_own();
}

void lx7_set_priority(unsigned priority)
{
    s_tasks[s_current].priority = priority;
}

void lx7_set_isr(BaseType_t isr)
{
    s_isr = isr;
}

void lx7_drain(void)
{
    ENTER(LX7_OTHER);
    const unsigned priority = s_tasks[0].priority;
    s_tasks[0].priority = 0;
    reschedule();
    s_tasks[0].priority = priority;
    LEAVE();
}

TaskHandle_t xTaskGetCurrentTaskHandle(void)
{
    ENTER(LX7_OTHER);
    LEAVE();
    return (TaskHandle_t)(void *)&s_tasks[s_current];
}

void vTaskSuspend(TaskHandle_t task)
{
    lx7_fail("vTaskSuspend", (uint32_t)(uintptr_t)task);
}

void vTaskDelete(TaskHandle_t task)
{
    lx7_fail("vTaskDelete", (uint32_t)(uintptr_t)task);
}

eTaskState eTaskGetState(TaskHandle_t task)
{
    ENTER(LX7_STATE);
    const bool waits = of(task)->waits;
    LEAVE();
    return waits ? eBlocked : eReady;
}

void vTaskPrioritySet(TaskHandle_t task, UBaseType_t priority)
{
    ENTER(LX7_OTHER);
    of(task)->priority = priority;
    reschedule();
    LEAVE();
}

BaseType_t xTaskGetSchedulerState(void)
{
    ENTER(LX7_OTHER);
    LEAVE();
    return taskSCHEDULER_RUNNING;
}

void *pvTaskGetThreadLocalStoragePointer(TaskHandle_t task, BaseType_t index)
{
    ENTER(LX7_TLS);
    void *value = of(task)->tls[index];
    LEAVE();
    return value;
}

void vTaskSetThreadLocalStoragePointerAndDelCallback(TaskHandle_t task, BaseType_t index,
                                                     void *value,
                                                     TlsDeleteCallbackFunction_t on_deleted)
{
    (void)on_deleted;
    vTaskSetThreadLocalStoragePointer(task, index, value);
}

void vTaskSetThreadLocalStoragePointer(TaskHandle_t task, BaseType_t index, void *value)
{
    ENTER(LX7_TLS);
    of(task)->tls[index] = value;
    LEAVE();
}

/* ---- one core, and no mutexes ---- */

extern volatile unsigned port_xSchedulerRunning[portNUM_PROCESSORS];
volatile unsigned port_xSchedulerRunning[portNUM_PROCESSORS] = {1};

BaseType_t xPortGetCoreID(void)
{
    return 0;
}

uint32_t task_backend_mutexes_held(TaskHandle_t task)
{
    (void)task;
    return 0;
}

/* ---- notifications ---- */

BaseType_t xTaskGenericNotify(TaskHandle_t task, UBaseType_t index, uint32_t value,
                              eNotifyAction action, uint32_t *previous)
{
    (void)index, (void)value, (void)action, (void)previous;
    ENTER(LX7_NOTIFY);
    of(task)->notified++;
    of(task)->waits = false;
    if (s_depth == 0) {
        reschedule();
    } else { /* as on the chip, where the interrupt that switches waits for it */
        s_switch_pending = true;
    }
    LEAVE();
    return pdPASS;
}

void vTaskGenericNotifyGiveFromISR(TaskHandle_t task, UBaseType_t index, BaseType_t *woken)
{
    (void)index;
    ENTER(LX7_NOTIFY);
    of(task)->notified++;
    of(task)->waits = false;
    if (woken != NULL) {
        *woken = pdTRUE;
    }
    LEAVE();
}

uint32_t ulTaskGenericNotifyTake(UBaseType_t index, BaseType_t clear, TickType_t ticks)
{
    (void)index, (void)clear, (void)ticks;
    ENTER(LX7_TAKE);
    task_t *task = &s_tasks[s_current];
    if (task->notified == 0) {
        task->waits = true;
        reschedule();
    }
    const uint32_t notified = task->notified;
    task->notified = 0;
    LEAVE();
    return notified;
}

/* ---- interrupts and critical sections ---- */

BaseType_t xPortInIsrContext(void)
{
    ENTER(LX7_ISR_QUERY);
    LEAVE();
    return s_isr;
}

void vPortYieldFromISR(void)
{
}

static inline void enter(void)
{
    if (s_depth++ == 0) {
        s_critical_mark = lx7_ccount() - s_kernel;
    }
}

static inline void leave(void)
{
    if (--s_depth == 0) {
        const uint32_t length = s_mark - s_kernel - s_critical_mark;
        s_longest = length > s_longest ? length : s_longest;
        if (s_switch_pending) {
            s_switch_pending = false;
            reschedule();
        }
    }
}

void vPortEnterCritical(portMUX_TYPE *mux)
{
    (void)mux;
    ENTER(LX7_CRITICAL);
    enter();
    LEAVE();
}

void vPortExitCritical(portMUX_TYPE *mux)
{
    (void)mux;
    ENTER(LX7_EXIT);
    leave();
    LEAVE();
}

/* On the chip each of these asks first whether it is in an interrupt. */
void vPortEnterCriticalSafe(portMUX_TYPE *mux)
{
    (void)mux;
    ENTER(LX7_CRITICAL);
    s_calls[LX7_WITHIN]++;
    enter();
    LEAVE();
}

void vPortExitCriticalSafe(portMUX_TYPE *mux)
{
    (void)mux;
    ENTER(LX7_EXIT);
    s_calls[LX7_WITHIN]++;
    leave();
    LEAVE();
}

/* ---- time, queues ---- */

int64_t esp_timer_get_time(void)
{
    ENTER(LX7_TIME);
    const int64_t now = s_now += US_A_LOOK;
    LEAVE();
    return now;
}

TickType_t xTaskGetTickCount(void)
{
    ENTER(LX7_OTHER);
    const TickType_t now = (TickType_t)((uint32_t)s_now / 1000u);
    LEAVE();
    return now;
}

/* Nobody waits for a semaphore here: there is one task that sets up, and it is never held up. */

QueueHandle_t xQueueCreateMutexStatic(const uint8_t type, StaticQueue_t *storage)
{
    (void)type;
    return (QueueHandle_t)(void *)storage;
}

QueueHandle_t xQueueGenericCreateStatic(const UBaseType_t length, const UBaseType_t size,
                                        uint8_t *items, StaticQueue_t *storage, const uint8_t type)
{
    (void)length, (void)size, (void)items, (void)type;
    return (QueueHandle_t)(void *)storage;
}

BaseType_t xQueueGenericSend(QueueHandle_t queue, const void *const item, TickType_t ticks,
                             const BaseType_t where)
{
    (void)queue, (void)item, (void)ticks, (void)where;
    return pdPASS;
}

BaseType_t xQueueSemaphoreTake(QueueHandle_t queue, TickType_t ticks)
{
    (void)queue, (void)ticks;
    return pdPASS;
}
