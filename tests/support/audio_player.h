// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The audio service, one app that plays through it, and an ear at the loudspeaker, for tests in
 * virtual time. audio_player_up() and audio_player_down() are for cmocka.
 */

#include <stdbool.h>
#include <stdint.h>

#include "audio_app/audio_stream.h"
#include "audio_service/audio_events.h"
#include "sdkconfig.h"
#include "system_service/service_manager.h"

#define AUDIO_PLAYER_RATE      CONFIG_AUDIO_RATE
#define AUDIO_PLAYER_HZ        480 /* of what the app plays */
#define AUDIO_PLAYER_AMPLITUDE 10000

int audio_player_up(void **state);
int audio_player_down(void **state);

extern system_service_id_t audio_player_service;

/* ---- what is heard: since audio_player_listen(), 10 s at most ---- */

extern int16_t audio_player_heard[];
extern size_t audio_player_count;   /* frames there */
extern uint64_t audio_player_total; /* frames ever played */

/** Listen for so long. */
void audio_player_listen(uint32_t ms);
/** Listen and measure: the app's tone at its level, or nothing at all. */
bool audio_player_sounds(void);
bool audio_player_silent(void);
/** Level of the tone, and the sharpest bend of what was heard. */
double audio_player_tone(void);
int audio_player_kink(void);

/* ---- the app "player" ---- */

/** Something for it to do in its own task, with its stream. */
typedef esp_err_t (*audio_player_work_t)(app_context_t *ctx, audio_stream_t *stream);

extern audio_stream_t audio_player_stream;

/** Let it do that and wait. @return what that returned */
esp_err_t audio_player_do(audio_player_work_t work);
/** From now on it writes its tone, or nothing. */
void audio_player_play(bool on);
esp_err_t audio_player_open(app_context_t *ctx, audio_stream_t *stream);

/* ---- the service, asked by firmware ---- */

esp_err_t audio_player_ask(const char *what, const void *data, size_t size, void *answer,
                           size_t room);
audio_info_t audio_player_info(void);
void audio_player_fault(audio_fault_t which);

/** What it told last. */
extern audio_state_t audio_player_state;
extern audio_level_t audio_player_level;
/** It told this about the app's stream. */
bool audio_player_told(audio_stream_change_t change);
