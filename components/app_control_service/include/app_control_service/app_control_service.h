/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The service "apps": starts and stops apps for the one app that may ask for it.
 */

#include "system_service/service_manager.h"

#ifdef __cplusplus
extern "C" {
#endif

extern const system_service_descriptor_t app_control_service;

#ifdef __cplusplus
}
#endif
