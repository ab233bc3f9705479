// SPDX-License-Identifier: Apache-2.0

// The manifest of a package, field by field.

#include <stdlib.h>
#include <string.h>

#include "kapp_builder.h"
#include "kapp_internal.h"
#include "ktest.h"

#include "system_service/error_codes.h"

#define FIELD(number, text)                                                                        \
    {                                                                                              \
        number, text, sizeof(text) - 1                                                             \
    }

typedef struct {
    unsigned number;
    const char *bytes;
    uint32_t size;
} entry_t;

static const entry_t s_full[] = {
    FIELD(1, "com.example.clock"),
    FIELD(2, "clock"),
    FIELD(3, "\1\0\2\0\3\0"),
    FIELD(4, "J\303\266rg"),
    FIELD(5, "shows the time"),
    FIELD(6, "\0\20\0\0\0\20\0\0\350\3\0\0\5\1"),
    FIELD(7, "\0\0\1\0\0\0\2\0\1\0\3\0"),
    FIELD(8, "\6\0\0\0"),
    FIELD(9, "\3\7clock.*\2\14system.ready"),
    FIELD(10, "\144\0\0\0\4\0\0\0\0\1\0\0\0\200\0\0\31\0\0\0"),
    FIELD(11, "\0\100\0\0"),
    FIELD(12, "\1a\3b.c"),
};
#define FULL (sizeof(s_full) / sizeof(s_full[0]))

/** Decode the full manifest with one field replaced; bytes NULL: left out. */
static esp_err_t decode_with(const entry_t *other, kapp_manifest_t *out)
{
    kb_bytes_t b = {0};
    bool done = false;
    for (size_t i = 0; i < FULL; i++) {
        if (other != NULL && s_full[i].number == other->number) {
            done = true;
            if (other->bytes != NULL) {
                kb_field(&b, other->number, other->bytes, other->size);
            }
        } else {
            kb_field(&b, s_full[i].number, s_full[i].bytes, s_full[i].size);
        }
    }
    if (other != NULL && !done) {
        kb_field(&b, other->number, other->bytes, other->size);
    }
    uint8_t *exact = malloc(b.size);
    memcpy(exact, b.bytes, b.size);
    const esp_err_t ret = kapp_manifest_decode(exact, b.size, out);
    free(exact);
    kb_free(&b);
    return ret;
}

static void all_fields_are_read(void **state)
{
    (void)state;
    kapp_manifest_t m;
    assert_int_equal(decode_with(NULL, &m), ESP_OK);
    assert_string_equal(m.id, "com.example.clock");
    assert_string_equal(m.name, "clock");
    assert_string_equal(m.author, "J\303\266rg");
    assert_string_equal(m.description, "shows the time");
    assert_int_equal(m.version.major, 1);
    assert_int_equal(m.version.minor, 2);
    assert_int_equal(m.version.patch, 3);
    assert_int_equal(m.stack_size, 4096);
    assert_int_equal(m.handler_stack_size, 4096);
    assert_int_equal(m.watchdog_timeout_ms, 1000);
    assert_int_equal(m.priority, 5);
    assert_true(m.restart_on_crash);
    assert_int_equal(m.interface_count, 2);
    assert_int_equal(m.interfaces[1].group, KAPP_GROUP_STORAGE);
    assert_int_equal(m.interfaces[1].major, 1);
    assert_int_equal(m.interfaces[1].minor, 3);
    assert_int_equal(m.permissions, 1u << KAPP_GROUP_EVENTS | 1u << KAPP_GROUP_STORAGE);
    assert_int_equal(m.pattern_count, 2);
    assert_int_equal(m.patterns[0].rights, KAPP_PATTERN_POST | KAPP_PATTERN_SUBSCRIBE);
    assert_string_equal(m.patterns[1].pattern, "system.ready");
    assert_int_equal(m.quota.max_events_per_sec, 100);
    assert_int_equal(m.quota.max_cpu_percent, 25);
    assert_int_equal(m.memory_bytes, 16384);
    assert_int_equal(m.asset_count, 2);
}

static void required_fields_are_required(void **state)
{
    (void)state;
    kapp_manifest_t m;
    for (unsigned number = 1; number <= FULL; number++) {
        const entry_t absent = {number, NULL, 0};
        const bool required =
            number == 1 || number == 2 || number == 3 || number == 6 || number == 7;
        assert_int_equal(decode_with(&absent, &m),
                         required ? ESP_ERR_KAPP_MANIFEST_MISSING : ESP_OK);
    }
}

static void wrong_values_are_refused(void **state)
{
    (void)state;
    static const entry_t wrong[] = {
        FIELD(1, ""),
        FIELD(1, "a/b"),
        FIELD(1, "0123456789012345678901234567890123456789012345678901234567890123"),
        FIELD(2, ""),
        FIELD(2, "a b"),
        FIELD(2, "a\0b"),
        FIELD(2, "01234567890123456789012345678901"),
        FIELD(3, "\1\0\2\0\3"),
        FIELD(3, "\1\0\2\0\3\0\0"),
        FIELD(4, "tab\there"),
        FIELD(4, "escape \33[2J"),
        FIELD(4, "C1 \302\233"),
        FIELD(4, "overlong \300\257"),
        FIELD(4, "surrogate \355\240\200"),
        FIELD(4, "cut \303"),
        FIELD(4, "cut \342\202"),
        FIELD(4, "lonely \200"),
        FIELD(4, "beyond \364\220\200\200"),
        FIELD(4, "012345678901234567890123456789012345678901234567"),
        FIELD(6, "\0\20\0\0\0\0\0\0\0\0\0\0\5"),   // too short
        FIELD(6, "\1\20\0\0\0\0\0\0\0\0\0\0\5\0"), // no multiple of 16
        FIELD(6, "\0\7\0\0\0\0\0\0\0\0\0\0\5\0"),  // too small
        FIELD(6, "\0\0\0\0\0\0\0\0\0\0\0\0\5\0"),
        FIELD(6, "\377\377\377\377\0\0\0\0\0\0\0\0\5\0"),
        FIELD(6, "\0\20\0\0\20\0\0\0\0\0\0\0\5\0"), // handlers' stack too small
        FIELD(6, "\0\20\0\0\0\0\0\0\1\0\0\0\5\0"),  // watchdog below 10 ms
        FIELD(6, "\0\20\0\0\0\0\0\0\377\377\377\377\5\0"),
        FIELD(6, "\0\20\0\0\0\0\0\0\0\0\0\0\0\0"), // priority 0
        FIELD(6, "\0\20\0\0\0\0\0\0\0\0\0\0\377\0"),
        FIELD(6, "\0\20\0\0\0\0\0\0\0\0\0\0\5\2"), // unknown flag
        FIELD(7, ""),
        FIELD(7, "\0\0\1\0\0"),
        FIELD(7, "\11\0\1\0\0\0"), // no such group
        FIELD(7, "\0\1\1\0\0\0"),
        FIELD(7, "\0\0\1\0\0\0\0\0\1\0\0\0"), // twice the same
        FIELD(8, "\0\2\0\0"),                 // no such group
        FIELD(8, "\0\0\0"),
        FIELD(9, "\0\1a"),
        FIELD(9, "\4\1a"),
        FIELD(9, "\1"),
        FIELD(9, "\1\2a"),
        FIELD(9, "\1\1*"),
        FIELD(9, "\1\3a*b"),
        FIELD(9, "\1\0"),
        FIELD(9, "\1\40aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        FIELD(9, "\1\1a\1\1a\1\1a\1\1a\1\1a\1\1a\1\1a\1\1a\1\1a"), // nine
        FIELD(10, ""),
        FIELD(10, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\145\0\0\0"), // 101 %
        FIELD(10, "\0\0\0\0\0\0\0\0\1\20\0\0\0\0\0\0\0\0\0\0"),  // 4097 bytes
        FIELD(10, "\101\102\17\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
        FIELD(11, "\0"),
        FIELD(12, "\2a"),
        FIELD(12, "\0"),
        FIELD(12, "\1/"),
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        kapp_manifest_t m;
        const esp_err_t ret = decode_with(&wrong[i], &m);
        if (ret != ESP_ERR_KAPP_MANIFEST_VALUE) {
            fail_msg("case %zu, field %u: %s", i, wrong[i].number, system_error_to_string(ret));
        }
    }
}

static void unknown_fields_are_refused_unless_optional(void **state)
{
    (void)state;
    kapp_manifest_t m;
    const entry_t unknown = FIELD(13, "x");
    const entry_t optional = FIELD(0x8000 | 13, "x");
    const entry_t highest = FIELD(0x7FFF, "");
    assert_int_equal(decode_with(&unknown, &m), ESP_ERR_KAPP_MANIFEST_UNKNOWN);
    assert_int_equal(decode_with(&highest, &m), ESP_ERR_KAPP_MANIFEST_UNKNOWN);
    assert_int_equal(decode_with(&optional, &m), ESP_OK);
}

static void order_and_lengths_are_checked(void **state)
{
    (void)state;
    kapp_manifest_t m;
    kb_bytes_t b = {0};
    kb_manifest(&b, "x");
    const uint32_t size = b.size;
    assert_int_equal(kapp_manifest_decode(b.bytes, size, &m), ESP_OK);
    kb_field(&b, 7, "\0\0\1\0\0\0", 6); // twice
    assert_int_equal(kapp_manifest_decode(b.bytes, b.size, &m), ESP_ERR_KAPP_MANIFEST_DAMAGED);
    b.size = size;
    kb_field(&b, 5, "late", 4); // out of order
    assert_int_equal(kapp_manifest_decode(b.bytes, b.size, &m), ESP_ERR_KAPP_MANIFEST_DAMAGED);
    b.size = size;
    kb_field(&b, 0x8005, "late", 4); // out of order all the same
    assert_int_equal(kapp_manifest_decode(b.bytes, b.size, &m), ESP_ERR_KAPP_MANIFEST_DAMAGED);
    for (uint32_t cut = 0; cut < size; cut++) {
        uint8_t *exact = malloc(cut + !cut);
        memcpy(exact, b.bytes, cut);
        const esp_err_t ret = kapp_manifest_decode(exact, cut, &m);
        assert_true(ret == ESP_ERR_KAPP_MANIFEST_DAMAGED || ret == ESP_ERR_KAPP_MANIFEST_MISSING);
        free(exact);
    }
    kb_free(&b);
}

static void versions_are_ordered(void **state)
{
    (void)state;
    static const kapp_version_t rising[] = {{0, 0, 0}, {0, 0, 1},     {0, 1, 0}, {0, 10, 0},
                                            {1, 0, 0}, {1, 0, 65535}, {2, 0, 0}};
    for (unsigned i = 0; i < 7; i++) {
        for (unsigned j = 0; j < 7; j++) {
            const int order = kapp_version_compare(rising[i], rising[j]);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
    }
    assert_string_equal(kapp_group_name(KAPP_GROUP_BLUETOOTH), "bluetooth");
    assert_string_equal(kapp_group_name(99), "?");
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_fields_are_read),
        cmocka_unit_test(required_fields_are_required),
        cmocka_unit_test(wrong_values_are_refused),
        cmocka_unit_test(unknown_fields_are_refused_unless_optional),
        cmocka_unit_test(order_and_lengths_are_checked),
        cmocka_unit_test(versions_are_ordered),
    };
    return KTEST_MAIN(argc, argv, tests);
}
