/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What a package gets of what it asks for.
 */

#include "kapp/kapp.h"
#include "kapp/kapp_interface.h"
#include "system_service/app_manager.h"

_Static_assert(KAPP_PATTERN_POST == APP_EVENT_POST && KAPP_PATTERN_SUBSCRIBE == APP_EVENT_SUBSCRIBE,
               "rights in packages are those of the app manager");

/** What the app manager is told of a package's event names. */
typedef struct {
    app_event_rights_t rights;
    app_event_right_t list[KAPP_PATTERNS_MAX + KAPP_PART_RIGHTS_MAX];
} kapp_event_rights_t;

/** Permissions that it asks for and does not get. */
uint32_t kapp_policy_denied(const kapp_manifest_t *manifest, const kapp_verdict_t *verdict);

/** Its event names, which refer to *manifest, and those of the groups that it gets. The log says
 * what it does not get. */
void kapp_policy_event_rights(const kapp_manifest_t *manifest, uint32_t denied,
                              kapp_event_rights_t *out);
