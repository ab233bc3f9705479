/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The Bluetooth service: to be listed by main. Others talk to it by the events and requests
 *        of bluetooth_events.h.
 */

#include "system_service/service_manager.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Name "bluetooth". Without a radio it runs on, and looks for it again and again. */
extern const system_service_descriptor_t bluetooth_service;

#ifdef __cplusplus
}
#endif
