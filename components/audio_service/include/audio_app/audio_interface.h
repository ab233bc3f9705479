/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief Everything of the audio service that an app may call, as one list: the interface group
 * "audio", version 1.0. What a list of exports is made from.
 *
 *   GROUP(group, major, minor)   the version of the group
 *   FUNCTION(group, minor, name) a function, and the minor number of the group that brought it
 *   RIGHT(rights, pattern)       events that come with the group
 */

#include "audio_app/audio_stream.h"
#include "audio_app/audio_track.h"

/* clang-format off */
#define AUDIO_INTERFACE_GROUP(GROUP) \
    GROUP(AUDIO, 1, 0)

#define AUDIO_INTERFACE_RIGHTS(RIGHT) \
    RIGHT(POST, "audio.open") \
    RIGHT(POST, "audio.control") \
    RIGHT(POST, "audio.wake") \
    RIGHT(POST, "audio.tone") \
    RIGHT(SUBSCRIBE, "audio.state") \
    RIGHT(SUBSCRIBE, "audio.level") \
    RIGHT(SUBSCRIBE, "audio.stream")

#define AUDIO_INTERFACE_FUNCTIONS(FUNCTION) \
    FUNCTION(AUDIO, 0, audio_stream_open) \
    FUNCTION(AUDIO, 0, audio_stream_write) \
    FUNCTION(AUDIO, 0, audio_stream_room) \
    FUNCTION(AUDIO, 0, audio_stream_position) \
    FUNCTION(AUDIO, 0, audio_stream_set_volume) \
    FUNCTION(AUDIO, 0, audio_stream_pause) \
    FUNCTION(AUDIO, 0, audio_stream_flush) \
    FUNCTION(AUDIO, 0, audio_stream_drain) \
    FUNCTION(AUDIO, 0, audio_stream_close) \
    FUNCTION(AUDIO, 0, audio_tone) \
    FUNCTION(AUDIO, 0, audio_folder_list) \
    FUNCTION(AUDIO, 0, audio_track_open) \
    FUNCTION(AUDIO, 0, audio_track_get_info) \
    FUNCTION(AUDIO, 0, audio_track_read) \
    FUNCTION(AUDIO, 0, audio_track_seek) \
    FUNCTION(AUDIO, 0, audio_track_position) \
    FUNCTION(AUDIO, 0, audio_track_close)
/* clang-format on */
