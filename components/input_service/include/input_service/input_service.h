/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The input service: buttons, touch and knob become the events of input_events.h.
 *
 * Everything it can be asked is a request of input_control.h.
 */

#include "system_service/service_manager.h"

#ifdef __cplusplus
extern "C" {
#endif

extern const system_service_descriptor_t input_service;

#ifdef __cplusplus
}
#endif
