/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The three kinds of hardware behind input_backend.h. Each has open (ESP_ERR_NOT_FOUND: the board
 * has none, or it does not answer), close (fine when not open), and take (false: nothing is new).
 * An interrupt that they arm calls `changed` and stays off until take has looked, or fires so often
 * at most: a wire that picks up noise takes turns with the rest of the system.
 */

#include <stdbool.h>
#include <stdint.h>

#include "driver/gpio.h"
#include "esp_err.h"
#include "input_backend.h"

typedef void (*input_changed_t)(void);

/** The interrupt of one pin, both levels or one edge of it; off at first. @return ESP_OK; what the
 *  driver returned */
esp_err_t input_port_listen(gpio_num_t pin, gpio_int_type_t type, gpio_isr_t isr, void *arg);

/* input_buttons.c */
esp_err_t input_buttons_open(input_changed_t changed);
void input_buttons_close(void);
bool input_buttons_take(input_raw_t *raw);
uint32_t input_buttons_lost(void);

/* input_panel.c */
esp_err_t input_panel_open(input_changed_t changed);
void input_panel_close(void);
bool input_panel_take(input_raw_t *raw);
uint32_t input_panel_poll_ms(void);
/** Does the controller answer? One that does again is set up anew. */
bool input_panel_probe(void);

/* input_encoder.c */
esp_err_t input_encoder_open(input_changed_t changed);
void input_encoder_close(void);
bool input_encoder_take(input_raw_t *raw);
uint32_t input_encoder_poll_ms(void);
