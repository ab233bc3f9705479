// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kapp_builder.h"

/**
 * A package of one program for the PC, taken apart as a packer does. It may use the events that
 * hello needs.
 * @param path  a shared object of the compiler
 * @param skip  leave that segment out; -1: none
 * @param key   NULL: unsigned
 */
kb_bytes_t program_package(const char *path, const char *name, int skip, const kb_key_t *key);

/** A whole one of any id and version. */
kb_bytes_t program_package_of(const char *path, const char *id, const char *name, unsigned major,
                              const kb_key_t *key);

/** The same with the permission to store something. */
kb_bytes_t program_package_storing(const char *path, const char *id, const char *name,
                                   unsigned major, const kb_key_t *key);

/** With other fields of its manifest, of numbers above 7, instead of that right. */
kb_bytes_t program_package_with(const char *path, const char *name, int skip, const kb_key_t *key,
                                const kb_bytes_t *fields);
