// SPDX-License-Identifier: Apache-2.0

// Any bytes as a manifest. What is accepted must be in order: every string ends, every count fits.

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "kapp_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kapp_manifest_t m;
    unsigned index;
    (void)kapp_manifest_asset(data, (uint32_t)size, "a", &index);
    if (kapp_manifest_decode(data, (uint32_t)size, &m) != ESP_OK) {
        return 0;
    }
    FUZZ_CHECK(strnlen(m.id, sizeof(m.id)) < sizeof(m.id) && m.id[0] != '\0');
    FUZZ_CHECK(strnlen(m.name, sizeof(m.name)) < sizeof(m.name) && m.name[0] != '\0');
    FUZZ_CHECK(strnlen(m.author, sizeof(m.author)) < sizeof(m.author));
    FUZZ_CHECK(strnlen(m.description, sizeof(m.description)) < sizeof(m.description));
    FUZZ_CHECK(m.interface_count >= 1 && m.interface_count <= KAPP_INTERFACES_MAX);
    FUZZ_CHECK(m.pattern_count <= KAPP_PATTERNS_MAX && m.asset_count <= KAPP_ASSETS_MAX);
    FUZZ_CHECK(m.stack_size >= 2048 && m.stack_size <= 65536 && m.priority != 0);
    FUZZ_CHECK(m.permissions < 1u << KAPP_GROUP_COUNT);
    return 0;
}
