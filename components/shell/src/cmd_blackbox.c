/* SPDX-License-Identifier: Apache-2.0 */
/* blackbox, why */
#include <inttypes.h>

#include "shell_internal.h"
#include "system_service/app_manager.h"
#include "system_service/flight_recorder.h"
#include "system_service/service_manager.h"

#define RECORDS_DEFAULT 20
#define RECORDS_MAX     256 /* more than there can be */

static void print_report(const boot_report_t *report)
{
    shell_print("boot %" PRIu32 " after %s; crashes in a row: %" PRIu32 "%s", report->boots,
                boot_reason_name(report->reason), report->crashes,
                report->crash_loop ? ", a crash loop" : "");
    if (report->forced_restarts != 0) {
        shell_print("restarted %" PRIu32 " times since power-on because nothing less helped",
                    report->forced_restarts);
    }
    if (report->culprit_known) {
        shell_print("culprit: %s, handler 0x%08" PRIx32 ", event '%s', %s, %" PRIu32
                    " ms after that boot",
                    report->culprit[0] != '\0' ? report->culprit : "firmware", report->handler,
                    report->event, system_error_to_string(report->error), report->time_ms);
    }
}

static void print_record(const flight_record_t *record)
{
    char text[96];
    (void)flight_record_describe(record, text, sizeof(text));
    shell_print("%4" PRIu32 " %7" PRIu32 ".%03" PRIu32 "  %-9s %-16s %s", record->boots_ago,
                record->time_ms / 1000, record->time_ms % 1000, flight_kind_name(record->kind),
                record->name, text);
}

/** @return how many there were */
static uint32_t print_records(const char *about, uint32_t most)
{
    flight_record_t record;
    uint32_t cursor = 0;
    uint32_t n = 0;
    while (n < most && flight_recorder_read(about, &cursor, &record) == ESP_OK) {
        if (n++ == 0) {
            shell_print("%4s %11s  %-9s %-16s %s", "boot", "time (s)", "what", "who", "");
        }
        print_record(&record);
    }
    return n;
}

int cmd_blackbox(int argc, char **argv)
{
    boot_report_t report;
    flight_stats_t stats;
    uint32_t most = RECORDS_DEFAULT;
    if (argc > 2 || (argc == 2 && !shell_number(argv[1], 1, RECORDS_MAX, &most))) {
        return shell_usage("blackbox");
    }
    const esp_err_t ret = boot_report_get(&report);
    if (ret != ESP_OK) {
        return shell_result("blackbox", ret);
    }
    print_report(&report);
    (void)print_records(NULL, most);
    (void)flight_recorder_get_stats(&stats);
    shell_print("records of this boot %" PRIu32 ", found intact after the reset %" PRIu32
                ", torn %" PRIu32 ", room for %" PRIu32,
                stats.recorded, stats.recovered, stats.torn, stats.capacity);
    return SHELL_OK;
}

/** The last fault of an app, with the names that the records have no room for. */
static void print_crash(const char *name)
{
    app_crash_report_t crash;
    char text[192];
    if (app_manager_get_crash(name, &crash) != ESP_OK) {
        return;
    }
    (void)app_crash_describe(&crash, text, sizeof(text));
    shell_print("%s crashed %" PRIu32 ".%03" PRIu32 " s after boot: %s", name, crash.time_ms / 1000,
                crash.time_ms % 1000, text);
}

int cmd_why(int argc, char **argv)
{
    boot_report_t report;
    system_service_id_t id;
    system_service_info_t info;
    if (argc != 2) {
        return shell_usage("why");
    }
    const esp_err_t ret = boot_report_get(&report);
    if (ret != ESP_OK) {
        return shell_result("why", ret);
    }
    const bool there =
        system_service_find(argv[1], &id) == ESP_OK && system_service_get_info(id, &info) == ESP_OK;
    if (there) {
        shell_print("%s is %s, %" PRIu32 " faults, %" PRIu32 " restarts, last error: %s", argv[1],
                    system_service_state_name(info.state), info.fault_count, info.restart_count,
                    info.last_error != ESP_OK ? system_error_describe(info.last_error) : "none");
    }
    print_crash(argv[1]);
    if (print_records(argv[1], RECORDS_MAX) == 0) {
        shell_print("%s: nothing is recorded", argv[1]);
        return there ? SHELL_OK : SHELL_FAILED;
    }
    return SHELL_OK;
}
