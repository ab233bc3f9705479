// SPDX-License-Identifier: Apache-2.0

// The store of installed apps: its directory, its extents, and what a power cut leaves of them.

#include <stdlib.h>
#include <string.h>

#include "host_flash.h"
#include "kapp_internal.h"
#include "ktest.h"
#include "nvs.h"
#include "nvs_flash.h"
#include "store.h"

#include "system_service/error_codes.h"

#define EXTENTS 6u // of the partition of this test

static const char s_table[] = "nvs,  data, nvs,  0x9000, 24K\n"
                              "apps, data, 0x40, 0x20000, 384K\n";

static int set_up(void **state)
{
    (void)state;
    static bool done;
    if (!done) {
        const store_directory_t *directory;
        KTEST_CHECK(store_look(&directory) == ESP_ERR_INVALID_STATE);
        KTEST_CHECK(nvs_flash_init() == ESP_OK);
        kapp_store_init();
        KTEST_CHECK(store_look(&directory) == ESP_ERR_INVALID_STATE);
        KTEST_CHECK(store_mount() == ESP_OK);
        done = true;
    }
    KTEST_CHECK(store_format() == ESP_OK);
    return 0;
}

/** An app whose package has a number in everything, in extents that are free. */
static void fill(store_package_t *p, unsigned number, uint32_t size)
{
    *p = (store_package_t){.size = size, .version = {(uint16_t)number, 2, 3}};
    memset(p->hash, (int)number, sizeof(p->hash));
    memset(p->signer, (int)(number + 1), sizeof(p->signer));
    strcpy(p->name, "name");
    p->name[4] = (char)('0' + number % 10);
    assert_int_equal(store_reserve(size, STORE_PACKAGE_EXTENTS, p->extents, &p->count), ESP_OK);
}

/** The next boot. */
static void boot(void)
{
    assert_int_equal(nvs_flash_deinit(), ESP_OK);
    assert_int_equal(nvs_flash_init(), ESP_OK);
    assert_int_equal(store_mount(), ESP_OK);
}

static unsigned used(void)
{
    unsigned all, count;
    assert_int_equal(store_count(&all, &count), ESP_OK);
    assert_int_equal(all, EXTENTS);
    return count;
}

static void put(unsigned place, const char *id, const store_package_t *current)
{
    store_directory_t *next;
    assert_int_equal(store_change(&next), ESP_OK);
    strcpy(next->entries[place].id, id);
    next->entries[place].current = *current;
    assert_int_equal(store_change_end(ESP_OK), ESP_OK);
    store_release(current->extents, current->count);
}

static store_entry_t entry_of(unsigned place)
{
    const store_directory_t *now;
    store_entry_t entry;
    assert_int_equal(store_look(&now), ESP_OK);
    memcpy(&entry, &now->entries[place], sizeof(entry));
    store_look_end();
    return entry;
}

static void what_was_committed_is_there_after_a_boot(void **state)
{
    (void)state;
    store_package_t one, two;
    fill(&one, 1, 100);
    fill(&two, 2, STORE_EXTENT_SIZE + 1);
    put(0, "a.b", &one);
    put(CONFIG_KAPP_MAX_INSTALLED - 1, "c", &two);
    boot();
    store_entry_t entry = entry_of(CONFIG_KAPP_MAX_INSTALLED - 1);
    assert_string_equal(entry.id, "c");
    assert_memory_equal(&entry.current, &two, sizeof(two));
    assert_int_equal(entry.previous.size, 0);
    entry = entry_of(0);
    assert_memory_equal(&entry.current, &one, sizeof(one));
    assert_int_equal(used(), 3);
}

static void a_change_that_is_not_ended_well_is_forgotten(void **state)
{
    (void)state;
    store_directory_t *next;
    assert_int_equal(store_change(&next), ESP_OK);
    strcpy(next->entries[0].id, "x");
    assert_int_equal(store_change_end(ESP_ERR_NO_MEM), ESP_ERR_NO_MEM);
    assert_string_equal(entry_of(0).id, "");
}

static void content_is_what_was_written(void **state)
{
    (void)state;
    static uint8_t s_content[STORE_EXTENT_SIZE + 1501], s_got[sizeof(s_content)];
    uint8_t extents[2], count;
    for (unsigned round = 0; round < 8; round++) { // also over what was there before
        assert_int_equal(store_reserve(sizeof(s_content), 2, extents, &count), ESP_OK);
        assert_int_equal(count, 2);
        for (size_t i = 0; i < sizeof(s_content); i++) {
            s_content[i] = (uint8_t)(rand() >> 3);
        }
        for (uint32_t at = 0; at < sizeof(s_content); at += STORE_CHUNK) {
            const uint32_t left = (uint32_t)sizeof(s_content) - at;
            assert_int_equal(
                store_write(extents, at, s_content + at, left < STORE_CHUNK ? left : STORE_CHUNK),
                ESP_OK);
        }
        assert_int_equal(store_read(extents, 0, s_got, sizeof(s_got)), ESP_OK);
        assert_memory_equal(s_got, s_content, sizeof(s_got));
        assert_int_equal(store_read(extents, STORE_EXTENT_SIZE - 3, s_got, 7), ESP_OK);
        assert_memory_equal(s_got, s_content + STORE_EXTENT_SIZE - 3, 7);
        store_release(extents, count);
    }
}

static void a_full_store_says_so_and_loses_nothing(void **state)
{
    (void)state;
    store_package_t p;
    uint8_t extents[EXTENTS], count = 77;
    fill(&p, 1, (EXTENTS - 1) * STORE_EXTENT_SIZE);
    assert_int_equal(store_reserve(STORE_EXTENT_SIZE + 1, EXTENTS, extents, &count),
                     ESP_ERR_LOADER_STORAGE_FULL);
    assert_int_equal(count, 77);
    assert_int_equal(store_reserve(1, EXTENTS, extents, &count), ESP_OK);
    assert_int_equal(used(), EXTENTS);
    assert_int_equal(store_reserve(1, EXTENTS, extents + 1, &count), ESP_ERR_LOADER_STORAGE_FULL);
    store_release(extents, 1);
    put(0, "x", &p);
    assert_int_equal(used(), EXTENTS - 1); // what the directory knows is not free
    assert_int_equal(store_format(), ESP_OK);
    assert_int_equal(used(), 0);
}

static void extents_wear_evenly(void **state)
{
    (void)state;
    unsigned times[EXTENTS] = {0};
    for (unsigned i = 0; i < 100 * EXTENTS; i++) {
        uint8_t extent, count;
        assert_int_equal(store_reserve(1, 1, &extent, &count), ESP_OK);
        times[extent]++;
        store_release(&extent, 1);
    }
    for (unsigned i = 0; i < EXTENTS; i++) {
        assert_int_equal(times[i], 100);
    }
}

static void an_update_on_probation_is_taken_back_at_boot(void **state)
{
    (void)state;
    store_package_t old, new;
    store_directory_t *next;
    fill(&old, 1, 100);
    fill(&new, 2, STORE_EXTENT_SIZE + 1);
    put(2, "a", &old);
    assert_int_equal(store_change(&next), ESP_OK);
    next->entries[2].current = new;
    next->entries[2].previous = old;
    next->entries[2].autostart = true;
    assert_int_equal(store_change_end(ESP_OK), ESP_OK);
    boot();
    const store_entry_t entry = entry_of(2);
    assert_memory_equal(&entry.current, &old, sizeof(old));
    assert_int_equal(entry.previous.size, 0);
    assert_true(entry.autostart);
    assert_int_equal(used(), 1);
}

// ---- the bytes ---------------------------------------------------------------------------------

/** A directory with everything in it. */
static size_t example(uint8_t *bytes)
{
    store_directory_t directory = {0};
    store_entry_t *e = &directory.entries[1];
    strcpy(e->id, "org.example.a");
    e->autostart = true;
    e->current = (store_package_t){.size = 70000, .name = "a", .count = 2, .extents = {0, 3}};
    e->previous = (store_package_t){.size = 7, .name = "b", .count = 1, .extents = {2}};
    e->data_count = 1;
    e->data[0] = 4;
    e = &directory.entries[4];
    strcpy(e->id, "only-data");
    e->data_count = 1;
    e->data[0] = 1;
    memset(e->kept_of, 0xab, sizeof(e->kept_of));
    return store_directory_encode(&directory, bytes);
}

static void bytes_are_believed_only_if_they_could_have_been_written(void **state)
{
    (void)state;
    static uint8_t s_bytes[STORE_BLOB_MAX + 1], s_again[STORE_BLOB_MAX];
    static store_directory_t s_directory;
    unsigned refused = 0;
    const size_t size = example(s_bytes);
    assert_true(store_directory_decode(s_bytes, size, EXTENTS, &s_directory));
    assert_false(store_directory_decode(s_bytes, size, 4, &s_directory)); // a smaller partition
    for (size_t cut = 0; cut < size; cut++) {
        assert_false(store_directory_decode(s_bytes, cut, EXTENTS, &s_directory));
    }
    assert_false(store_directory_decode(s_bytes, size + 1, EXTENTS, &s_directory));
    for (size_t at = 0; at < size; at++) {
        const uint8_t right = s_bytes[at];
        for (unsigned value = 0; value < 256; value++) {
            s_bytes[at] = (uint8_t)value;
            if (!store_directory_decode(s_bytes, size, EXTENTS, &s_directory)) {
                refused++;
                continue;
            }
            // Understood in one way only.
            const size_t again = store_directory_encode(&s_directory, s_again);
            assert_int_equal(again, size);
            assert_int_equal(s_again[0], s_bytes[0]);
            assert_int_equal(s_again[1], s_bytes[1]);
        }
        s_bytes[at] = right;
    }
    assert_true(refused > 5000);
}

static void an_extent_has_one_owner(void **state)
{
    (void)state;
    uint8_t bytes[STORE_BLOB_MAX];
    store_directory_t directory;
    const size_t size = example(bytes);
    unsigned shared = 0;
    for (size_t at = 0; at < size; at++) { // the extent of the second one's data: 1
        const uint8_t right = bytes[at];
        for (uint8_t other = 0; at == size - 1 && other < EXTENTS; other++) {
            bytes[at] = other;
            const bool fine = store_directory_decode(bytes, size, EXTENTS, &directory);
            assert_int_equal(fine, other == 1 || other == 5);
            shared += !fine;
        }
        bytes[at] = right;
    }
    assert_int_equal(shared, 4);
}

static void write_blob(const void *bytes, size_t size)
{
    nvs_handle_t nvs;
    assert_int_equal(nvs_open("kapp", NVS_READWRITE, &nvs), ESP_OK);
    assert_int_equal(nvs_set_blob(nvs, "apps", bytes, size), ESP_OK);
    assert_int_equal(nvs_commit(nvs), ESP_OK);
    nvs_close(nvs);
}

static void a_damaged_directory_is_left_alone(void **state)
{
    (void)state;
    const store_directory_t *now;
    store_directory_t *next;
    uint8_t bytes[3] = {1, 1, 9}, extent, count;
    unsigned all, some;
    write_blob(bytes, sizeof(bytes));
    assert_int_equal(store_mount(), ESP_ERR_KAPP_STORE_DAMAGED);
    assert_int_equal(store_look(&now), ESP_ERR_KAPP_STORE_DAMAGED);
    assert_int_equal(store_change(&next), ESP_ERR_KAPP_STORE_DAMAGED);
    assert_int_equal(store_reserve(1, 1, &extent, &count), ESP_ERR_KAPP_STORE_DAMAGED);
    assert_int_equal(store_count(&all, &some), ESP_ERR_KAPP_STORE_DAMAGED);
    nvs_handle_t nvs;
    size_t size = sizeof(bytes);
    assert_int_equal(nvs_open("kapp", NVS_READONLY, &nvs), ESP_OK);
    assert_int_equal(nvs_get_blob(nvs, "apps", bytes, &size), ESP_OK); // for whoever can repair it
    nvs_close(nvs);
    assert_int_equal(bytes[2], 9);
    static uint8_t s_long[STORE_BLOB_MAX + 1];
    write_blob(s_long, sizeof(s_long));
    assert_int_equal(store_mount(), ESP_ERR_KAPP_STORE_DAMAGED);
    assert_int_equal(store_format(), ESP_OK);
    assert_int_equal(used(), 0);
    boot();
}

// ---- power -------------------------------------------------------------------------------------

#define CONTENT (2u * 4096u) // bytes of a version: two sectors

static bool content_is(const store_package_t *p, uint8_t byte)
{
    static uint8_t s_got[CONTENT];
    assert_int_equal(store_read(p->extents, 0, s_got, sizeof(s_got)), ESP_OK);
    for (size_t i = 0; i < sizeof(s_got); i++) {
        if (s_got[i] != byte) {
            return false;
        }
    }
    return true;
}

/** Write a version and make it the current one, until the power goes. */
static esp_err_t write_version(unsigned version)
{
    static uint8_t s_chunk[STORE_CHUNK];
    store_directory_t *next;
    store_package_t p = {.size = CONTENT, .version = {(uint16_t)version, 0, 0}, .name = "n"};
    esp_err_t ret = store_reserve(CONTENT, 1, p.extents, &p.count);
    memset(s_chunk, (int)(version & 0xffu), sizeof(s_chunk));
    for (uint32_t at = 0; ret == ESP_OK && at < CONTENT; at += STORE_CHUNK) {
        ret = store_write(p.extents, at, s_chunk, STORE_CHUNK);
    }
    if (ret == ESP_OK && (ret = store_change(&next)) == ESP_OK) {
        strcpy(next->entries[0].id, "a");
        next->entries[0].current = p;
        ret = store_change_end(ESP_OK);
    }
    if (p.count != 0) {
        store_release(p.extents, p.count);
    }
    return ret;
}

/** The power goes after so much. @return true: that was too late */
static bool cut_at(uint64_t budget, unsigned version)
{
    host_flash_cut_power_after(budget, HOST_POWER_CUT_FAILS, budget * 31 + 7);
    const esp_err_t ret = write_version(version);
    const bool was_cut = host_flash_is_off();
    host_flash_power_on();
    boot();
    const store_entry_t entry = entry_of(0);
    const unsigned now = entry.current.version.major;
    assert_true(now == version || now == version - 1);
    assert_true(ret != ESP_OK || now == version); // what was acknowledged holds
    assert_true(ret == ESP_OK || was_cut);
    assert_true(content_is(&entry.current, (uint8_t)now));
    assert_int_equal(used(), 1); // no extent is lost
    if (now != version) {
        assert_int_equal(write_version(version), ESP_OK);
    }
    return !was_cut;
}

static void a_power_cut_at_any_moment_leaves_the_old_or_the_new(void **state)
{
    (void)state;
    unsigned cuts = 0;
    unsigned version = 1;
    assert_int_equal(write_version(version), ESP_OK);
    // Erasing and writing content: the beginning and the end of each operation, and in between.
    for (uint64_t budget = 0; budget < 2 * 4096u + CONTENT; budget += 1 + (budget * 7) % 173) {
        cuts += !cut_at(budget, ++version);
    }
    assert_true(cuts > 100);
}

static void a_power_cut_at_every_byte_of_the_commit_leaves_the_old_or_the_new(void **state)
{
    (void)state;
    unsigned cuts = 0;
    unsigned version = 1;
    uint64_t budget = 2 * 4096u + CONTENT;
    assert_int_equal(write_version(version), ESP_OK);
    // Until several commits were not reached any more: some of them also move NVS to a new page.
    for (unsigned late = 0; late < 40; budget++) {
        const bool too_late = cut_at(budget, ++version);
        late += too_late;
        cuts += !too_late;
    }
    assert_true(cuts > 150);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_was_committed_is_there_after_a_boot, set_up),
        cmocka_unit_test_setup(a_change_that_is_not_ended_well_is_forgotten, set_up),
        cmocka_unit_test_setup(content_is_what_was_written, set_up),
        cmocka_unit_test_setup(a_full_store_says_so_and_loses_nothing, set_up),
        cmocka_unit_test_setup(extents_wear_evenly, set_up),
        cmocka_unit_test_setup(an_update_on_probation_is_taken_back_at_boot, set_up),
        cmocka_unit_test_setup(bytes_are_believed_only_if_they_could_have_been_written, set_up),
        cmocka_unit_test_setup(an_extent_has_one_owner, set_up),
        cmocka_unit_test_setup(a_damaged_directory_is_left_alone, set_up),
        cmocka_unit_test_setup(a_power_cut_at_any_moment_leaves_the_old_or_the_new, set_up),
        cmocka_unit_test_setup(a_power_cut_at_every_byte_of_the_commit_leaves_the_old_or_the_new,
                               set_up),
    };
    host_flash_use_table(s_table);
    return KTEST_MAIN(argc, argv, tests);
}
