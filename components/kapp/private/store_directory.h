/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The directory of installed apps: what it says, and as what bytes it is stored.
 *
 * Every extent of the partition is in at most one list of at most one entry; one that is in none is
 * free. So there is no list of free extents that could disagree, and nothing can be lost.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sdkconfig.h"

#include "kapp/kapp.h"

/** Bytes of an extent: what is handed out of the partition. */
#define STORE_EXTENT_SIZE 65536u
/** Most extents of a partition: the number of one is a byte. */
#define STORE_EXTENTS_MAX 255u
/** Most extents of a package. */
#define STORE_PACKAGE_EXTENTS                                                                      \
    ((CONFIG_KAPP_MAX_PACKAGE_KB * 1024u + STORE_EXTENT_SIZE - 1) / STORE_EXTENT_SIZE)
/** Most extents with data of one app: twice what it may store, for a file stands beside the one
 * that it replaces, and one that is used in part. */
#define STORE_DATA_EXTENTS                                                                         \
    (2u * ((CONFIG_KAPP_APP_STORAGE_KB * 1024u + STORE_EXTENT_SIZE - 1) / STORE_EXTENT_SIZE) + 1u)

/** A package in the store. */
typedef struct {
    uint32_t size; /**< in bytes; 0: there is none */
    kapp_version_t version;
    uint8_t hash[KAPP_HASH_SIZE];   /**< as kapp_verdict_t */
    uint8_t signer[KAPP_HASH_SIZE]; /**< as kapp_verdict_t */
    char name[SYSTEM_NAME_MAX + 1]; /**< of its app */
    uint8_t count;                  /**< of extents: as many as size needs */
    uint8_t extents[STORE_PACKAGE_EXTENTS];
} store_package_t;

/** An app. Its place in the table is the number of its settings and data, so it does not move. */
typedef struct {
    char id[KAPP_ID_MAX + 1]; /**< "": the place is free */
    uint32_t birth;           /**< random: tells its data from those of who was here before */
    bool autostart;
    store_package_t current;         /**< none: only its data were kept */
    uint8_t kept_of[KAPP_HASH_SIZE]; /**< whose they are then: the signer; zeros: nobody's */
    store_package_t previous;        /**< there is one while an update is on probation */
    uint8_t data_count;
    uint8_t data[STORE_DATA_EXTENTS]; /**< extents with what it stored */
} store_entry_t;

typedef struct {
    store_entry_t entries[CONFIG_KAPP_MAX_INSTALLED];
} store_directory_t;

/** A set of extents. */
typedef struct {
    uint8_t bits[(STORE_EXTENTS_MAX + 7u) / 8u];
} store_set_t;

/* Version and count; then of each entry: place, flags, id, birth, two packages (or whose data were
 * kept, which is less), data. */
#define STORE_PACKAGE_BYTES                                                                        \
    (4u + 6u + 2u * KAPP_HASH_SIZE + 1u + SYSTEM_NAME_MAX + 1u + STORE_PACKAGE_EXTENTS)
#define STORE_ENTRY_BYTES                                                                          \
    (3u + KAPP_ID_MAX + 4u + 2u * STORE_PACKAGE_BYTES + 1u + STORE_DATA_EXTENTS)
/** Most bytes that a directory takes. */
#define STORE_BLOB_MAX (2u + CONFIG_KAPP_MAX_INSTALLED * STORE_ENTRY_BYTES)

/** @param[out] bytes room for STORE_BLOB_MAX. @return how many there are */
size_t store_directory_encode(const store_directory_t *directory, uint8_t *bytes);

/** @param extents how many the partition has
 *  @return false: these bytes are no directory, or not one of this partition */
bool store_directory_decode(const uint8_t *bytes, size_t size, unsigned extents,
                            store_directory_t *out);

/** Is there a package, of an app of this name? */
bool store_package_called(const store_package_t *package, const char *name);

/** Is this somebody's hash, and not the zeros of an unsigned package? */
bool store_directory_owned(const uint8_t signer[KAPP_HASH_SIZE]);

/** The extents that are in use. */
void store_directory_used(const store_directory_t *directory, store_set_t *out);

/** The entry of an id. @return NULL: there is none */
store_entry_t *store_directory_find(store_directory_t *directory, const char *id);

/** Add an extent to a set. @return false: it was in it */
bool store_set_add(store_set_t *set, unsigned extent);
void store_set_remove(store_set_t *set, unsigned extent);
bool store_set_has(const store_set_t *set, unsigned extent);

/** Extents that this many bytes need. */
unsigned store_extents_for(uint32_t size);
