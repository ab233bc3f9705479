/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The panel: there or not, well or not, and set as people want it. Whatever happens to it, apps go
 * on drawing; it gets the whole picture when it is back.
 */
#include "display_internal.h"

#include "sdkconfig.h"

#include "esp_log.h"
#include "system_service/error_codes.h"

static const char *TAG = "display";

/* So many transfers in a row fail before the panel is set up anew. */
#define FAILURES_MAX 3

static display_panel_t s_state;
static unsigned s_failures_in_row;
static bool s_lit; /* has been given its brightness since it was opened */
static bool s_told_absent;

static uint32_t s_flushes;
static uint32_t s_failures;
static uint32_t s_reopened;
static uint64_t s_pixels;

/* What people set; survives a restart of the service. */
static struct {
    uint16_t degrees;
    uint8_t brightness;
    bool awake;
} s_settings = {.brightness = CONFIG_DISPLAY_BRIGHTNESS, .awake = true};

static void become(display_panel_t state)
{
    if (s_state != state) {
        s_state = state;
        display_service_announce();
    }
}

static void lose(esp_err_t why)
{
    if (!s_told_absent) {
        ESP_LOGE(TAG, "the panel does not answer (%s): looking for it every %d ms",
                 system_error_to_string(why), CONFIG_DISPLAY_PROBE_MS);
        s_told_absent = true;
    }
    display_link_close();
    become(DISPLAY_PANEL_ABSENT);
}

static esp_err_t open_panel(void)
{
    uint16_t width = 0;
    uint16_t height = 0;

    s_lit = false;
    s_failures_in_row = 0;
    esp_err_t ret = display_link_open(&width, &height);
    if (ret == ESP_OK && (width != CONFIG_DISPLAY_WIDTH || height != CONFIG_DISPLAY_HEIGHT)) {
        ESP_LOGE(TAG, "the panel has %u x %u pixels, the configuration says %d x %d", width, height,
                 CONFIG_DISPLAY_WIDTH, CONFIG_DISPLAY_HEIGHT);
        ret = ESP_ERR_INVALID_SIZE;
    }
    if (ret == ESP_OK) {
        ret = display_link_set_orientation(s_settings.degrees);
    }
    if (ret == ESP_OK && !s_settings.awake) {
        ret = display_link_set_power(false);
    }
    if (ret != ESP_OK) {
        lose(ret);
        return ret;
    }
    s_told_absent = false;
    become(DISPLAY_PANEL_WELL);
    display_screen_forget();
    return ESP_OK;
}

static void reopen(esp_err_t why)
{
    ESP_LOGW(TAG, "the panel is set up anew: %s", system_error_to_string(why));
    s_reopened++;
    display_link_close();
    (void)open_panel();
}

void display_panel_begin(void)
{
    s_state = DISPLAY_PANEL_ABSENT;
    s_told_absent = false;
    display_screen_resize(s_settings.degrees);
    (void)open_panel();
}

void display_panel_end(void)
{
    display_link_close();
    s_state = DISPLAY_PANEL_ABSENT;
}

void display_panel_look(void)
{
    if (s_state == DISPLAY_PANEL_ABSENT) {
        if (open_panel() == ESP_OK) {
            s_reopened++;
            ESP_LOGI(TAG, "the panel is there");
        }
        return;
    }
    const esp_err_t ret = display_link_probe();
    if (ret == ESP_ERR_NOT_FOUND) {
        lose(ret);
    } else if (ret != ESP_OK && ret != ESP_ERR_NOT_SUPPORTED && s_settings.awake) {
        reopen(ret); /* asleep it is not as set, and is looked at when it wakes */
    }
}

esp_err_t display_panel_flush(display_rect_t area, const display_color_t *pixels, uint32_t stride)
{
    const esp_err_t ret = display_link_flush(area, pixels, stride);
    if (ret == ESP_OK) {
        s_flushes++;
        s_pixels += (uint32_t)area.w * (uint32_t)area.h;
        if (s_failures_in_row != 0) {
            s_failures_in_row = 0;
            become(DISPLAY_PANEL_WELL);
        }
        return ESP_OK;
    }
    s_failures++;
    s_failures_in_row++;
    if (ret == ESP_ERR_NOT_FOUND) {
        lose(ret);
    } else {
        become(DISPLAY_PANEL_FAILING);
        if (s_failures_in_row % FAILURES_MAX == 0) {
            const unsigned failed = s_failures_in_row;
            reopen(ret);
            /* Only a transfer that arrives makes it well. */
            s_failures_in_row = failed;
            if (s_state == DISPLAY_PANEL_WELL) {
                s_state = DISPLAY_PANEL_FAILING;
            }
        }
    }
    return ret;
}

void display_panel_shown(void)
{
    if (!s_lit && s_state == DISPLAY_PANEL_WELL) {
        s_lit = display_link_set_brightness(s_settings.brightness) == ESP_OK;
    }
}

bool display_panel_ready(void)
{
    return s_state != DISPLAY_PANEL_ABSENT && s_settings.awake;
}

static esp_err_t set_degrees(uint16_t degrees)
{
    const display_rect_t before = display_screen_area();
    s_settings.degrees = degrees;
    display_screen_resize(degrees);
    if (display_screen_area().w != before.w) { /* upside down, all pictures still fit */
        display_surfaces_resize();
    }
    return s_state != DISPLAY_PANEL_ABSENT ? display_link_set_orientation(degrees) : ESP_OK;
}

esp_err_t display_panel_set(const display_set_t *wish)
{
    esp_err_t ret = ESP_OK;

    if ((wish->what & ~(DISPLAY_SET_BRIGHTNESS | DISPLAY_SET_DEGREES | DISPLAY_SET_AWAKE)) != 0 ||
        ((wish->what & DISPLAY_SET_BRIGHTNESS) != 0 &&
         (wish->brightness == 0 || wish->brightness > 100)) ||
        ((wish->what & DISPLAY_SET_DEGREES) != 0 &&
         (wish->degrees > 270 || wish->degrees % 90 != 0))) {
        return ESP_ERR_INVALID_ARG;
    }
    if ((wish->what & DISPLAY_SET_DEGREES) != 0 && wish->degrees != s_settings.degrees) {
        ret = set_degrees(wish->degrees);
    }
    if ((wish->what & DISPLAY_SET_BRIGHTNESS) != 0) {
        s_settings.brightness = wish->brightness;
        s_lit = false; /* given by the next frame, or now */
        display_panel_shown();
    }
    if ((wish->what & DISPLAY_SET_AWAKE) != 0 && wish->awake != s_settings.awake) {
        s_settings.awake = wish->awake;
        if (s_state != DISPLAY_PANEL_ABSENT) {
            const esp_err_t power = display_link_set_power(wish->awake);
            ret = ret == ESP_OK ? power : ret;
            s_lit = false;
        }
        if (wish->awake) { /* its memory is as it was; what changed since comes with the frame */
            display_panel_shown();
            if (s_state != DISPLAY_PANEL_ABSENT) {
                display_panel_look();
            }
        }
    }
    if (ret != ESP_OK) { /* the next look finds out what is the matter, and sets it as wanted */
        reopen(ret);
    }
    display_service_wake();
    display_service_announce();
    return ret;
}

void display_panel_describe(display_state_t *state)
{
    state->degrees = s_settings.degrees;
    state->brightness = s_settings.brightness;
    state->awake = s_settings.awake;
    state->panel = (uint8_t)s_state;
}

void display_panel_count(display_info_t *info)
{
    info->flushes = s_flushes;
    info->failures = s_failures;
    info->reopened = s_reopened;
    info->pixels = s_pixels;
}
