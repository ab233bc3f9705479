/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief App packages (.kapp): reading, checking and unpacking one.
 *
 * docs/KAPP_FORMAT.md describes the format byte by byte. A package is read through a source, a
 * function that gives any part of it, so it can lie in a file, in a flash partition or in memory.
 * Nothing in it is believed: every length and offset is checked before it is used, and a package
 * whose bytes could be understood in two ways is refused.
 *
 * The order of use: kapp_open(), kapp_verify(), and only then kapp_read_manifest() and
 * kapp_load_section(). The later calls are safe on a package that was not verified; what they give
 * is then nobody's word.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "esp_err.h"

#include "kapp/kapp_manifest.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Most sections that a package may have. */
#define KAPP_SECTIONS_MAX 48u
/** Most segments that a program may have. */
#define KAPP_SEGMENTS_MAX 8u
/** Largest head of a program (its ELF header and program headers) in bytes. */
#define KAPP_HEAD_MAX 1024u
/** Bytes of a SHA-256. */
#define KAPP_HASH_SIZE 32u
/** Bytes of a public key: an uncompressed point of P-256. */
#define KAPP_PUBLIC_KEY_SIZE 65u
/** Bytes of a signature: r and s. */
#define KAPP_SIGNATURE_SIZE 64u

/** Where the bytes of a package come from. */
typedef struct {
    /** Give size bytes from offset on; never called for bytes behind the size below.
     *  @return ESP_OK, or any error, which the kapp call then returns */
    esp_err_t (*read)(void *arg, uint32_t offset, void *to, size_t size);
    void *arg;
    uint32_t size; /**< bytes there are */
} kapp_source_t;

/** Processor and system that a program was built for. */
typedef enum {
    KAPP_TARGET_XTENSA_ESP32S3 = 1,
    KAPP_TARGET_X86_64_LINUX = 2,
} kapp_target_t;

typedef enum {
    KAPP_SECTION_MANIFEST = 1, /**< exactly one, the first */
    KAPP_SECTION_HEAD = 2,     /**< of a program; its segments follow it directly */
    KAPP_SECTION_SEGMENT = 3,  /**< the next loadable segment of the program before it */
    KAPP_SECTION_ASSET = 4,    /**< named by the manifest, in the same order */
    KAPP_SECTION_ICON = 5,     /**< at most one */
} kapp_section_type_t;

typedef struct {
    uint32_t offset; /**< of its stored bytes in the package */
    uint32_t stored; /**< bytes in the package */
    uint32_t size;   /**< bytes once unpacked */
    uint8_t type;    /**< kapp_section_type_t */
    bool compressed; /**< stored as a zlib stream */
    uint16_t target; /**< head and segment: kapp_target_t; else 0 */
} kapp_section_t;

/** A package that was opened. To be read only; no more valid than its source. */
typedef struct {
    kapp_source_t source;
    uint32_t size;
    uint32_t signature_offset; /**< of the signature block */
    uint16_t count;            /**< of sections */
    kapp_section_t sections[KAPP_SECTIONS_MAX];
} kapp_t;

/** The program of a package for one target. */
typedef struct {
    const kapp_section_t *head;
    const kapp_section_t *segments; /**< the first of segment_count */
    unsigned segment_count;
} kapp_code_t;

/** What kapp_verify() found out. */
typedef struct {
    uint8_t hash[KAPP_HASH_SIZE];   /**< SHA-256 of all but the signature value */
    uint8_t signer[KAPP_HASH_SIZE]; /**< SHA-256 of the signer's public key; zeros: unsigned */
    bool is_signed;
} kapp_verdict_t;

/**
 * @brief Get ready for the other calls: the cryptography and the trust store.
 *
 * nvs_flash_init() must have been called. Calling it again does nothing.
 *
 * @context init only  @blocks on a flash read
 * @return ESP_OK, or
 *  - ESP_ERR_KAPP_KEYS_DAMAGED  the trust store cannot be read; packages can, nobody is trusted
 *  - ESP_ERR_NO_MEM             the cryptography did not get its memory
 *  - ESP_ERR_INVALID_STATE      the cryptography has no source of random numbers
 */
esp_err_t kapp_init(void);

/**
 * @brief Read the header and the section table of a package and check both completely.
 *
 * @context any task  @blocks as the source does
 * @owns    *source is copied; what it refers to must outlive *out
 * @return ESP_OK, an error of the source, or
 *  - ESP_ERR_INVALID_ARG        out, source or its function is NULL
 *  - ESP_ERR_KAPP_NOT_A_PACKAGE it does not begin like one
 *  - ESP_ERR_KAPP_VERSION       a format version that is not known
 *  - ESP_ERR_KAPP_TRUNCATED     the source has less than the package announces
 *  - ESP_ERR_KAPP_TRAILING      the source has more than that
 *  - ESP_ERR_KAPP_HEADER        a field of the header has a forbidden value, or the sections do not
 *                               make up the announced size
 *  - ESP_ERR_KAPP_SECTION       an entry of the table has a forbidden value or place
 *  - ESP_ERR_KAPP_PADDING       bytes between sections are not zero
 *  - ESP_ERR_KAPP_TOO_LARGE     larger than CONFIG_KAPP_MAX_PACKAGE_KB or CONFIG_KAPP_MAX_IMAGE_KB
 */
esp_err_t kapp_open(kapp_t *out, const kapp_source_t *source);

/**
 * @brief Check the signature of a package against the trust store.
 *
 * @context any task; needs about 4 KB of its stack  @blocks as the source does; about 0.3 s on the
 *          device
 * @param   allow_unsigned  accept a package without a signature; a signature that is there must be
 *                          right all the same
 * @return ESP_OK, an error of the source, or
 *  - ESP_ERR_INVALID_ARG, ESP_ERR_INVALID_STATE  kapp_init() was not called
 *  - ESP_ERR_KAPP_SIGNATURE_KIND   a kind of signature that is not known, or a damaged block
 *  - ESP_ERR_KAPP_UNSIGNED         no signature, and allow_unsigned is false
 *  - ESP_ERR_KAPP_SIGNER_UNKNOWN   the signer is not in the trust store
 *  - ESP_ERR_KAPP_SIGNER_REVOKED   the signer was revoked
 *  - ESP_ERR_KAPP_SIGNATURE_WRONG  the package was changed after it was signed
 *  - ESP_ERR_NO_MEM                the cryptography did not get its memory
 */
esp_err_t kapp_verify(const kapp_t *package, bool allow_unsigned, kapp_verdict_t *out);

/**
 * @brief Check that a package is still the one that kapp_verify() accepted.
 * @context any task  @blocks as the source does
 * @param   hash  from the verdict
 * @return ESP_OK, an error of the source; ESP_ERR_INVALID_ARG; ESP_ERR_INVALID_STATE kapp_init()
 *         was not called; ESP_ERR_KAPP_CHANGED it is another one; ESP_ERR_NO_MEM
 */
esp_err_t kapp_check_hash(const kapp_t *package, const uint8_t hash[KAPP_HASH_SIZE]);

/**
 * @brief Decode the manifest.
 * @context any task; needs about 1 KB of heap meanwhile  @blocks as the source does
 * @return ESP_OK, an error of the source, or
 *  - ESP_ERR_INVALID_ARG, ESP_ERR_NO_MEM
 *  - ESP_ERR_KAPP_MANIFEST_DAMAGED  fields do not fill it, or are not in ascending order
 *  - ESP_ERR_KAPP_MANIFEST_UNKNOWN  it has a field that is not known and must be understood
 *  - ESP_ERR_KAPP_MANIFEST_MISSING  it lacks a field that is required
 *  - ESP_ERR_KAPP_MANIFEST_VALUE    a value has a wrong length or is out of its range
 */
esp_err_t kapp_read_manifest(const kapp_t *package, kapp_manifest_t *out);

/**
 * @brief Find the program for a target.
 * @context any task  @blocks never
 * @owns    what *out points to belongs to *package
 * @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_LOADER_WRONG_TARGET it has none for that target
 */
esp_err_t kapp_find_code(const kapp_t *package, kapp_target_t target, kapp_code_t *out);

/**
 * @brief Find an asset by its name.
 * @context any task; needs about 1 KB of heap meanwhile  @blocks as the source does
 * @return ESP_OK; ESP_ERR_NOT_FOUND there is none of that name; else as kapp_read_manifest()
 */
esp_err_t kapp_find_asset(const kapp_t *package, const char *name, const kapp_section_t **out);

/**
 * @brief Unpack a section to where it shall stand.
 *
 * Compressed sections are inflated in place: to is the window, and besides it 12 KB of heap are
 * needed meanwhile. When this fails, what stands at to is undefined.
 *
 * @context any task  @blocks as the source does
 * @param   section  one of the package's
 * @param   to       room for section->size bytes
 * @return ESP_OK, an error of the source; ESP_ERR_INVALID_ARG;
 *         ESP_ERR_KAPP_COMPRESSION the stream is damaged, or does not give exactly section->size
 *         bytes, or does not end where the section ends; ESP_ERR_NO_MEM
 */
esp_err_t kapp_load_section(const kapp_t *package, const kapp_section_t *section, void *to);

/** @brief A source for a package that lies in memory.
 *  @context any task  @blocks never  @owns data stays the caller's and must outlive the source */
kapp_source_t kapp_source_memory(const void *data, uint32_t size);

#ifdef __cplusplus
}
#endif
