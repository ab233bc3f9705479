// SPDX-License-Identifier: Apache-2.0
/*
 * All five services of the hardware are up, music plays and is drawn, a hand presses keys, a phone
 * listens. Then one of them hangs or crashes, whichever the seed says, and another one, and so on.
 * Each comes back by itself, and all the while the others do their work: sound is heard, the screen
 * changes, keys are told, the phone hears the board, the network answers. None of them is restarted
 * with it. More kinds of faults: ./kraken torture --services
 */
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "scenario.h"
#include "services_at_work.h"
#include "system_service/app_manager.h"
#include "system_service/fault_injection.h"
#include "system_up.h"

#define VICTIMS   3    /* one after the other */
#define PATIENCE  1500 /* ms for the others to show that they work */
#define RECOVERED 8000 /* ms: to notice, and five seconds to come back */

static void let_fail(unsigned victim, system_fault_t how)
{
    uint32_t before[WORK_SERVICES];
    for (unsigned i = 0; i < WORK_SERVICES; i++) {
        before[i] = work_restarts(i);
    }
    SCENARIO_CHECK_INT(system_fault_inject(work_id(victim), how, 0), ==, ESP_OK);
    const TickType_t start = xTaskGetTickCount();
    do { // while it is down, and once more when it is back
        for (unsigned i = 0; i < WORK_SERVICES; i++) {
            SCENARIO_CHECK(i == victim || work_soon(i, PATIENCE));
        }
        SCENARIO_CHECK(xTaskGetTickCount() - start < pdMS_TO_TICKS(RECOVERED));
    } while (work_restarts(victim) == before[victim]);
    SCENARIO_CHECK(work_soon(victim, RECOVERED));
    for (unsigned i = 0; i < WORK_SERVICES; i++) {
        SCENARIO_CHECK_INT(work_restarts(i), ==, before[i] + (i == victim));
        SCENARIO_CHECK(work_soon(i, PATIENCE));
    }
}

static void run(void)
{
    const system_secure_key_t key = system_up();
    const uint64_t seed = scenario_seed();
    app_info_t info;
    work_begin();
    for (unsigned n = 0; n < VICTIMS; n++) {
        const unsigned victim = (unsigned)((seed + n) % WORK_SERVICES);
        let_fail(victim,
                 ((seed >> 1 ^ seed) + n) % 2 != 0 ? SYSTEM_FAULT_CRASH : SYSTEM_FAULT_HANG);
    }
    SCENARIO_CHECK_INT(app_manager_get_info("music", &info), ==, ESP_OK);
    SCENARIO_CHECK_INT(info.crashes, ==, 0);
    SCENARIO_CHECK_INT(info.state, ==, APP_STATE_RUNNING);
    work_end();
    system_down(key);
}

int main(int argc, char **argv)
{
    static const scenario_t scenario = {.name = "services_fail_alone", .run = run};
    return scenario_main(argc, argv, &scenario);
}
