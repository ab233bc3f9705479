/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What the service "apps" can be asked. Follow app.* (common_events.h) to see what becomes
 * of it.
 *
 * Requests of the app CONFIG_APP_CONTROL_APP and of firmware; others get
 * ESP_ERR_APP_PERMISSION_DENIED.
 */

#include "system_service/status_events.h"

#ifdef __cplusplus
extern "C" {
#endif

#define APP_CONTROL_VERSION 1

#define APP_CONTROL_LIST_REQUEST  "apps.list"
#define APP_CONTROL_START_REQUEST "apps.start"
#define APP_CONTROL_STOP_REQUEST  "apps.stop"

/** apps.start, apps.stop. Answered with what app_manager_start() and app_manager_stop() return; a
 *  stop is only begun then. ESP_ERR_NOT_OWNER for stopping the asker itself. */
typedef struct {
    status_header_t header;
    char name[SYSTEM_NAME_MAX + 1];
} app_control_request_t;

/** Most apps that a list can hold. */
#define APP_CONTROL_APPS        16
#define APP_CONTROL_DESCRIPTION 48

typedef struct {
    char name[SYSTEM_NAME_MAX + 1];
    char description[APP_CONTROL_DESCRIPTION]; /**< cut */
    uint8_t state;                             /**< app_state_t of app_manager.h */
} app_control_app_t;

/** The answer to apps.list, as long as count says. */
typedef struct {
    status_header_t header;
    uint16_t count;
    app_control_app_t apps[APP_CONTROL_APPS];
} app_control_list_t;

#ifdef __cplusplus
}
#endif
