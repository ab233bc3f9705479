/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Buttons. The interrupt is that of a level, and each one arms the other level: so the last level
 * is never missed, and a button that is pressed ends light sleep. A pin that interrupts too often
 * between two looks is not listened to until the next one.
 */
#include "input_port.h"

#include <stdlib.h>
#include <string.h>

#include "sdkconfig.h"

#include "esp_log.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "input_service/input_control.h"

static const char *TAG = "input";

#define EDGES    64 /* that can wait to be taken */
#define AT_ONCE  48 /* interrupts of one pin between two looks */
#define WORD_MAX 24

typedef struct {
    gpio_num_t pin;
    uint8_t key;   /* input_button_t */
    bool high;     /* is what means pressed */
    bool down;     /* as last told */
    bool tired;    /* its interrupt is off until the next look */
    uint32_t left; /* interrupts until that happens */
} button_t;

typedef struct {
    uint8_t key;
    bool down;
    bool held;
    int64_t at_us;
} edge_t;

static input_changed_t s_changed;
static button_t s_buttons[INPUT_TOUCH];
static unsigned s_count;

static portMUX_TYPE s_lock = portMUX_INITIALIZER_UNLOCKED; /* protects the queue, down and tired */
static edge_t s_edges[EDGES];
static unsigned s_first;
static unsigned s_waiting;
static uint32_t s_lost;

/* ---- interrupts ---------------------------------------------------------------------------------
 */

static bool is_down(const button_t *button)
{
    return (gpio_get_level(button->pin) != 0) == button->high;
}

/** Interrupt when it is no longer what it is. */
static void arm(const button_t *button, bool down)
{
    (void)gpio_set_intr_type(button->pin,
                             down == button->high ? GPIO_INTR_LOW_LEVEL : GPIO_INTR_HIGH_LEVEL);
}

static void push_locked(const button_t *button, bool held, int64_t at_us)
{
    if (s_waiting == EDGES) {
        s_lost++;
        return;
    }
    s_edges[(s_first + s_waiting++) % EDGES] =
        (edge_t){.key = button->key, .down = button->down, .held = held, .at_us = at_us};
}

static void on_level(void *arg)
{
    button_t *button = arg;
    const int64_t now_us = esp_timer_get_time();
    const bool down = is_down(button);

    portENTER_CRITICAL_ISR(&s_lock);
    if (down != button->down && s_waiting < EDGES) {
        button->down = down;
        push_locked(button, false, now_us);
    } else if (down != button->down) {
        s_lost++; /* the next look sees what became of it */
        button->tired = true;
    }
    button->left -= button->left != 0;
    if (button->left == 0) {
        button->tired = true;
    }
    const bool tired = button->tired;
    portEXIT_CRITICAL_ISR(&s_lock);

    if (tired) {
        (void)gpio_intr_disable(button->pin);
    } else {
        arm(button, down);
    }
    s_changed();
}

/* ---- which pins ---------------------------------------------------------------------------------
 */

/** "NAME=GPIO" or "NAME=+GPIO". */
static bool parse(const char *word, size_t length, button_t *button)
{
    char text[WORD_MAX];
    if (length >= sizeof(text)) {
        return false;
    }
    memcpy(text, word, length);
    text[length] = '\0';
    char *number = strchr(text, '=');
    if (number == NULL) {
        return false;
    }
    *number++ = '\0';
    const bool high = *number == '+';
    number += high;
    char *end = NULL;
    const long pin = strtol(number, &end, 10);
    const uint8_t key = input_button_find(text);
    if (end == number || *end != '\0' || !GPIO_IS_VALID_GPIO(pin) || key == INPUT_BUTTON_NONE ||
        key >= INPUT_TOUCH) {
        return false;
    }
    *button = (button_t){.pin = (gpio_num_t)pin, .key = key, .high = high, .left = AT_ONCE};
    return true;
}

static esp_err_t claim(button_t *button)
{
    const gpio_config_t pin = {
        .pin_bit_mask = UINT64_C(1) << button->pin,
        .mode = GPIO_MODE_INPUT,
        .pull_up_en = button->high ? GPIO_PULLUP_DISABLE : GPIO_PULLUP_ENABLE,
        .pull_down_en = button->high ? GPIO_PULLDOWN_ENABLE : GPIO_PULLDOWN_DISABLE,
    };
    const gpio_int_type_t pressed = button->high ? GPIO_INTR_HIGH_LEVEL : GPIO_INTR_LOW_LEVEL;
    esp_err_t ret = gpio_config(&pin);
    if (ret == ESP_OK) {
        ret = gpio_wakeup_enable(button->pin, pressed);
    }
    if (ret == ESP_OK) {
        ret = input_port_listen(button->pin, pressed, on_level, button);
    }
    if (ret != ESP_OK) {
        return ret;
    }
    button->down = is_down(button);
    if (button->down) {
        portENTER_CRITICAL(&s_lock);
        push_locked(button, true, esp_timer_get_time());
        portEXIT_CRITICAL(&s_lock);
    }
    arm(button, button->down);
    return gpio_intr_enable(button->pin);
}

esp_err_t input_buttons_open(input_changed_t changed)
{
    s_changed = changed;
    s_first = 0;
    s_waiting = 0;
    for (const char *word = CONFIG_INPUT_PINS; *word != '\0';) {
        const size_t length = strcspn(word, " ");
        if (length != 0 && s_count < INPUT_TOUCH) {
            if (!parse(word, length, &s_buttons[s_count])) {
                ESP_LOGE(TAG, "CONFIG_INPUT_PINS: '%.*s' is not BUTTON=GPIO", (int)length, word);
            } else {
                s_count++; /* first: whatever fails is given back */
                const esp_err_t ret = claim(&s_buttons[s_count - 1]);
                if (ret != ESP_OK) {
                    return ret;
                }
            }
        }
        word += length;
        word += *word == ' ';
    }
    return s_count != 0 ? ESP_OK : ESP_ERR_NOT_FOUND;
}

void input_buttons_close(void)
{
    for (unsigned i = 0; i < s_count; i++) {
        (void)gpio_intr_disable(s_buttons[i].pin);
        (void)gpio_isr_handler_remove(s_buttons[i].pin);
        (void)gpio_wakeup_disable(s_buttons[i].pin);
    }
    s_count = 0;
}

/* ---- what happened ------------------------------------------------------------------------------
 */

static bool pop(edge_t *edge)
{
    portENTER_CRITICAL(&s_lock);
    const bool some = s_waiting != 0;
    if (some) {
        *edge = s_edges[s_first];
        s_first = (s_first + 1) % EDGES;
        s_waiting--;
    }
    portEXIT_CRITICAL(&s_lock);
    return some;
}

/** All edges are taken: pins that were not listened to are looked at, and all may interrupt again.
 */
static void look_again(void)
{
    for (unsigned i = 0; i < s_count; i++) {
        button_t *button = &s_buttons[i];
        const bool down = is_down(button);
        portENTER_CRITICAL(&s_lock);
        const bool rested = button->tired && s_waiting < EDGES;
        if (rested && down != button->down) {
            button->down = down;
            push_locked(button, false, esp_timer_get_time());
        }
        button->tired = button->tired && !rested;
        button->left = AT_ONCE;
        portEXIT_CRITICAL(&s_lock);
        if (rested) {
            arm(button, down);
            (void)gpio_intr_enable(button->pin);
        }
    }
}

bool input_buttons_take(input_raw_t *raw)
{
    edge_t edge;
    if (!pop(&edge)) {
        look_again();
        if (!pop(&edge)) {
            return false;
        }
    }
    *raw = (input_raw_t){
        .kind = INPUT_RAW_KEY,
        .key = edge.key,
        .down = edge.down,
        .held = edge.held,
        .at_us = edge.at_us,
    };
    return true;
}

uint32_t input_buttons_lost(void)
{
    portENTER_CRITICAL(&s_lock);
    const uint32_t lost = s_lost;
    portEXIT_CRITICAL(&s_lock);
    return lost;
}
