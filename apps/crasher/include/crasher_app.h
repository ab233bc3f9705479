/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The app that fails in every way there is, to be entered in the table of apps.
 */

#include "system_service/app_manager.h"

#ifdef __cplusplus
extern "C" {
#endif

extern const app_manifest_t crasher_app_manifest;

#ifdef __cplusplus
}
#endif
