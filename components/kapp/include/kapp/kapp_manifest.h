/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What a package says about its app.
 */

#include <stdbool.h>
#include <stdint.h>

#include "system_service/resource_quota.h"
#include "system_service/system_types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define KAPP_ID_MAX          63u /**< bytes of an id, without the final NUL */
#define KAPP_AUTHOR_MAX      47u
#define KAPP_DESCRIPTION_MAX 95u
#define KAPP_INTERFACES_MAX  8u
#define KAPP_PATTERNS_MAX    8u
#define KAPP_ASSETS_MAX      16u

/** Groups of functions; a permission to use one is bit 1 << group. Numbers are kept for ever. */
typedef enum {
    KAPP_GROUP_CORE = 0, /**< C library, log, errors, time: needs no permission */
    KAPP_GROUP_EVENTS = 1,
    KAPP_GROUP_STORAGE = 2,
    KAPP_GROUP_DISPLAY = 3,
    KAPP_GROUP_AUDIO = 4,
    KAPP_GROUP_INPUT = 5,
    KAPP_GROUP_NETWORK = 6,
    KAPP_GROUP_BLUETOOTH = 7,
    KAPP_GROUP_SYSTEM = 8,
    KAPP_GROUP_COUNT,
} kapp_group_t;

/** Three numbers, compared from left to right. */
typedef struct {
    uint16_t major, minor, patch;
} kapp_version_t;

/** An interface group that the app was built against. */
typedef struct {
    uint8_t group; /**< kapp_group_t */
    uint16_t major, minor;
} kapp_interface_t;

#define KAPP_PATTERN_POST      0x01u
#define KAPP_PATTERN_SUBSCRIBE 0x02u

/** Event names beyond the app's own that it asks for. */
typedef struct {
    uint8_t rights; /**< KAPP_PATTERN_* */
    char pattern[SYSTEM_NAME_MAX + 1];
} kapp_pattern_t;

/** All strings end with NUL and hold printable UTF-8. */
typedef struct {
    char id[KAPP_ID_MAX + 1];       /**< e.g. "com.example.clock": what makes it the same app */
    char name[SYSTEM_NAME_MAX + 1]; /**< what it is called in the system, a service name */
    char author[KAPP_AUTHOR_MAX + 1];
    char description[KAPP_DESCRIPTION_MAX + 1];
    kapp_version_t version;
    uint32_t stack_size;          /**< of its task in bytes */
    uint32_t handler_stack_size;  /**< of its handlers' worker; 0 = the default */
    uint32_t watchdog_timeout_ms; /**< 0 = the default */
    uint32_t memory_bytes;        /**< least heap that it needs to run; 0 = it does not say */
    uint32_t permissions;         /**< 1 << kapp_group_t each */
    service_quota_t quota;        /**< 0 in a field = the default */
    uint8_t priority;             /**< of its task and handlers */
    bool restart_on_crash;
    uint8_t interface_count, pattern_count, asset_count;
    kapp_interface_t interfaces[KAPP_INTERFACES_MAX];
    kapp_pattern_t patterns[KAPP_PATTERNS_MAX];
} kapp_manifest_t;

/** @brief The group's name, e.g. "storage"; "?" for an unknown one. @context any task
 *  @blocks never */
const char *kapp_group_name(unsigned group);

/** @brief Compare two versions. @context any task  @blocks never
 *  @return negative, 0 or positive, as a is older than, the same as or newer than b */
int kapp_version_compare(kapp_version_t a, kapp_version_t b);

#ifdef __cplusplus
}
#endif
