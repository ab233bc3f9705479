// SPDX-License-Identifier: Apache-2.0

// Any bytes as advertising data. A name that is found can be shown, and ends; what is not found
// leaves the caller's alone.

#include <string.h>

#include "bluetooth_ad.h"
#include "bluetooth_table.h"
#include "fuzz.h"

static void check_name(const char name[BLUETOOTH_NAME])
{
    const size_t length = strnlen(name, BLUETOOTH_NAME);
    FUZZ_CHECK(length < BLUETOOTH_NAME);
    for (size_t i = 0; i < length; i++) {
        FUZZ_CHECK((unsigned char)name[i] >= ' ' && name[i] != 0x7f);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char name[BLUETOOTH_NAME] = "before";
    bool kraken = false;
    bluetooth_ad_read(data, size, &kraken, name);
    check_name(name);
    FUZZ_CHECK(!kraken || memmem(data, size, gatt_kraken_uuid.bytes, 16) != NULL);
    FUZZ_CHECK(size >= 2 || (!kraken && strcmp(name, "before") == 0));
    return 0;
}
