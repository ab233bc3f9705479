/* SPDX-License-Identifier: Apache-2.0 */
/* A board without buttons, touch panel and knob: all there is comes from the shell. */
#include "input_backend.h"

esp_err_t input_backend_open(void (*changed)(void), uint8_t *has)
{
    (void)changed;
    *has = 0;
    return ESP_OK;
}

void input_backend_close(void)
{
}

bool input_backend_take(input_raw_t *raw)
{
    (void)raw;
    return false;
}

uint32_t input_backend_poll_ms(void)
{
    return 0;
}

void input_backend_probe(uint8_t *has)
{
    *has = 0;
}

uint32_t input_backend_lost(void)
{
    return 0;
}
