/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The display service: one screen, shared by apps under a status bar.
 *
 * Everything it can be asked is a request or an event of display_events.h; apps draw through
 * display_app/display_surface.h.
 */

#include "system_service/service_manager.h"

#ifdef __cplusplus
extern "C" {
#endif

extern const system_service_descriptor_t display_service;

#ifdef __cplusplus
}
#endif
