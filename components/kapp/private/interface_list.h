/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief Everything of the system itself that an installed app may import, and nothing else. What
 * components offer beside it is in lists of their own (display_interface.h, audio_interface.h, …).
 *
 * Reviewed as one list: a line here is a promise for as long as the group keeps its major number.
 *
 *   GROUP(group, major, minor)   the version of a group that this system has
 *   FUNCTION(group, minor, name) a function, and the minor number of its group that brought it
 *   REPLACED(group, minor, name, by) the same, for a name that means another function to apps
 *
 * A new function raises its group's minor number and carries it. A function that is removed, or
 * changes what it takes or gives, raises the major number. What an app reaches through its context
 * (app_manager.h) is part of group core. The heap's functions are the app's account (kapp_libc.h),
 * within its quota, and what they gave goes back with it; there is no printf, an app has no
 * terminal but its log.
 * Group storage is app_data.h: what an app stores, which is always its own.
 *
 * A new group: a line here with its version, its functions below, its number in kapp_manifest.h.
 * Nothing else: the permission, the version check and the messages follow from the number.
 */

/* clang-format off */
#define KAPP_INTERFACE_GROUPS(GROUP) \
    GROUP(CORE, 1, 0) \
    GROUP(STORAGE, 1, 0)

#define KAPP_INTERFACE_FUNCTIONS(FUNCTION, REPLACED) \
    FUNCTION(CORE, 0, memchr) \
    FUNCTION(CORE, 0, memcmp) \
    FUNCTION(CORE, 0, memcpy) \
    FUNCTION(CORE, 0, memmove) \
    FUNCTION(CORE, 0, memset) \
    FUNCTION(CORE, 0, strchr) \
    FUNCTION(CORE, 0, strcmp) \
    FUNCTION(CORE, 0, strcpy) \
    FUNCTION(CORE, 0, strlen) \
    FUNCTION(CORE, 0, strncmp) \
    FUNCTION(CORE, 0, strncpy) \
    FUNCTION(CORE, 0, strnlen) \
    FUNCTION(CORE, 0, strrchr) \
    FUNCTION(CORE, 0, strstr) \
    FUNCTION(CORE, 0, strtol) \
    FUNCTION(CORE, 0, strtoul) \
    FUNCTION(CORE, 0, snprintf) \
    FUNCTION(CORE, 0, vsnprintf) \
    REPLACED(CORE, 0, calloc, kapp_calloc) \
    REPLACED(CORE, 0, free, kapp_free) \
    REPLACED(CORE, 0, malloc, kapp_malloc) \
    REPLACED(CORE, 0, realloc, kapp_realloc) \
    REPLACED(CORE, 0, strdup, kapp_strdup) \
    REPLACED(CORE, 0, strndup, kapp_strndup) \
    REPLACED(CORE, 0, abort, kapp_abort) \
    REPLACED(CORE, 0, __assert_fail, kapp_assert_glibc) \
    REPLACED(CORE, 0, __assert_func, kapp_assert_newlib) \
    FUNCTION(CORE, 0, esp_err_to_name) \
    FUNCTION(CORE, 0, system_error_describe) \
    FUNCTION(CORE, 0, system_error_to_string) \
    FUNCTION(CORE, 0, esp_random) \
    FUNCTION(CORE, 0, vTaskDelay) \
    FUNCTION(CORE, 0, xTaskGetTickCount) \
    FUNCTION(STORAGE, 0, app_settings_get) \
    FUNCTION(STORAGE, 0, app_settings_set) \
    FUNCTION(STORAGE, 0, app_settings_erase) \
    FUNCTION(STORAGE, 0, app_file_read) \
    FUNCTION(STORAGE, 0, app_file_write) \
    FUNCTION(STORAGE, 0, app_file_remove) \
    FUNCTION(STORAGE, 0, app_file_list) \
    FUNCTION(STORAGE, 0, app_data_erase)
/* clang-format on */
