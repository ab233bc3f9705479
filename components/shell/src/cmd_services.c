/* SPDX-License-Identifier: Apache-2.0 */
/* services, service, deps, stats, safe */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "esp_attr.h"
#include "esp_timer.h"

#include "shell_internal.h"
#include "system_service/event_bus.h"
#include "system_service/request_response.h"
#include "system_service/service_dependencies.h"
#include "system_service/service_supervisor.h"
#include "system_service/system_service.h"

static void print_service(const system_service_info_t *info)
{
    shell_print("%-16s %-10s %8" PRIu32 " %7" PRIu32 " %8" PRIu32 " %8" PRIu32 "  %s%s%s",
                info->name, system_service_state_name(info->state), info->restart_count,
                info->fault_count, info->events_handled, info->events_waiting,
                info->is_critical ? "critical " : "", info->restartable ? "" : "not restartable ",
                info->last_error != ESP_OK ? system_error_to_string(info->last_error) : "");
}

int cmd_services(int argc, char **argv)
{
    (void)argv;
    if (argc != 1) {
        return shell_usage("services");
    }
    shell_print("%-16s %-10s %8s %7s %8s %8s", "name", "state", "restarts", "faults", "handled",
                "waiting");
    size_t count;
    const system_service_info_t *owners = shell_owners(&count);
    for (size_t i = 0; i < count; i++) {
        if (!owners[i].is_app) {
            print_service(&owners[i]);
        }
    }
    return SHELL_OK;
}

int cmd_service(int argc, char **argv)
{
    static const struct {
        const char *name;
        esp_err_t (*call)(system_service_id_t id);
    } actions[] = {
        {"start", system_service_start},
        {"stop", system_service_stop},
        {"restart", system_service_restart},
    };
    system_service_id_t id;

    for (size_t i = 0; argc == 3 && i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (strcmp(argv[1], actions[i].name) != 0) {
            continue;
        }
        if (!shell_find(argv[2], &id)) {
            return SHELL_FAILED;
        }
        if (id == shell_id() && actions[i].call == system_service_stop) {
            shell_print("shell: it would end what you are using");
            return SHELL_FAILED;
        }
        return shell_result(argv[2], actions[i].call(id));
    }
    return shell_usage("service");
}

/* ---- deps -------------------------------------------------------------------------------------
 */

static void print_needs(const system_service_info_t *info)
{
    static EXT_RAM_BSS_ATTR service_dependency_t s_needs[SERVICE_DEPENDENCIES_MAX];
    size_t count = SERVICE_DEPENDENCIES_MAX;

    if (dependencies_list(info->id, s_needs, &count) != ESP_OK || count == 0) {
        shell_print("%-16s needs nothing", info->name);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        system_service_state_t state;
        const bool there = system_service_get_state(s_needs[i].id, &state) == ESP_OK;
        shell_print("%-16s needs %s (%s)", info->name, s_needs[i].name,
                    there ? system_service_state_name(state) : "MISSING");
    }
}

int cmd_deps(int argc, char **argv)
{
    (void)argv;
    static EXT_RAM_BSS_ATTR system_service_id_t
        s_order[CONFIG_SYSTEM_MAX_SERVICES + CONFIG_SYSTEM_MAX_APPS];
    char line[SHELL_OUTPUT_MAX] = "start order:";
    size_t used = strlen(line);

    if (argc != 1) {
        return shell_usage("deps");
    }
    size_t count;
    const system_service_info_t *owners = shell_owners(&count);
    for (size_t i = 0; i < count; i++) {
        if (!owners[i].is_app) {
            print_needs(&owners[i]);
        }
    }
    size_t ordered = sizeof(s_order) / sizeof(s_order[0]);
    const int status = shell_result("deps", dependencies_get_start_order(s_order, &ordered));
    for (size_t i = 0; status == SHELL_OK && i < ordered; i++) {
        system_service_info_t info;
        if (system_service_get_info(s_order[i], &info) == ESP_OK && !info.is_app &&
            used + strlen(info.name) + 2 < sizeof(line)) {
            used += (size_t)snprintf(line + used, sizeof(line) - used, " %s", info.name);
        }
    }
    shell_print("%s", line);
    return status;
}

/* ---- stats ------------------------------------------------------------------------------------
 */

int cmd_stats(int argc, char **argv)
{
    (void)argv;
    system_event_bus_stats_t bus;
    watchdog_totals_t watchdog;
    system_request_stats_t requests;

    if (argc != 1) {
        return shell_usage("stats");
    }
    size_t count;
    const system_service_info_t *owners = shell_owners(&count);
    size_t apps = 0;
    uint32_t subscriptions = 0;
    for (size_t i = 0; i < count; i++) {
        apps += owners[i].is_app;
        subscriptions += owners[i].subscriptions;
    }
    (void)system_event_get_bus_stats(&bus);
    (void)watchdog_get_totals(&watchdog);
    (void)system_request_get_stats(&requests);
    shell_print("up for        %" PRId64 " s", esp_timer_get_time() / 1000000);
    shell_print("services      %u, apps alive %u, subscriptions %" PRIu32, (unsigned)(count - apps),
                (unsigned)apps, subscriptions);
    shell_print("events        posted %" PRIu32 ", delivered %" PRIu32 ", handled %" PRIu32,
                bus.posted, bus.delivered, bus.handled);
    shell_print("not handled   refused %" PRIu32 ", displaced %" PRIu32 ", discarded %" PRIu32
                ", cut %" PRIu32 ", no memory %" PRIu32,
                bus.refused, bus.displaced, bus.discarded, bus.cut, bus.no_memory);
    shell_print("requests      asked %" PRIu32 ", answered %" PRIu32 ", timeouts %" PRIu32
                ", in flight %" PRIu32,
                requests.asked, requests.answered, requests.timeouts, requests.in_flight);
    shell_print("watchdog      watched %" PRIu32 ", timeouts %" PRIu32 ", restarts %" PRIu32
                ", failed %" PRIu32 ", given up %" PRIu32,
                watchdog.watched, watchdog.timeouts, watchdog.restarts, watchdog.restarts_failed,
                watchdog.given_up);
    shell_print("core's heap use since boot ended: %" PRIu32 " allocations",
                system_seal_violations());
    return SHELL_OK;
}

/* ---- safe -------------------------------------------------------------------------------------
 */

int cmd_safe(int argc, char **argv)
{
    if (argc == 1) {
        shell_print("safe mode is %s", system_safe_mode_active() ? "on" : "off");
        return SHELL_OK;
    }
    if (argc == 2 && strcmp(argv[1], "enter") == 0) {
        return shell_result("safe enter", system_safe_mode_enter("asked for in the shell"));
    }
    if (argc == 2 && strcmp(argv[1], "leave") == 0) {
        return shell_result("safe leave", system_safe_mode_leave());
    }
    return shell_usage("safe");
}
