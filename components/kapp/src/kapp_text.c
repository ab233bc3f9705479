/* SPDX-License-Identifier: Apache-2.0 */
#include "kapp_internal.h"

/** The bytes that follow the first one of a character, and the least value it may stand for. */
static unsigned follow(uint8_t first, uint32_t *least, uint32_t *bits)
{
    if ((first & 0xE0) == 0xC0) {
        *least = 0x80;
        *bits = first & 0x1Fu;
        return 1;
    }
    if ((first & 0xF0) == 0xE0) {
        *least = 0x800;
        *bits = first & 0x0Fu;
        return 2;
    }
    if ((first & 0xF8) == 0xF0) {
        *least = 0x10000;
        *bits = first & 0x07u;
        return 3;
    }
    return 0;
}

bool kapp_text_printable(const uint8_t *text, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        uint32_t least, value;
        if (text[i] < 0x80) {
            if (text[i] < 0x20 || text[i] == 0x7F) {
                return false;
            }
            continue;
        }
        unsigned more = follow(text[i], &least, &value);
        if (more == 0 || more >= size - i) {
            return false;
        }
        for (; more > 0; more--) {
            i++;
            if ((text[i] & 0xC0) != 0x80) {
                return false;
            }
            value = value << 6 | (text[i] & 0x3Fu);
        }
        /* Overlong, a control character of the C1 set, a surrogate, or beyond Unicode. */
        if (value < least || value < 0xA0 || (value >= 0xD800 && value < 0xE000) ||
            value > 0x10FFFF) {
            return false;
        }
    }
    return true;
}

bool kapp_text_name(const uint8_t *text, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        const uint8_t c = text[i];
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '_' && c != '.' && c != '-') {
            return false;
        }
    }
    return size != 0;
}
