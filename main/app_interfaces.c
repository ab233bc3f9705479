/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What installed apps may import beside the system's own list: the groups of the services that
 * this firmware has. An app that needs another one is refused by name.
 */
#include "boot_tables.h"

#include "sdkconfig.h"

#include "audio_app/audio_interface.h"
#include "display_app/display_interface.h"
#include "kapp/kapp_interface.h"

#define AS_FUNCTION(group, minor, name) {#name, (kapp_function_t)name, KAPP_GROUP_##group, minor},
#define AS_OBJECT(group, minor, name)   {#name, (kapp_function_t)&name, KAPP_GROUP_##group, minor},
#define AS_RIGHT(right, pattern)        {APP_EVENT_##right, pattern},
#define AS_VERSION(group, major, minor)                                                            \
    {                                                                                              \
        KAPP_GROUP_##group, major, minor                                                           \
    }
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#ifdef CONFIG_DISPLAY_SERVICE
static const kapp_export_t s_display_exports[] = {DISPLAY_INTERFACE_FUNCTIONS(AS_FUNCTION)
                                                      DISPLAY_INTERFACE_DATA(AS_OBJECT)};
static const app_event_right_t s_display_rights[] = {DISPLAY_INTERFACE_RIGHTS(AS_RIGHT)};
static const kapp_interface_part_t s_display = {
    .version = DISPLAY_INTERFACE_GROUP(AS_VERSION),
    .exports = s_display_exports,
    .count = COUNT(s_display_exports),
    .rights = s_display_rights,
    .right_count = COUNT(s_display_rights),
};
#endif

#ifdef CONFIG_AUDIO_SERVICE
static const kapp_export_t s_audio_exports[] = {AUDIO_INTERFACE_FUNCTIONS(AS_FUNCTION)};
static const app_event_right_t s_audio_rights[] = {AUDIO_INTERFACE_RIGHTS(AS_RIGHT)};
static const kapp_interface_part_t s_audio = {
    .version = AUDIO_INTERFACE_GROUP(AS_VERSION),
    .exports = s_audio_exports,
    .count = COUNT(s_audio_exports),
    .rights = s_audio_rights,
    .right_count = COUNT(s_audio_rights),
};
#endif

#ifdef CONFIG_INPUT_SERVICE
/* Nothing to call: what hands do comes as events, and their permission is the group. */
static const app_event_right_t s_input_rights[] = {{APP_EVENT_SUBSCRIBE, "input.*"}};
static const kapp_interface_part_t s_input = {
    .version = {KAPP_GROUP_INPUT, 1, 0},
    .rights = s_input_rights,
    .right_count = COUNT(s_input_rights),
};
#endif

static const kapp_interface_part_t *const s_parts[] = {
#ifdef CONFIG_DISPLAY_SERVICE
    &s_display,
#endif
#ifdef CONFIG_AUDIO_SERVICE
    &s_audio,
#endif
#ifdef CONFIG_INPUT_SERVICE
    &s_input,
#endif
    NULL,
};

esp_err_t app_interfaces_offer(void)
{
    esp_err_t ret = ESP_OK;
    for (size_t i = 0; s_parts[i] != NULL && ret == ESP_OK; i++) {
        ret = kapp_interface_add(s_parts[i]);
    }
    return ret;
}
