// SPDX-License-Identifier: Apache-2.0

// Boot order of the board, and the parts of host_control.h that concern the whole of it.

#include "esp_task.h"
#include "esp_timer.h"
#include "host_internal.h"
#include "host_services.h"
#include "record.h"
#include "host_trap.h"
#include "sched.h"

static host_config_t s_config;
static int s_running; /* atomic */
static void (*s_main_fn)(void *arg);
static void *s_main_arg;

static void main_task(void *arg)
{
    (void)arg;
    host_wdt_init();
    s_main_fn(s_main_arg);
    vTaskDelete(NULL);
}

static void fill_defaults(host_config_t *c)
{
    if (c->cores == 0 || c->cores > K_MAX_CORES) {
        c->cores = configNUMBER_OF_CORES;
    }
    c->switch_call_ppm = c->switch_call_ppm != 0 ? c->switch_call_ppm : 250000;
    c->switch_atomic_ppm = c->switch_atomic_ppm != 0 ? c->switch_atomic_ppm : 60000;
    c->plain_mean = c->plain_mean != 0 ? c->plain_mean : 150;
    c->spin_bound = c->spin_bound != 0 ? c->spin_bound : 2000;
    c->max_points = c->max_points != 0 ? c->max_points : 2000000000u;
}

static void start_tasks(void)
{
    idle_init(s_config.cores);
    isr_init(s_config.cores);
    timers_init();
    esp_timer_boot();
    ESP_ERROR_CHECK(esp_timer_init());
    const k_task_spec_t spec = {
        .fn = main_task,
        .name = "main",
        .stack = ESP_TASK_MAIN_STACK,
        .prio = ESP_TASK_MAIN_PRIO,
        .core = 0,
        .caps = MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT,
    };
    if (k_task_create(&spec) == NULL) {
        host_panic("no memory for the main task");
    }
}

int host_boot(const host_config_t *cfg, void (*main_fn)(void *arg), void *arg)
{
    if (host_is_running()) {
        host_panic("host_boot() called while the board runs");
    }
    s_config = cfg != NULL ? *cfg : (host_config_t){0};
    fill_defaults(&s_config);
    s_main_fn = main_fn;
    s_main_arg = arg;
    host_trap_install();
    k_init(&s_config);
    if (s_config.sched == HOST_SCHED_SIM) {
        sim_init();
    } else {
        threads_init();
    }
    host_heap_init(&s_config);
    host_flash_init(&s_config);
    host_log_init();
    record_boot();
    __atomic_store_n(&s_running, 1, __ATOMIC_RELEASE);
    start_tasks();
    int code = g_sched->run();
    __atomic_store_n(&s_running, 0, __ATOMIC_RELEASE);
    return code;
}

void host_exit(int code)
{
    steer_before_end();
    g_sched->stop(code);
}

bool host_is_running(void)
{
    return __atomic_load_n(&s_running, __ATOMIC_ACQUIRE) != 0;
}

host_sched_t host_sched(void)
{
    return s_config.sched;
}

const host_config_t *host_config(void)
{
    return &s_config;
}

uint64_t host_now_us(void)
{
    return g_sched->now();
}

void host_clock_jump(uint64_t us)
{
    (void)k_any_call("host_clock_jump", 0);
    g_sched->jump(us);
}

void host_busy(uint64_t us)
{
    (void)k_any_call("host_busy", 0);
    if (us > 0) {
        g_sched->busy(us);
    }
}

void host_point(uint32_t ordinal)
{
    (void)k_any_call("host_point", 0);
    g_sched->point(K_POINT_CALL, ordinal);
}
