/* SPDX-License-Identifier: Apache-2.0 */
/*
 * I2S in standard mode. One DMA buffer is one block, so that a block is taken whole or not at all.
 * The driver hands out buffers that were sent through a queue one shorter than they are many; when
 * nobody takes them in time it drops the oldest and says so: an underrun. We count along, to know
 * how many can be had without asking for one. A buffer that nobody filled is silence.
 */
#include "audio_backend.h"

#include <string.h>

#include "sdkconfig.h"

#include "audio_codec.h"
#include "driver/i2s_std.h"
#include "esp_attr.h"
#include "esp_check.h"
#include "freertos/FreeRTOS.h"

static const char *TAG = "audio";

#define BUFFERS     6 /* 30 ms at 48 kHz */
#define BLOCK_BYTES (AUDIO_BLOCK_FRAMES * sizeof(audio_frame_t))

static i2s_chan_handle_t s_channel;
static bool s_enabled;

static portMUX_TYPE s_lock = portMUX_INITIALIZER_UNLOCKED; /* protects these two */
static uint32_t s_free;                                    /* buffers in the driver's queue */
static uint32_t s_underruns;

static bool IRAM_ATTR on_sent(i2s_chan_handle_t channel, i2s_event_data_t *event, void *arg)
{
    (void)channel;
    (void)event;
    (void)arg;
    portENTER_CRITICAL_ISR(&s_lock);
    s_free++;
    portEXIT_CRITICAL_ISR(&s_lock);
    return false;
}

static bool IRAM_ATTR on_dropped(i2s_chan_handle_t channel, i2s_event_data_t *event, void *arg)
{
    (void)channel;
    (void)event;
    (void)arg;
    portENTER_CRITICAL_ISR(&s_lock);
    s_free--;
    s_underruns++;
    portEXIT_CRITICAL_ISR(&s_lock);
    return false;
}

static esp_err_t claim_channel(void)
{
    i2s_chan_config_t channel = I2S_CHANNEL_DEFAULT_CONFIG(I2S_NUM_AUTO, I2S_ROLE_MASTER);
    channel.dma_desc_num = BUFFERS;
    channel.dma_frame_num = AUDIO_BLOCK_FRAMES;
    channel.auto_clear_after_cb = true;
    const i2s_std_config_t standard = {
        .clk_cfg = I2S_STD_CLK_DEFAULT_CONFIG(CONFIG_AUDIO_RATE),
        .slot_cfg =
            I2S_STD_PHILIPS_SLOT_DEFAULT_CONFIG(I2S_DATA_BIT_WIDTH_16BIT, I2S_SLOT_MODE_STEREO),
        .gpio_cfg =
            {
                .mclk = (gpio_num_t)CONFIG_AUDIO_PIN_MCLK,
                .bclk = (gpio_num_t)CONFIG_AUDIO_PIN_BCLK,
                .ws = (gpio_num_t)CONFIG_AUDIO_PIN_WS,
                .dout = (gpio_num_t)CONFIG_AUDIO_PIN_DOUT,
                .din = I2S_GPIO_UNUSED,
            },
    };
    const i2s_event_callbacks_t callbacks = {.on_sent = on_sent, .on_send_q_ovf = on_dropped};
    ESP_RETURN_ON_ERROR(i2s_new_channel(&channel, &s_channel, NULL), TAG, "I2S channel");
    ESP_RETURN_ON_ERROR(i2s_channel_init_std_mode(s_channel, &standard), TAG, "I2S mode");
    return i2s_channel_register_event_callback(s_channel, &callbacks, NULL);
}

esp_err_t audio_backend_open(uint32_t *rate, uint32_t *blocks)
{
    esp_err_t ret = ESP_OK;

    audio_backend_close(); /* whatever an earlier life left behind */
    ESP_GOTO_ON_ERROR(claim_channel(), err, TAG, "I2S");
    ESP_GOTO_ON_ERROR(audio_codec_open(CONFIG_AUDIO_RATE), err, TAG, "codec");
    *rate = CONFIG_AUDIO_RATE;
    *blocks = BUFFERS;
    return ESP_OK;
err:
    audio_backend_close();
    return ret;
}

void audio_backend_close(void)
{
    if (s_channel == NULL) {
        return;
    }
    audio_codec_close();
    if (s_enabled) {
        (void)i2s_channel_disable(s_channel);
        s_enabled = false;
    }
    (void)i2s_del_channel(s_channel);
    s_channel = NULL;
}

esp_err_t audio_backend_run(bool on)
{
    ESP_RETURN_ON_FALSE(s_channel != NULL, ESP_ERR_NOT_FOUND, TAG, "not open");
    if (s_enabled == on) {
        return ESP_OK;
    }
    if (!on) {
        ESP_RETURN_ON_ERROR(audio_codec_run(false), TAG, "amplifier");
        s_enabled = false;
        return i2s_channel_disable(s_channel);
    }
    portENTER_CRITICAL(&s_lock);
    s_free = 0; /* the driver's queue is empty, too */
    portEXIT_CRITICAL(&s_lock);
    ESP_RETURN_ON_ERROR(i2s_channel_enable(s_channel), TAG, "clocks");
    s_enabled = true;
    return audio_codec_run(true);
}

esp_err_t audio_backend_room(uint32_t *blocks)
{
    ESP_RETURN_ON_FALSE(s_channel != NULL, ESP_ERR_NOT_FOUND, TAG, "not open");
    portENTER_CRITICAL(&s_lock);
    *blocks = s_enabled ? s_free : 0;
    portEXIT_CRITICAL(&s_lock);
    return ESP_OK;
}

esp_err_t audio_backend_write(const audio_frame_t block[AUDIO_BLOCK_FRAMES])
{
    size_t written = 0;
    ESP_RETURN_ON_FALSE(s_channel != NULL, ESP_ERR_NOT_FOUND, TAG, "not open");
    const esp_err_t ret = i2s_channel_write(s_channel, block, BLOCK_BYTES, &written, 0);
    if (written != 0) {
        portENTER_CRITICAL(&s_lock);
        s_free -= s_free != 0; /* the ISR may have dropped the one that was counted */
        portEXIT_CRITICAL(&s_lock);
    }
    ESP_RETURN_ON_ERROR(ret, TAG, "transfer");
    return written == BLOCK_BYTES ? ESP_OK : ESP_ERR_INVALID_SIZE;
}

uint32_t audio_backend_underruns(void)
{
    portENTER_CRITICAL(&s_lock);
    const uint32_t underruns = s_underruns;
    portEXIT_CRITICAL(&s_lock);
    return underruns;
}

esp_err_t audio_backend_probe(void)
{
    return s_channel != NULL ? audio_codec_probe() : ESP_ERR_NOT_FOUND;
}
