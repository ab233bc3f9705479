/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names from the program's own symbol table, through elfutils' libdwfl: it knows static functions,
 * which dladdr() does not, and position-independent programs.
 */
#include "symbol_backend.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include <elfutils/libdwfl.h>

static Dwfl *s_dwfl;
static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER; /* libdwfl is not thread-safe */

static Dwfl *open_self(void)
{
    static char *no_debug_path = NULL;
    static const Dwfl_Callbacks callbacks = {
        .find_elf = dwfl_linux_proc_find_elf,
        .find_debuginfo = dwfl_standard_find_debuginfo,
        .debuginfo_path = &no_debug_path,
    };
    Dwfl *dwfl = dwfl_begin(&callbacks);
    if (dwfl != NULL &&
        (dwfl_linux_proc_report(dwfl, getpid()) != 0 || dwfl_report_end(dwfl, NULL, NULL) != 0)) {
        dwfl_end(dwfl);
        dwfl = NULL;
    }
    return dwfl;
}

/* Lock held. */
static const char *find_locked(uintptr_t address, GElf_Off *offset)
{
    GElf_Sym symbol;
    if (s_dwfl == NULL) {
        s_dwfl = open_self();
    }
    Dwfl_Module *module = s_dwfl ? dwfl_addrmodule(s_dwfl, address) : NULL;
    return module ? dwfl_module_addrinfo(module, address, offset, &symbol, NULL, NULL, NULL) : NULL;
}

bool symbol_backend_locate(uintptr_t address, char *out, size_t size, uint32_t *offset)
{
    GElf_Off distance = 0;
    pthread_mutex_lock(&s_lock);
    const char *name = find_locked(address, &distance);
    if (name != NULL) {
        (void)snprintf(out, size, "%s", name);
        *offset = (uint32_t)distance;
    }
    pthread_mutex_unlock(&s_lock);
    return name != NULL;
}

void symbol_backend_describe(uintptr_t address, char out[SYMBOL_TEXT_MAX])
{
    char name[SYMBOL_TEXT_MAX - 2];
    uint32_t offset;
    if (symbol_backend_locate(address, name, sizeof(name), &offset)) {
        (void)snprintf(out, SYMBOL_TEXT_MAX, "%s()", name);
    } else {
        (void)snprintf(out, SYMBOL_TEXT_MAX, "0x%08" PRIxPTR, address);
    }
}
