/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which event names an app may use. Everybody's own are those that begin with its name and a dot;
 * beyond them, an app that came out of a package has what was granted to it, and an app of the
 * firmware has all.
 */
#include <inttypes.h>
#include <string.h>

#include "esp_log.h"

#include "app_lifecycle.h"
#include "app_rights.h"

#ifdef CONFIG_SYSTEM_APPS

static const char *TAG = "app_manager";

#define REFUSALS_LOGGED 4u

static bool is_own(const char *app, const char *name, size_t length)
{
    const size_t own = strlen(app);
    return length >= own && memcmp(name, app, own) == 0 && (length == own || name[own] == '.');
}

/** All that name or pattern means is within what is granted. */
static bool covers(const char *granted, const char *name, size_t length)
{
    const size_t whole = strlen(granted);
    if (whole != 0 && granted[whole - 1] == '*') {
        return length >= whole - 1 && memcmp(name, granted, whole - 1) == 0;
    }
    return length == whole && memcmp(name, granted, whole) == 0;
}

static bool is_granted(const app_event_rights_t *rights, const char *name, size_t length,
                       uint8_t any_of)
{
    for (unsigned i = 0; i < rights->count; i++) {
        if ((rights->list[i].rights & any_of) != 0 &&
            covers(rights->list[i].pattern, name, length)) {
            return true;
        }
    }
    return false;
}

static esp_err_t refuse(app_life_t *life, const char *name, uint8_t any_of)
{
    /* An app that asks again and again shall not fill the log. */
    if (atomic_fetch_add(&life->refusals, 1) < REFUSALS_LOGGED) {
        ESP_LOGE(TAG,
                 "%s may not %s '%s': its manifest would have to ask for it, and be granted it",
                 app_at(life->app)->manifest->name,
                 any_of == APP_EVENT_POST        ? "post"
                 : any_of == APP_EVENT_SUBSCRIBE ? "subscribe to"
                                                 : "use",
                 name);
    }
    return ESP_ERR_APP_PERMISSION_DENIED;
}

esp_err_t app_rights_check(app_life_t *life, const char *name, uint8_t any_of)
{
    const app_manifest_t *manifest = app_at(life->app)->manifest;
    if (manifest->event_rights == NULL || name == NULL) {
        return ESP_OK; /* what is no name at all is refused further on */
    }
    const size_t length = strnlen(name, SYSTEM_NAME_MAX + 1);
    if (length > SYSTEM_NAME_MAX) {
        return ESP_OK; /* likewise */
    }
    return is_own(manifest->name, name, length) ||
                   is_granted(manifest->event_rights, name, length, any_of)
               ? ESP_OK
               : refuse(life, name, any_of);
}

esp_err_t app_rights_check_type(app_life_t *life, system_event_type_t type, uint8_t any_of)
{
    if (app_at(life->app)->manifest->event_rights == NULL || !event_type_known(type)) {
        return ESP_OK;
    }
    return app_rights_check(life, event_type_name(type), any_of);
}

#endif
