// SPDX-License-Identifier: Apache-2.0
/*
 * The story, as the torture test told it once in 7,000 systems: the supervisor had looked how late
 * it was, and then the chip slept for minutes. Lost time is left out of every deadline, but by the
 * next look: in this one a handler seemed to have used up its grace and more, and the system went
 * into safe mode because of a worker that had only slept along with everybody else.
 *
 * Here the linker gives esp_timer_get_time() to a function that lets the clock jump at the n-th
 * time that the supervisor asks it during a restart.
 */
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "scenario.h"
#include "scripted_service.h"
#include "system_service/service_supervisor.h"
#include "system_up.h"

#define READS   40
#define JUMP_US UINT64_C(20000000) // more than any grace
#define WORK_MS 30                 // well within the grace

static scripted_t s_service;
static _Atomic int s_reads; // so many until the clock jumps; 0: it does not
static _Atomic uint32_t s_jumps, s_began, s_ended;

int64_t __real_esp_timer_get_time(void);
int64_t __wrap_esp_timer_get_time(void);

int64_t __wrap_esp_timer_get_time(void)
{
    if (atomic_load(&s_reads) > 0 && !xPortInIsrContext() &&
        strcmp(pcTaskGetName(NULL), "supervisor") == 0 && atomic_fetch_sub(&s_reads, 1) == 1) {
        atomic_fetch_add(&s_jumps, 1);
        host_clock_jump(JUMP_US);
    }
    return __real_esp_timer_get_time();
}

static void work(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    atomic_fetch_add(&s_began, 1);
    vTaskDelay(pdMS_TO_TICKS(WORK_MS));
    atomic_fetch_add(&s_ended, 1);
}

static void run(void)
{
    const system_secure_key_t key = system_up();
    const system_service_id_t poster = system_up_service("poster");
    const system_event_type_t type = system_up_type("w09.work");
    scripted_prepare(&s_service, "subject", NULL);
    scripted_register(&s_service);
    SCENARIO_CHECK_INT(system_service_start_all(), ==, ESP_OK);
    for (uint32_t n = 1; n <= READS; n++) {
        SCENARIO_CHECK_INT(system_event_subscribe(s_service.id, type, work, NULL), ==, ESP_OK);
        SCENARIO_CHECK_INT(system_event_post(poster, type, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL),
                           ==, ESP_OK);
        SCENARIO_CHECK(system_up_wait(&s_began, n, 60000));
        atomic_store(&s_reads, (int)n);
        SCENARIO_CHECK_INT(system_service_restart(s_service.id), ==, ESP_OK);
        SCENARIO_CHECK(system_up_wait(&s_service.calls[SCRIPTED_START], n + 1, 60000));
        SCENARIO_CHECK(scripted_wait_state(s_service.id, SYSTEM_SERVICE_STATE_RUNNING, 60000));
        atomic_store(&s_reads, 0);
        SCENARIO_CHECK(!system_safe_mode_active());
        SCENARIO_CHECK_INT(atomic_load(&s_ended), ==, n); // it was waited for
    }
    SCENARIO_CHECK(atomic_load(&s_jumps) > READS / 2);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const scenario_t s = {.name = "w10_the_clock_jumps_within_a_look", .run = run};
    return scenario_main(argc, argv, &s);
}
