/* SPDX-License-Identifier: Apache-2.0 */
/* A board without a panel: what the service does when nothing answers, for good. */
#include "display_backend.h"

esp_err_t display_backend_open(uint16_t *width, uint16_t *height)
{
    (void)width;
    (void)height;
    return ESP_ERR_NOT_FOUND;
}

void display_backend_close(void)
{
}

esp_err_t display_backend_flush(display_rect_t area, const display_color_t *pixels, uint32_t stride)
{
    (void)area;
    (void)pixels;
    (void)stride;
    return ESP_ERR_NOT_FOUND;
}

esp_err_t display_backend_set_orientation(uint16_t degrees)
{
    (void)degrees;
    return ESP_ERR_NOT_FOUND;
}

esp_err_t display_backend_set_brightness(uint8_t percent)
{
    (void)percent;
    return ESP_ERR_NOT_FOUND;
}

esp_err_t display_backend_set_power(bool on)
{
    (void)on;
    return ESP_ERR_NOT_FOUND;
}

esp_err_t display_backend_probe(void)
{
    return ESP_ERR_NOT_FOUND;
}
