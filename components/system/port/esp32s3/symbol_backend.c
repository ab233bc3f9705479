/* SPDX-License-Identifier: Apache-2.0 */
/* The image carries no symbol table: the number goes to addr2line, or to idf.py monitor. */
#include "symbol_backend.h"

#include <inttypes.h>
#include <stdio.h>

void symbol_backend_describe(uintptr_t address, char out[SYMBOL_TEXT_MAX])
{
    (void)snprintf(out, SYMBOL_TEXT_MAX, "0x%08" PRIxPTR, address);
}

bool symbol_backend_locate(uintptr_t address, char *out, size_t size, uint32_t *offset)
{
    (void)address;
    (void)out;
    (void)size;
    (void)offset;
    return false;
}
