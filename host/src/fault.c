// SPDX-License-Identifier: Apache-2.0

// Randomness of the seed, and the faults it or a script asks for.

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include "host_internal.h"
#include "record.h"
#include "sched.h"

#define SCRIPTS 16
#define LEAP_US 100000u

typedef struct {
    char name[configMAX_TASK_NAME_LEN];
    uint64_t left; /* points (kill, hang) or wake-ups (drop) still to come */
    int what;      /* FAULT_KILL, FAULT_HANG, or FAULT_DROP below; FAULT_NONE = free */
} script_t;

enum {
    FAULT_DROP = 100
};

/* Written before boot or under the kernel lock; counted down by the tasks concerned. */
static script_t s_script[SCRIPTS];
static host_faults_t s_faults;
uint32_t g_fault_scripts;

/* ---- streams ---- */

static uint64_t s_state[RNG_STREAMS];

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* One stream a purpose: asking for more esp_random() numbers must not change the schedule. */
void rng_init(uint64_t seed)
{
    for (unsigned i = 0; i < RNG_STREAMS; i++) {
        s_state[i] = mix(seed * 0x9E3779B97F4A7C15u + i + 1);
    }
}

uint64_t rng_next(rng_stream_t stream)
{
    return mix(__atomic_add_fetch(&s_state[stream], 0x9E3779B97F4A7C15u, __ATOMIC_RELAXED));
}

uint32_t host_random_u32(void)
{
    uint32_t value;
    if (host_sched() == HOST_SCHED_SIM && host_is_running()) {
        if (g_recorder == RECORDER_STEERS && steer_random(&value)) {
            return value;
        }
        value = (uint32_t)(rng_next(RNG_USER) >> 32);
        if (g_recorder == RECORDER_WRITES || g_recorder == RECORDER_COMPARES) {
            record_random(
                value); // it follows from the seed, but a replay that is steered has another
        }
        return value;
    }
    while (getrandom(&value, sizeof(value), 0) != (ssize_t)sizeof(value)) {
    }
    if (g_recorder != RECORDER_OFF) {
        record_random(value);
    }
    return value;
}

/* ---- probabilities ---- */

void fault_init(const host_config_t *cfg)
{
    s_faults = cfg->faults;
}

bool host_fault_alloc_should_fail(void)
{
    return k_self != NULL && rng_chance(RNG_FAULT, s_faults.alloc_fail_ppm);
}

uint64_t fault_clock_leap(void)
{
    if (!rng_chance(RNG_FAULT, s_faults.clock_jump_ppm)) {
        return 0;
    }
    uint32_t most = s_faults.clock_jump_max_us != 0 ? s_faults.clock_jump_max_us : LEAP_US;
    return 1 + rng_below(RNG_FAULT, most);
}

bool fault_preempt(void)
{
    return rng_chance(RNG_FAULT, s_faults.preempt_ppm);
}

/* ---- scripts ---- */

static bool add(const char *name, int what, uint64_t n)
{
    for (int i = 0; i < SCRIPTS; i++) {
        script_t *s = &s_script[i];
        if (s->what == FAULT_NONE && n > 0) {
            snprintf(s->name, sizeof(s->name), "%s", name);
            s->left = n;
            s->what = what;
            __atomic_add_fetch(&g_fault_scripts, 1, __ATOMIC_RELEASE);
            return true;
        }
    }
    return false;
}

bool host_fault_kill_at(const char *task_name, uint64_t n)
{
    return add(task_name, FAULT_KILL, n);
}

bool host_fault_hang_at(const char *task_name, uint64_t n)
{
    return add(task_name, FAULT_HANG, n);
}

bool host_fault_drop_wakes(const char *task_name, uint32_t n)
{
    return add(task_name, FAULT_DROP, n);
}

static void finish(script_t *s)
{
    s->what = FAULT_NONE;
    __atomic_sub_fetch(&g_fault_scripts, 1, __ATOMIC_RELEASE);
}

int fault_at_point(const tcb_t *t)
{
    for (int i = 0; i < SCRIPTS; i++) {
        script_t *s = &s_script[i];
        if ((s->what == FAULT_KILL || s->what == FAULT_HANG) && strcmp(s->name, t->name) == 0 &&
            --s->left == 0) {
            int what = s->what;
            finish(s);
            return what;
        }
    }
    return FAULT_NONE;
}

bool fault_drop_wake(const tcb_t *t)
{
    for (int i = 0; g_fault_scripts != 0 && i < SCRIPTS; i++) {
        script_t *s = &s_script[i];
        if (s->what == FAULT_DROP && strcmp(s->name, t->name) == 0) {
            if (--s->left == 0) {
                finish(s);
            }
            return true;
        }
    }
    return rng_chance(RNG_FAULT, s_faults.drop_wake_ppm);
}

bool host_task_kill(const char *task_name)
{
    TaskHandle_t t = xTaskGetHandle(task_name);
    if (t == NULL) {
        return false;
    }
    vTaskDelete(t);
    return true;
}
