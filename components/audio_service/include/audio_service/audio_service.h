/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The audio service: one loudspeaker, shared by apps.
 *
 * Everything it can be asked is a request or an event of audio_events.h; apps play through
 * audio_app/audio_stream.h.
 */

#include "system_service/service_manager.h"

#ifdef __cplusplus
extern "C" {
#endif

extern const system_service_descriptor_t audio_service;

#ifdef __cplusplus
}
#endif
