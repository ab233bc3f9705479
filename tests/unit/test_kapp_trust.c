// SPDX-License-Identifier: Apache-2.0

// The trust store: what is in it, across restarts and power cuts.

#include <string.h>

#include "esp_partition.h"
#include "host_flash.h"
#include "kapp_builder.h"
#include "kapp_internal.h"
#include "ktest.h"
#include "nvs.h"
#include "nvs_flash.h"

#include "kapp/kapp_trust.h"
#include "system_service/error_codes.h"

#define KEYS (CONFIG_KAPP_MAX_KEYS + 1)

static kb_key_t s_keys[KEYS];
static uint8_t s_ids[KEYS][KAPP_HASH_SIZE];

static int set_up(void **state)
{
    (void)state;
    static bool done;
    if (!done) {
        kapp_key_t key;
        KTEST_CHECK(kapp_trust_find(s_ids[0], &key) == ESP_ERR_INVALID_STATE);
        KTEST_CHECK(kapp_trust_erase() == ESP_ERR_INVALID_STATE);
        KTEST_CHECK(nvs_flash_init() == ESP_OK);
        KTEST_CHECK(kapp_init() == ESP_OK);
        for (unsigned i = 0; i < KEYS; i++) {
            kb_key_make(&s_keys[i]);
            KTEST_CHECK(kapp_key_id(s_keys[i].public_key, s_ids[i]) == ESP_OK);
        }
        done = true;
    }
    KTEST_CHECK(kapp_trust_erase() == ESP_OK);
    return 0;
}

static size_t count_keys(void)
{
    size_t count = 0;
    const esp_err_t ret = kapp_trust_list(NULL, &count);
    assert_int_equal(ret, count == 0 ? ESP_OK : ESP_ERR_INVALID_SIZE);
    return count;
}

static void keys_stay_across_a_restart(void **state)
{
    (void)state;
    kapp_key_t key;
    assert_int_equal(kapp_trust_add("first", s_keys[0].public_key), ESP_OK);
    assert_int_equal(kapp_trust_add("0123456789abcde", s_keys[1].public_key), ESP_OK);
    assert_int_equal(kapp_trust_revoke(s_ids[1]), ESP_OK);
    assert_int_equal(kapp_trust_init(), ESP_OK); // as the next boot does
    assert_int_equal(count_keys(), 2);
    assert_int_equal(kapp_trust_find(s_ids[0], &key), ESP_OK);
    assert_string_equal(key.label, "first");
    assert_false(key.revoked);
    assert_memory_equal(key.key, s_keys[0].public_key, KAPP_PUBLIC_KEY_SIZE);
    assert_int_equal(kapp_trust_find(s_ids[1], &key), ESP_OK);
    assert_string_equal(key.label, "0123456789abcde");
    assert_true(key.revoked);
}

static void a_revoked_key_does_not_come_back_by_mistake(void **state)
{
    (void)state;
    kapp_key_t key;
    assert_int_equal(kapp_trust_add("k", s_keys[0].public_key), ESP_OK);
    assert_int_equal(kapp_trust_add("k", s_keys[0].public_key), ESP_ERR_KAPP_KEY_EXISTS);
    assert_int_equal(kapp_trust_revoke(s_ids[0]), ESP_OK);
    assert_int_equal(kapp_trust_revoke(s_ids[0]), ESP_OK);
    assert_int_equal(kapp_trust_add("k", s_keys[0].public_key), ESP_ERR_KAPP_SIGNER_REVOKED);
    assert_int_equal(kapp_trust_remove(s_ids[0]), ESP_OK);
    assert_int_equal(kapp_trust_find(s_ids[0], &key), ESP_ERR_KAPP_KEY_NOT_FOUND);
    assert_int_equal(kapp_trust_add("k", s_keys[0].public_key), ESP_OK);
    assert_int_equal(kapp_trust_revoke(s_ids[1]), ESP_ERR_KAPP_KEY_NOT_FOUND);
    assert_int_equal(kapp_trust_remove(s_ids[1]), ESP_ERR_KAPP_KEY_NOT_FOUND);
}

static void a_package_of_a_revoked_signer_is_refused(void **state)
{
    (void)state;
    kapp_t package;
    kapp_verdict_t verdict;
    kb_package_t p = {0};
    kb_bytes_t manifest = {0};
    kb_manifest(&manifest, "x");
    kb_section(&p, KAPP_SECTION_MANIFEST, 0, manifest.bytes, manifest.size, -1);
    kb_bytes_t b = kb_finish(&p, &s_keys[0]);
    const kapp_source_t source = kapp_source_memory(b.bytes, b.size);
    assert_int_equal(kapp_open(&package, &source), ESP_OK);
    assert_int_equal(kapp_verify(&package, true, &verdict), ESP_ERR_KAPP_SIGNER_UNKNOWN);
    assert_int_equal(kapp_trust_add("k", s_keys[0].public_key), ESP_OK);
    assert_int_equal(kapp_verify(&package, false, &verdict), ESP_OK);
    assert_memory_equal(verdict.signer, s_ids[0], KAPP_HASH_SIZE);
    assert_int_equal(kapp_trust_rotate(s_ids[0], "new", s_keys[1].public_key), ESP_OK);
    assert_int_equal(kapp_verify(&package, false, &verdict), ESP_ERR_KAPP_SIGNER_REVOKED);
    assert_false(verdict.is_signed);
    kb_sign(&b, &s_keys[1]);
    assert_int_equal(kapp_verify(&package, false, &verdict), ESP_OK);
    kb_free(&manifest);
    kb_free(&b);
}

static void keys_that_were_rotated_are_one_signer(void **state)
{
    (void)state;
    kapp_key_t key;
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(kapp_trust_add("k", s_keys[i].public_key), ESP_OK);
        assert_int_equal(kapp_trust_find(s_ids[i], &key), ESP_OK);
        assert_int_equal(key.line, 0);
    }
    assert_true(kapp_trust_same_signer(s_ids[0], s_ids[0]));
    assert_true(kapp_trust_same_signer(s_ids[7], s_ids[7])); // in no store, and the same
    assert_false(kapp_trust_same_signer(s_ids[0], s_ids[1]));
    assert_int_equal(kapp_trust_rotate(s_ids[0], "next", s_keys[2].public_key), ESP_OK);
    assert_int_equal(kapp_trust_rotate(s_ids[1], "next", s_keys[3].public_key), ESP_OK);
    assert_int_equal(kapp_trust_rotate(s_ids[2], "last", s_keys[4].public_key), ESP_OK);
    assert_int_equal(kapp_trust_init(), ESP_OK);
    assert_true(kapp_trust_same_signer(s_ids[0], s_ids[4]));
    assert_true(kapp_trust_same_signer(s_ids[4], s_ids[2]));
    assert_true(kapp_trust_same_signer(s_ids[1], s_ids[3]));
    assert_false(kapp_trust_same_signer(s_ids[0], s_ids[3]));
    assert_int_equal(kapp_trust_remove(s_ids[0]), ESP_OK); // whose apps are nobody's of these
    assert_false(kapp_trust_same_signer(s_ids[0], s_ids[4]));
    assert_int_equal(kapp_trust_add("again", s_keys[0].public_key), ESP_OK);
    assert_false(kapp_trust_same_signer(s_ids[0], s_ids[4]));
}

static void rotation_is_all_or_nothing(void **state)
{
    (void)state;
    kapp_key_t key;
    assert_int_equal(kapp_trust_add("a", s_keys[0].public_key), ESP_OK);
    assert_int_equal(kapp_trust_add("b", s_keys[1].public_key), ESP_OK);
    // The new one is there already: the old one stays trusted.
    assert_int_equal(kapp_trust_rotate(s_ids[0], "b", s_keys[1].public_key),
                     ESP_ERR_KAPP_KEY_EXISTS);
    assert_int_equal(kapp_trust_find(s_ids[0], &key), ESP_OK);
    assert_false(key.revoked);
    assert_int_equal(kapp_trust_rotate(s_ids[2], "c", s_keys[3].public_key),
                     ESP_ERR_KAPP_KEY_NOT_FOUND);
    assert_int_equal(count_keys(), 2);
}

static void what_is_no_key_is_refused(void **state)
{
    (void)state;
    uint8_t bad[KAPP_PUBLIC_KEY_SIZE];
    memcpy(bad, s_keys[0].public_key, sizeof(bad));
    bad[64] ^= 1; // not on the curve
    assert_int_equal(kapp_trust_add("k", bad), ESP_ERR_KAPP_KEY_INVALID);
    memcpy(bad, s_keys[0].public_key, sizeof(bad));
    bad[0] = 3;
    assert_int_equal(kapp_trust_add("k", bad), ESP_ERR_KAPP_KEY_INVALID);
    memset(bad, 0, sizeof(bad));
    assert_int_equal(kapp_trust_add("k", bad), ESP_ERR_KAPP_KEY_INVALID);
    assert_int_equal(kapp_trust_add("", s_keys[0].public_key), ESP_ERR_INVALID_ARG);
    assert_int_equal(kapp_trust_add("0123456789abcdef", s_keys[0].public_key), ESP_ERR_INVALID_ARG);
    assert_int_equal(kapp_trust_add("\33[2J", s_keys[0].public_key), ESP_ERR_INVALID_ARG);
    assert_int_equal(kapp_trust_add(NULL, s_keys[0].public_key), ESP_ERR_INVALID_ARG);
    assert_int_equal(count_keys(), 0);
}

static void a_full_store_says_so(void **state)
{
    (void)state;
    for (unsigned i = 0; i < KEYS - 1; i++) {
        assert_int_equal(kapp_trust_add("k", s_keys[i].public_key), ESP_OK);
    }
    assert_int_equal(kapp_trust_add("k", s_keys[KEYS - 1].public_key), ESP_ERR_KAPP_KEYS_FULL);
    kapp_key_t keys[KEYS];
    size_t count = KEYS;
    assert_int_equal(kapp_trust_list(keys, &count), ESP_OK);
    assert_int_equal(count, KEYS - 1);
    assert_memory_equal(keys[2].key, s_keys[2].public_key, KAPP_PUBLIC_KEY_SIZE);
    count = 1;
    assert_int_equal(kapp_trust_list(keys, &count), ESP_ERR_INVALID_SIZE);
    assert_int_equal(kapp_trust_init(), ESP_OK);
    assert_int_equal(count_keys(), KEYS - 1);
}

static void a_damaged_store_trusts_nobody(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
    } blobs[] = {{"\1", 1}, {"\2\0", 2}, {"\1\1", 2}, {"\1\377", 2}, {"\1\0x", 3}};
    kapp_key_t key;
    for (size_t i = 0; i < sizeof(blobs) / sizeof(blobs[0]); i++) {
        nvs_handle_t nvs;
        assert_int_equal(kapp_trust_add("k", s_keys[0].public_key), ESP_OK);
        assert_int_equal(nvs_open("kapp", NVS_READWRITE, &nvs), ESP_OK);
        assert_int_equal(nvs_set_blob(nvs, "keys", blobs[i].bytes, blobs[i].size), ESP_OK);
        assert_int_equal(nvs_commit(nvs), ESP_OK);
        nvs_close(nvs);
        assert_int_equal(kapp_trust_init(), ESP_ERR_KAPP_KEYS_DAMAGED);
        assert_int_equal(kapp_trust_find(s_ids[0], &key), ESP_ERR_KAPP_KEYS_DAMAGED);
        assert_int_equal(kapp_trust_add("k", s_keys[1].public_key), ESP_ERR_KAPP_KEYS_DAMAGED);
        assert_int_equal(kapp_trust_erase(), ESP_OK);
        assert_int_equal(count_keys(), 0);
    }
}

static void a_power_cut_leaves_the_old_or_the_new(void **state)
{
    (void)state;
    bool old_seen = false;
    bool new_seen = false;
    for (uint64_t budget = 0; budget < 2000 && !new_seen; budget += 7) {
        kapp_key_t key;
        KTEST_CHECK(kapp_trust_erase() == ESP_OK);
        assert_int_equal(kapp_trust_add("old", s_keys[0].public_key), ESP_OK);
        host_flash_cut_power_after(budget, HOST_POWER_CUT_FAILS, budget + 1);
        const esp_err_t ret = kapp_trust_rotate(s_ids[0], "new", s_keys[1].public_key);
        const bool was_cut = host_flash_is_off();
        host_flash_power_on();
        assert_int_equal(nvs_flash_deinit(), ESP_OK); // the next boot
        assert_int_equal(nvs_flash_init(), ESP_OK);
        assert_int_equal(kapp_trust_init(), ESP_OK);
        assert_int_equal(kapp_trust_find(s_ids[0], &key), ESP_OK);
        const bool is_new = key.revoked;
        assert_int_equal(kapp_trust_find(s_ids[1], &key),
                         is_new ? ESP_OK : ESP_ERR_KAPP_KEY_NOT_FOUND);
        assert_true(ret != ESP_OK || is_new);
        assert_true(ret == ESP_OK || was_cut);
        old_seen = old_seen || !is_new;
        new_seen = new_seen || (is_new && !was_cut);
    }
    assert_true(old_seen && new_seen);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(keys_stay_across_a_restart, set_up),
        cmocka_unit_test_setup(a_revoked_key_does_not_come_back_by_mistake, set_up),
        cmocka_unit_test_setup(a_package_of_a_revoked_signer_is_refused, set_up),
        cmocka_unit_test_setup(keys_that_were_rotated_are_one_signer, set_up),
        cmocka_unit_test_setup(rotation_is_all_or_nothing, set_up),
        cmocka_unit_test_setup(what_is_no_key_is_refused, set_up),
        cmocka_unit_test_setup(a_full_store_says_so, set_up),
        cmocka_unit_test_setup(a_damaged_store_trusts_nobody, set_up),
        cmocka_unit_test_setup(a_power_cut_leaves_the_old_or_the_new, set_up),
    };
    return KTEST_MAIN(argc, argv, tests);
}
