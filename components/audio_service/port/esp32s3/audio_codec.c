/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ES8311 set up over I2C, or an amplifier that takes what comes (MAX98357 and its kin), which
 * has one pin at most.
 */
#include "audio_codec.h"

#include "sdkconfig.h"

#include "driver/gpio.h"
#include "esp_check.h"
#include "esp_log.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#if CONFIG_AUDIO_PIN_AMP >= 0 || defined(CONFIG_AUDIO_ES8311)
static const char *TAG = "audio";
#endif

static esp_err_t switch_amplifier(bool on)
{
#if CONFIG_AUDIO_PIN_AMP >= 0
    return gpio_set_level((gpio_num_t)CONFIG_AUDIO_PIN_AMP, on);
#else
    (void)on;
    return ESP_OK;
#endif
}

static esp_err_t claim_amplifier(void)
{
#if CONFIG_AUDIO_PIN_AMP >= 0
    const gpio_config_t pin = {.pin_bit_mask = 1ULL << CONFIG_AUDIO_PIN_AMP,
                               .mode = GPIO_MODE_OUTPUT};
    ESP_RETURN_ON_ERROR(gpio_config(&pin), TAG, "amplifier pin");
#endif
    return switch_amplifier(false);
}

#ifdef CONFIG_AUDIO_ES8311

#include "i2c_share/i2c_share.h"

#define I2C_HZ       100000
#define I2C_MS       100
#define RESET_MS     20
#define REG_RESET    0x00
#define REG_DAC_OSR  0x04
#define REG_SDP_IN   0x09
#define REG_POWER    0x0D
#define REG_DAC_MUTE 0x31
#define REG_CHIP_ID1 0xFD
#define REG_CHIP_ID2 0xFE
#define CHIP_ID1     0x83
#define CHIP_ID2     0x11
#define RESET_ALL    0x1F
#define POWER_ON     0x80
#define I2S_16_BITS  0x0C
#define ANALOG_ON    0x01
#define ANALOG_OFF   0xFC
#define DAC_MUTED    0x60
#define SLOW_RATE    22050 /* below it the DAC wants to be oversampled twice as much */

/* Clocks from the pins, master clock = 256 * rate; only the way to the loudspeaker is on. */
static const uint8_t s_settings[][2] = {
    {0x01, 0x3F}, /* clock manager: all on, from the MCLK pin */
    {0x02, 0x00}, /* master clock neither divided nor multiplied */
    {0x03, 0x10}, /* ADC oversampling, single speed */
    {0x05, 0x00}, /* ADC and DAC clocks undivided */
    {0x06, 0x03}, /* bit clock: a quarter, not inverted */
    {0x07, 0x00}, /* word select: 256 master clocks */
    {0x08, 0xFF},           {REG_SDP_IN, I2S_16_BITS},
    {0x0A, I2S_16_BITS},    {REG_DAC_MUTE, DAC_MUTED},
    {REG_POWER, ANALOG_ON}, /* references and bias */
    {0x0E, 0x02},           /* analog supplies */
    {0x12, 0x00},           /* DAC on */
    {0x13, 0x10},           /* output stage drives the pins */
    {0x32, 0xBF},           /* DAC volume 0 dB: loudness is made in the mixer */
    {0x37, 0x08},           /* no equaliser */
};

static i2c_master_bus_handle_t s_bus;
static i2c_master_dev_handle_t s_codec;

static esp_err_t put(uint8_t reg, uint8_t value)
{
    const uint8_t bytes[] = {reg, value};
    return i2c_master_transmit(s_codec, bytes, sizeof(bytes), I2C_MS);
}

static esp_err_t get(uint8_t reg, uint8_t *value)
{
    return i2c_master_transmit_receive(s_codec, &reg, 1, value, 1, I2C_MS);
}

static esp_err_t claim_bus(void)
{
    const i2c_device_config_t codec = {
        .dev_addr_length = I2C_ADDR_BIT_LEN_7,
        .device_address = CONFIG_AUDIO_I2C_ADDRESS,
        .scl_speed_hz = I2C_HZ,
    };
    ESP_RETURN_ON_ERROR(i2c_share_claim(CONFIG_AUDIO_PIN_SDA, CONFIG_AUDIO_PIN_SCL, &s_bus), TAG,
                        "I2C bus");
    return i2c_master_bus_add_device(s_bus, &codec, &s_codec);
}

static esp_err_t is_there(void)
{
    uint8_t id[2] = {0};
    if (get(REG_CHIP_ID1, &id[0]) != ESP_OK || get(REG_CHIP_ID2, &id[1]) != ESP_OK) {
        return ESP_ERR_NOT_FOUND;
    }
    if (id[0] != CHIP_ID1 || id[1] != CHIP_ID2) {
        ESP_LOGE(TAG, "at I2C address 0x%02x is no ES8311 but 0x%02x%02x", CONFIG_AUDIO_I2C_ADDRESS,
                 id[0], id[1]);
        return ESP_ERR_NOT_FOUND;
    }
    return ESP_OK;
}

static esp_err_t set_up(uint32_t rate)
{
    ESP_RETURN_ON_ERROR(put(REG_RESET, RESET_ALL), TAG, "reset");
    vTaskDelay(pdMS_TO_TICKS(RESET_MS));
    ESP_RETURN_ON_ERROR(put(REG_RESET, POWER_ON), TAG, "power");
    for (unsigned i = 0; i < sizeof(s_settings) / sizeof(s_settings[0]); i++) {
        ESP_RETURN_ON_ERROR(put(s_settings[i][0], s_settings[i][1]), TAG, "register 0x%02x",
                            s_settings[i][0]);
    }
    return put(REG_DAC_OSR, rate < SLOW_RATE ? 0x20 : 0x10);
}

esp_err_t audio_codec_open(uint32_t rate)
{
    esp_err_t ret = ESP_OK;
    audio_codec_close();
    ESP_GOTO_ON_ERROR(claim_amplifier(), err, TAG, "amplifier");
    ESP_GOTO_ON_ERROR(claim_bus(), err, TAG, "bus");
    ESP_GOTO_ON_ERROR(is_there(), err, TAG, "no ES8311 answers");
    ESP_GOTO_ON_ERROR(set_up(rate), err, TAG, "settings");
    return ESP_OK;
err:
    audio_codec_close();
    return ret;
}

void audio_codec_close(void)
{
    if (s_codec != NULL) {
        (void)put(REG_DAC_MUTE, DAC_MUTED);
        (void)put(REG_POWER, ANALOG_OFF);
        (void)i2c_master_bus_rm_device(s_codec);
        s_codec = NULL;
    }
    i2c_share_release(s_bus);
    s_bus = NULL;
}

esp_err_t audio_codec_run(bool on)
{
    if (!on) {
        ESP_RETURN_ON_ERROR(switch_amplifier(false), TAG, "amplifier");
        return put(REG_DAC_MUTE, DAC_MUTED);
    }
    ESP_RETURN_ON_ERROR(put(REG_DAC_MUTE, 0), TAG, "unmute");
    return switch_amplifier(true);
}

esp_err_t audio_codec_probe(void)
{
    uint8_t power = 0;
    uint8_t format = 0;
    if (s_codec == NULL || get(REG_POWER, &power) != ESP_OK || get(REG_SDP_IN, &format) != ESP_OK) {
        return ESP_ERR_NOT_FOUND;
    }
    return power == ANALOG_ON && format == I2S_16_BITS ? ESP_OK : ESP_ERR_INVALID_RESPONSE;
}

#else /* nothing to set and nobody to ask */

esp_err_t audio_codec_open(uint32_t rate)
{
    (void)rate;
    return claim_amplifier();
}

void audio_codec_close(void)
{
    (void)switch_amplifier(false);
}

esp_err_t audio_codec_run(bool on)
{
    return switch_amplifier(on);
}

esp_err_t audio_codec_probe(void)
{
    return ESP_ERR_NOT_SUPPORTED;
}

#endif
