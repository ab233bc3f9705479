/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief Everything of the audio service that an app may call, as one list: the interface group
 * "audio", version 1.0. What a list of exports is made from.
 *
 *   FUNCTION(group, minor, name) a function, and the minor number of the group that brought it
 */

#include "audio_app/audio_stream.h"

/* clang-format off */
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
    FUNCTION(AUDIO, 0, audio_tone)
/* clang-format on */
