/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A knob: both phases on the pulse counter, which counts each of four edges by itself. It has no
 * interrupt for one step, so phase A has one, once: after that the count is looked at until the
 * knob has rested for a while.
 */
#include "input_port.h"

#include "sdkconfig.h"

#if CONFIG_INPUT_KNOB_PIN_A >= 0

#include "driver/pulse_cnt.h"
#include "esp_check.h"
#include "esp_timer.h"

static const char *TAG = "input";

#define LIMIT     30000 /* the driver adds up beyond it */
#define GLITCH_NS 1000
#define POLL_MS   10
#define REST_US   250000

static input_changed_t s_changed;
static pcnt_unit_handle_t s_unit;
static pcnt_channel_handle_t s_channels[2];
static bool s_enabled;
static bool s_told; /* a count was told since it was opened */
static uint16_t s_count;
static int64_t s_turned_us; /* when it last moved */
static bool s_listening;

static void on_phase(void *arg)
{
    (void)arg;
    (void)gpio_intr_disable((gpio_num_t)CONFIG_INPUT_KNOB_PIN_A);
    s_changed();
}

static void listen(void)
{
    const gpio_num_t pin = (gpio_num_t)CONFIG_INPUT_KNOB_PIN_A;
    (void)gpio_set_intr_type(pin, gpio_get_level(pin) ? GPIO_INTR_LOW_LEVEL : GPIO_INTR_HIGH_LEVEL);
    (void)gpio_intr_enable(pin);
    s_listening = true;
}

static esp_err_t add_channel(int edge, int level, bool forward, pcnt_channel_handle_t *channel)
{
    const pcnt_chan_config_t pins = {.edge_gpio_num = edge, .level_gpio_num = level};
    const pcnt_channel_edge_action_t up = PCNT_CHANNEL_EDGE_ACTION_INCREASE;
    const pcnt_channel_edge_action_t down = PCNT_CHANNEL_EDGE_ACTION_DECREASE;
    ESP_RETURN_ON_ERROR(pcnt_new_channel(s_unit, &pins, channel), TAG, "counter");
    ESP_RETURN_ON_ERROR(
        pcnt_channel_set_edge_action(*channel, forward ? up : down, forward ? down : up), TAG,
        "counter");
    return pcnt_channel_set_level_action(*channel, PCNT_CHANNEL_LEVEL_ACTION_KEEP,
                                         PCNT_CHANNEL_LEVEL_ACTION_INVERSE);
}

static esp_err_t set_up(void)
{
    const pcnt_unit_config_t unit = {
        .low_limit = -LIMIT, .high_limit = LIMIT, .flags.accum_count = true};
    const pcnt_glitch_filter_config_t filter = {.max_glitch_ns = GLITCH_NS};
    const int a = CONFIG_INPUT_KNOB_PIN_A;
    const int b = CONFIG_INPUT_KNOB_PIN_B;
#ifdef CONFIG_INPUT_KNOB_REVERSE
    const bool forward = false;
#else
    const bool forward = true;
#endif
    ESP_RETURN_ON_ERROR(pcnt_new_unit(&unit, &s_unit), TAG, "counter");
    ESP_RETURN_ON_ERROR(pcnt_unit_set_glitch_filter(s_unit, &filter), TAG, "filter");
    ESP_RETURN_ON_ERROR(add_channel(a, b, forward, &s_channels[0]), TAG, "phase A");
    ESP_RETURN_ON_ERROR(add_channel(b, a, !forward, &s_channels[1]), TAG, "phase B");
    ESP_RETURN_ON_ERROR(pcnt_unit_add_watch_point(s_unit, LIMIT), TAG, "limit");
    ESP_RETURN_ON_ERROR(pcnt_unit_add_watch_point(s_unit, -LIMIT), TAG, "limit");
    ESP_RETURN_ON_ERROR(pcnt_unit_enable(s_unit), TAG, "counter");
    s_enabled = true;
    ESP_RETURN_ON_ERROR(pcnt_unit_clear_count(s_unit), TAG, "counter");
    return pcnt_unit_start(s_unit);
}

esp_err_t input_encoder_open(input_changed_t changed)
{
    s_changed = changed;
    s_told = false;
    s_turned_us = 0;
    esp_err_t ret = set_up();
    if (ret == ESP_OK) {
        ret = input_port_listen((gpio_num_t)CONFIG_INPUT_KNOB_PIN_A, GPIO_INTR_LOW_LEVEL, on_phase,
                                NULL);
    }
    if (ret != ESP_OK) {
        input_encoder_close();
        return ret;
    }
    listen();
    return ESP_OK;
}

void input_encoder_close(void)
{
    if (s_unit == NULL) {
        return;
    }
    if (s_listening) {
        (void)gpio_intr_disable((gpio_num_t)CONFIG_INPUT_KNOB_PIN_A);
        (void)gpio_isr_handler_remove((gpio_num_t)CONFIG_INPUT_KNOB_PIN_A);
        s_listening = false;
    }
    if (s_enabled) {
        (void)pcnt_unit_stop(s_unit);
        (void)pcnt_unit_disable(s_unit);
        s_enabled = false;
    }
    for (unsigned i = 0; i < sizeof(s_channels) / sizeof(s_channels[0]); i++) {
        if (s_channels[i] != NULL) {
            (void)pcnt_del_channel(s_channels[i]);
            s_channels[i] = NULL;
        }
    }
    (void)pcnt_del_unit(s_unit);
    s_unit = NULL;
}

bool input_encoder_take(input_raw_t *raw)
{
    int total = 0;
    if (s_unit == NULL || pcnt_unit_get_count(s_unit, &total) != ESP_OK) {
        return false;
    }
    const int64_t now_us = esp_timer_get_time();
    const uint16_t count = (uint16_t)(unsigned)total;
    if (s_told && count == s_count) {
        listen();
        return false;
    }
    if (s_told) {
        s_turned_us = now_us;
    }
    s_told = true;
    s_count = count;
    *raw = (input_raw_t){.kind = INPUT_RAW_KNOB, .count = count, .at_us = now_us};
    return true;
}

uint32_t input_encoder_poll_ms(void)
{
    const bool turns =
        s_unit != NULL && s_turned_us != 0 && esp_timer_get_time() - s_turned_us < REST_US;
    return turns ? POLL_MS : 0;
}

#else /* this board has no knob */

esp_err_t input_encoder_open(input_changed_t changed)
{
    (void)changed;
    return ESP_ERR_NOT_FOUND;
}

void input_encoder_close(void)
{
}

bool input_encoder_take(input_raw_t *raw)
{
    (void)raw;
    return false;
}

uint32_t input_encoder_poll_ms(void)
{
    return 0;
}

#endif
