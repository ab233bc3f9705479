/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief Which event names an app may use.
 */

#include "app_context_refcount.h"

/**
 * May the app do any of these (APP_EVENT_*) with this name, or all that this pattern means?
 * @context any code of the app  @blocks never
 * @return ESP_OK, also for what is no valid name; ESP_ERR_APP_PERMISSION_DENIED, and the log says
 *         what for
 */
esp_err_t app_rights_check(app_life_t *life, const char *name, uint8_t any_of);
/** As above, for a registered type. */
esp_err_t app_rights_check_type(app_life_t *life, system_event_type_t type, uint8_t any_of);
