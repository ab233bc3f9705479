/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A touch panel on I2C. Its interrupt says when there is something to read, once until it was read;
 * while a finger is down, or without that wire, it is read again and again. One that fails three
 * times in a row is gone: the finger is lifted, and it is looked for with every probe.
 */
#include "input_port.h"

#include "sdkconfig.h"

#ifndef CONFIG_INPUT_TOUCH_NONE

#include "esp_check.h"
#include "esp_log.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "i2c_share/i2c_share.h"

#include "input_controller.h"

static const char *TAG = "input";

#define I2C_HZ       400000
#define RESET_MS     10
#define WAKE_MS      60 /* after a reset */
#define FAILURES_MAX 3
#define SILENT_US    300000 /* a finger that is not reported for so long is none */
#define LISTENING    (CONFIG_INPUT_TOUCH_PIN_INT >= 0)
#define PIN_INT      ((gpio_num_t)CONFIG_INPUT_TOUCH_PIN_INT)
#define POLL_US      ((int64_t)CONFIG_INPUT_TOUCH_POLL_MS * 1000)

static input_changed_t s_changed;
static i2c_master_bus_handle_t s_bus;
static i2c_master_dev_handle_t s_panel;
static bool s_here;
static unsigned s_failures; /* in a row */

static portMUX_TYPE s_lock = portMUX_INITIALIZER_UNLOCKED; /* protects these two */
static bool s_pending;
static int64_t s_edge_us;

static input_finger_t s_finger; /* as last told */
static int64_t s_read_us;       /* when it was last read */
static int64_t s_heard_us;      /* when it last reported */

#if LISTENING
static void on_edge(void *arg)
{
    (void)arg;
    (void)gpio_intr_disable(PIN_INT);
    portENTER_CRITICAL_ISR(&s_lock);
    s_pending = true;
    s_edge_us = esp_timer_get_time();
    portEXIT_CRITICAL_ISR(&s_lock);
    s_changed();
}
#endif

/* ---- set-up -------------------------------------------------------------------------------------
 */

static void reset(void)
{
#if CONFIG_INPUT_TOUCH_PIN_RESET >= 0
    const gpio_num_t pin = (gpio_num_t)CONFIG_INPUT_TOUCH_PIN_RESET;
    const gpio_config_t config = {.pin_bit_mask = UINT64_C(1) << CONFIG_INPUT_TOUCH_PIN_RESET,
                                  .mode = GPIO_MODE_OUTPUT};
    (void)gpio_config(&config);
    (void)gpio_set_level(pin, 0);
    vTaskDelay(pdMS_TO_TICKS(RESET_MS));
    (void)gpio_set_level(pin, 1);
    vTaskDelay(pdMS_TO_TICKS(WAKE_MS));
#endif
}

/** @return ESP_OK; ESP_ERR_NOT_FOUND it does not answer; what the driver returned */
static esp_err_t add_device(void)
{
    for (unsigned i = 0; i < INPUT_CONTROLLER_ADDRESSES; i++) {
        const i2c_device_config_t device = {
            .dev_addr_length = I2C_ADDR_BIT_LEN_7,
            .device_address = input_controller_addresses[i],
            .scl_speed_hz = I2C_HZ,
        };
        if (device.device_address != 0 &&
            i2c_master_probe(s_bus, device.device_address, INPUT_CONTROLLER_MS) == ESP_OK) {
            return i2c_master_bus_add_device(s_bus, &device, &s_panel);
        }
    }
    return ESP_ERR_NOT_FOUND;
}

static esp_err_t listen(void)
{
#if LISTENING
    const gpio_config_t pin = {
        .pin_bit_mask = UINT64_C(1) << CONFIG_INPUT_TOUCH_PIN_INT,
        .mode = GPIO_MODE_INPUT,
        .pull_up_en = GPIO_PULLUP_ENABLE,
    };
    ESP_RETURN_ON_ERROR(gpio_config(&pin), TAG, "interrupt pin");
    ESP_RETURN_ON_ERROR(input_port_listen(PIN_INT, GPIO_INTR_NEGEDGE, on_edge, NULL), TAG,
                        "interrupt pin");
    return gpio_intr_enable(PIN_INT);
#else
    return ESP_OK;
#endif
}

/** The bus stays claimed; what is taken here is given back when it is lost. */
static void lose(void)
{
#if LISTENING
    if (s_here) {
        (void)gpio_intr_disable(PIN_INT);
        (void)gpio_isr_handler_remove(PIN_INT);
    }
#endif
    s_here = false;
    if (s_panel != NULL) {
        (void)i2c_master_bus_rm_device(s_panel);
        s_panel = NULL;
    }
}

static esp_err_t find(void)
{
    reset();
    esp_err_t ret = add_device();
    if (ret == ESP_OK) {
        ret = input_controller_set_up(s_panel);
    }
    if (ret == ESP_OK) {
        s_here = true;
        s_failures = 0;
        ret = listen();
    }
    if (ret != ESP_OK) {
        lose();
    }
    return ret;
}

esp_err_t input_panel_open(input_changed_t changed)
{
    s_changed = changed;
    s_pending = false;
    s_finger = (input_finger_t){0};
    ESP_RETURN_ON_ERROR(
        i2c_share_claim(CONFIG_INPUT_TOUCH_PIN_SDA, CONFIG_INPUT_TOUCH_PIN_SCL, &s_bus), TAG,
        "I2C bus");
    if (find() != ESP_OK) {
        ESP_LOGW(TAG, "no touch panel answers: looking for it every %d ms", CONFIG_INPUT_LOOK_MS);
        return ESP_ERR_NOT_FOUND;
    }
    return ESP_OK;
}

void input_panel_close(void)
{
    lose();
    i2c_share_release(s_bus);
    s_bus = NULL;
}

/* ---- fingers ------------------------------------------------------------------------------------
 */

/** As the panel's pixels lie when it stands upright. */
static void turn(input_finger_t *touch)
{
#ifdef CONFIG_INPUT_TOUCH_SWAP
    const int16_t x = touch->x;
    touch->x = touch->y;
    touch->y = x;
#endif
#ifdef CONFIG_INPUT_TOUCH_MIRROR_X
    touch->x = (int16_t)(CONFIG_INPUT_TOUCH_WIDTH - 1 - touch->x);
#endif
#ifdef CONFIG_INPUT_TOUCH_MIRROR_Y
    touch->y = (int16_t)(CONFIG_INPUT_TOUCH_HEIGHT - 1 - touch->y);
#endif
    (void)touch;
}

/** @return there is something to read; at_us = since when */
static bool is_due(int64_t now_us, int64_t *at_us)
{
    portENTER_CRITICAL(&s_lock);
    const bool pending = s_pending;
    *at_us = pending ? s_edge_us : now_us;
    s_pending = false;
    portEXIT_CRITICAL(&s_lock);
    return pending || ((s_finger.down || !LISTENING) && now_us - s_read_us >= POLL_US);
}

/** Wait for the next edge. One that came meanwhile is followed by more: they report many times a
 *  second while a finger is down. */
static void listen_again(void)
{
#if LISTENING
    (void)gpio_intr_enable(PIN_INT);
#endif
}

/** @return the finger did something */
static bool read_panel(int64_t now_us)
{
    input_finger_t now = s_finger;
    const input_report_t report = input_controller_read(s_panel, &now);
    s_read_us = now_us;
    if (report == INPUT_REPORT_FAILED) {
        s_failures++;
        if (s_failures < FAILURES_MAX) {
            return false;
        }
        ESP_LOGW(TAG, "the touch panel does not answer any more");
        lose();
        now.down = false;
    } else if (report == INPUT_REPORT_NEWS) {
        s_failures = 0;
        s_heard_us = now_us;
        if (now.down) {
            turn(&now);
        }
    } else {
        s_failures = 0;
        now.down = s_finger.down && now_us - s_heard_us < SILENT_US;
    }
    const bool news =
        now.down != s_finger.down || (now.down && (now.x != s_finger.x || now.y != s_finger.y));
    if (now.down) {
        s_finger = now;
    } else {
        s_finger.down = false; /* where it was */
    }
    return news;
}

bool input_panel_take(input_raw_t *raw)
{
    const int64_t now_us = esp_timer_get_time();
    int64_t at_us;
    if (!s_here || !is_due(now_us, &at_us)) {
        return false;
    }
    const bool news = read_panel(now_us);
    if (s_here) {
        listen_again();
    }
    if (!news) {
        return false;
    }
    *raw = (input_raw_t){
        .kind = INPUT_RAW_TOUCH,
        .down = s_finger.down,
        .upright = true,
        .x = s_finger.x,
        .y = s_finger.y,
        .at_us = at_us,
    };
    return true;
}

uint32_t input_panel_poll_ms(void)
{
    if (!s_here || (LISTENING && !s_finger.down)) {
        return 0;
    }
    return CONFIG_INPUT_TOUCH_POLL_MS;
}

bool input_panel_probe(void)
{
    if (!s_here && s_bus != NULL && find() == ESP_OK) {
        ESP_LOGI(TAG, "the touch panel answers again");
    }
    return s_here;
}

#else /* this board has no touch panel */

esp_err_t input_panel_open(input_changed_t changed)
{
    (void)changed;
    return ESP_ERR_NOT_FOUND;
}

void input_panel_close(void)
{
}

bool input_panel_take(input_raw_t *raw)
{
    (void)raw;
    return false;
}

uint32_t input_panel_poll_ms(void)
{
    return 0;
}

bool input_panel_probe(void)
{
    return false;
}

#endif
