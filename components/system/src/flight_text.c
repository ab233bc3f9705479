/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records and reset reasons in words.
 */
#include "system_service/flight_recorder.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sdkconfig.h"

#include "event_internal.h"
#include "system_service/app_manager.h"
#include "system_service/common_events.h"
#include "system_service/resource_quota.h"
#include "system_service/service_manager.h"

#ifdef CONFIG_SYSTEM_RECORDER

const char *flight_kind_name(flight_kind_t kind)
{
    static const char *const names[] = {
        [FLIGHT_NONE] = "?",          [FLIGHT_BOOT] = "boot",   [FLIGHT_EVENT] = "event",
        [FLIGHT_STATE] = "state",     [FLIGHT_FAULT] = "fault", [FLIGHT_SLOW] = "slow",
        [FLIGHT_HANG] = "hang",       [FLIGHT_QUOTA] = "quota", [FLIGHT_SAFE] = "safe mode",
        [FLIGHT_POST] = "post",       [FLIGHT_PANIC] = "panic", [FLIGHT_SHUTDOWN] = "restart",
        [FLIGHT_HEALTHY] = "healthy", [FLIGHT_MARK] = "mark",   [FLIGHT_CRASH] = "crash",
    };
    _Static_assert(sizeof(names) / sizeof(names[0]) == FLIGHT_KINDS, "a name for each kind");
    return (unsigned)kind < FLIGHT_KINDS ? names[kind] : "?";
}

const char *boot_reason_name(esp_reset_reason_t reason)
{
    switch (reason) {
    case ESP_RST_UNKNOWN:
        return "an unknown reset";
    case ESP_RST_POWERON:
        return "power-on";
    case ESP_RST_EXT:
        return "external reset";
    case ESP_RST_SW:
        return "restart";
    case ESP_RST_PANIC:
        return "panic";
    case ESP_RST_INT_WDT:
        return "interrupt watchdog";
    case ESP_RST_TASK_WDT:
        return "task watchdog";
    case ESP_RST_WDT:
        return "watchdog";
    case ESP_RST_DEEPSLEEP:
        return "deep sleep";
    case ESP_RST_BROWNOUT:
        return "brown-out";
    case ESP_RST_SDIO:
        return "SDIO reset";
    case ESP_RST_USB:
        return "USB reset";
    case ESP_RST_JTAG:
        return "JTAG reset";
    case ESP_RST_EFUSE:
        return "eFuse error";
    case ESP_RST_PWR_GLITCH:
        return "power glitch";
    case ESP_RST_CPU_LOCKUP:
        return "CPU lock-up";
    default:
        return "?";
    }
}

static int describe_handler(const flight_record_t *record, const char *event, char *out,
                            size_t size)
{
    return snprintf(out, size, "handler 0x%08" PRIx32 " has worked on '%s' for %" PRIu32 " ms",
                    record->a, event, record->b);
}

/** b is what fits the event: how long the recovery took, or which attempt this is. */
static int describe_event(const flight_record_t *record, const char *event, char *out, size_t size)
{
    const esp_err_t reason = (esp_err_t)record->a;
    char detail[40] = "";
    if (strcmp(event, event_type_name(SYSTEM_EVENT_SERVICE_RECOVERED)) == 0) {
        snprintf(detail, sizeof(detail), " after %" PRIu32 " ms", record->b);
    } else if (record->b != 0) {
        snprintf(detail, sizeof(detail), ", attempt %" PRIu32, record->b);
    }
    return reason == ESP_OK
               ? snprintf(out, size, "%s%s", event, detail)
               : snprintf(out, size, "%s: %s%s", event, system_error_to_string(reason), detail);
}

int flight_record_describe(const flight_record_t *record, char *out, size_t size)
{
    char tag[8] = "";
    snprintf(tag, sizeof(tag), "#%04x", (unsigned)record->event_tag);
    const char *event = record->event != NULL ? record->event : record->event_tag ? tag : "";
    switch (record->kind) {
    case FLIGHT_BOOT:
        return snprintf(out, size, "boot %" PRIu32 " after %s", record->b,
                        boot_reason_name((esp_reset_reason_t)record->a));
    case FLIGHT_EVENT:
        return describe_event(record, event, out, size);
    case FLIGHT_STATE:
        return snprintf(out, size, "%s -> %s",
                        system_service_state_name((system_service_state_t)(record->a >> 8)),
                        system_service_state_name((system_service_state_t)(record->a & 0xFFu)));
    case FLIGHT_FAULT:
        return snprintf(out, size, "%s", system_error_to_string((esp_err_t)record->a));
    case FLIGHT_SLOW:
    case FLIGHT_HANG:
        return describe_handler(record, event, out, size);
    case FLIGHT_QUOTA:
        return snprintf(out, size, "%s: %" PRIu32 " refused",
                        quota_kind_name((quota_kind_t)record->a), record->b);
    case FLIGHT_SAFE:
        return snprintf(out, size, "%s", record->a ? "entered" : "left");
    case FLIGHT_POST:
        return snprintf(out, size, "'%s', %" PRIu32 " bytes", event, record->a);
    case FLIGHT_PANIC:
        return record->a == 0
                   ? snprintf(out, size, "outside of a handler")
                   : snprintf(out, size, "in handler 0x%08" PRIx32 " for '%s'", record->a, event);
    case FLIGHT_HEALTHY:
        return snprintf(out, size, "up for %d s, %" PRIu32 " crashes forgotten",
                        CONFIG_SYSTEM_CRASH_LOOP_HEALTHY_S, record->a);
    case FLIGHT_CRASH:
        return snprintf(out, size, "%s%s%s, at 0x%" PRIx32,
                        app_crash_cause_name((app_crash_cause_t)(record->b & 0xFFu)),
                        (record->b & APP_CRASH_IN_HANDLER) != 0 ? " in its handler for " : "",
                        (record->b & APP_CRASH_IN_HANDLER) != 0 ? event : " in its task",
                        record->a);
    case FLIGHT_MARK:
        return snprintf(out, size, "%" PRIu32 " %" PRIu32, record->a, record->b);
    default:
        return snprintf(out, size, "%s", "");
    }
}

#endif
