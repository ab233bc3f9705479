/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names that outlive a reset. A record holds the number of a name; an entry says since which record
 * the number means this name, so that records older than that are not put in the wrong mouth.
 *
 * Event types are not kept by name: a record holds 16 bits of the name's hash, and the type of the
 * present firmware that has the same is meant. (Of 64 types, two share a tag once in 32 systems.)
 */
#include "flight_recorder_internal.h"

#include <string.h>

#include "esp_attr.h"

#include "event_internal.h"

#ifdef CONFIG_SYSTEM_RECORDER

#define NAMES CONFIG_SYSTEM_RECORDER_NAMES
_Static_assert(NAMES >= SYSTEM_SLOTS,
               "raise SYSTEM_RECORDER_NAMES: every service and app needs its name");
_Static_assert(NAMES <= 255, "a name's number is one byte, and 0 is none");

typedef struct {
    char name[SYSTEM_NAME_MAX + 1];
    uint32_t since; /* sequence number from which on it has this number */
    uint32_t check;
} entry_t;
#define CHECKED_WORDS (offsetof(entry_t, check) / sizeof(uint32_t))

static RTC_NOINIT_ATTR entry_t s_names[NAMES];

/* Protects s_names and flight_subjects against writers; a leaf. A name in use does not change. */
static portMUX_TYPE s_lock = portMUX_INITIALIZER_UNLOCKED;
_Atomic uint8_t flight_subjects[SYSTEM_SLOTS];
_Atomic uint16_t flight_tags[CONFIG_SYSTEM_MAX_EVENT_TYPES];

static uint32_t checksum(const entry_t *entry)
{
    uint32_t words[CHECKED_WORDS];
    memcpy(words, entry, sizeof(words));
    return flight_checksum(words, CHECKED_WORDS);
}

void flight_names_init(bool erase)
{
    for (unsigned i = 0; i < NAMES; i++) {
        if (erase || s_names[i].check != checksum(&s_names[i])) {
            memset(&s_names[i], 0, sizeof(s_names[i]));
        }
    }
}

void flight_names_forget_owners(void)
{
    for (unsigned slot = 0; slot < SYSTEM_SLOTS; slot++) {
        atomic_store(&flight_subjects[slot], 0);
    }
}

/* ---- names ---------------------------------------------------------------------------------- */

static bool in_use_locked(unsigned number)
{
    for (unsigned slot = 0; slot < SYSTEM_SLOTS; slot++) {
        if (atomic_load_explicit(&flight_subjects[slot], memory_order_relaxed) == number) {
            return true;
        }
    }
    return false;
}

/** The entry that has the name, else an empty one, else the oldest that no slot uses. */
static entry_t *find_locked(const char *name)
{
    entry_t *best = NULL;
    for (unsigned i = 0; i < NAMES; i++) {
        entry_t *entry = &s_names[i];
        if (strcmp(entry->name, name) == 0) {
            return entry;
        }
        if (entry->name[0] == '\0') {
            best = best == NULL || best->name[0] != '\0' ? entry : best;
        } else if ((best == NULL ||
                    (best->name[0] != '\0' && (int32_t)(entry->since - best->since) < 0)) &&
                   !in_use_locked(i + 1)) {
            best = entry;
        }
    }
    return best;
}

static uint8_t enter_locked(const char *name, uint32_t sequence)
{
    entry_t *entry = find_locked(name);
    if (entry == NULL) {
        return 0;
    }
    if (strcmp(entry->name, name) != 0) {
        memset(entry, 0,
               sizeof(*entry)); /* a reset from here on leaves an entry without checksum */
        system_copy_name(entry->name, name);
        entry->since = sequence;
        entry->check = checksum(entry);
    }
    return (uint8_t)(entry - s_names + 1);
}

void flight_names_attach(unsigned slot, const char *name, uint32_t sequence)
{
    portENTER_CRITICAL(&s_lock);
    atomic_store(&flight_subjects[slot], 0); /* its last owner's name may go */
    atomic_store(&flight_subjects[slot], enter_locked(name, sequence));
    portEXIT_CRITICAL(&s_lock);
}

uint8_t flight_subject_of(const char *name, uint32_t sequence)
{
    if (name[0] == '\0') {
        return 0;
    }
    portENTER_CRITICAL(&s_lock);
    const uint8_t subject = enter_locked(name, sequence);
    portEXIT_CRITICAL(&s_lock);
    return subject;
}

bool flight_name(uint8_t subject, uint32_t sequence, char out[SYSTEM_NAME_MAX + 1])
{
    if (subject == 0 || subject > NAMES) {
        return false;
    }
    portENTER_CRITICAL(&s_lock);
    const entry_t *entry = &s_names[subject - 1];
    const bool known = entry->name[0] != '\0' && (int32_t)(sequence - entry->since) >= 0;
    if (known) {
        system_copy_name(out, entry->name);
    }
    portEXIT_CRITICAL(&s_lock);
    return known;
}

/* ---- tags ----------------------------------------------------------------------------------- */

void flight_tag_register(system_event_type_t type, const char *name)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (; *name != '\0'; name++) {
        hash = (hash ^ (uint8_t)*name) * 16777619u;
    }
    const uint16_t tag = (uint16_t)(hash ^ hash >> 16);
    atomic_store_explicit(&flight_tags[type - 1], tag != 0 ? tag : 1, memory_order_relaxed);
}

system_event_type_t flight_tag_type(uint16_t tag)
{
    for (unsigned i = 0; tag != 0 && i < event_types_count(); i++) {
        if (atomic_load_explicit(&flight_tags[i], memory_order_relaxed) == tag) {
            return (system_event_type_t)(i + 1);
        }
    }
    return SYSTEM_EVENT_TYPE_NONE;
}

#endif
