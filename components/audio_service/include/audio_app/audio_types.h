/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What sound consists of.
 */

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** One moment of both channels: full scale is -32768..32767. */
typedef struct {
    int16_t left;
    int16_t right;
} audio_frame_t;

/** What a stream is for; it decides who steps back for whom. */
typedef enum {
    AUDIO_CATEGORY_MUSIC = 0, /**< ducks while something else sounds */
    AUDIO_CATEGORY_NOTICE,    /**< short signals, speech: the others duck for it */
    AUDIO_CATEGORIES,         /**< how many there are */
} audio_category_t;

/** Frames a second that a stream may have; besides at most twice the device's. */
#define AUDIO_RATE_MIN 4000u
#define AUDIO_RATE_MAX 96000u

/** Longest fade in ms. */
#define AUDIO_FADE_MS_MAX 60000u

#ifdef __cplusplus
}
#endif
