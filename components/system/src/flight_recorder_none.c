/* SPDX-License-Identifier: Apache-2.0 */
#include "flight_recorder_internal.h"

/* The flight recorder is switched off: nothing survives a reset, no crash loop is noticed. */
#ifndef CONFIG_SYSTEM_RECORDER

void flight_record(flight_kind_t kind, uint8_t subject, uint16_t tag, uint32_t a, uint32_t b)
{
    (void)kind;
    (void)subject;
    (void)tag;
    (void)a;
    (void)b;
}

void flight_record_common(system_event_type_t type, const void *data, size_t size)
{
    (void)type;
    (void)data;
    (void)size;
}

void flight_record_slot(flight_kind_t kind, unsigned slot, system_event_type_t type, uint32_t a,
                        uint32_t b)
{
    (void)kind;
    (void)slot;
    (void)type;
    (void)a;
    (void)b;
}

void flight_record_post(system_service_id_t source, system_event_type_t type, size_t size,
                        int64_t now_us)
{
    (void)source;
    (void)type;
    (void)size;
    (void)now_us;
}

uint32_t flight_next_sequence(void)
{
    return 0;
}

void flight_names_attach(unsigned slot, const char *name, uint32_t sequence)
{
    (void)slot;
    (void)name;
    (void)sequence;
}

void flight_tag_register(system_event_type_t type, const char *name)
{
    (void)type;
    (void)name;
}

void boot_record_init(void)
{
}

esp_err_t boot_record_start(void)
{
    return ESP_OK;
}

void boot_record_stop(void)
{
}

esp_err_t flight_recorder_read(const char *about, uint32_t *cursor, flight_record_t *out)
{
    (void)about;
    return cursor == NULL || out == NULL ? ESP_ERR_INVALID_ARG : ESP_ERR_SYSTEM_DISABLED;
}

void flight_recorder_mark(uint32_t a, uint32_t b)
{
    (void)a;
    (void)b;
}

esp_err_t flight_recorder_get_stats(flight_stats_t *out)
{
    return out == NULL ? ESP_ERR_INVALID_ARG : ESP_ERR_SYSTEM_DISABLED;
}

esp_err_t boot_report_get(boot_report_t *out)
{
    return out == NULL ? ESP_ERR_INVALID_ARG : ESP_ERR_SYSTEM_DISABLED;
}

uint32_t boot_crashes_in_a_row(void)
{
    return UINT32_MAX;
}

void boot_restart_for(const char *culprit, esp_err_t reason)
{
    (void)culprit;
    (void)reason;
    esp_restart();
}

void boot_restart_into_safe_mode(system_service_id_t id, esp_err_t reason)
{
    (void)id;
    (void)reason;
    esp_restart();
}

const char *flight_kind_name(flight_kind_t kind)
{
    (void)kind;
    return "?";
}

const char *boot_reason_name(esp_reset_reason_t reason)
{
    (void)reason;
    return "?";
}

int flight_record_describe(const flight_record_t *record, char *out, size_t size)
{
    (void)record;
    if (size != 0) {
        out[0] = '\0';
    }
    return 0;
}

#endif
