// SPDX-License-Identifier: Apache-2.0

// Packages: what is written is read, and nothing else is.

#include <stdlib.h>
#include <string.h>

#include "kapp_builder.h"
#include "ktest.h"
#include "nvs_flash.h"

#include "kapp/kapp_trust.h"
#include "system_service/error_codes.h"

#define S3  KAPP_TARGET_XTENSA_ESP32S3
#define X86 KAPP_TARGET_X86_64_LINUX

static kb_key_t s_key, s_other;
static uint8_t s_text[5000]; // compresses well

static int set_up(void **state)
{
    (void)state;
    static bool done;
    if (!done) {
        KTEST_CHECK(nvs_flash_init() == ESP_OK);
        KTEST_CHECK(kapp_init() == ESP_OK);
        kb_key_make(&s_key);
        kb_key_make(&s_other);
        KTEST_CHECK(kapp_trust_add("test", s_key.public_key) == ESP_OK);
        for (size_t i = 0; i < sizeof(s_text); i++) {
            s_text[i] = (uint8_t)("kraken"[i % 6] + i / 1000);
        }
        done = true;
    }
    return 0;
}

/** Manifest, two programs, two assets and an icon. */
static kb_bytes_t full_package(const kb_key_t *key)
{
    kb_package_t p = {0};
    kb_bytes_t manifest = {0};
    kb_manifest(&manifest, "clock");
    kb_field(&manifest, 12, "\5one.b\3two", 10);
    kb_section(&p, KAPP_SECTION_MANIFEST, 0, manifest.bytes, manifest.size, -1);
    kb_section(&p, KAPP_SECTION_HEAD, S3, "head of s3", 10, -1);
    kb_section(&p, KAPP_SECTION_SEGMENT, S3, s_text, 4001, 9);
    kb_section(&p, KAPP_SECTION_SEGMENT, S3, "data", 4, -1);
    kb_section(&p, KAPP_SECTION_HEAD, X86, "head", 4, -1);
    kb_section(&p, KAPP_SECTION_SEGMENT, X86, s_text + 7, 3000, 1);
    kb_section(&p, KAPP_SECTION_ASSET, 0, "asset one", 9, -1);
    kb_section(&p, KAPP_SECTION_ASSET, 0, "", 0, -1);
    kb_section(&p, KAPP_SECTION_ICON, 0, "icon", 4, 9);
    kb_free(&manifest);
    return kb_finish(&p, key);
}

static esp_err_t open_bytes(kapp_t *package, const kb_bytes_t *b)
{
    const kapp_source_t source = kapp_source_memory(b->bytes, b->size);
    return kapp_open(package, &source);
}

static void what_is_packed_is_unpacked(void **state)
{
    (void)state;
    uint8_t to[5000];
    kapp_t package;
    kapp_code_t code;
    kapp_manifest_t manifest;
    const kapp_section_t *asset;
    kb_bytes_t b = full_package(&s_key);
    assert_int_equal(open_bytes(&package, &b), ESP_OK);
    assert_int_equal(kapp_read_manifest(&package, &manifest), ESP_OK);
    assert_string_equal(manifest.name, "clock");
    assert_int_equal(kapp_find_code(&package, S3, &code), ESP_OK);
    assert_int_equal(code.segment_count, 2);
    assert_int_equal(kapp_load_section(&package, code.head, to), ESP_OK);
    assert_memory_equal(to, "head of s3", 10);
    assert_true(code.segments[0].stored < 400 && code.segments[0].size == 4001);
    memset(to, 0xEE, sizeof(to));
    assert_int_equal(kapp_load_section(&package, &code.segments[0], to), ESP_OK);
    assert_memory_equal(to, s_text, 4001);
    assert_int_equal(to[4001], 0xEE);
    assert_int_equal(kapp_find_code(&package, X86, &code), ESP_OK);
    assert_int_equal(code.segment_count, 1);
    assert_int_equal(kapp_load_section(&package, &code.segments[0], to), ESP_OK);
    assert_memory_equal(to, s_text + 7, 3000);
    assert_int_equal(kapp_find_code(&package, (kapp_target_t)3, &code),
                     ESP_ERR_LOADER_WRONG_TARGET);
    assert_int_equal(kapp_find_asset(&package, "one.b", &asset), ESP_OK);
    assert_int_equal(kapp_load_section(&package, asset, to), ESP_OK);
    assert_memory_equal(to, "asset one", 9);
    assert_int_equal(kapp_find_asset(&package, "two", &asset), ESP_OK);
    assert_int_equal(asset->size, 0);
    assert_int_equal(kapp_find_asset(&package, "three", &asset), ESP_ERR_NOT_FOUND);
    assert_int_equal(kapp_find_asset(&package, "one", &asset), ESP_ERR_NOT_FOUND);
    kapp_section_t copy = *asset; // may point anywhere
    assert_int_equal(kapp_load_section(&package, &copy, to), ESP_ERR_INVALID_ARG);
    kb_free(&b);
}

static void every_truncation_and_every_tail_is_refused(void **state)
{
    (void)state;
    kapp_t package;
    kb_bytes_t b = full_package(&s_key);
    const uint32_t size = b.size;
    for (b.size = 0; b.size < size; b.size++) {
        // A block of exactly that size, so that a read too far is seen by the sanitizers.
        uint8_t *exact = malloc(b.size + !b.size);
        memcpy(exact, b.bytes, b.size);
        const kapp_source_t source = kapp_source_memory(exact, b.size);
        assert_int_equal(kapp_open(&package, &source),
                         b.size < 4 ? ESP_ERR_KAPP_NOT_A_PACKAGE : ESP_ERR_KAPP_TRUNCATED);
        free(exact);
    }
    for (uint32_t more = 1; more <= 8; more++) {
        kb_u8(&b, 0);
        assert_int_equal(open_bytes(&package, &b), ESP_ERR_KAPP_TRAILING);
    }
    kb_free(&b);
}

static void every_flipped_bit_is_noticed(void **state)
{
    (void)state;
    kapp_t package;
    kapp_verdict_t verdict;
    kb_bytes_t b = full_package(&s_key);
    assert_int_equal(open_bytes(&package, &b), ESP_OK);
    assert_int_equal(kapp_verify(&package, false, &verdict), ESP_OK);
    assert_true(verdict.is_signed);
    for (uint32_t at = 0; at < b.size; at++) {
        b.bytes[at] ^= (uint8_t)(1u << at % 8);
        const esp_err_t opened = open_bytes(&package, &b);
        assert_true(opened != ESP_OK || kapp_verify(&package, true, &verdict) != ESP_OK);
        b.bytes[at] ^= (uint8_t)(1u << at % 8);
    }
    kb_free(&b);
}

/* ---- the header and the table, field by field ---- */

typedef struct {
    uint32_t offset, size;
    uint32_t value;
    esp_err_t expected;
} change_t;

static void put(kb_bytes_t *b, const change_t *c)
{
    for (uint32_t i = 0; i < c->size; i++) {
        b->bytes[c->offset + i] = (uint8_t)(c->value >> 8 * i);
    }
}

static void wrong_fields_have_errors_of_their_own(void **state)
{
    (void)state;
    // Entry n of the table begins at 20 + 12 n; section 1 is a head, 2 a compressed segment.
    static const change_t changes[] = {
        {0, 4, 0x50414C4B, ESP_ERR_KAPP_NOT_A_PACKAGE},
        {4, 2, 0, ESP_ERR_KAPP_VERSION},
        {4, 2, 2, ESP_ERR_KAPP_VERSION},
        {4, 2, 0xFFFF, ESP_ERR_KAPP_VERSION},
        {6, 2, 0, ESP_ERR_KAPP_HEADER},
        {6, 2, 24, ESP_ERR_KAPP_HEADER},
        {8, 4, 0, ESP_ERR_KAPP_TRAILING},
        {8, 4, 0x7FFFFFFF, ESP_ERR_KAPP_TOO_LARGE},
        {8, 4, 0xFFFFFFFF, ESP_ERR_KAPP_TOO_LARGE},
        {12, 2, 0, ESP_ERR_KAPP_HEADER},
        {12, 2, 1, ESP_ERR_KAPP_HEADER},
        {12, 2, 8, ESP_ERR_KAPP_HEADER},
        {12, 2, 49, ESP_ERR_KAPP_HEADER},
        {12, 2, 0xFFFF, ESP_ERR_KAPP_HEADER},
        {14, 2, 0, ESP_ERR_KAPP_HEADER},
        {14, 2, 16, ESP_ERR_KAPP_HEADER},
        {16, 4, 1, ESP_ERR_KAPP_HEADER},
        {20, 1, 0, ESP_ERR_KAPP_SECTION}, // the first is no manifest
        {20, 1, 2, ESP_ERR_KAPP_SECTION},
        {20, 1, 0xFF, ESP_ERR_KAPP_SECTION},
        {21, 1, 1, ESP_ERR_KAPP_SECTION}, // a compressed manifest
        {21, 1, 2, ESP_ERR_KAPP_SECTION}, // unknown flags
        {22, 2, 1, ESP_ERR_KAPP_SECTION}, // a manifest for a target
        {24, 4, 0, ESP_ERR_KAPP_SECTION},
        {24, 4, 0x7FFFFFFF, ESP_ERR_KAPP_TOO_LARGE},
        {24, 4, 0xFFFFFFFF, ESP_ERR_KAPP_TOO_LARGE},
        {28, 4, 0xFFFFFFFF, ESP_ERR_KAPP_TOO_LARGE},
        {28, 4, 2, ESP_ERR_KAPP_SECTION}, // stored and size differ
        {32, 1, 1, ESP_ERR_KAPP_SECTION}, // a second manifest
        {32, 1, 3, ESP_ERR_KAPP_SECTION}, // a segment without head
        {32, 1, 6, ESP_ERR_KAPP_SECTION},
        {34, 2, 0, ESP_ERR_KAPP_SECTION},
        {34, 2, 2, ESP_ERR_KAPP_SECTION}, // its segments are for another target
        {34, 2, 3, ESP_ERR_KAPP_SECTION},
        {34, 2, 0xFFFF, ESP_ERR_KAPP_SECTION},
        {44, 1, 2, ESP_ERR_KAPP_SECTION}, // a second head for the target
        {45, 1, 0, ESP_ERR_KAPP_SECTION}, // not compressed, but sizes differ
        {46, 2, 2, ESP_ERR_KAPP_SECTION},
        {48, 4, 0, ESP_ERR_KAPP_SECTION}, // an empty stream
        {52, 4, 0, ESP_ERR_KAPP_SECTION},
        {52, 4, CONFIG_KAPP_MAX_IMAGE_KB * 1024, ESP_ERR_KAPP_TOO_LARGE}, // with the next one
        {52, 4, CONFIG_KAPP_MAX_IMAGE_KB * 1024 + 1, ESP_ERR_KAPP_TOO_LARGE},
        {20 + 12 * 6 + 2, 2, 1, ESP_ERR_KAPP_SECTION}, // an asset for a target
        {20 + 12 * 7, 1, 5, ESP_ERR_KAPP_SECTION},     // a second icon
    };
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        kapp_t package;
        kb_bytes_t b = full_package(NULL);
        put(&b, &changes[i]);
        const esp_err_t ret = open_bytes(&package, &b);
        if (ret != changes[i].expected) {
            fail_msg("offset %u value %#x: %s", (unsigned)changes[i].offset,
                     (unsigned)changes[i].value, system_error_to_string(ret));
        }
        kb_free(&b);
    }
}

static void sizes_must_add_up(void **state)
{
    (void)state;
    kapp_t package;
    // Each stored size of the table one more and one less: the rest does not fit any more.
    for (unsigned n = 0; n < 9; n++) {
        for (int by = -4; by <= 4; by += 8) {
            kb_bytes_t b = full_package(NULL);
            uint8_t *stored = b.bytes + 20 + 12 * n + 4;
            const change_t change = {(uint32_t)(stored - b.bytes), 4,
                                     (uint32_t)(stored[0] + 256 * stored[1] + by), 0};
            put(&b, &change);
            assert_int_not_equal(open_bytes(&package, &b), ESP_OK);
            kb_free(&b);
        }
    }
}

/** Whatever a reader takes out of a package that it did not refuse, into blocks of that size. */
static bool is_taken(const kb_bytes_t *b)
{
    kapp_t package;
    kapp_manifest_t manifest;
    kapp_verdict_t verdict;
    if (open_bytes(&package, b) != ESP_OK || kapp_verify(&package, true, &verdict) != ESP_OK ||
        kapp_read_manifest(&package, &manifest) != ESP_OK) {
        return false;
    }
    for (unsigned n = 0; n < package.count; n++) {
        const kapp_section_t *section = &package.sections[n];
        uint8_t *to = malloc(section->size + !section->size);
        const esp_err_t ret = kapp_load_section(&package, section, to);
        free(to);
        if (ret != ESP_OK) {
            return false;
        }
    }
    return true;
}

/** Every field of the header, of each table entry, of the manifest and of the signature block. */
static void every_field_may_have_any_value(void **state)
{
    (void)state;
    kb_bytes_t good = full_package(NULL);
    uint32_t taken = 0;
    uint32_t refused = 0;
    const uint32_t manifest = 20 + 9 * 12;
    const uint32_t fields_end = manifest + 200 < good.size ? manifest + 200 : good.size;
    for (uint32_t size = 1; size <= 4; size *= 2) {
        for (uint32_t at = 0; at + size <= good.size; at += size) {
            if (at >= fields_end && at < good.size - 100) {
                continue; /* contents of sections */
            }
            uint32_t old = 0;
            memcpy(&old, good.bytes + at, size);
            const uint32_t values[] = {
                0,        1,         UINT32_MAX,    UINT32_MAX >> 1, 0x80000000,
                old + 1,  old - 1,   old + 4,       old - 4,         old * 2,
                ~old,     good.size, good.size - 1, good.size + 1,   20,
                manifest, /* another part's place or size */
            };
            for (unsigned n = 0; n < sizeof(values) / sizeof(values[0]); n++) {
                const change_t change = {at, size, values[n], 0};
                const change_t back = {at, size, old, 0};
                put(&good, &change);
                *(is_taken(&good) ? &taken : &refused) += 1;
                put(&good, &back);
            }
        }
    }
    print_message("%u accepted, %u refused\n", (unsigned)taken, (unsigned)refused);
    assert_true(is_taken(&good));
    assert_true(taken > 200 && refused > 5000); // neither all nor nothing
    kb_free(&good);
}

static void padding_is_zero(void **state)
{
    (void)state;
    kapp_t package;
    kb_bytes_t b = full_package(NULL);
    assert_int_equal(open_bytes(&package, &b), ESP_OK);
    const kapp_section_t *head = &package.sections[1];
    assert_int_equal(head->stored % 4, 2);
    b.bytes[head->offset + head->stored + 1] = 1;
    assert_int_equal(open_bytes(&package, &b), ESP_ERR_KAPP_PADDING);
    kb_free(&b);
}

/* ---- compressed sections ---- */

/** A package with one compressed segment whose stored bytes and size are these. */
static esp_err_t load_stream(const void *stored, uint32_t stored_size, uint32_t size)
{
    kapp_t package;
    kb_package_t p = {0};
    kb_bytes_t manifest = {0};
    kb_manifest(&manifest, "x");
    kb_section(&p, KAPP_SECTION_MANIFEST, 0, manifest.bytes, manifest.size, -1);
    kb_section(&p, KAPP_SECTION_HEAD, S3, "h", 1, -1);
    kb_section_raw(&p, KAPP_SECTION_SEGMENT, 1, S3, stored, stored_size, size);
    kb_free(&manifest);
    kb_bytes_t b = kb_finish(&p, NULL);
    assert_int_equal(open_bytes(&package, &b), ESP_OK);
    uint8_t *to = malloc(size);
    const esp_err_t ret = kapp_load_section(&package, &package.sections[2], to);
    free(to);
    kb_free(&b);
    return ret;
}

static void streams_give_exactly_what_they_announce(void **state)
{
    (void)state;
    kapp_t package;
    kb_bytes_t b = full_package(NULL);
    assert_int_equal(open_bytes(&package, &b), ESP_OK);
    const kapp_section_t *s = &package.sections[2];
    const uint8_t *stream = b.bytes + s->offset;
    assert_int_equal(load_stream(stream, s->stored, s->size), ESP_OK);
    assert_int_equal(load_stream(stream, s->stored, s->size - 1), ESP_ERR_KAPP_COMPRESSION);
    assert_int_equal(load_stream(stream, s->stored, s->size + 1), ESP_ERR_KAPP_COMPRESSION);
    assert_int_equal(load_stream(stream, s->stored, 1), ESP_ERR_KAPP_COMPRESSION);
    assert_int_equal(load_stream(stream, s->stored + 1, s->size), ESP_ERR_KAPP_COMPRESSION);
    for (uint32_t size = 1; size < s->stored; size++) {
        assert_int_equal(load_stream(stream, size, s->size), ESP_ERR_KAPP_COMPRESSION);
    }
    uint8_t *damaged = malloc(s->stored);
    for (uint32_t at = 0; at < s->stored; at++) {
        memcpy(damaged, stream, s->stored);
        damaged[at] ^= 0x10;
        assert_int_equal(load_stream(damaged, s->stored, s->size), ESP_ERR_KAPP_COMPRESSION);
    }
    free(damaged);
    kb_free(&b);
}

/* ---- signatures ---- */

static esp_err_t verify(const kb_bytes_t *b, bool allow_unsigned)
{
    kapp_t package;
    kapp_verdict_t verdict;
    assert_int_equal(open_bytes(&package, b), ESP_OK);
    return kapp_verify(&package, allow_unsigned, &verdict);
}

static void signatures_are_believed_when_right(void **state)
{
    (void)state;
    uint8_t id[KAPP_HASH_SIZE];
    kb_bytes_t b = full_package(NULL);
    uint8_t *block = b.bytes + b.size - 100;
    assert_int_equal(verify(&b, false), ESP_ERR_KAPP_UNSIGNED);
    assert_int_equal(verify(&b, true), ESP_OK);
    block[99] = 1; // unsigned, but not empty
    assert_int_equal(verify(&b, true), ESP_ERR_KAPP_SIGNATURE_KIND);
    block[99] = 0;
    kb_sign(&b, &s_other);
    assert_int_equal(verify(&b, false), ESP_ERR_KAPP_SIGNER_UNKNOWN);
    assert_int_equal(verify(&b, true), ESP_ERR_KAPP_SIGNER_UNKNOWN);
    kb_sign(&b, &s_key);
    assert_int_equal(verify(&b, false), ESP_OK);
    block[0] = 2;
    assert_int_equal(verify(&b, false), ESP_ERR_KAPP_SIGNATURE_KIND);
    block[0] = 1;
    block[2] = 63;
    assert_int_equal(verify(&b, false), ESP_ERR_KAPP_SIGNATURE_KIND);
    block[2] = 64;
    block[36] ^= 1;
    assert_int_equal(verify(&b, false), ESP_ERR_KAPP_SIGNATURE_WRONG);
    memset(block + 36, 0, 64);
    assert_int_equal(verify(&b, false), ESP_ERR_KAPP_SIGNATURE_WRONG);
    // Somebody else's signature under the name of a trusted signer.
    kb_sign(&b, &s_other);
    assert_int_equal(kapp_key_id(s_key.public_key, id), ESP_OK);
    memcpy(block + 4, id, sizeof(id));
    assert_int_equal(verify(&b, false), ESP_ERR_KAPP_SIGNATURE_WRONG);
    kb_free(&b);
}

static void the_hash_tells_whether_it_is_the_one_installed(void **state)
{
    (void)state;
    kapp_t package;
    kapp_verdict_t verdict;
    kb_bytes_t b = full_package(&s_key);
    assert_int_equal(open_bytes(&package, &b), ESP_OK);
    assert_int_equal(kapp_verify(&package, false, &verdict), ESP_OK);
    assert_int_equal(kapp_check_hash(&package, verdict.hash), ESP_OK);
    b.bytes[package.sections[3].offset] ^= 1;
    assert_int_equal(kapp_check_hash(&package, verdict.hash), ESP_ERR_KAPP_CHANGED);
    kb_free(&b);
}

/* ---- a source that fails ---- */

static int s_reads_left;
static kb_bytes_t s_failing;

static esp_err_t failing_read(void *arg, uint32_t offset, void *to, size_t size)
{
    (void)arg;
    assert_true(offset <= s_failing.size && size <= s_failing.size - offset);
    if (s_reads_left-- <= 0) {
        return ESP_ERR_TIMEOUT;
    }
    memcpy(to, s_failing.bytes + offset, size);
    return ESP_OK;
}

static esp_err_t everything(const kapp_source_t *source)
{
    static uint8_t to[5000];
    kapp_t package;
    kapp_verdict_t verdict;
    kapp_manifest_t manifest;
    esp_err_t ret = kapp_open(&package, source);
    ret = ret == ESP_OK ? kapp_verify(&package, false, &verdict) : ret;
    ret = ret == ESP_OK ? kapp_read_manifest(&package, &manifest) : ret;
    for (unsigned i = 0; ret == ESP_OK && i < package.count; i++) {
        ret = kapp_load_section(&package, &package.sections[i], to);
    }
    return ret;
}

static void errors_of_the_source_come_through(void **state)
{
    (void)state;
    s_failing = full_package(&s_key);
    const kapp_source_t source = {.read = failing_read, .size = s_failing.size};
    int needed = 0;
    for (esp_err_t ret = ESP_FAIL; ret != ESP_OK; needed++) {
        s_reads_left = needed;
        ret = everything(&source);
        assert_true(ret == ESP_OK || ret == ESP_ERR_TIMEOUT);
        assert_true(needed < 200);
    }
    assert_true(needed > 15);
    kb_free(&s_failing);
    kapp_t package;
    assert_int_equal(kapp_open(NULL, &source), ESP_ERR_INVALID_ARG);
    assert_int_equal(kapp_open(&package, NULL), ESP_ERR_INVALID_ARG);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_packed_is_unpacked, set_up),
        cmocka_unit_test_setup(every_truncation_and_every_tail_is_refused, set_up),
        cmocka_unit_test_setup(every_flipped_bit_is_noticed, set_up),
        cmocka_unit_test_setup(wrong_fields_have_errors_of_their_own, set_up),
        cmocka_unit_test_setup(sizes_must_add_up, set_up),
        cmocka_unit_test_setup(every_field_may_have_any_value, set_up),
        cmocka_unit_test_setup(padding_is_zero, set_up),
        cmocka_unit_test_setup(streams_give_exactly_what_they_announce, set_up),
        cmocka_unit_test_setup(signatures_are_believed_when_right, set_up),
        cmocka_unit_test_setup(the_hash_tells_whether_it_is_the_one_installed, set_up),
        cmocka_unit_test_setup(errors_of_the_source_come_through, set_up),
    };
    return KTEST_MAIN(argc, argv, tests);
}
