/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory of installed apps as bytes, and back. What is read is believed as little as a
 * package is: whatever could not have been written is refused as a whole.
 */
#include "store_directory.h"

#include <string.h>

#include "kapp_format.h"
#include "kapp_internal.h"

#define BLOB_VERSION 1u

#define FLAG_AUTOSTART 0x01u
#define FLAG_CURRENT   0x02u
#define FLAG_PREVIOUS  0x04u
#define FLAG_KEPT_OF   0x08u
#define FLAGS          0x0fu

/** The rest of what is to be read. */
typedef struct {
    const uint8_t *at;
    size_t left;
    bool ok;           /* nothing was missing so far */
    unsigned extents;  /* of the partition */
    store_set_t taken; /* by what was read so far */
} reader_t;

unsigned store_extents_for(uint32_t size)
{
    return size / STORE_EXTENT_SIZE + (size % STORE_EXTENT_SIZE != 0);
}

/* ---- sets ----------------------------------------------------------------------------------- */

bool store_set_has(const store_set_t *set, unsigned extent)
{
    return (set->bits[extent / 8] >> extent % 8 & 1u) != 0;
}

bool store_set_add(store_set_t *set, unsigned extent)
{
    const bool there = store_set_has(set, extent);
    set->bits[extent / 8] |= (uint8_t)(1u << extent % 8);
    return !there;
}

void store_set_remove(store_set_t *set, unsigned extent)
{
    set->bits[extent / 8] &= (uint8_t) ~(1u << extent % 8);
}

static void add_all(store_set_t *set, const uint8_t *extents, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        (void)store_set_add(set, extents[i]);
    }
}

void store_directory_used(const store_directory_t *directory, store_set_t *out)
{
    *out = (store_set_t){0};
    for (unsigned i = 0; i < CONFIG_KAPP_MAX_INSTALLED; i++) {
        const store_entry_t *entry = &directory->entries[i];
        add_all(out, entry->current.extents, entry->current.count);
        add_all(out, entry->previous.extents, entry->previous.count);
        add_all(out, entry->data, entry->data_count);
    }
}

store_entry_t *store_directory_find(store_directory_t *directory, const char *id)
{
    for (unsigned i = 0; i < CONFIG_KAPP_MAX_INSTALLED; i++) {
        if (directory->entries[i].id[0] != '\0' && strcmp(directory->entries[i].id, id) == 0) {
            return &directory->entries[i];
        }
    }
    return NULL;
}

/* ---- writing -------------------------------------------------------------------------------- */

static uint8_t *put(uint8_t *to, const void *bytes, size_t size)
{
    memcpy(to, bytes, size);
    return to + size;
}

static uint8_t *put_u16(uint8_t *to, unsigned value)
{
    *to++ = (uint8_t)value;
    *to++ = (uint8_t)(value >> 8);
    return to;
}

/** A length and the bytes. */
static uint8_t *put_counted(uint8_t *to, const void *bytes, size_t size)
{
    *to++ = (uint8_t)size;
    return put(to, bytes, size);
}

static uint8_t *put_package(uint8_t *to, const store_package_t *package)
{
    to = put_u16(put_u16(to, package->size & 0xffffu), package->size >> 16);
    to = put_u16(to, package->version.major);
    to = put_u16(to, package->version.minor);
    to = put_u16(to, package->version.patch);
    to = put(to, package->hash, sizeof(package->hash));
    to = put(to, package->signer, sizeof(package->signer));
    to = put_counted(to, package->name, strlen(package->name));
    return put_counted(to, package->extents, package->count);
}

bool store_package_called(const store_package_t *package, const char *name)
{
    return package->size != 0 && strcmp(package->name, name) == 0;
}

bool store_directory_owned(const uint8_t signer[KAPP_HASH_SIZE])
{
    static const uint8_t nobody[KAPP_HASH_SIZE];
    return memcmp(signer, nobody, sizeof(nobody)) != 0;
}

static unsigned flags_of(const store_entry_t *entry)
{
    unsigned flags = entry->autostart ? FLAG_AUTOSTART : 0;
    flags |= entry->current.size != 0 ? FLAG_CURRENT : 0;
    flags |= entry->previous.size != 0 ? FLAG_PREVIOUS : 0;
    flags |= entry->current.size == 0 && store_directory_owned(entry->kept_of) ? FLAG_KEPT_OF : 0;
    return flags;
}

size_t store_directory_encode(const store_directory_t *directory, uint8_t *bytes)
{
    uint8_t *to = bytes + 2;
    bytes[0] = BLOB_VERSION;
    bytes[1] = 0;
    for (unsigned i = 0; i < CONFIG_KAPP_MAX_INSTALLED; i++) {
        const store_entry_t *entry = &directory->entries[i];
        if (entry->id[0] == '\0') {
            continue;
        }
        bytes[1]++;
        *to++ = (uint8_t)i;
        const unsigned flags = flags_of(entry);
        *to++ = (uint8_t)flags;
        to = put_counted(to, entry->id, strlen(entry->id));
        to = put_u16(put_u16(to, entry->birth & 0xffffu), entry->birth >> 16);
        to = entry->current.size != 0 ? put_package(to, &entry->current) : to;
        to = entry->previous.size != 0 ? put_package(to, &entry->previous) : to;
        to = (flags & FLAG_KEPT_OF) != 0 ? put(to, entry->kept_of, sizeof(entry->kept_of)) : to;
        to = put_counted(to, entry->data, entry->data_count);
    }
    return (size_t)(to - bytes);
}

/* ---- reading -------------------------------------------------------------------------------- */

/** size bytes, or zeros if there are not so many. */
static void take(reader_t *r, void *to, size_t size)
{
    if (!r->ok || r->left < size) {
        r->ok = false;
        memset(to, 0, size);
        return;
    }
    memcpy(to, r->at, size);
    r->at += size;
    r->left -= size;
}

static uint8_t take_u8(reader_t *r)
{
    uint8_t byte;
    take(r, &byte, 1);
    return byte;
}

static uint16_t take_u16(reader_t *r)
{
    uint8_t bytes[2];
    take(r, bytes, sizeof(bytes));
    return kapp_u16(bytes);
}

/** A name in an array that is zero. */
static void take_name(reader_t *r, char *to, unsigned max)
{
    const uint8_t length = take_u8(r);
    if (length == 0 || length > max) {
        r->ok = false;
        return;
    }
    take(r, to, length);
    r->ok = r->ok && kapp_text_name((const uint8_t *)to, length);
}

/** A list of extents. @return its length */
static uint8_t take_extents(reader_t *r, uint8_t *to, unsigned max)
{
    const uint8_t count = take_u8(r);
    if (count > max) {
        r->ok = false;
        return 0;
    }
    take(r, to, count);
    for (unsigned i = 0; r->ok && i < count; i++) {
        r->ok = to[i] < r->extents && store_set_add(&r->taken, to[i]);
    }
    return count;
}

static void take_package(reader_t *r, store_package_t *out)
{
    out->size = take_u16(r);
    out->size |= (uint32_t)take_u16(r) << 16;
    out->version.major = take_u16(r);
    out->version.minor = take_u16(r);
    out->version.patch = take_u16(r);
    take(r, out->hash, sizeof(out->hash));
    take(r, out->signer, sizeof(out->signer));
    take_name(r, out->name, SYSTEM_NAME_MAX);
    out->count = take_extents(r, out->extents, STORE_PACKAGE_EXTENTS);
    r->ok = r->ok && out->size != 0 && out->count == store_extents_for(out->size);
}

static void take_entry(reader_t *r, store_directory_t *directory)
{
    const uint8_t place = take_u8(r);
    const uint8_t flags = take_u8(r);
    if (place >= CONFIG_KAPP_MAX_INSTALLED || directory->entries[place].id[0] != '\0' ||
        (flags & ~FLAGS) != 0 || (flags & (FLAG_CURRENT | FLAG_PREVIOUS)) == FLAG_PREVIOUS ||
        (flags & (FLAG_CURRENT | FLAG_KEPT_OF)) == (FLAG_CURRENT | FLAG_KEPT_OF)) {
        r->ok = false;
        return;
    }
    store_entry_t *entry = &directory->entries[place];
    char id[KAPP_ID_MAX + 1] = "";
    take_name(r, id, KAPP_ID_MAX);
    r->ok = r->ok && store_directory_find(directory, id) == NULL;
    memcpy(entry->id, id, sizeof(id));
    entry->birth = take_u16(r);
    entry->birth |= (uint32_t)take_u16(r) << 16;
    entry->autostart = (flags & FLAG_AUTOSTART) != 0;
    if ((flags & FLAG_CURRENT) != 0) {
        take_package(r, &entry->current);
    }
    if ((flags & FLAG_PREVIOUS) != 0) {
        take_package(r, &entry->previous);
    }
    if ((flags & FLAG_KEPT_OF) != 0) {
        take(r, entry->kept_of, sizeof(entry->kept_of));
        r->ok = r->ok && store_directory_owned(entry->kept_of);
    }
    entry->data_count = take_extents(r, entry->data, STORE_DATA_EXTENTS);
}

bool store_directory_decode(const uint8_t *bytes, size_t size, unsigned extents,
                            store_directory_t *out)
{
    reader_t r = {.at = bytes, .left = size, .ok = true, .extents = extents};
    memset(out, 0, sizeof(*out));
    if (take_u8(&r) != BLOB_VERSION) {
        return false;
    }
    for (unsigned left = take_u8(&r); r.ok && left > 0; left--) {
        take_entry(&r, out);
    }
    return r.ok && r.left == 0;
}
