/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exceptions of the processor. ESP-IDF keeps one table of handlers for each core; ours stand before
 * what was there, and pass on whatever is not an app's. To end a task, its saved registers are
 * changed so that it goes on in app_crash_land() when the handler returns: a call of window size 4
 * whose argument is the callee's a2.
 *
 * Breakpoint instructions come here as illegal instructions, see break_backend.S.
 *
 * Not contained, since the task's own stack or the cache is what failed: an overflow of the stack
 * that its canary or the watchpoint finds, cache errors, violations of the permission controller,
 * double exceptions. abort() and assert() of firmware execute an illegal instruction after they
 * set g_panic_abort: they are panics as ever.
 */
#include "app_crash.h"

#include "esp_attr.h"
#include "esp_cpu_utils.h"
#include "esp_debug_helpers.h"
#include "esp_ipc.h"
#include "esp_memory_utils.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "xtensa/corebits.h"
#include "xtensa_api.h"
#include "xtensa_context.h"

/* A bit for each cause: 0, 2, 3, 6, 8, 9, 12 to 18, 20, 24 to 26, 28 and 29. */
#define CAUSES        0x3717f34du
#define CAUSE_COUNT   19
#define STACK_TO_LAND 1024 /* bytes that must be left below the stack pointer */
#define STACK_STEP    64
/* EXCM stands in the frame of every exception, and rfe clears it: nothing interrupts the return. */
#define PS_TO_LAND (PS_UM | PS_WOE | PS_CALLINC(1) | PS_EXCM)

extern bool g_panic_abort;
extern void xt_unhandled_exception(void *frame);

static DRAM_ATTR xt_exc_handler s_before[portNUM_PROCESSORS][CAUSE_COUNT];
static bool s_installed;

typedef struct {
    uintptr_t base;
    uint32_t size;
} stack_range_t;

static const char *name_of(uint32_t cause)
{
    switch (cause) {
    case EXCCAUSE_ILLEGAL:
        return "IllegalInstruction";
    case EXCCAUSE_PRIVILEGED:
        return "Privileged";
    case EXCCAUSE_DIVIDE_BY_ZERO:
        return "IntegerDivideByZero";
    case EXCCAUSE_UNALIGNED:
        return "LoadStoreAlignment";
    case EXCCAUSE_LOAD_STORE_ERROR:
        return "LoadStoreError";
    case EXCCAUSE_INSTR_ERROR:
        return "InstructionFetchError";
    case EXCCAUSE_INSTR_PROHIBITED:
        return "InstrFetchProhibited";
    case EXCCAUSE_LOAD_PROHIBITED:
        return "LoadProhibited";
    case EXCCAUSE_STORE_PROHIBITED:
        return "StoreProhibited";
    default:
        return "exception";
    }
}

static bool is_code(uintptr_t pc)
{
    /* ESP-IDF counts PSRAM as seen by the data bus. */
    return esp_ptr_executable((const void *)pc) && !esp_ptr_external_ram((const void *)pc);
}

static app_crash_cause_t cause_of(uint32_t cause, uintptr_t pc)
{
    switch (cause) {
    case EXCCAUSE_ILLEGAL: /* data is executed up to what is no instruction */
    case EXCCAUSE_PRIVILEGED:
        return is_code(pc) ? APP_CRASH_INSTRUCTION : APP_CRASH_JUMP;
    case EXCCAUSE_DIVIDE_BY_ZERO:
        return APP_CRASH_ARITHMETIC;
    case EXCCAUSE_UNALIGNED:
        return APP_CRASH_ALIGNMENT;
    case EXCCAUSE_INSTR_ERROR:
    case EXCCAUSE_INSTR_DATA_ERROR:
    case EXCCAUSE_INSTR_ADDR_ERROR:
    case EXCCAUSE_ITLB_MISS:
    case EXCCAUSE_ITLB_MULTIHIT:
    case EXCCAUSE_INSTR_RING:
    case EXCCAUSE_INSTR_PROHIBITED:
        return APP_CRASH_JUMP;
    default:
        return APP_CRASH_ADDRESS;
    }
}

static bool in_stack(const stack_range_t *stack, uintptr_t sp)
{
    return sp >= stack->base && sp < stack->base + stack->size;
}

/** Only of these EXCVADDR tells; of others it is what the last such left there. */
static bool has_address(app_crash_cause_t cause)
{
    return cause != APP_CRASH_INSTRUCTION && cause != APP_CRASH_ARITHMETIC;
}

/** Where it would return to that jumped to no code: the window is not rotated before `entry`. */
static uintptr_t jumped_from(const XtExcFrame *frame)
{
    const long *const links[] = {NULL, &frame->a4, &frame->a8, &frame->a12};
    const uint32_t step = ((uint32_t)frame->ps & PS_CALLINC_MASK) >> PS_CALLINC_SHIFT;
    const uint32_t link = step != 0 ? (uint32_t)*links[step] : 0;
    const uintptr_t pc = esp_cpu_process_stack_pc(link) + 3;
    return link >> 30 == step && is_code(pc) ? pc : 0;
}

/** The return addresses; the windows were spilled to the stack when the handler was entered. */
static void walk(const XtExcFrame *frame, const stack_range_t *stack, app_crash_facts_t *facts)
{
    const uintptr_t from = facts->cause == APP_CRASH_JUMP ? jumped_from(frame) : 0;
    if (from != 0) {
        facts->frames[facts->frame_count++] = from;
    }
    esp_backtrace_frame_t at = {
        .pc = (uint32_t)frame->pc,
        .sp = (uint32_t)frame->a1,
        .next_pc = (uint32_t)frame->a0,
        .exc_frame = frame,
    };
    /* What a frame keeps of its caller stands in the 16 bytes below its stack pointer. */
    while (facts->frame_count < APP_CRASH_FRAMES && at.next_pc != 0 &&
           in_stack(stack, at.sp - 16) && in_stack(stack, at.sp)) {
        if (!esp_backtrace_get_next_frame(&at)) {
            break;
        }
        facts->frames[facts->frame_count++] = esp_cpu_process_stack_pc(at.pc) + 3;
    }
}

/** @return what it goes on with; NULL: it is not to be contained */
static app_crash_t *judge(const XtExcFrame *frame)
{
    const TaskHandle_t task = xTaskGetCurrentTaskHandle();
    stack_range_t stack;
    if (!app_crash_stack(task, &stack.base, &stack.size)) {
        return NULL;
    }
    const uintptr_t sp = (uintptr_t)frame->a1;
    if (!in_stack(&stack, sp) || sp - stack.base < STACK_TO_LAND) {
        return NULL;
    }
    const app_crash_cause_t cause = cause_of((uint32_t)frame->exccause, (uintptr_t)frame->pc);
    app_crash_facts_t facts = {
        .cause = cause,
        .what = name_of((uint32_t)frame->exccause),
        .pc = (uintptr_t)frame->pc,
        .address = has_address(cause) ? (uintptr_t)frame->excvaddr : 0,
    };
    walk(frame, &stack, &facts);
    return app_crash_take(task, &facts);
}

/** What stood here before; for causes that are in CAUSES. */
static inline __attribute__((always_inline)) xt_exc_handler *before(uint32_t cause)
{
    unsigned place = 0;
    for (uint32_t lower = CAUSES & ((1u << cause) - 1); lower != 0; lower &= lower - 1) {
        place++;
    }
    return &s_before[xPortGetCoreID()][place];
}

static void IRAM_ATTR on_exception(XtExcFrame *frame)
{
    app_crash_t *crash = NULL;
    /* Code in flash, such as judge(), runs only where all of this holds: whoever turns the cache
     * off suspends the scheduler first, on both cores. */
    if (!g_panic_abort && !xPortInIsrContext() && ((uint32_t)frame->ps & PS_INTLEVEL_MASK) == 0 &&
        xTaskGetSchedulerState() == taskSCHEDULER_RUNNING) {
        crash = judge(frame);
    }
    if (crash != NULL) {
        frame->pc = (long)(uintptr_t)app_crash_land;
        frame->ps = PS_TO_LAND;
        frame->a0 = 0; /* the call chain ends here */
        frame->a1 = (long)(((uintptr_t)frame->a1 - STACK_STEP) & ~(uintptr_t)15);
        frame->a6 = (long)(uintptr_t)crash;
        frame->lcount = 0; /* it may have been in a loop of the processor's own */
        return;
    }
    const xt_exc_handler other = *before((uint32_t)frame->exccause);
    if (other != NULL) {
        other(frame);
    } else {
        xt_unhandled_exception(frame);
    }
}

/** On each core, since each has a table of its own. */
static void install_here(void *arg)
{
    (void)arg;
    for (uint32_t cause = 0; cause < 32; cause++) {
        if ((CAUSES >> cause & 1) != 0) {
            *before(cause) = xt_set_exception_handler((int)cause, on_exception);
        }
    }
}

static esp_err_t install_on(uint32_t core)
{
#ifdef CONFIG_FREERTOS_UNICORE /* ESP-IDF has no calls between cores then */
    (void)core;
    install_here(NULL);
    return ESP_OK;
#else
    return esp_ipc_call_blocking(core, install_here, NULL);
#endif
}

esp_err_t crash_backend_install(bool on)
{
    esp_err_t ret = ESP_OK;
    /* They stay for good: while nobody wants them, they pass everything on. */
    for (uint32_t core = 0; on && !s_installed && core < portNUM_PROCESSORS && ret == ESP_OK;
         core++) {
        ret = install_on(core);
    }
    s_installed = s_installed || (on && ret == ESP_OK);
    return ret;
}
