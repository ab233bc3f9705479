// SPDX-License-Identifier: Apache-2.0
#include "torture.h"

#include <string.h>

#define IN(state)                              (1u << IN_##state)
#define IN_ALL                                 ((1u << TORTURE_STATES) - 1u)
#define TORTURE_ROW(constant, text, where, ms) {.name = text, .states = where, .noticed_ms = ms},
const torture_kind_t torture_kinds[TORTURE_FAULT_KINDS] = {TORTURE_FAULTS(TORTURE_ROW)};

const char *torture_state_name(torture_state_t state)
{
    static const char *const names[TORTURE_STATES] = {"stopped", "starting", "running",
                                                      "paused",  "stopping", "restarting"};
    return names[state];
}

// splitmix64: small, and good enough from any seed.
uint32_t torture_random(torture_random_t *random)
{
    uint64_t z = random->state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return (uint32_t)((z ^ z >> 31) >> 16);
}

uint32_t torture_below(torture_random_t *random, uint32_t n)
{
    return torture_random(random) % n;
}

static bool of_apps(torture_fault_t kind)
{
    return kind == TORTURE_APP_RETURNS || kind == TORTURE_APP_HANGS || kind == TORTURE_KILLED_TASK;
}

static torture_state_t pick_state(torture_random_t *random, torture_fault_t kind)
{
    torture_state_t state;
    do {
        state = (torture_state_t)torture_below(random, TORTURE_STATES);
    } while ((torture_kinds[kind].states & 1u << state) == 0);
    return state;
}

static void plan_services(torture_random_t *random, torture_plan_t *plan)
{
    for (unsigned i = 0; i < SERVICES_MAX; i++) {
        for (unsigned n = 0; n < NEEDS_MAX && i > 0; n++) {
            // The second one always needs the first, so that there is somebody to be paused.
            const uint32_t need = torture_below(random, 2 * i);
            if (need < i) {
                plan->needs[i] |= (uint8_t)(1u << need);
            }
        }
        plan->own_worker[i] = torture_below(random, 4) == 0;
        plan->subscriptions[i] = (uint8_t)(1 + torture_below(random, 3));
    }
    plan->needs[1] = 1;
}

void torture_make_plan(uint64_t seed, const torture_limits_t *limits, torture_plan_t *plan)
{
    torture_random_t random = {.state = seed * 0x2545F4914F6CDD1Du + 1};
    memset(plan, 0, sizeof(*plan));
    plan->seed = seed;
    plan->services = 3 + torture_below(&random, SERVICES_MAX - 2);
    plan->apps = 1 + torture_below(&random, APPS_MAX);
    const unsigned faults = 3 + torture_below(&random, FAULTS_MAX - 2);
    plan->strategy = (uint8_t)torture_below(&random, 4);
    plan->idle_s = 900 + torture_below(&random, 900);
    plan_services(&random, plan);
    // A number of its own, so that the seeds mean what they meant before.
    plan->listener = seed % 4 == 0 ? (uint8_t)(seed / 4 % plan->services) : SERVICES_MAX;
    const bool loops = torture_below(&random, 24) == 0; // one crash after the other
    // Shrinking must not change what is left: every number is drawn before anything is left out.
    for (unsigned i = 0; i < faults; i++) {
        planned_fault_t fault = {
            .kind = (torture_fault_t)(((uint32_t)seed * 7 + i * 5 + torture_below(&random, 3)) %
                                      TORTURE_MIX)};
        fault.victim = (uint8_t)torture_random(&random);
        fault.pick = torture_random(&random);
        torture_random_t own = {.state = fault.pick};
        if (loops) {
            fault.kind = TORTURE_PANIC;
        }
        if (limits->only_kind >= 0) {
            fault.kind = (torture_fault_t)limits->only_kind;
        }
        fault.state = pick_state(&own, fault.kind);
        if ((limits->drop_faults & 1u << i) == 0) {
            plan->fault[plan->faults++] = fault;
        }
    }
    if (limits->max_services != 0 && limits->max_services < plan->services) {
        plan->services = limits->max_services;
    }
    if (limits->max_apps < plan->apps) {
        plan->apps = limits->max_apps;
    }
    for (unsigned i = 0; i < plan->faults; i++) {
        planned_fault_t *fault = &plan->fault[i];
        const unsigned among = of_apps(fault->kind) ? plan->apps : plan->services;
        fault->victim = among != 0 ? (uint8_t)(fault->victim % among) : 0;
        if (fault->state == IN_PAUSED && !of_apps(fault->kind) && plan->needs[fault->victim] == 0) {
            fault->victim = 1; // it needs somebody
        }
    }
}
