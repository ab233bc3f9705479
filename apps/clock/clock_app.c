/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clock: keeps the time of the day, which whoever may post "clock.set" tells it, and posts
 * "clock.minute" when a minute begins. It is always an installed app.
 *
 * What to learn from it: a timer is an event that comes back, so it is counted, timed and paused as
 * any other; an event says when it was posted, so a tick that comes late makes no time go lost;
 * what is to be there next time is a setting.
 */
#include <inttypes.h>
#include <stdatomic.h>

#include "data_app/app_data.h"
#include "system_service/app_manager.h"

#define TICK_MS 250u
#define DAY_S   86400u

static const char s_setting[] = "now";

static system_event_type_t s_minute;
static _Atomic uint32_t s_now; /* seconds of the day; the entry point reads it */

/* Handlers run one after the other, and nobody else touches these after the first event. */
static uint32_t s_base;   /* seconds of the day at s_base_us */
static int64_t s_base_us; /* 0: not known yet */

static void keep(app_context_t *ctx, uint32_t now)
{
    const esp_err_t ret = app_settings_set(s_setting, &now, sizeof(now));
    if (ret != ESP_OK) { /* it goes on; only the next start will not know */
        ctx->log(ctx, ESP_LOG_WARN, "the time is not kept: %s", system_error_to_string(ret));
    }
}

static void say(app_context_t *ctx, const char *what, uint32_t now)
{
    ctx->log(ctx, ESP_LOG_INFO, "%s %02" PRIu32 ":%02" PRIu32 ":%02" PRIu32, what, now / 3600,
             now / 60 % 60, now % 60);
}

static void on_tick(const system_event_t *event, void *user_data)
{
    app_context_t *ctx = user_data;
    const uint32_t before = atomic_load(&s_now);
    if (s_base_us == 0) {
        s_base_us = event->timestamp_us;
    }
    const uint64_t passed = (uint64_t)(event->timestamp_us - s_base_us) / 1000000;
    const uint32_t now = (uint32_t)((s_base + passed) % DAY_S);
    atomic_store(&s_now, now);
    if (now / 60 != before / 60) {
        say(ctx, "it is", now);
        keep(ctx, now);
        (void)ctx->post_event(ctx, s_minute, &now, sizeof(now), PRIORITY_NORMAL);
    }
}

/** The payload is somebody else's: its size and its value are looked at. */
static void on_set(const system_event_t *event, void *user_data)
{
    app_context_t *ctx = user_data;
    if (event->data_size != sizeof(uint32_t) || *(const uint32_t *)event->data >= DAY_S) {
        ctx->log(ctx, ESP_LOG_WARN, "set to what is no time of the day: ignored");
        return;
    }
    s_base = *(const uint32_t *)event->data;
    s_base_us = event->timestamp_us;
    atomic_store(&s_now, s_base);
    say(ctx, "set to", s_base);
    keep(ctx, s_base);
}

static uint32_t kept(app_context_t *ctx)
{
    uint32_t now = 0;
    size_t size = sizeof(now);
    const esp_err_t ret = app_settings_get(s_setting, &now, &size);
    if (ret != ESP_OK && ret != ESP_ERR_NOT_FOUND) {
        ctx->log(ctx, ESP_LOG_WARN, "begins at midnight: %s", system_error_to_string(ret));
    }
    return ret == ESP_OK && size == sizeof(now) && now < DAY_S ? now : 0;
}

static esp_err_t begin(app_context_t *ctx)
{
    system_event_type_t tick;
    system_event_type_t set;
    system_event_timer_t timer;
    esp_err_t ret = ctx->register_event(ctx, "clock.tick", &tick);
    if (ret == ESP_OK) {
        ret = ctx->register_event(ctx, "clock.set", &set);
    }
    if (ret == ESP_OK) {
        ret = ctx->register_event(ctx, "clock.minute", &s_minute);
    }
    if (ret == ESP_OK) {
        ret = ctx->subscribe(ctx, tick, on_tick, ctx);
    }
    if (ret == ESP_OK) {
        ret = ctx->subscribe(ctx, set, on_set, ctx);
    }
    if (ret == ESP_OK) {
        ret = ctx->post_every(ctx, tick, NULL, 0, PRIORITY_NORMAL, TICK_MS, &timer);
    }
    return ret;
}

void app_main(app_context_t *ctx);

void app_main(app_context_t *ctx)
{
    s_base = kept(ctx);
    s_base_us = 0;
    atomic_store(&s_now, s_base);
    say(ctx, "goes on at", s_base);

    const esp_err_t ret = begin(ctx);
    if (ret != ESP_OK) {
        ctx->log(ctx, ESP_LOG_ERROR, "cannot begin: %s", system_error_to_string(ret));
        return; /* to return is to stop; everything it had is taken back */
    }
    while (ctx->sleep_ms(ctx, 1000)) {
        /* all work is done in the handlers */
    }
    keep(ctx, atomic_load(&s_now));
}
