/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the hardware and us: faults, as contacts, cables and controllers have them. Above the
 * backend, so that the same can be tried on every board.
 */
#include "input_internal.h"

#include "esp_log.h"
#include "system_service/error_codes.h"

#ifdef CONFIG_SYSTEM_FAULT_INJECTION

static const char *TAG = "input";

/* Survives restarts, as a broken cable does. */
static input_fault_t s_fault;
static uint32_t s_count;

static const char *const s_names[INPUT_FAULTS] = {
    [INPUT_FAULT_NONE] = "none",   [INPUT_FAULT_UNPLUGGED] = "unplugged",
    [INPUT_FAULT_STUCK] = "stuck", [INPUT_FAULT_SHORT] = "short",
    [INPUT_FAULT_WRONG] = "wrong",
};

esp_err_t input_link_inject(input_fault_t fault)
{
    if ((unsigned)fault >= INPUT_FAULTS) {
        return ESP_ERR_INVALID_ARG;
    }
    s_fault = fault;
    ESP_LOGW(TAG, "fault between us and the hardware: %s", s_names[fault]);
    return ESP_OK;
}

/** @return false: this change does not arrive */
static bool spoil(input_raw_t *raw)
{
    switch (s_fault) {
    case INPUT_FAULT_UNPLUGGED:
        return false;
    case INPUT_FAULT_STUCK:
        return raw->down || raw->kind == INPUT_RAW_KNOB;
    case INPUT_FAULT_SHORT:
        return s_count++ % 2 == 0;
    case INPUT_FAULT_WRONG:
        raw->x = (int16_t)(raw->x + 0x2000);
        raw->y = (int16_t)(raw->y - 0x2000);
        raw->count = (uint16_t)(raw->count ^ 0x5a5au);
        return true;
    default:
        return true;
    }
}

bool input_link_take(input_raw_t *raw)
{
    while (input_backend_take(raw)) {
        if (spoil(raw)) {
            return true;
        }
    }
    return false;
}

void input_link_probe(uint8_t *has)
{
    input_backend_probe(has);
    if (s_fault == INPUT_FAULT_UNPLUGGED) {
        *has = 0;
    }
}

#else /* a product: the backend alone */

esp_err_t input_link_inject(input_fault_t fault)
{
    (void)fault;
    return ESP_ERR_SYSTEM_DISABLED;
}

bool input_link_take(input_raw_t *raw)
{
    return input_backend_take(raw);
}

void input_link_probe(uint8_t *has)
{
    input_backend_probe(has);
}

#endif
