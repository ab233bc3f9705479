/* SPDX-License-Identifier: Apache-2.0 */
/* The virtual board's panel. */
#include "display_backend.h"

#include "sdkconfig.h"

#include "host_display.h"

static bool s_open;
static bool s_awake;

esp_err_t display_backend_open(uint16_t *width, uint16_t *height)
{
    s_open = host_display_reset(CONFIG_DISPLAY_WIDTH, CONFIG_DISPLAY_HEIGHT);
    if (!s_open) {
        return ESP_ERR_NOT_FOUND;
    }
    *width = CONFIG_DISPLAY_WIDTH;
    *height = CONFIG_DISPLAY_HEIGHT;
    host_display_set_brightness(0);
    return display_backend_set_power(true);
}

void display_backend_close(void)
{
    if (s_open) {
        host_display_set_power(false);
    }
    s_open = false;
}

esp_err_t display_backend_flush(display_rect_t area, const display_color_t *pixels, uint32_t stride)
{
    if (!s_open) {
        return ESP_ERR_NOT_FOUND;
    }
    return host_display_write(area.x, area.y, area.w, area.h, pixels, stride)
               ? ESP_OK
               : ESP_ERR_INVALID_SIZE;
}

esp_err_t display_backend_set_orientation(uint16_t degrees)
{
    return host_display_set_orientation(degrees) ? ESP_OK : ESP_ERR_INVALID_ARG;
}

esp_err_t display_backend_set_brightness(uint8_t percent)
{
    host_display_set_brightness(percent);
    return ESP_OK;
}

esp_err_t display_backend_set_power(bool on)
{
    s_awake = on;
    host_display_set_power(on);
    return ESP_OK;
}

esp_err_t display_backend_probe(void)
{
    if (!s_open) {
        return ESP_ERR_NOT_FOUND;
    }
    return s_awake ? ESP_OK : ESP_ERR_INVALID_RESPONSE;
}
