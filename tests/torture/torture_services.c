// SPDX-License-Identifier: Apache-2.0
/*
 * The five services of the hardware under random faults: of their code, of their hardware, of two
 * of them at once, while music plays, keys are pressed and a phone listens. Seed by seed:
 *
 *  - whoever has no fault goes on working and answers in time, and is not restarted;
 *  - whoever has one works again by itself, or as soon as its hardware is well;
 *  - hardware that fails ends nobody's life, and its service goes on answering;
 *  - the app that uses them all neither crashes nor has to be restarted;
 *  - at the end no memory is missing, and no task had to be set aside.
 */
#include <stdatomic.h>
#include <stdio.h>

#include "esp_heap_caps.h"
#include "esp_random.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host_control.h"

#include "scenario.h"
#include "services_at_work.h"
#include "system_service/app_manager.h"
#include "system_service/fault_injection.h"
#include "system_service/memory_pool.h"
#include "system_service/service_supervisor.h"
#include "system_service/service_watchdog.h"
#include "system_up.h"
#include "tally.h"

#define ROUNDS    5    /* of faults, one or two each */
#define PATIENCE  1500 /* ms for the others to show that they work */
#define RECOVERED 8000 /* ms: to notice, and five seconds to come back */
#define FATAL_MAX 2    /* for one service in one seed: more of them are a loop of crashes */
#define BROKEN_MS 2500 /* at most, until hardware is well again */

typedef enum {
    KIND_CRASH = 0, /* its code finds itself broken */
    KIND_HANG,      /* a handler never returns */
    KIND_SLOW,      /* a handler takes half a second */
    KIND_LEAK,      /* blocks that are never given back */
    KIND_FLOOD,     /* a thousand events at once */
    KIND_RESTART,   /* somebody restarts it in the middle of what it does */
    KIND_UNPLUGGED, /* the rest: of its hardware, see work_fault_t */
    KIND_STUCK,
    KIND_SHORT,
    KIND_WRONG,
    KINDS,
} kind_t;

static const char *const s_kind_names[KINDS] = {
    "crash", "hang", "slow", "leak", "flood", "restart", "unplugged", "stuck", "short", "wrong",
};

/* ---- what a campaign prints: shared with the process of each seed ---------------------------- */

typedef struct {
    _Atomic uint32_t seeds;
    _Atomic uint32_t proofs; /* of those without a fault */
    _Atomic uint32_t count[KINDS][WORK_SERVICES];
    _Atomic uint32_t worst_ms[KINDS]; /* until it worked again, while its hardware was well */
} tally_t;

static tally_t *s_tally;

static void tally_worst(_Atomic uint32_t *worst, uint32_t ms)
{
    uint32_t now = atomic_load(worst);
    while (ms > now && !atomic_compare_exchange_weak(worst, &now, ms)) {
    }
}

static void tally_print(void)
{
    printf("\n%-10s", "fault");
    for (unsigned i = 0; i < WORK_SERVICES; i++) {
        printf("%11s", work_name((work_service_t)i));
    }
    printf("%20s\n", "works again (worst)");
    for (unsigned kind = 0; kind < KINDS; kind++) {
        printf("%-10s", s_kind_names[kind]);
        for (unsigned i = 0; i < WORK_SERVICES; i++) {
            printf("%11u", (unsigned)s_tally->count[kind][i]);
        }
        printf("%17u ms\n", (unsigned)s_tally->worst_ms[kind]);
    }
    printf(
        "\n%u seeds held; the services without a fault proved %u times meanwhile that they work\n",
        (unsigned)s_tally->seeds, (unsigned)s_tally->proofs);
}

/* ---- one fault ------------------------------------------------------------------------------- */

typedef struct {
    work_service_t victim;
    kind_t kind;
    bool ends_life;    /* of the service: it is restarted, once */
    bool broken;       /* its hardware does not get well by itself */
    bool back;         /* it works again */
    uint32_t restarts; /* of the victim before */
    TickType_t since;  /* it happened, or the hardware got well */
} fault_t;

static uint32_t s_fatal[WORK_SERVICES];

static bool ends_life(work_service_t victim, kind_t kind)
{
    return kind == KIND_CRASH || kind == KIND_HANG || kind == KIND_RESTART ||
           (kind == KIND_STUCK &&
            victim != WORK_INPUT); /* input's hardware is read, not waited for */
}

static fault_t draw(work_service_t victim)
{
    fault_t fault = {.victim = victim, .restarts = work_restarts(victim)};
    do {
        fault.kind = (kind_t)(esp_random() % KINDS);
        fault.ends_life = ends_life(victim, fault.kind);
    } while (fault.ends_life && s_fatal[victim] == FATAL_MAX);
    s_fatal[victim] += fault.ends_life;
    fault.broken = fault.kind >= KIND_UNPLUGGED && !fault.ends_life;
    return fault;
}

static void happens(fault_t *fault)
{
    static const system_fault_t s_injected[] = {
        [KIND_CRASH] = SYSTEM_FAULT_CRASH, [KIND_HANG] = SYSTEM_FAULT_HANG,
        [KIND_SLOW] = SYSTEM_FAULT_SLOW,   [KIND_LEAK] = SYSTEM_FAULT_LEAK,
        [KIND_FLOOD] = SYSTEM_FAULT_FLOOD,
    };
    esp_err_t ret;
    if (fault->kind == KIND_RESTART) {
        ret = system_service_restart(work_id(fault->victim));
    } else if (fault->kind >= KIND_UNPLUGGED) {
        ret = work_fault(fault->victim,
                         (work_fault_t)(WORK_FAULT_UNPLUGGED + fault->kind - KIND_UNPLUGGED));
    } else {
        ret = system_fault_inject(work_id(fault->victim), s_injected[fault->kind], 0);
    }
    SCENARIO_CHECK_INT(ret, ==, ESP_OK);
    fault->since = xTaskGetTickCount();
    atomic_fetch_add(&s_tally->count[fault->kind][fault->victim], 1);
}

/* ---- a round of them ------------------------------------------------------------------------- */

static bool is_victim(const fault_t *faults, unsigned count, unsigned service)
{
    return faults[0].victim == service || (count == 2 && faults[1].victim == service);
}

static void others_work(const fault_t *faults, unsigned count)
{
    for (unsigned i = 0; i < WORK_SERVICES; i++) {
        if (!is_victim(faults, count, i)) {
            SCENARIO_CHECK(work_soon((work_service_t)i, PATIENCE));
            atomic_fetch_add(&s_tally->proofs, 1);
        }
    }
}

/** A service whose hardware fails answers; one that is down is not asked. */
static void broken_answer(const fault_t *faults, unsigned count)
{
    for (unsigned n = 0; n < count; n++) {
        if (faults[n].broken) {
            SCENARIO_CHECK(work_answers(faults[n].victim));
        }
    }
}

/** It has begun a new life if it has to, and works. Notes how long that took. */
static bool is_back(fault_t *fault)
{
    const TickType_t took = xTaskGetTickCount() - fault->since;
    if (!fault->back && (!fault->ends_life || work_restarts(fault->victim) != fault->restarts) &&
        work_is_done(fault->victim)) {
        fault->back = true;
        tally_worst(&s_tally->worst_ms[fault->kind], pdTICKS_TO_MS(took));
    }
    SCENARIO_CHECK(fault->back || took < pdMS_TO_TICKS(RECOVERED));
    return fault->back;
}

static void gets_well(fault_t *fault)
{
    SCENARIO_CHECK_INT(work_fault(fault->victim, WORK_FAULT_NONE), ==, ESP_OK);
    fault->broken = false;
    fault->since = xTaskGetTickCount();
}

/** All the while that something is wrong. */
static void live_through(fault_t *faults, unsigned count)
{
    const TickType_t well = faults[0].since + pdMS_TO_TICKS(esp_random() % BROKEN_MS);
    bool all_back;
    do {
        others_work(faults, count);
        broken_answer(faults, count);
        all_back = true;
        for (unsigned n = 0; n < count; n++) {
            if (faults[n].broken && (int32_t)(xTaskGetTickCount() - well) >= 0) {
                gets_well(&faults[n]);
            }
            all_back = !faults[n].broken && is_back(&faults[n]) && all_back;
        }
    } while (!all_back);
}

static void one_round(void)
{
    uint32_t before[WORK_SERVICES];
    fault_t faults[2];
    const unsigned count = 1 + (esp_random() % 3 == 0);
    const unsigned first = esp_random() % WORK_SERVICES;
    for (unsigned i = 0; i < WORK_SERVICES; i++) {
        before[i] = work_restarts((work_service_t)i);
    }
    for (unsigned n = 0; n < count; n++) { /* two different ones */
        const unsigned step = n == 0 ? 0 : 1 + esp_random() % (WORK_SERVICES - 1);
        faults[n] = draw((work_service_t)((first + step) % WORK_SERVICES));
    }
    vTaskDelay(pdMS_TO_TICKS(esp_random() % 200));
    for (unsigned n = 0; n < count; n++) {
        happens(&faults[n]);
    }
    live_through(faults, count);
    for (unsigned i = 0; i < WORK_SERVICES; i++) {
        uint32_t lives = before[i];
        for (unsigned n = 0; n < count; n++) {
            lives += faults[n].victim == i && faults[n].ends_life;
        }
        SCENARIO_CHECK_INT(work_restarts((work_service_t)i), ==, lives);
        SCENARIO_CHECK(work_soon((work_service_t)i, PATIENCE));
    }
}

/* ---- a seed ---------------------------------------------------------------------------------- */

typedef struct {
    size_t heap;
    uint32_t blocks;
} holdings_t;

/** What is left when nobody plays and every service has a life that just began. */
static holdings_t holdings_at_rest(void)
{
    holdings_t held = {0};
    work_end();
    for (unsigned i = 0; i < WORK_SERVICES; i++) {
        SCENARIO_CHECK_INT(system_service_restart(work_id((work_service_t)i)), ==, ESP_OK);
    }
    vTaskDelay(pdMS_TO_TICKS(RECOVERED));
    held.heap = heap_caps_get_free_size(MALLOC_CAP_8BIT);
    for (int c = 0; c < MEMORY_POOL_CLASSES; c++) {
        memory_pool_stats_t stats;
        SCENARIO_CHECK_INT(memory_pool_get_stats((memory_pool_class_t)c, &stats), ==, ESP_OK);
        held.blocks += stats.used;
    }
    return held;
}

static void run(void)
{
    const system_secure_key_t key = system_up();
    watchdog_totals_t totals;
    app_info_t info;
    work_begin();
    const holdings_t before = holdings_at_rest();
    work_again();
    for (unsigned n = 0; n < ROUNDS; n++) {
        one_round();
    }
    SCENARIO_CHECK_INT(app_manager_get_info("music", &info), ==, ESP_OK);
    SCENARIO_CHECK_INT(info.crashes, ==, 0);
    SCENARIO_CHECK_INT(info.state, ==, APP_STATE_RUNNING);
    const holdings_t after = holdings_at_rest();
    SCENARIO_CHECK_INT(after.blocks, ==, before.blocks);
    SCENARIO_CHECK_INT(after.heap, ==, before.heap);
    SCENARIO_CHECK_INT(watchdog_get_totals(&totals), ==, ESP_OK);
    SCENARIO_CHECK_INT(totals.quarantined_tasks, ==, 0);
    SCENARIO_CHECK_INT(app_manager_set_aside_count(), ==, 0);
    atomic_fetch_add(&s_tally->seeds, 1);
    system_down(key);
}

static void configure(host_config_t *config)
{
    config->faults.preempt_ppm = 20000;
}

int main(int argc, char **argv)
{
    static const scenario_t scenario = {.name = "services", .run = run, .configure = configure};
    bool prints;
    s_tally = tally_share(sizeof(*s_tally), &prints);
    const int code = scenario_main(argc, argv, &scenario);
    if (prints) {
        tally_print();
    }
    return code;
}
