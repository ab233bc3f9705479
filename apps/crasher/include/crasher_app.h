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

/** @brief Names of the ways to fail, the n-th; NULL after the last. @context any  @blocks never */
const char *crasher_way_name(unsigned n);

#ifdef __cplusplus
}
#endif
