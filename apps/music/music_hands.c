/* SPDX-License-Identifier: Apache-2.0 */
/* What people want of it: fingers, keys, and peers of Bluetooth. */
#include <string.h>

#include "bluetooth_service/bluetooth_events.h"
#include "input_service/input_events.h"
#include "music.h"

#define SEEK_STEP_MS 10000
#define VOLUME_STEP  5
#define RESTART_MS   3000 /* "previous" later than this begins the track anew */
#define FINGER       10

/* ---- wishes ------------------------------------------------------------------------------------
 */

void music_hands_wish(music_t *m, music_wish_t what)
{
    if (!music_player_wish(&m->player, &what)) {
        m->ctx->log(m->ctx, ESP_LOG_WARN, "too many wishes at once: one is left out");
    }
}

void music_hands_play(music_t *m, const char *path, music_wish_kind_t kind)
{
    music_wish_t what = {.kind = (uint8_t)kind};
    (void)memcpy(what.path, path, strnlen(path, AUDIO_PATH_MAX));
    if (path != m->list.playing) {
        memcpy(m->list.playing, what.path, sizeof(m->list.playing));
    }
    music_hands_wish(m, what);
}

static void step(music_t *m, int by, music_wish_kind_t kind)
{
    char path[AUDIO_PATH_MAX + 1];
    if (by < 0 && m->state.position_ms > RESTART_MS) {
        music_hands_wish(m, (music_wish_t){.kind = MUSIC_WISH_SEEK});
    } else if (music_list_neighbour(&m->list, by, path)) {
        music_hands_play(m, path, kind);
    }
}

static void toggle(music_t *m)
{
    char path[AUDIO_PATH_MAX + 1];
    if (m->state.mode != MUSIC_STOPPED) {
        music_hands_wish(
            m, (music_wish_t){.kind = MUSIC_WISH_PAUSE, .value = m->state.mode == MUSIC_PLAYING});
    } else if (m->list.playing[0] != '\0') {
        music_hands_play(m, m->list.playing, MUSIC_WISH_PLAY);
    } else { /* what is selected */
        music_list_enter(&m->list, m->list.list.selected, path);
        if (path[0] != '\0') {
            music_hands_play(m, path, MUSIC_WISH_PLAY);
        }
    }
}

static void change_volume(music_t *m, int by)
{
    int volume = m->state.volume + by;
    volume = volume < 0 ? 0 : volume > 100 ? 100 : volume;
    m->state.volume = (uint8_t)volume; /* the next step counts from here */
    music_hands_wish(m, (music_wish_t){.kind = MUSIC_WISH_VOLUME, .value = (uint32_t)volume});
}

static void seek_by(music_t *m, int by_ms)
{
    const int64_t to = (int64_t)m->state.position_ms + by_ms;
    music_hands_wish(m,
                     (music_wish_t){.kind = MUSIC_WISH_SEEK, .value = to > 0 ? (uint32_t)to : 0});
}

static void enter(music_t *m, int row)
{
    char path[AUDIO_PATH_MAX + 1];
    music_list_enter(&m->list, row, path);
    if (path[0] != '\0') {
        music_hands_play(m, path, MUSIC_WISH_PLAY);
    }
}

/* ---- hands -------------------------------------------------------------------------------------
 */

static void tapped(music_t *m, const input_event_t *input)
{
    const display_rect_t bar = m->screen.progress;
    const display_rect_t finger = display_rect_inset(bar, -FINGER);
    if (display_rect_contains(finger, input->x, input->y)) {
        int x = input->x - bar.x;
        x = x < 0 ? 0 : x > bar.w ? bar.w : x;
        music_hands_wish(m, (music_wish_t){.kind = MUSIC_WISH_SEEK,
                                           .value = (uint32_t)((uint64_t)m->state.length_ms *
                                                               (unsigned)x / (unsigned)bar.w)});
        return;
    }
    for (int i = 0; i < 3; i++) {
        if (display_rect_contains(m->screen.buttons[i], input->x, input->y)) {
            if (i == 1) {
                toggle(m);
            } else {
                step(m, i - 1, MUSIC_WISH_PLAY);
            }
            return;
        }
    }
    enter(m, display_list_row_at(&m->list.list, input->x, input->y));
}

static const input_event_t *input_of(const system_event_t *event)
{
    const input_event_t *input = event->data;
    return status_event_fits(input, event->data_size, INPUT_EVENT_VERSION, sizeof(*input)) ? input
                                                                                           : NULL;
}

void music_hands_on_gesture(const system_event_t *event, void *user_data)
{
    music_t *m = user_data;
    m->now_us = event->timestamp_us;
    const input_event_t *input = input_of(event);
    if (input == NULL || input->focus != m->ctx->id) {
        return;
    }
    const int rows = (int)display_list_rows(&m->list.list);
    const int selected = m->list.list.selected;
    switch (input->gesture) {
    case INPUT_GESTURE_TAP:
        tapped(m, input);
        break;
    case INPUT_GESTURE_SWIPE_UP:
        display_list_select(&m->list.list, selected + rows);
        break;
    case INPUT_GESTURE_SWIPE_DOWN:
        display_list_select(&m->list.list, selected < rows ? 0 : selected - rows);
        break;
    case INPUT_GESTURE_SWIPE_LEFT:
        step(m, 1, MUSIC_WISH_PLAY);
        break;
    case INPUT_GESTURE_SWIPE_RIGHT:
        step(m, -1, MUSIC_WISH_PLAY);
        break;
    case INPUT_GESTURE_TURN:
        change_volume(m, VOLUME_STEP * input->dx);
        break;
    default:
        return;
    }
    music_draw(m, MUSIC_DRAW_ALL);
}

/** Keys of a player, whoever is in front. @return false: it is none of them */
static bool player_key(music_t *m, const input_event_t *input)
{
    switch (input->button) {
    case INPUT_BUTTON_PLAY:
        toggle(m);
        return true;
    case INPUT_BUTTON_NEXT:
        step(m, 1, MUSIC_WISH_PLAY);
        return true;
    case INPUT_BUTTON_PREVIOUS:
        step(m, -1, MUSIC_WISH_PLAY);
        return true;
    case INPUT_BUTTON_VOLUME_UP:
    case INPUT_BUTTON_VOLUME_DOWN:
        change_volume(m, input->button == INPUT_BUTTON_VOLUME_UP ? VOLUME_STEP : -VOLUME_STEP);
        return true;
    default:
        return false;
    }
}

void music_hands_on_key(const system_event_t *event, void *user_data)
{
    music_t *m = user_data;
    m->now_us = event->timestamp_us;
    const input_event_t *input = input_of(event);
    if (input == NULL) {
        return;
    }
    if (!player_key(m, input)) {
        const int selected = m->list.list.selected;
        if (input->focus != m->ctx->id) {
            return;
        }
        switch (input->button) {
        case INPUT_BUTTON_UP:
            display_list_select(&m->list.list, selected > 0 ? selected - 1 : 0);
            break;
        case INPUT_BUTTON_DOWN:
            display_list_select(&m->list.list, selected + 1);
            break;
        case INPUT_BUTTON_SELECT:
            enter(m, selected);
            break;
        case INPUT_BUTTON_BACK:
            music_list_up(&m->list);
            break;
        case INPUT_BUTTON_LEFT:
        case INPUT_BUTTON_RIGHT:
            seek_by(m, input->button == INPUT_BUTTON_LEFT ? -SEEK_STEP_MS : SEEK_STEP_MS);
            break;
        default:
            return;
        }
    }
    music_draw(m, MUSIC_DRAW_ALL);
}

/* ---- Bluetooth ---------------------------------------------------------------------------------
 */

void music_hands_on_control(const system_event_t *event, void *user_data)
{
    music_t *m = user_data;
    m->now_us = event->timestamp_us;
    const bluetooth_control_t *c = event->data;
    if (!status_event_fits(c, event->data_size, BLUETOOTH_EVENTS_VERSION, sizeof(*c))) {
        return;
    }
    const int by = (int)(c->value < 100 ? c->value : 100);
    switch (c->action) {
    case BLUETOOTH_CONTROL_PLAY:
        if (m->state.mode != MUSIC_PLAYING) {
            toggle(m);
        }
        break;
    case BLUETOOTH_CONTROL_PAUSE:
        music_hands_wish(m, (music_wish_t){.kind = MUSIC_WISH_PAUSE, .value = 1});
        break;
    case BLUETOOTH_CONTROL_TOGGLE:
        toggle(m);
        break;
    case BLUETOOTH_CONTROL_STOP:
        music_hands_wish(m, (music_wish_t){.kind = MUSIC_WISH_PAUSE, .value = 1});
        music_hands_wish(m, (music_wish_t){.kind = MUSIC_WISH_SEEK});
        break;
    case BLUETOOTH_CONTROL_NEXT:
    case BLUETOOTH_CONTROL_PREVIOUS:
        step(m, c->action == BLUETOOTH_CONTROL_NEXT ? 1 : -1, MUSIC_WISH_PLAY);
        break;
    case BLUETOOTH_CONTROL_VOLUME:
        change_volume(m, by - m->state.volume);
        break;
    case BLUETOOTH_CONTROL_LOUDER:
    case BLUETOOTH_CONTROL_QUIETER:
        change_volume(m, c->action == BLUETOOTH_CONTROL_LOUDER ? by : -by);
        break;
    case BLUETOOTH_CONTROL_SEEK:
        music_hands_wish(m, (music_wish_t){.kind = MUSIC_WISH_SEEK, .value = c->value});
        break;
    default:
        return;
    }
    music_draw(m, MUSIC_DRAW_ALL);
}
