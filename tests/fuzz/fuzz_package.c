// SPDX-License-Identifier: Apache-2.0

// Any bytes as a package: opened, its manifest decoded, every section unpacked. No signature is
// looked at, so that nothing keeps the fuzzer out.

#include <stdlib.h>
#include <string.h>

#include "kapp/kapp.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kapp_t package;
    kapp_manifest_t manifest;
    kapp_code_t code;
    const kapp_section_t *asset;
    const kapp_source_t source = kapp_source_memory(data, (uint32_t)size);
    if (kapp_open(&package, &source) != ESP_OK) {
        return 0;
    }
    (void)kapp_read_manifest(&package, &manifest);
    (void)kapp_find_asset(&package, "a", &asset);
    (void)kapp_find_code(&package, KAPP_TARGET_XTENSA_ESP32S3, &code);
    for (unsigned i = 0; i < package.count; i++) {
        uint8_t *to = malloc(package.sections[i].size);
        (void)kapp_load_section(&package, &package.sections[i], to);
        free(to);
    }
    return 0;
}
