/* SPDX-License-Identifier: Apache-2.0 */
#include "kapp/kapp_manifest.h"

const char *kapp_group_name(unsigned group)
{
    static const char *const names[KAPP_GROUP_COUNT] = {
        "core", "events", "storage", "display", "audio", "input", "network", "bluetooth", "system",
    };
    return group < KAPP_GROUP_COUNT ? names[group] : "?";
}

int kapp_version_compare(kapp_version_t a, kapp_version_t b)
{
    if (a.major != b.major) {
        return a.major < b.major ? -1 : 1;
    }
    if (a.minor != b.minor) {
        return a.minor < b.minor ? -1 : 1;
    }
    return a.patch == b.patch ? 0 : a.patch < b.patch ? -1 : 1;
}
