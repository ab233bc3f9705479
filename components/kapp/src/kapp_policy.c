/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a package gets of what it asks for.
 */
#include "kapp_policy.h"

#include <stdatomic.h>

#include "esp_log.h"
#include "sdkconfig.h"

#include "kapp_internal.h"

static const char *TAG = "kapp";

static _Atomic(kapp_policy_t) s_policy;

static uint32_t by_signature(const kapp_manifest_t *manifest, const uint8_t *signed_by)
{
    (void)manifest;
    return signed_by != NULL ? CONFIG_KAPP_GRANT_SIGNED : CONFIG_KAPP_GRANT_UNSIGNED;
}

void kapp_policy_set(kapp_policy_t policy)
{
    atomic_store(&s_policy, policy);
}

uint32_t kapp_policy_denied(const kapp_manifest_t *manifest, const kapp_verdict_t *verdict)
{
    const kapp_policy_t policy = atomic_load(&s_policy);
    const uint8_t *signed_by = verdict->is_signed ? verdict->signer : NULL;
    return manifest->permissions & ~(policy != NULL ? policy : by_signature)(manifest, signed_by);
}

static void log_denied(const kapp_manifest_t *manifest, uint32_t denied)
{
    for (unsigned group = 0; group < KAPP_GROUP_COUNT; group++) {
        if ((denied & 1u << group) != 0) {
            ESP_LOGW(TAG, "%s asks for the permission '%s', which it is not granted",
                     manifest->name, kapp_group_name(group));
        }
    }
}

void kapp_policy_event_rights(const kapp_manifest_t *manifest, uint32_t denied,
                              kapp_event_rights_t *out)
{
    const bool granted = (manifest->permissions & ~denied & 1u << KAPP_GROUP_EVENTS) != 0;
    log_denied(manifest, denied);
    if (!granted && manifest->pattern_count != 0) {
        ESP_LOGW(TAG, "%s may use events of its own only: the others need the permission 'events'",
                 manifest->name);
    }
    out->rights = (app_event_rights_t){
        .list = out->list,
        .count = granted ? manifest->pattern_count : 0,
    };
    for (unsigned i = 0; i < out->rights.count; i++) {
        out->list[i] =
            (app_event_right_t){manifest->patterns[i].rights, manifest->patterns[i].pattern};
    }
    for (unsigned group = 0; group < KAPP_GROUP_COUNT; group++) {
        const kapp_interface_part_t *part = kapp_interface_part(group);
        if (part != NULL && (manifest->permissions & ~denied & 1u << group) != 0) {
            for (unsigned i = 0; i < part->right_count; i++) {
                out->list[out->rights.count++] = part->rights[i];
            }
        }
    }
}
