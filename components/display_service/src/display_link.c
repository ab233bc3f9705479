/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the service and its backend: faults, as a cable and a bus have them. Above the backend,
 * so that the same can be tried on every board.
 */
#include "display_internal.h"

#include "sdkconfig.h"

#include "display_backend.h"
#include "esp_log.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "system_service/error_codes.h"

#ifdef CONFIG_SYSTEM_FAULT_INJECTION

static const char *TAG = "display";

/* Survive restarts, as a broken cable and a confused panel do. */
static display_fault_t s_fault;
static bool s_disturbed; /* took something wrong since it was set up */

static const char *const s_names[DISPLAY_FAULTS] = {
    [DISPLAY_FAULT_NONE] = "none",   [DISPLAY_FAULT_UNPLUGGED] = "unplugged",
    [DISPLAY_FAULT_STUCK] = "stuck", [DISPLAY_FAULT_SHORT] = "short",
    [DISPLAY_FAULT_WRONG] = "wrong",
};

esp_err_t display_link_inject(display_fault_t fault)
{
    if ((unsigned)fault >= DISPLAY_FAULTS) {
        return ESP_ERR_INVALID_ARG;
    }
    s_fault = fault;
    ESP_LOGW(TAG, "fault between us and the panel: %s", s_names[fault]);
    return ESP_OK;
}

/** Send rows of the opposite colours. */
static esp_err_t flush_wrong(display_rect_t area, const display_color_t *pixels, uint32_t stride)
{
    static display_color_t s_row[CONFIG_DISPLAY_WIDTH > CONFIG_DISPLAY_HEIGHT
                                     ? CONFIG_DISPLAY_WIDTH
                                     : CONFIG_DISPLAY_HEIGHT];
    esp_err_t ret = ESP_OK;
    s_disturbed = true;
    for (int y = 0; y < area.h && ret == ESP_OK; y++) {
        for (int x = 0; x < area.w; x++) {
            s_row[x] = (display_color_t)~pixels[(uint32_t)y * stride + (uint32_t)x];
        }
        const display_rect_t row = {area.x, (int16_t)(area.y + y), area.w, 1};
        ret = display_backend_flush(row, s_row, (uint32_t)area.w);
    }
    return ret;
}

static esp_err_t flush(display_rect_t area, const display_color_t *pixels, uint32_t stride)
{
    switch (s_fault) {
    case DISPLAY_FAULT_UNPLUGGED:
        return ESP_ERR_NOT_FOUND;
    case DISPLAY_FAULT_STUCK:
        s_fault = DISPLAY_FAULT_NONE; /* the next life finds a bus that was reset */
        for (;;) {
            vTaskDelay(portMAX_DELAY);
        }
    case DISPLAY_FAULT_SHORT:
        area.h = (int16_t)(area.h / 2);
        if (area.h != 0) {
            (void)display_backend_flush(area, pixels, stride);
        }
        return ESP_ERR_INVALID_SIZE;
    case DISPLAY_FAULT_WRONG:
        return flush_wrong(area, pixels, stride);
    default:
        return display_backend_flush(area, pixels, stride);
    }
}

static bool unplugged(void)
{
    return s_fault == DISPLAY_FAULT_UNPLUGGED;
}

static bool disturbed(void)
{
    return s_disturbed;
}

static void set_up(void)
{
    s_disturbed = false;
}

#else /* a product: the backend alone */

esp_err_t display_link_inject(display_fault_t fault)
{
    (void)fault;
    return ESP_ERR_SYSTEM_DISABLED;
}

static esp_err_t flush(display_rect_t area, const display_color_t *pixels, uint32_t stride)
{
    return display_backend_flush(area, pixels, stride);
}

static bool unplugged(void)
{
    return false;
}

static bool disturbed(void)
{
    return false;
}

static void set_up(void)
{
}

#endif

esp_err_t display_link_open(uint16_t *width, uint16_t *height)
{
    set_up();
    return unplugged() ? ESP_ERR_NOT_FOUND : display_backend_open(width, height);
}

void display_link_close(void)
{
    display_backend_close();
}

esp_err_t display_link_flush(display_rect_t area, const display_color_t *pixels, uint32_t stride)
{
    return flush(area, pixels, stride);
}

esp_err_t display_link_set_orientation(uint16_t degrees)
{
    return unplugged() ? ESP_ERR_NOT_FOUND : display_backend_set_orientation(degrees);
}

esp_err_t display_link_set_brightness(uint8_t percent)
{
    return unplugged() ? ESP_ERR_NOT_FOUND : display_backend_set_brightness(percent);
}

esp_err_t display_link_set_power(bool on)
{
    return unplugged() ? ESP_ERR_NOT_FOUND : display_backend_set_power(on);
}

esp_err_t display_link_probe(void)
{
    if (unplugged()) {
        return ESP_ERR_NOT_FOUND;
    }
    return disturbed() ? ESP_ERR_INVALID_RESPONSE : display_backend_probe();
}
