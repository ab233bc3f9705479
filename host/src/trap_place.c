// SPDX-License-Identifier: Apache-2.0

// Whose code faulted, and may it hold a lock of the C library? A task inside printf() keeps the
// stream's lock for ever when it is ended there. Functions that take no lock are known by name, or
// by being the innermost frame without a name of its own: memcpy() and its kin are chosen for the
// processor when the program starts, and what was chosen is in no symbol table.

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unwind.h>
#include "trap.h"

#define RANGES 64

typedef struct {
    uintptr_t from, to;
} range_t;

/* Written before the first fault. */
static range_t s_foreign[RANGES]; // code of shared libraries
static unsigned s_foreign_count;
static range_t s_pure[RANGES]; // functions of the C library that take no lock
static unsigned s_pure_count;
static uintptr_t s_inner[RANGES]; // functions without a name that those jump to as the last thing
static unsigned s_inner_count;

static const char *const s_pure_names[] = {
    "snprintf",       "vsnprintf",       "sprintf",
    "vsprintf",       "sscanf",          "vsscanf",
    "__snprintf_chk", "__vsnprintf_chk", "__sprintf_chk",
    "__vsprintf_chk", "__isoc99_sscanf", "strtol",
    "strtoul",        "strtoll",         "strtoull",
    "strtod",         "strtof",          "atoi",
    "atol",           "strtok",          "strtok_r",
    "strncat",        "strncpy",         "bsearch",
    "memccpy",
};

static void add(range_t *list, unsigned *count, uintptr_t from, uintptr_t to)
{
    if (*count < RANGES) {
        list[(*count)++] = (range_t){from, to};
    }
}

static bool in(const range_t *list, unsigned count, uintptr_t address)
{
    for (unsigned i = 0; i < count; i++) {
        if (address >= list[i].from && address < list[i].to) {
            return true;
        }
    }
    return false;
}

static int note_module(struct dl_phdr_info *info, size_t size, void *arg)
{
    bool *first = arg; /* the program itself comes first */
    (void)size;
    for (unsigned i = 0; !*first && i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type == PT_LOAD && (p->p_flags & PF_X) != 0) {
            const uintptr_t from = info->dlpi_addr + p->p_vaddr;
            add(s_foreign, &s_foreign_count, from, from + p->p_memsz);
        }
    }
    *first = false;
    return 0;
}

#if defined(__x86_64__)

// vsnprintf() ends in a jump: what it jumps to stands in the chain of calls, and vsnprintf() does
// not.
static void note_inner(uintptr_t from, uintptr_t to)
{
    const unsigned char *jump = (const unsigned char *)to - 5;
    int32_t distance;
    if (to - from < 5 || *jump != 0xE9 || s_inner_count == RANGES) {
        return;
    }
    memcpy(&distance, jump + 1, sizeof(distance));
    const uintptr_t target = to + (uintptr_t)(intptr_t)distance;
    if (in(s_foreign, s_foreign_count, target) &&
        (uintptr_t)_Unwind_FindEnclosingFunction((void *)(target + 1)) == target) {
        s_inner[s_inner_count++] = target;
    }
}

static bool in_inner(uintptr_t address)
{
    const uintptr_t function = (uintptr_t)_Unwind_FindEnclosingFunction((void *)address);
    for (unsigned i = 0; i < s_inner_count; i++) {
        if (s_inner[i] == function) {
            return true;
        }
    }
    return false;
}

#else

static void note_inner(uintptr_t from, uintptr_t to)
{
    (void)from;
    (void)to;
}

static bool in_inner(uintptr_t address)
{
    (void)address;
    return false;
}

#endif

static void note_pure(const char *name)
{
    Dl_info info;
    const ElfW(Sym) *symbol = NULL;
    void *function = dlsym(RTLD_DEFAULT, name);
    if (function != NULL && dladdr1(function, &info, (void **)&symbol, RTLD_DL_SYMENT) != 0 &&
        symbol != NULL) {
        const uintptr_t from = (uintptr_t)info.dli_saddr;
        add(s_pure, &s_pure_count, from, from + symbol->st_size);
        note_inner(from, from + symbol->st_size);
    }
}

typedef struct {
    uintptr_t pc;
    uintptr_t *frames;
    unsigned room, count;
} walk_t;

/* Frames of the handler come first: the chain begins where the fault was. */
static _Unwind_Reason_Code step(struct _Unwind_Context *context, void *arg)
{
    walk_t *walk = arg;
    const uintptr_t ip = _Unwind_GetIP(context);
    if (ip != 0 && (walk->count != 0 || ip == walk->pc)) {
        walk->frames[walk->count++] = ip;
    }
    return walk->count < walk->room ? _URC_NO_REASON : _URC_END_OF_STACK;
}

/* ThreadSanitizer lets no second fault be caught, so the usual one is seen beforehand. */
static bool is_mapped(uintptr_t address)
{
    unsigned char unused;
    return mincore((void *)(address & ~(uintptr_t)4095), 1, &unused) == 0;
}

static void follow(void *walk)
{
    (void)_Unwind_Backtrace(step, walk);
}

unsigned trap_place_chain(uintptr_t pc, uintptr_t *frames, unsigned room)
{
    walk_t walk = {pc, frames, room, 0};
    if (is_mapped(pc)) { /* it reads the code there, and a stack that may be damaged */
        (void)trap_try(follow, &walk);
    }
    if (walk.count == 0) { /* nothing is known about code there */
        frames[0] = pc;
        walk.count = 1;
    }
    return walk.count;
}

void trap_place_init(void)
{
    bool first = true;
    uintptr_t frame;
    s_foreign_count = 0;
    s_pure_count = 0;
    s_inner_count = 0;
    (void)dl_iterate_phdr(note_module, &first);
    for (unsigned i = 0; i < sizeof(s_pure_names) / sizeof(s_pure_names[0]); i++) {
        note_pure(s_pure_names[i]);
    }
    (void)trap_place_chain((uintptr_t)trap_place_init, &frame,
                           1); /* what the first use loads is loaded now */
}

bool trap_place_may_hold_lock(const uintptr_t *frames, unsigned count)
{
    unsigned foreign = 0;
    while (foreign < count && in(s_foreign, s_foreign_count, frames[foreign])) {
        foreign++;
    }
    if (foreign == 0) {
        return false;
    }
    /* A return address may be that of the next function. */
    const uintptr_t outermost = foreign == 1 ? frames[0] : frames[foreign - 1] - 1;
    if (in(s_pure, s_pure_count, outermost) || in_inner(outermost)) {
        return false;
    }
    Dl_info info;
    const bool named = dladdr((void *)outermost, &info) != 0 && info.dli_saddr != NULL;
    return foreign == count || foreign > 1 || named;
}
