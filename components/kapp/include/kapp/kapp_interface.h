/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What installed apps may import, in groups with versions and permissions.
 *
 * What the system itself offers is one reviewed list, private/interface_list.h; a component that
 * offers a group of its own has such a list beside its headers, and whoever composes the firmware
 * adds it (kapp_interface_add()). An app states in its manifest
 * which version of each group it was built against; it gets a group's functions only if that
 * version is here, and for every group but core only with its permission.
 */

#include <stddef.h>
#include <stdint.h>

#include "esp_err.h"

#include "kapp/kapp_manifest.h"
#include "system_service/app_manager.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Any function; called through its own type only. */
typedef void (*kapp_function_t)(void);

/** A function, or an object, that can be imported. */
typedef struct {
    const char *name;
    kapp_function_t function; /**< or the object's address */
    uint8_t group;            /**< kapp_group_t */
    uint16_t minor;           /**< of its group, that brought it */
} kapp_export_t;

/** Most functions and objects that can be imported, of all groups together. */
#define KAPP_EXPORTS_MAX 256u
/** Most event rights that come with all groups together. */
#define KAPP_PART_RIGHTS_MAX 16u

/** A group that a component offers. */
typedef struct {
    kapp_interface_t version;
    const kapp_export_t *exports; /**< all of this group */
    uint16_t count;
    /** Events that its functions post and those that belong to them: who has the group's permission
     *  needs no other one for these. */
    const app_event_right_t *rights;
    uint8_t right_count;
} kapp_interface_part_t;

/**
 * @brief Offer a group to apps.
 * @context init only, before kapp_init()  @blocks never
 * @owns    part, and what it refers to, for good
 * @return ESP_OK, or
 *  - ESP_ERR_INVALID_ARG    NULL, no such group, or one of its exports belongs to another one
 *  - ESP_ERR_INVALID_STATE  the group is offered already
 *  - ESP_ERR_NO_MEM         KAPP_EXPORTS_MAX or KAPP_PART_RIGHTS_MAX would be exceeded
 */
esp_err_t kapp_interface_add(const kapp_interface_part_t *part);

/** What there is to import. */
typedef struct {
    const kapp_export_t *exports;
    uint16_t count;
    /** Versions of the groups; major 0: this system does not have the group. */
    kapp_interface_t groups[KAPP_GROUP_COUNT];
} kapp_interface_list_t;

/** @brief The list of this system. @context any task  @blocks never */
const kapp_interface_list_t *kapp_interface_list(void);

/**
 * Decides what a package gets of the permissions that it asks for.
 * @param signed_by  SHA-256 of the signer's key; NULL: it is not signed
 * @return the permissions that are granted, 1 << kapp_group_t each
 */
typedef uint32_t (*kapp_policy_t)(const kapp_manifest_t *manifest, const uint8_t *signed_by);

/** @brief Put another policy in the place of CONFIG_KAPP_GRANT_SIGNED and _UNSIGNED; NULL: those
 *  again. Holds for packages that are registered from now on. @context init only  @blocks never */
void kapp_policy_set(kapp_policy_t policy);

/** Who imports from what. */
typedef struct {
    const kapp_interface_list_t *list;
    const kapp_manifest_t *manifest;
    uint32_t denied; /**< permissions that the policy does not grant it, 1 << kapp_group_t each */
} kapp_importer_t;

/**
 * @brief Check that this system has every interface that an app was built against.
 * @context any task  @blocks never
 * @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_LOADER_ABI_MISMATCH a group is missing, has another
 *         major number, or an older minor number: the log says which
 */
esp_err_t kapp_interface_check(const kapp_importer_t *importer);

/**
 * @brief Find a function for an app: a kapp_resolve_t, whose arg is a kapp_importer_t.
 *
 * Found by hash and confirmed by name in the system's own list; another list is searched.
 *
 * @context any task  @blocks never
 * @return ESP_OK, or
 *  - ESP_ERR_NOT_FOUND               nothing of that name can be imported
 *  - ESP_ERR_LOADER_ABI_MISMATCH     it came with a later version than the app was built against,
 *                                    or the app does not state its group
 *  - ESP_ERR_APP_PERMISSION_DENIED   the manifest does not ask for the group's permission, or the
 *                                    policy does not grant it: the log says which
 */
esp_err_t kapp_interface_resolve(void *arg, const char *name, uintptr_t *address);

#ifdef __cplusplus
}
#endif
