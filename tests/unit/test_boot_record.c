// SPDX-License-Identifier: Apache-2.0

// Nine lives of one board in the simulator: the crash loop and its end, a restart into safe mode,
// and one that nobody asked for. Each life is a process of its own that finds what the one before
// left.

#include <stdlib.h>
#include <string.h>

#include "esp_rom_sys.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "lives.h"
#include "system_service/flight_recorder.h"
#include "system_service/service_supervisor.h"
#include "system_up.h"

_Static_assert(CONFIG_SYSTEM_CRASH_LOOP_BOOTS == 3, "the lives below are counted out");

static system_service_id_t s_sensor;
static system_event_type_t s_tick;
static boot_report_t s_report;

static void fall_over(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    abort();
}

static bool seen(uint32_t boots_ago, flight_kind_t kind, const char *name)
{
    flight_record_t record;
    uint32_t cursor = 0;
    while (flight_recorder_read(name, &cursor, &record) == ESP_OK) {
        if (record.kind == kind && record.boots_ago == boots_ago) {
            return true;
        }
    }
    return false;
}

static _Noreturn void panic_in_handler(void)
{
    lives_check(system_event_subscribe(s_sensor, s_tick, fall_over, NULL) == ESP_OK, "subscribes");
    lives_check(system_event_post(s_sensor, s_tick, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL) ==
                    ESP_OK,
                "posts");
    vTaskDelay(pdMS_TO_TICKS(1000));
    lives_check(false, "the handler panics");
    abort();
}

static void check_crashed_by_sensor(uint32_t crashes)
{
    lives_check(s_report.crash && s_report.reason == ESP_RST_PANIC, "a panic is reported");
    lives_check(s_report.crashes == crashes, "crashes are counted");
    lives_check(s_report.culprit_known && strcmp(s_report.culprit, "sensor") == 0,
                "the culprit is named");
    lives_check(strcmp(s_report.event, "sensor.tick") == 0, "and its event");
    lives_check(s_report.handler != 0,
                "and its handler"); // on the PC each life has other addresses
    lives_check(seen(1, FLIGHT_PANIC, "sensor"), "the panic is in the records of the boot before");
    lives_check(!seen(0, FLIGHT_PANIC, "sensor"), "and not in those of this one");
    lives_check(seen(crashes, FLIGHT_BOOT, NULL), "records of all boots are there");
}

static void live_a_minute(void)
{
    vTaskDelay(pdMS_TO_TICKS(CONFIG_SYSTEM_CRASH_LOOP_HEALTHY_S * 1000 + 1000));
    lives_check(seen(0, FLIGHT_HEALTHY, NULL), "the boot counts as healthy");
}

static void first_boots(uint32_t life)
{
    if (life == 0) {
        lives_check(!s_report.crash && s_report.boots == 1 && s_report.crashes == 0,
                    "a fresh start");
        panic_in_handler();
    }
    check_crashed_by_sensor(life);
    lives_check(!s_report.crash_loop && !system_safe_mode_active(), "two crashes are no loop");
    panic_in_handler();
}

static void live(void *arg)
{
    (void)arg;
    const uint32_t life = host_boot_count();
    (void)system_up();
    lives_check(boot_report_get(&s_report) == ESP_OK, "there is a report");
    lives_check(s_report.boots == life + 1, "boots are counted");
    s_sensor = system_up_service("sensor");
    s_tick = system_up_type("sensor.tick");
    switch (life) {
    case 0:
    case 1:
    case 2:
        first_boots(life);
        break;
    case 3: // three crashes: safe mode, and an end of the row after a minute
        check_crashed_by_sensor(3);
        lives_check(s_report.crash_loop && system_safe_mode_active(), "three are one: safe mode");
        live_a_minute();
        esp_restart();
    case 4: // a restart in order is no crash
        lives_check(!s_report.crash && s_report.crashes == 0 && s_report.reason == ESP_RST_SW,
                    "in order");
        lives_check(!system_safe_mode_active(), "out of safe mode");
        lives_check(seen(1, FLIGHT_SHUTDOWN, NULL), "the restart was written down");
        panic_in_handler();
    case 5: // one crash, then a restart in order: it does not end the row
        check_crashed_by_sensor(1);
        esp_restart();
    case 6:
        lives_check(!s_report.crash && s_report.crashes == 1, "the row is not over");
        boot_restart_into_safe_mode(s_sensor, ESP_ERR_SERVICE_HANG);
    case 7:
        lives_check(s_report.crash && s_report.crashes == 2, "a restart with a culprit is a crash");
        lives_check(strcmp(s_report.culprit, "sensor") == 0, "who is named");
        lives_check(s_report.error == ESP_ERR_SERVICE_HANG, "with what was found");
        lives_check(!s_report.crash_loop && system_safe_mode_active(), "safe mode, as it asked");
        esp_rom_software_reset_system(); // as a panic does that fails itself
    default:
        lives_check(s_report.crash && s_report.crashes == 3, "nobody asked for that restart");
        lives_check(!s_report.culprit_known && s_report.crash_loop, "who it was is not known");
        host_exit(0);
    }
}

int main(void)
{
    return lives_run(HOST_SCHED_SIM, live, 9);
}
