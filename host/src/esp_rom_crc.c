// SPDX-License-Identifier: Apache-2.0

#include "esp_rom_crc.h"

uint32_t esp_rom_crc32_le(uint32_t crc, uint8_t const *buf, uint32_t len)
{
    // Four bits a step: small, and quick enough for what a PC checks.
    static const uint32_t s_nibble[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
        0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    crc = ~crc;
    for (uint32_t i = 0; i < len; i++) {
        crc = (crc >> 4) ^ s_nibble[(crc ^ buf[i]) & 15u];
        crc = (crc >> 4) ^ s_nibble[(crc ^ ((uint32_t)buf[i] >> 4)) & 15u];
    }
    return ~crc;
}
