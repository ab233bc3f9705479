// SPDX-License-Identifier: Apache-2.0

#include "esp_random.h"

#include <string.h>
#include "host_control.h"

uint32_t esp_random(void)
{
    return host_random_u32();
}

void esp_fill_random(void *buf, size_t len)
{
    uint8_t *p = buf;
    while (len > 0) {
        uint32_t word = host_random_u32();
        size_t n = len < sizeof(word) ? len : sizeof(word);
        memcpy(p, &word, n);
        p += n;
        len -= n;
    }
}
