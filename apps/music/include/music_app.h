/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The music app, to be entered in the table of apps, and what it tells.
 */

#include "system_service/app_manager.h"
#include "system_service/status_events.h"

#ifdef __cplusplus
extern "C" {
#endif

extern const app_manifest_t music_app_manifest;

/** Posted when something changes, and five times a second while it plays. */
#define MUSIC_STATE_EVENT   "music.state"
#define MUSIC_STATE_VERSION 1

typedef enum {
    MUSIC_STOPPED = 0, /**< nothing is chosen, or it is over */
    MUSIC_PLAYING,
    MUSIC_PAUSED,
} music_mode_t;

typedef struct {
    status_header_t header;
    uint8_t mode;   /**< music_mode_t */
    uint8_t volume; /**< 0..100 percent */
    bool ended;     /**< all of the track was read: the next one can follow without a gap */
    uint8_t reserved;
    uint32_t track;       /**< counts the tracks that were begun */
    uint32_t position_ms; /**< of what is heard */
    uint32_t length_ms;   /**< 0 = not known */
    int32_t error;        /**< esp_err_t: why the track is not played, ESP_OK = it is */
} music_state_t;

#ifdef __cplusplus
}
#endif
