/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Music: plays what is on the card. The task does the sound (music_player.c); here are the
 * handlers, which run one at a time beside it: what hands, Bluetooth and the player itself tell.
 */
#include "music_app.h"

#include <stdlib.h>
#include <string.h>

#include "audio_service/audio_events.h"
#include "bluetooth_service/bluetooth_events.h"
#include "display_service/display_events.h"
#include "input_service/input_events.h"
#include "music.h"

#define OPEN_TRIES   50
#define TRY_AGAIN_MS 200
#define KEEP_MS      60000 /* flash wears out */
#define FAILURES_MAX 8     /* tracks in a row that cannot be played */

void music_draw(music_t *m, unsigned parts)
{
    music_screen_draw(m->ctx, &m->screen, &m->list, &m->state, parts, m->now_us);
}

/* ---- what happens ------------------------------------------------------------------------------
 */

static void keep(music_t *m)
{
    music_memory_t memory = {
        .volume = m->state.volume,
        .playing = m->state.mode == MUSIC_PLAYING,
        .position_ms = m->state.position_ms,
    };
    memcpy(memory.path, m->list.playing, sizeof(memory.path));
    m->kept_ms = m->state.position_ms;
    music_memory_write(m->ctx, &memory);
}

/** The track is read to its end, or cannot be read: the next one. */
static void follow(music_t *m)
{
    if (!m->state.ended || m->state.track == m->ended) {
        return;
    }
    m->ended = m->state.track;
    m->failures = m->state.error != ESP_OK ? m->failures + 1 : 0;
    if (m->state.error != ESP_OK) {
        (void)display_toast(m->ctx,
                            m->state.error == ESP_ERR_NOT_SUPPORTED ? "This file is not played here"
                                                                    : "This file cannot be read",
                            0);
    }
    if (m->failures <= FAILURES_MAX) {
        char path[AUDIO_PATH_MAX + 1];
        if (music_list_neighbour(&m->list, 1, path)) {
            music_hands_play(m, path, MUSIC_WISH_FOLLOW);
        }
    }
}

static void on_state(const system_event_t *event, void *user_data)
{
    music_t *m = user_data;
    m->now_us = event->timestamp_us;
    const music_state_t *state = event->data;
    if (event->source != m->ctx->id ||
        !status_event_fits(state, event->data_size, MUSIC_STATE_VERSION, sizeof(*state))) {
        return;
    }
    const music_state_t before = m->state;
    m->state = *state;
    follow(m);
    const bool changed =
        before.mode != state->mode || before.track != state->track || before.error != state->error;
    if (changed || labs((long)state->position_ms - (long)m->kept_ms) >= KEEP_MS) {
        keep(m);
    }
    music_draw(m, changed ? MUSIC_DRAW_ALL : MUSIC_DRAW_PROGRESS);
}

static void on_level(const system_event_t *event, void *user_data)
{
    music_t *m = user_data;
    m->now_us = event->timestamp_us;
    const audio_level_t *level = event->data;
    if (!status_event_fits(level, event->data_size, AUDIO_EVENTS_VERSION, sizeof(*level))) {
        return;
    }
    const uint16_t now[2] = {music_screen_level(level->peak_left),
                             music_screen_level(level->peak_right)};
    bool changed = false;
    for (int i = 0; i < 2; i++) { /* it rises at once and falls by and by, as one can see it */
        const uint16_t fallen = (uint16_t)(m->screen.level[i] * 3u / 4);
        const uint16_t next = now[i] > fallen || now[i] == 0 ? now[i] : fallen;
        changed = changed || next != m->screen.level[i];
        m->screen.level[i] = next;
    }
    if (changed) {
        music_draw(m, MUSIC_DRAW_METER);
    }
}

static void on_focus(const system_event_t *event, void *user_data)
{
    music_t *m = user_data;
    m->now_us = event->timestamp_us;
    const status_focus_t *focus = event->data;
    if (status_event_fits(focus, event->data_size, STATUS_FOCUS_VERSION, sizeof(*focus))) {
        m->screen.shown = focus->app == m->ctx->id;
        music_draw(m, MUSIC_DRAW_ALL);
    }
}

static void on_display(const system_event_t *event, void *user_data)
{
    const display_state_t *state = event->data;
    music_t *m = user_data;
    m->now_us = event->timestamp_us;
    if (status_event_fits(state, event->data_size, DISPLAY_EVENTS_VERSION, sizeof(*state)) &&
        (state->width != m->screen.surface.canvas.width ||
         state->height - state->top != m->screen.surface.canvas.height)) {
        music_draw(m, MUSIC_DRAW_ALL); /* turned */
    }
}

/* ---- its life ----------------------------------------------------------------------------------
 */

static void go_on(music_t *m)
{
    music_memory_t memory;
    music_memory_read(m->ctx, &memory);
    m->state.volume = memory.volume;
    m->player.state.volume = memory.volume;
    if (memory.path[0] == '\0') {
        music_list_open(&m->list, "", NULL);
        return;
    }
    music_wish_t what = {.kind = MUSIC_WISH_PLAY, .value = memory.position_ms};
    memcpy(what.path, memory.path, sizeof(what.path));
    what.paused = memory.playing == 0;
    memcpy(m->list.playing, memory.path, sizeof(m->list.playing));
    m->kept_ms = memory.position_ms;
    music_list_show(&m->list, memory.path);
    if (m->list.error != ESP_OK) { /* another card: begin at its top */
        music_list_open(&m->list, "", NULL);
    }
    music_hands_wish(m, what);
}

/** @return false: it is to stop. Without a screen it plays all the same. */
static bool open_screen(music_t *m)
{
    esp_err_t ret = ESP_FAIL;
    for (int i = 0; i < OPEN_TRIES && ret != ESP_OK; i++) {
        ret = display_surface_open(m->ctx, "Music", &m->screen.surface);
        if (ret == ESP_ERR_NO_MEM || (ret == ESP_ERR_REQUEST_NO_HANDLER && i >= 5)) {
            break;
        }
        if (ret != ESP_OK && !m->ctx->sleep_ms(m->ctx, TRY_AGAIN_MS)) {
            return false;
        }
    }
    m->screen.open = ret == ESP_OK;
    m->screen.shown = m->screen.open;
    if (ret != ESP_OK) {
        m->ctx->log(m->ctx, ESP_LOG_WARN, "no screen: %s", system_error_to_string(ret));
    }
    return true;
}

static esp_err_t listen(music_t *m)
{
    static const struct {
        const char *name;
        system_event_handler_t handler;
    } wanted[] = {
        {MUSIC_STATE_EVENT, on_state},
        {AUDIO_LEVEL_EVENT, on_level},
        {STATUS_FOCUS_EVENT, on_focus},
        {DISPLAY_STATE_EVENT, on_display},
        {INPUT_CLICK_EVENT, music_hands_on_key},
        {INPUT_REPEAT_EVENT, music_hands_on_key},
        {INPUT_GESTURE_EVENT, music_hands_on_gesture},
        {BLUETOOTH_CONTROL_EVENT, music_hands_on_control},
    };
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        /* As a pattern: a service that this firmware lacks costs no event type. */
        const esp_err_t ret =
            m->ctx->subscribe_pattern(m->ctx, wanted[i].name, wanted[i].handler, m);
        if (ret != ESP_OK) {
            return ret;
        }
    }
    return ESP_OK;
}

static void run(music_t *m)
{
    app_context_t *ctx = m->ctx;
    if (!open_screen(m)) {
        return;
    }
    go_on(m);
    music_draw(m, MUSIC_DRAW_ALL);
    esp_err_t ret = ctx->register_event(ctx, MUSIC_STATE_EVENT, &m->player.state_type);
    if (ret == ESP_OK) {
        ret = listen(m);
    }
    if (ret != ESP_OK) {
        ctx->log(ctx, ESP_LOG_ERROR, "cannot begin: %s", system_error_to_string(ret));
        return;
    }
    while (ctx->sleep_ms(ctx, music_player_round(&m->player))) {
        /* The task does the sound alone. */
    }
    music_memory_t memory = {
        .volume = m->player.state.volume,
        .playing = m->player.state.mode == MUSIC_PLAYING,
        .position_ms = m->player.state.position_ms,
    };
    memcpy(memory.path, m->player.path, sizeof(memory.path));
    music_memory_write(ctx, &memory);
    music_player_close(&m->player);
}

static void music_app_main(app_context_t *ctx)
{
    music_t *m = ctx->alloc(ctx, sizeof(*m)); /* goes back with the app */
    if (m == NULL) {
        ctx->log(ctx, ESP_LOG_ERROR, "cannot begin: no %u bytes of memory", (unsigned)sizeof(*m));
        return;
    }
    memset(m, 0, sizeof(*m));
    m->ctx = ctx;
    m->player.ctx = ctx;
    run(m);
}

static const service_quota_t s_quota = {
    .max_events_per_sec = 200,
    .max_subscriptions = 12,
    .max_event_data_size = 256,
    .max_memory_bytes = 512 * 1024,
};

const app_manifest_t music_app_manifest = {
    .name = "music",
    .version = "1.0.0",
    .author = "Kraken-OS",
    .description = "Plays what is on the card",
    .entry_point = music_app_main,
    .stack_size = 8192,
    .handler_stack_size = 6144,
    .priority = 6,
    .restart_on_crash = true,
    .quota = &s_quota,
};
