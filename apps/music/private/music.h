/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What the files of the app share, grouped by the file that defines it.
 *
 * Two sides that never wait for each other: the app's task reads files and writes frames, so that
 * sound goes on whatever the screen does; the handlers see to hands and screen. Wishes go one way
 * through a queue, what became of them comes back as music.state. Both sides lie in one block of
 * memory that is the app's.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "audio_app/audio_stream.h"
#include "audio_app/audio_track.h"
#include "display_app/display_surface.h"
#include "display_app/display_widgets.h"
#include "music_app.h"

#define MUSIC_ENTRIES 128 /* of a folder; what is beyond is not shown */
#define MUSIC_WISHES  8
#define MUSIC_CHUNK   512 /* frames */
#define MUSIC_TITLE   96

/* ---- music_player.c: files to sound; in the app's task ----------------------------------------
 */

typedef enum {
    MUSIC_WISH_PLAY = 0, /**< path from value ms; now, and what sounds is forgotten */
    MUSIC_WISH_FOLLOW,   /**< path, when the one before is over */
    MUSIC_WISH_PAUSE,    /**< value: 0 go on, 1 pause */
    MUSIC_WISH_SEEK,     /**< value: ms from the beginning */
    MUSIC_WISH_VOLUME,   /**< value: percent */
} music_wish_kind_t;

typedef struct {
    uint8_t kind;
    bool paused; /* of MUSIC_WISH_PLAY: stand there and wait */
    uint32_t value;
    char path[AUDIO_PATH_MAX + 1];
} music_wish_t;

typedef struct {
    app_context_t *ctx;
    system_event_type_t state_type;
    /* From handlers to the task: one writes, one reads. */
    music_wish_t wishes[MUSIC_WISHES];
    _Atomic uint32_t wished;
    _Atomic uint32_t heard;

    audio_stream_t stream;
    uint32_t stream_rate; /* 0 = not open */
    uint32_t written;     /* frames, to this stream */
    audio_track_t *track;
    audio_track_info_t info;
    char path[AUDIO_PATH_MAX + 1];
    bool flush;         /* what was written is to be forgotten */
    bool drained;       /* it was said that nothing more comes */
    uint8_t volume_set; /* what the stream has; else the next round tries again */
    bool paused_set;
    music_state_t told;
    music_state_t state;
    uint32_t untold_ms; /* since it was told */
    audio_frame_t chunk[MUSIC_CHUNK];
    size_t chunk_at;
    size_t chunk_filled;
} music_player_t;

/** From a handler: let the player do something. @return false: too much is waiting */
bool music_player_wish(music_player_t *player, const music_wish_t *wish);
/** One round: take wishes, write what there is room for, tell. @return ms until the next one */
uint32_t music_player_round(music_player_t *player);
void music_player_close(music_player_t *player);

/* ---- music_list.c: the folder; in handlers ----------------------------------------------------
 */

typedef struct {
    char folder[AUDIO_PATH_MAX + 1];
    audio_entry_t entries[MUSIC_ENTRIES];
    unsigned count;
    esp_err_t error;                  /* why there are none */
    char playing[AUDIO_PATH_MAX + 1]; /* the track that was chosen; "" = none */
    display_list_t list;
} music_list_t;

/** Show a folder, with this name selected if it is there. */
void music_list_open(music_list_t *list, const char *folder, const char *selected);
/** Rows that are shown: the way up, and entries. */
void music_list_enter(music_list_t *list, int row, char path[AUDIO_PATH_MAX + 1]);
void music_list_up(music_list_t *list);
/** The track before or behind the one that plays, in its folder. @return false: there is none */
bool music_list_neighbour(const music_list_t *list, int step, char path[AUDIO_PATH_MAX + 1]);
/** Let the list be where a path is. */
void music_list_show(music_list_t *list, const char *path);
/** The last part of a path, without its ending. */
void music_list_title(const char *path, char title[MUSIC_TITLE]);

/* ---- music_memory.c: where it was --------------------------------------------------------------
 */

typedef struct {
    uint8_t version;
    uint8_t volume;
    uint8_t playing;
    uint8_t reserved;
    uint32_t position_ms;
    char path[AUDIO_PATH_MAX + 1];
} music_memory_t;

void music_memory_read(app_context_t *ctx, music_memory_t *memory);
void music_memory_write(app_context_t *ctx, const music_memory_t *memory);

/* ---- music_screen.c: how it looks; in handlers ------------------------------------------------
 */

enum {
    MUSIC_DRAW_METER = 1 << 0,
    MUSIC_DRAW_PROGRESS = 1 << 1,
    MUSIC_DRAW_ALL = 1 << 2,
};

typedef struct {
    display_surface_t surface;
    bool open;
    bool shown;              /* it is in front: else nothing is drawn */
    bool owed;               /* a commit failed: all is to be drawn again, ... */
    int64_t owed_us;         /* ... but not before this */
    uint16_t level[2];       /* thousandths of what is shown */
    display_rect_t panel;    /* everything below the list */
    display_rect_t progress; /* where a finger seeks */
    display_rect_t buttons[3];
} music_screen_t;

/** Draw some parts of it and show them. @param now_us when the event came that this is for */
void music_screen_draw(app_context_t *ctx, music_screen_t *screen, music_list_t *list,
                       const music_state_t *state, unsigned parts, int64_t now_us);
/** Where things are, for fingers; the same as what is drawn. */
void music_screen_lay_out(music_screen_t *screen, music_list_t *list);
/** A linear peak as thousandths of the meter. */
uint16_t music_screen_level(uint16_t peak);

/* ---- music_app.c: its life, and what it is told -----------------------------------------------
 */

typedef struct music {
    app_context_t *ctx;
    music_player_t player;
    /* Of handlers alone, once they run. */
    music_list_t list;
    music_screen_t screen;
    music_state_t state;
    uint32_t ended;    /* track whose end was seen to */
    uint32_t failures; /* in a row */
    uint32_t kept_ms;  /* position that was kept */
    int64_t now_us;    /* when the event came that is worked on */
} music_t;

/** Draw what changed; from handlers. */
void music_draw(music_t *m, unsigned parts);

/* ---- music_hands.c: what people want; in handlers ---------------------------------------------
 */

void music_hands_wish(music_t *m, music_wish_t what);
/** Play or follow with a track. */
void music_hands_play(music_t *m, const char *path, music_wish_kind_t kind);
void music_hands_on_gesture(const system_event_t *event, void *user_data);
void music_hands_on_key(const system_event_t *event, void *user_data);
void music_hands_on_control(const system_event_t *event, void *user_data);
