// SPDX-License-Identifier: Apache-2.0

// Records in words, with the names that the recording itself tells.

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "record_format.h"

#define NAMES     256
#define NAME_ROOM 64

static char s_types[NAMES][NAME_ROOM];
static char s_owners[NAMES][NAME_ROOM];

void record_text_learn(const record_t *r)
{
    if ((r->kind == RECORD_TYPE || r->kind == RECORD_OWNER) && r->value[0] < NAMES) {
        char *name = r->kind == RECORD_TYPE ? s_types[r->value[0]] : s_owners[r->value[0]];
        const size_t size = r->size < NAME_ROOM ? r->size : NAME_ROOM - 1;
        memcpy(name, r->bytes, size);
        name[size] = '\0';
    }
}

static const char *name_in(char names[NAMES][NAME_ROOM], uint64_t number)
{
    return number < NAMES && names[number][0] != '\0' ? names[number] : "?";
}

static int printable(const record_t *r, char *out, size_t size)
{
    size_t n = 0;
    for (uint32_t i = 0; i < r->size && n + 5 < size; i++) {
        const int step = isprint(r->bytes[i]) != 0
                             ? snprintf(out + n, size - n, "%c", r->bytes[i])
                             : snprintf(out + n, size - n, "\\x%02x", r->bytes[i]);
        n += (size_t)step;
    }
    out[n] = '\0';
    return (int)n;
}

static void describe_event(const record_t *r, char *out, size_t size)
{
    static const char *const s_lanes[] = {"CRITICAL", "HIGH", "NORMAL", "LOW"};
    const uint64_t *v = r->value;
    const uint64_t source = v[EVENT_SOURCE];
    snprintf(out, size, "%s #%" PRIu64 " \"%s\" from %s to %s, %s, subscription %" PRIu64,
             r->kind == RECORD_DELIVERED ? "delivered" : "taken out", v[EVENT_SEQUENCE],
             name_in(s_types, v[EVENT_TYPE]),
             source == 0 ? "firmware" : name_in(s_owners, source & 0xffu),
             name_in(s_owners, v[EVENT_SLOT]), v[EVENT_LANE] < 4 ? s_lanes[v[EVENT_LANE]] : "?",
             v[EVENT_SUB]);
}

void record_text_describe(const record_t *r, char *out, size_t size)
{
    char text[160];
    const uint64_t *v = r->value;
    (void)printable(r, text, sizeof(text));
    switch (r->kind) {
    case RECORD_BOOT:
        snprintf(out, size, "boot %" PRIu64 ", reset reason %" PRIu64 ", no-init memory %08" PRIx64,
                 v[BOOT_NUMBER], v[BOOT_REASON], v[BOOT_NOINIT]);
        break;
    case RECORD_FLASH:
        snprintf(out, size, "flash: %" PRIu32 " bytes at 0x%" PRIx64, r->size, v[0]);
        break;
    case RECORD_CHANNEL:
        snprintf(out, size, "source of input %" PRIu64 " is \"%s\"", v[0], text);
        break;
    case RECORD_INPUT:
        snprintf(out, size, r->size != 0 ? "input %" PRIu64 ": \"%s\"" : "input %" PRIu64 " ends%s",
                 v[0], text);
        break;
    case RECORD_RANDOM:
        snprintf(out, size, "random number 0x%08" PRIx64 " for task \"%s\"", v[0], text);
        break;
    case RECORD_TYPE:
        snprintf(out, size, "event type %" PRIu64 " is \"%s\"", v[0], text);
        break;
    case RECORD_OWNER:
        snprintf(out, size, "slot %" PRIu64 " is \"%s\"", v[0], text);
        break;
    case RECORD_DELIVERED:
    case RECORD_HANDLED:
        describe_event(r, out, size);
        break;
    case RECORD_END:
        snprintf(out, size,
                 "end: %s %" PRIu64 " after %" PRIu64 " events, %" PRIu64
                 " scheduling points, digests %016" PRIx64 " %016" PRIx64,
                 v[END_HOW] == END_EXIT ? "exit status" : "reset, reason", v[END_CODE],
                 v[END_EVENTS], v[END_POINTS], v[END_DIGEST], v[END_TRACE]);
        break;
    default:
        snprintf(out, size, "?");
        break;
    }
}
