/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The launcher app, to be entered in the table of apps.
 */

#include "system_service/app_manager.h"

#ifdef __cplusplus
extern "C" {
#endif

extern const app_manifest_t launcher_app_manifest;

#ifdef __cplusplus
}
#endif
