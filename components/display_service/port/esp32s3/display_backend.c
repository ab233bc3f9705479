/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ST7789, ILI9341 or ILI9342 on SPI2. The frames lie in PSRAM and the panel wants the other byte
 * order, so pixels go through two strips of internal RAM: one is filled while DMA sends the other
 * one.
 */
#include "display_backend.h"

#include "sdkconfig.h"

#include "driver/gpio.h"
#include "driver/ledc.h"
#include "driver/spi_master.h"
#include "esp_check.h"
#include "esp_heap_caps.h"
#include "esp_lcd_io_spi.h"
#include "esp_lcd_panel_commands.h"
#include "esp_lcd_panel_io.h"
#include "esp_log.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "freertos/task.h"

static const char *TAG = "display";

#define LONGER_SIDE                                                                                \
    (CONFIG_DISPLAY_WIDTH > CONFIG_DISPLAY_HEIGHT ? CONFIG_DISPLAY_WIDTH : CONFIG_DISPLAY_HEIGHT)
#define STRIP_PIXELS (LONGER_SIDE * CONFIG_DISPLAY_STRIP_ROWS)
#define STRIP_BYTES  (STRIP_PIXELS * sizeof(display_color_t))
#define STRIPS       2
/* Far longer than a strip takes at 1 MHz. */
#define STRIP_MS 1000

#define RESET_MS 20
#ifdef CONFIG_DISPLAY_RESET_HIGH
#define RESET_LEVEL 1
#else
#define RESET_LEVEL 0
#endif
#define WAKE_MS 120 /* that both controllers want after a reset and after sleep */

/* Registers of one byte: longer answers begin with a dummy bit on a serial bus. */
#define CMD_READ_POWER   0x0A
#define POWER_BOOSTER_ON 0x80
#define POWER_NOT_ASLEEP 0x10
#define CMD_READ_PIXELS  0x0C
#define PIXELS_BUS       0x07 /* how the bus brings them; some controllers tell no more */
#define COLMOD_16        0x55
#define DIM_BITS         LEDC_TIMER_12_BIT
#define DIM_FULL         4095u

static esp_lcd_panel_io_handle_t s_io;
static bool s_bus_claimed;
static display_color_t *s_strips[STRIPS];
static uint32_t s_sending; /* strips on their way */
static StaticSemaphore_t s_sent_storage;
static SemaphoreHandle_t s_sent; /* given by the end of each strip */

static bool on_sent(esp_lcd_panel_io_handle_t io, esp_lcd_panel_io_event_data_t *data, void *arg)
{
    (void)io;
    (void)data;
    (void)arg;
    BaseType_t woken = pdFALSE;
    (void)xSemaphoreGiveFromISR(s_sent, &woken);
    return woken == pdTRUE;
}

static esp_err_t command(int code, const uint8_t *parameters, size_t count)
{
    return esp_lcd_panel_io_tx_param(s_io, code, parameters, count);
}

/** Wait until at most so many strips are on their way. */
static esp_err_t wait_for(uint32_t left)
{
    while (s_sending > left) {
        if (xSemaphoreTake(s_sent, pdMS_TO_TICKS(STRIP_MS)) != pdTRUE) {
            return ESP_ERR_TIMEOUT;
        }
        s_sending--;
    }
    return ESP_OK;
}

/* ---- set-up ------------------------------------------------------------------------------------
 */

static esp_err_t claim_bus(void)
{
    const spi_bus_config_t bus = {
        .sclk_io_num = CONFIG_DISPLAY_PIN_SCLK,
        .mosi_io_num = CONFIG_DISPLAY_PIN_MOSI,
        .miso_io_num = CONFIG_DISPLAY_PIN_MISO,
        .quadwp_io_num = -1,
        .quadhd_io_num = -1,
        .max_transfer_sz = STRIP_BYTES,
    };
    const esp_lcd_panel_io_spi_config_t io = {
        .cs_gpio_num = CONFIG_DISPLAY_PIN_CS,
        .dc_gpio_num = CONFIG_DISPLAY_PIN_DC,
        .pclk_hz = CONFIG_DISPLAY_CLOCK_MHZ * 1000 * 1000,
        .trans_queue_depth = STRIPS,
        .on_color_trans_done = on_sent,
        .lcd_cmd_bits = 8,
        .lcd_param_bits = 8,
    };
    ESP_RETURN_ON_ERROR(spi_bus_initialize(SPI2_HOST, &bus, SPI_DMA_CH_AUTO), TAG, "SPI bus");
    s_bus_claimed = true;
    return esp_lcd_new_panel_io_spi((esp_lcd_spi_bus_handle_t)SPI2_HOST, &io, &s_io);
}

static esp_err_t take_strips(void)
{
    for (unsigned i = 0; i < STRIPS; i++) {
        if (s_strips[i] == NULL) { /* kept for good: a restart needs no memory */
            s_strips[i] = heap_caps_malloc(STRIP_BYTES, MALLOC_CAP_DMA | MALLOC_CAP_INTERNAL);
        }
        ESP_RETURN_ON_FALSE(s_strips[i] != NULL, ESP_ERR_NO_MEM, TAG, "no DMA memory for strips");
    }
    return ESP_OK;
}

static esp_err_t reset_panel(void)
{
#if CONFIG_DISPLAY_PIN_RESET >= 0
    const gpio_config_t pin = {.pin_bit_mask = 1ULL << CONFIG_DISPLAY_PIN_RESET,
                               .mode = GPIO_MODE_OUTPUT};
    ESP_RETURN_ON_ERROR(gpio_config(&pin), TAG, "reset pin");
    (void)gpio_set_level((gpio_num_t)CONFIG_DISPLAY_PIN_RESET, RESET_LEVEL);
    vTaskDelay(pdMS_TO_TICKS(RESET_MS));
    (void)gpio_set_level((gpio_num_t)CONFIG_DISPLAY_PIN_RESET, !RESET_LEVEL);
#else
    ESP_RETURN_ON_ERROR(command(LCD_CMD_SWRESET, NULL, 0), TAG, "reset");
#endif
    vTaskDelay(pdMS_TO_TICKS(WAKE_MS));
    return ESP_OK;
}

static esp_err_t set_up_light(void)
{
#if CONFIG_DISPLAY_PIN_BACKLIGHT >= 0
    const ledc_timer_config_t timer = {
        .speed_mode = LEDC_LOW_SPEED_MODE,
        .duty_resolution = DIM_BITS,
        .timer_num = LEDC_TIMER_0,
        .freq_hz = 5000,
        .clk_cfg = LEDC_AUTO_CLK,
    };
    const ledc_channel_config_t channel = {
        .gpio_num = CONFIG_DISPLAY_PIN_BACKLIGHT,
        .speed_mode = LEDC_LOW_SPEED_MODE,
        .channel = LEDC_CHANNEL_0,
        .timer_sel = LEDC_TIMER_0,
    };
    ESP_RETURN_ON_ERROR(ledc_timer_config(&timer), TAG, "backlight");
    return ledc_channel_config(&channel);
#else
    return ESP_OK;
#endif
}

#ifdef CONFIG_DISPLAY_ILI9342
/** Its voltages do not fit the glass after a reset, and must be unlocked first. */
static esp_err_t set_up_power(void)
{
    static const struct {
        uint8_t code;
        uint8_t count;
        uint8_t parameters[3];
    } settings[] = {
        {0xC8, 3, {0xFF, 0x93, 0x42}}, /* unlock the commands beyond 0xB0 */
        {0xC0, 2, {0x0E, 0x0E}},       /* grey scale voltages */
        {0xC1, 1, {0x02}},             /* step-up factors */
        {0xC5, 1, {0xD0}},             /* common electrode */
        {0xB1, 2, {0x00, 0x1B}},       /* 70 frames a second */
        {0xB4, 1, {0x02}},             /* lines inverted in turn */
    };
    for (unsigned i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        ESP_RETURN_ON_ERROR(command(settings[i].code, settings[i].parameters, settings[i].count),
                            TAG, "power");
    }
    return ESP_OK;
}
#endif

static esp_err_t set_up_panel(void)
{
    static const uint8_t pixels = COLMOD_16;
    ESP_RETURN_ON_ERROR(reset_panel(), TAG, "reset");
#ifdef CONFIG_DISPLAY_ILI9342
    ESP_RETURN_ON_ERROR(set_up_power(), TAG, "power");
#endif
    ESP_RETURN_ON_ERROR(command(LCD_CMD_SLPOUT, NULL, 0), TAG, "wake");
    vTaskDelay(pdMS_TO_TICKS(WAKE_MS));
    ESP_RETURN_ON_ERROR(command(LCD_CMD_COLMOD, &pixels, 1), TAG, "pixel format");
#ifdef CONFIG_DISPLAY_INVERT
    ESP_RETURN_ON_ERROR(command(LCD_CMD_INVON, NULL, 0), TAG, "inversion");
#else
    ESP_RETURN_ON_ERROR(command(LCD_CMD_INVOFF, NULL, 0), TAG, "inversion");
#endif
    ESP_RETURN_ON_ERROR(display_backend_set_orientation(0), TAG, "orientation");
    return command(LCD_CMD_DISPON, NULL, 0);
}

esp_err_t display_backend_open(uint16_t *width, uint16_t *height)
{
    esp_err_t ret = ESP_OK;

    display_backend_close(); /* whatever an earlier life left behind */
    s_sent = xSemaphoreCreateCountingStatic(STRIPS, 0, &s_sent_storage);
    ESP_GOTO_ON_ERROR(take_strips(), err, TAG, "strips");
    ESP_GOTO_ON_ERROR(set_up_light(), err, TAG, "backlight");
    ESP_GOTO_ON_ERROR(claim_bus(), err, TAG, "bus");
    ESP_GOTO_ON_ERROR(set_up_panel(), err, TAG, "panel");
    ret = display_backend_probe();
    if (ret != ESP_OK && ret != ESP_ERR_NOT_SUPPORTED) {
        ret = ESP_ERR_NOT_FOUND;
        goto err;
    }
    *width = CONFIG_DISPLAY_WIDTH;
    *height = CONFIG_DISPLAY_HEIGHT;
    return ESP_OK;
err:
    display_backend_close();
    return ret;
}

void display_backend_close(void)
{
    if (s_io != NULL) {
        (void)display_backend_set_brightness(0);
        (void)wait_for(0);
        (void)esp_lcd_panel_io_del(s_io);
        s_io = NULL;
    }
    if (s_bus_claimed) {
        (void)spi_bus_free(SPI2_HOST);
        s_bus_claimed = false;
    }
    s_sending = 0;
}

/* ---- pixels ------------------------------------------------------------------------------------
 */

static esp_err_t set_window(int code, int first, int count)
{
    const int last = first + count - 1;
    const uint8_t range[] = {(uint8_t)(first >> 8), (uint8_t)first, (uint8_t)(last >> 8),
                             (uint8_t)last};
    return command(code, range, sizeof(range));
}

/** Copy rows into a strip, in the panel's byte order. */
static void fill_strip(display_color_t *strip, const display_color_t *pixels, uint32_t stride,
                       int width, int rows)
{
    for (int y = 0; y < rows; y++, pixels += stride) {
        for (int x = 0; x < width; x++) {
            *strip++ = __builtin_bswap16(pixels[x]);
        }
    }
}

esp_err_t display_backend_flush(display_rect_t area, const display_color_t *pixels, uint32_t stride)
{
    const int rows_at_once = STRIP_PIXELS / area.w;
    unsigned next = 0;

    ESP_RETURN_ON_FALSE(s_io != NULL, ESP_ERR_NOT_FOUND, TAG, "not open");
    ESP_RETURN_ON_ERROR(set_window(LCD_CMD_CASET, area.x, area.w), TAG, "columns");
    ESP_RETURN_ON_ERROR(set_window(LCD_CMD_RASET, area.y, area.h), TAG, "rows");
    for (int y = 0; y < area.h; y += rows_at_once) {
        const int rows = area.h - y < rows_at_once ? area.h - y : rows_at_once;
        ESP_RETURN_ON_ERROR(wait_for(STRIPS - 1), TAG, "transfer");
        fill_strip(s_strips[next], pixels + (size_t)y * stride, stride, area.w, rows);
        ESP_RETURN_ON_ERROR(
            esp_lcd_panel_io_tx_color(s_io, y == 0 ? LCD_CMD_RAMWR : LCD_CMD_RAMWRC, s_strips[next],
                                      (size_t)rows * (size_t)area.w * sizeof(display_color_t)),
            TAG, "transfer");
        s_sending++;
        next = (next + 1) % STRIPS;
    }
    return wait_for(0);
}

/* ---- settings ----------------------------------------------------------------------------------
 */

esp_err_t display_backend_set_orientation(uint16_t degrees)
{
    static const uint8_t turned[] = {
        0,
        LCD_CMD_MX_BIT | LCD_CMD_MV_BIT,
        LCD_CMD_MX_BIT | LCD_CMD_MY_BIT,
        LCD_CMD_MY_BIT | LCD_CMD_MV_BIT,
    };
    uint8_t access = turned[degrees / 90 % 4];
#ifdef CONFIG_DISPLAY_BGR
    access |= LCD_CMD_BGR_BIT;
#endif
#ifdef CONFIG_DISPLAY_ILI9341
    access ^= LCD_CMD_MX_BIT; /* its glass is mounted mirrored */
#elif defined(CONFIG_DISPLAY_ILI9342)
    access ^= LCD_CMD_MX_BIT | LCD_CMD_MY_BIT; /* upside down */
#endif
    return command(LCD_CMD_MADCTL, &access, 1);
}

esp_err_t display_backend_set_brightness(uint8_t percent)
{
#if CONFIG_DISPLAY_PIN_BACKLIGHT >= 0
    ESP_RETURN_ON_ERROR(
        ledc_set_duty(LEDC_LOW_SPEED_MODE, LEDC_CHANNEL_0, DIM_FULL * percent / 100), TAG,
        "backlight");
    return ledc_update_duty(LEDC_LOW_SPEED_MODE, LEDC_CHANNEL_0);
#else
    (void)percent;
    return ESP_OK;
#endif
}

esp_err_t display_backend_set_power(bool on)
{
    if (!on) {
        ESP_RETURN_ON_ERROR(display_backend_set_brightness(0), TAG, "backlight");
        ESP_RETURN_ON_ERROR(command(LCD_CMD_DISPOFF, NULL, 0), TAG, "off");
        return command(LCD_CMD_SLPIN, NULL, 0);
    }
    ESP_RETURN_ON_ERROR(command(LCD_CMD_SLPOUT, NULL, 0), TAG, "wake");
    vTaskDelay(pdMS_TO_TICKS(WAKE_MS));
    return command(LCD_CMD_DISPON, NULL, 0);
}

esp_err_t display_backend_probe(void)
{
#if CONFIG_DISPLAY_PIN_MISO >= 0
    uint8_t power = 0;
    uint8_t pixels = 0;
    ESP_RETURN_ON_FALSE(s_io != NULL, ESP_ERR_NOT_FOUND, TAG, "not open");
    ESP_RETURN_ON_ERROR(esp_lcd_panel_io_rx_param(s_io, CMD_READ_POWER, &power, 1), TAG, "status");
    ESP_RETURN_ON_ERROR(esp_lcd_panel_io_rx_param(s_io, CMD_READ_PIXELS, &pixels, 1), TAG,
                        "status");
    if (power == pixels && (power == 0x00 || power == 0xFF)) {
        return ESP_ERR_NOT_FOUND; /* nobody drives the wire */
    }
    const bool as_set = (power & POWER_BOOSTER_ON) != 0 && (power & POWER_NOT_ASLEEP) != 0 &&
                        (pixels & PIXELS_BUS) == (COLMOD_16 & PIXELS_BUS);
    return as_set ? ESP_OK : ESP_ERR_INVALID_RESPONSE;
#else
    return ESP_ERR_NOT_SUPPORTED;
#endif
}
