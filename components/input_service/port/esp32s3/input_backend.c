/* SPDX-License-Identifier: Apache-2.0 */
/* Buttons on pins, a touch panel on I2C, a knob on the pulse counter: whichever the board names. */
#include "input_backend.h"

#include "esp_log.h"
#include "input_port.h"

static const char *TAG = "input";

static bool s_interrupts; /* the driver's interrupt is there; for good */
static uint8_t s_has;

esp_err_t input_port_listen(gpio_num_t pin, gpio_int_type_t type, gpio_isr_t isr, void *arg)
{
    if (!s_interrupts) {
        const esp_err_t ret = gpio_install_isr_service(0);
        if (ret != ESP_OK && ret != ESP_ERR_INVALID_STATE) { /* somebody else needed it before */
            return ret;
        }
        s_interrupts = true;
    }
    (void)gpio_intr_disable(pin);
    const esp_err_t ret = gpio_set_intr_type(pin, type);
    return ret == ESP_OK ? gpio_isr_handler_add(pin, isr, arg) : ret;
}

/** @return ESP_OK, also without this kind of hardware */
static esp_err_t open_one(esp_err_t (*open)(input_changed_t), input_changed_t changed, uint8_t bit)
{
    const esp_err_t ret = open(changed);
    if (ret == ESP_OK) {
        s_has |= bit;
    }
    return ret == ESP_ERR_NOT_FOUND ? ESP_OK : ret;
}

esp_err_t input_backend_open(void (*changed)(void), uint8_t *has)
{
    input_backend_close(); /* whatever an earlier life left behind */
    s_has = 0;
    esp_err_t ret = open_one(input_buttons_open, changed, INPUT_HAS_KEYS);
    if (ret == ESP_OK) {
        ret = open_one(input_panel_open, changed, INPUT_HAS_TOUCH);
    }
    if (ret == ESP_OK) {
        ret = open_one(input_encoder_open, changed, INPUT_HAS_KNOB);
    }
    if (ret != ESP_OK) {
        ESP_LOGE(TAG, "the hardware cannot be claimed: %s", esp_err_to_name(ret));
        input_backend_close();
    }
    *has = s_has;
    return ret;
}

void input_backend_close(void)
{
    input_buttons_close();
    input_panel_close();
    input_encoder_close();
}

bool input_backend_take(input_raw_t *raw)
{
    return input_buttons_take(raw) || input_panel_take(raw) || input_encoder_take(raw);
}

uint32_t input_backend_poll_ms(void)
{
    const uint32_t panel = input_panel_poll_ms();
    const uint32_t encoder = input_encoder_poll_ms();
    if (panel == 0 || encoder == 0) {
        return panel + encoder;
    }
    return panel < encoder ? panel : encoder;
}

void input_backend_probe(uint8_t *has)
{
    s_has = (uint8_t)(s_has & ~INPUT_HAS_TOUCH);
    if (input_panel_probe()) {
        s_has |= INPUT_HAS_TOUCH;
    }
    *has = s_has;
}

uint32_t input_backend_lost(void)
{
    return input_buttons_lost();
}
