/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An app cannot start or stop others; a launcher must. So it asks this service, which looks who
 * asks. Handlers run one at a time: the list may be static.
 */
#include "app_control_service/app_control_service.h"

#include <stddef.h>
#include <string.h>

#include "sdkconfig.h"

#include "app_control_service/app_control_events.h"
#include "esp_attr.h"
#include "esp_check.h"
#include "system_service/app_manager.h"
#include "system_service/request_response.h"

static const char *TAG = "apps";

_Static_assert(CONFIG_SYSTEM_MAX_APPS <= APP_CONTROL_APPS, "a list must hold all apps");
_Static_assert(APP_INFO_DESCRIPTION >= APP_CONTROL_DESCRIPTION, "of which a part is told");

static bool may_ask(const system_request_t *request)
{
    system_service_info_t info;
    if (request->from == SYSTEM_SERVICE_ID_NONE) {
        return true;
    }
    return system_service_get_info(request->from, &info) == ESP_OK &&
           (!info.is_app || strcmp(info.name, CONFIG_APP_CONTROL_APP) == 0);
}

static void answer(const system_request_t *request, esp_err_t status, const void *data, size_t size)
{
    const esp_err_t ret = system_request_respond(request->id, status, data, size);
    if (ret != ESP_OK && ret != ESP_ERR_REQUEST_NOT_FOUND) { /* the asker's timeout tells it */
        ESP_LOGW(TAG, "an answer is lost: %s", system_error_to_string(ret));
    }
}

static void on_list(const system_request_t *request, void *user_data)
{
    static EXT_RAM_BSS_ATTR app_info_t s_infos[APP_LIST_ROOM];
    static EXT_RAM_BSS_ATTR app_control_list_t s_list;
    size_t count = APP_LIST_ROOM;

    (void)user_data;
    if (!may_ask(request)) {
        answer(request, ESP_ERR_APP_PERMISSION_DENIED, NULL, 0);
        return;
    }
    const esp_err_t ret = app_manager_list(s_infos, &count);
    if (ret != ESP_OK) {
        answer(request, ret, NULL, 0);
        return;
    }
    memset(&s_list, 0, sizeof(s_list));
    for (size_t i = 0; i < count && i < APP_LIST_ROOM; i++) {
        app_control_app_t *app = &s_list.apps[i];
        memcpy(app->name, s_infos[i].name, sizeof(app->name));
        memcpy(app->description, s_infos[i].description, sizeof(app->description) - 1);
        app->state = (uint8_t)s_infos[i].state;
    }
    const size_t size = offsetof(app_control_list_t, apps) + count * sizeof(s_list.apps[0]);
    s_list.header.version = APP_CONTROL_VERSION;
    s_list.header.size = (uint16_t)size;
    s_list.count = (uint16_t)count;
    answer(request, ESP_OK, &s_list, size);
}

/** The name that a request is about; NULL: it is not for this asker, or says none. */
static const char *name_of(const system_request_t *request, esp_err_t *why)
{
    static app_control_request_t s_wish;
    *why = ESP_ERR_APP_PERMISSION_DENIED;
    if (!may_ask(request)) {
        return NULL;
    }
    *why = ESP_ERR_INVALID_ARG;
    if (!status_event_fits(request->data, request->data_size, APP_CONTROL_VERSION,
                           sizeof(s_wish))) {
        return NULL;
    }
    memcpy(&s_wish, request->data, sizeof(s_wish));
    return memchr(s_wish.name, '\0', sizeof(s_wish.name)) != NULL ? s_wish.name : NULL;
}

static void on_start(const system_request_t *request, void *user_data)
{
    (void)user_data;
    esp_err_t ret;
    const char *name = name_of(request, &ret);
    answer(request, name != NULL ? app_manager_start(name) : ret, NULL, 0);
}

static void on_stop(const system_request_t *request, void *user_data)
{
    (void)user_data;
    esp_err_t ret;
    app_info_t info;
    const char *name = name_of(request, &ret);
    if (name != NULL) {
        const bool itself = request->from != SYSTEM_SERVICE_ID_NONE &&
                            app_manager_get_info(name, &info) == ESP_OK && info.id == request->from;
        ret = itself ? ESP_ERR_NOT_OWNER : app_manager_stop(name);
    }
    answer(request, ret, NULL, 0);
}

static esp_err_t app_control_start(system_service_id_t id, void *arg)
{
    static const struct {
        const char *name;
        system_request_handler_t handler;
    } served[] = {
        {APP_CONTROL_LIST_REQUEST, on_list},
        {APP_CONTROL_START_REQUEST, on_start},
        {APP_CONTROL_STOP_REQUEST, on_stop},
    };
    system_event_type_t type;

    (void)arg;
    for (size_t i = 0; i < sizeof(served) / sizeof(served[0]); i++) {
        ESP_RETURN_ON_ERROR(system_event_register_type(served[i].name, &type), TAG, "type");
        ESP_RETURN_ON_ERROR(system_request_serve(id, type, served[i].handler, NULL), TAG, "serve");
    }
    return ESP_OK;
}

static const service_watchdog_config_t s_watchdog = {.timeout_ms = 5000, .auto_restart = true};
static const service_quota_t s_quota = {
    .max_events_per_sec = 50,
    .max_subscriptions = 4,
    .max_event_data_size = sizeof(app_control_list_t),
};

const system_service_descriptor_t app_control_service = {
    .name = "apps",
    .lifecycle = {.start = app_control_start},
    .watchdog = &s_watchdog,
    .quota = &s_quota,
};
