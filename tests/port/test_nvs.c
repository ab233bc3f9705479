// SPDX-License-Identifier: Apache-2.0

// Flash, partitions and key-value storage against what ESP-IDF's headers promise, and what a power
// cut leaves behind.

#include "ktest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "esp_partition.h"
#include "esp_rom_crc.h"
#include "hal/esp_flash_err.h"
#include "host_flash.h"
#include "host_heap.h"
#include "nvs.h"
#include "nvs_flash.h"

#define CUTS        1600 // moments at which the power goes: each byte of a round, then some later
#define ROUND_BYTES 950  // about what write_version() writes
#define ERASE_SEEDS 300
#define TEMPS       7

static const char s_table[] = "# Name, Type, SubType, Offset, Size, Flags\n"
                              "nvs,      data, nvs,     0x9000,  16K\n"
                              "phy_init, data, phy,     ,        4K, readonly\n"
                              "factory,  app,  factory, ,        1M\n"
                              "ota_0,    app,  ota_0,   ,        1M\n"
                              "nvs2,     data, nvs,     ,        0x3000\n"
                              "apps,     data, 0x40,    ,        64K\n";

static const esp_partition_t *apps(void)
{
    const esp_partition_t *p =
        esp_partition_find_first(ESP_PARTITION_TYPE_DATA, (esp_partition_subtype_t)0x40, "apps");
    assert_non_null(p);
    return p;
}

static void table_gives_the_partitions(void **state)
{
    int count = 0;
    (void)state;
    const esp_partition_t *app =
        esp_partition_find_first(ESP_PARTITION_TYPE_APP, ESP_PARTITION_SUBTYPE_APP_FACTORY, NULL);
    assert_int_equal(app->address, 0x10000);
    assert_int_equal(app->size, 0x100000);
    assert_int_equal(app->erase_size, 4096);
    assert_string_equal(app->label, "factory");
    assert_null(esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_ANY, "x"));
    assert_null(esp_partition_find(ESP_PARTITION_TYPE_ANY, ESP_PARTITION_SUBTYPE_DATA_NVS, NULL));
    esp_partition_iterator_t it =
        esp_partition_find(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_DATA_NVS, NULL);
    for (; it != NULL; it = esp_partition_next(it)) {
        assert_int_equal(esp_partition_get(it)->subtype, ESP_PARTITION_SUBTYPE_DATA_NVS);
        count++;
    }
    assert_int_equal(count, 2);
    esp_partition_t copy = *app;
    assert_ptr_equal(esp_partition_verify(&copy), app);
    assert_true(esp_partition_check_identity(&copy, app));
    copy.size += 4096;
    assert_null(esp_partition_verify(&copy));
}

static void flash_behaves_like_nor(void **state)
{
    uint8_t bytes[4];
    const void *view;
    esp_partition_mmap_handle_t handle;
    host_flash_stats_t before;
    host_flash_stats_t after;
    const esp_partition_t *p = apps();
    (void)state;
    host_flash_get_stats(&before);
    assert_int_equal(esp_partition_erase_range(p, 0, 8192), ESP_OK);
    assert_int_equal(esp_partition_mmap(p, 4000, 4, ESP_PARTITION_MMAP_DATA, &view, &handle),
                     ESP_OK);
    assert_int_equal(esp_partition_write(p, 4000, "\xf0\x0f\xaa\x55", 4), ESP_OK);
    assert_int_equal(esp_partition_write(p, 4000, "\x0f\xff\xff\x00", 4), ESP_OK);
    assert_int_equal(esp_partition_read(p, 4000, bytes, 4), ESP_OK);
    assert_memory_equal(bytes, "\x00\x0f\xaa\x00", 4);
    assert_memory_equal(view, bytes, 4);
    esp_partition_munmap(handle);
    host_flash_get_stats(&after);
    assert_int_equal(after.sectors_erased - before.sectors_erased, 2);
    assert_int_equal(after.bytes_written - before.bytes_written, 8);
    assert_int_equal(host_flash_erase_count(p->address), 1);
}

static void ranges_are_checked(void **state)
{
    uint8_t byte = 0;
    const esp_partition_t *p = apps();
    const esp_partition_t *ro =
        esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_DATA_PHY, NULL);
    (void)state;
    assert_int_equal(esp_partition_read(p, p->size + 1, &byte, 0), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_partition_read(p, p->size, &byte, 1), ESP_ERR_INVALID_SIZE);
    assert_int_equal(esp_partition_read(p, p->size, &byte, 0), ESP_OK);
    assert_int_equal(esp_partition_write(p, p->size + 1, &byte, 1), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_partition_write(p, 1, &byte, SIZE_MAX), ESP_ERR_INVALID_SIZE);
    assert_int_equal(esp_partition_write(ro, 0, &byte, 1), ESP_ERR_NOT_ALLOWED);
    assert_int_equal(esp_partition_erase_range(ro, 0, 4096), ESP_ERR_NOT_ALLOWED);
    assert_int_equal(esp_partition_erase_range(p, 0, 100), ESP_ERR_INVALID_SIZE);
    assert_int_equal(esp_partition_erase_range(p, 100, 4096), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_partition_erase_range(p, 0, p->size + 4096), ESP_ERR_INVALID_SIZE);
}

static void hash_is_sha256(void **state)
{
    // The digest of 64 KB of 0xff, from sha256sum.
    static const uint8_t s_digest[32] = {
        0x71, 0x18, 0x9f, 0x7f, 0xb6, 0xae, 0xd6, 0x38, 0x64, 0x00, 0x78,
        0xfb, 0xa3, 0xa3, 0x5f, 0xda, 0x6c, 0x39, 0xc8, 0x96, 0x2e, 0x74,
        0xdc, 0xc7, 0x59, 0x35, 0xaa, 0xc9, 0x48, 0xda, 0x90, 0x63,
    };
    uint8_t digest[32];
    const esp_partition_t *p = apps();
    (void)state;
    assert_int_equal(esp_partition_erase_range(p, 0, p->size), ESP_OK);
    assert_int_equal(esp_partition_get_sha256(p, digest), ESP_OK);
    assert_memory_equal(digest, s_digest, sizeof(digest));
}

static nvs_handle_t fresh(void)
{
    nvs_handle_t h = 0;
    assert_int_equal(nvs_flash_erase(), ESP_OK);
    assert_int_equal(nvs_flash_init(), ESP_OK);
    assert_int_equal(nvs_open("test", NVS_READWRITE, &h), ESP_OK);
    return h;
}

static void remount(nvs_handle_t *h)
{
    assert_int_equal(nvs_flash_deinit(), ESP_OK);
    assert_int_equal(nvs_flash_init(), ESP_OK);
    assert_int_equal(nvs_open("test", NVS_READWRITE, h), ESP_OK);
}

static void opening_has_its_errors(void **state)
{
    nvs_handle_t h;
    (void)state;
    (void)nvs_flash_deinit();
    assert_int_equal(nvs_flash_deinit(), ESP_ERR_NVS_NOT_INITIALIZED);
    assert_int_equal(nvs_open("test", NVS_READWRITE, &h), ESP_ERR_NVS_NOT_INITIALIZED);
    assert_int_equal(nvs_flash_init_partition("none"), ESP_ERR_NOT_FOUND);
    assert_int_equal(nvs_flash_erase_partition("none"), ESP_ERR_NOT_FOUND);
    h = fresh();
    assert_int_equal(nvs_flash_init(), ESP_OK);
    assert_int_equal(nvs_open_from_partition("nvs2", "x", NVS_READWRITE, &h),
                     ESP_ERR_NVS_PART_NOT_FOUND);
    assert_int_equal(nvs_open("absent", NVS_READONLY, &h), ESP_ERR_NVS_NOT_FOUND);
    assert_int_equal(nvs_open("sixteen_letters_", NVS_READWRITE, &h), ESP_ERR_NVS_KEY_TOO_LONG);
    assert_int_equal(nvs_open("fifteen_letters", NVS_READWRITE, &h), ESP_OK);
    nvs_close(h);
    assert_int_equal(nvs_set_u8(h, "k", 1), ESP_ERR_NVS_INVALID_HANDLE);
    assert_int_equal(nvs_commit(h), ESP_ERR_NVS_INVALID_HANDLE);
    assert_int_equal(nvs_open("test", NVS_READONLY, &h), ESP_OK);
    assert_int_equal(nvs_set_u8(h, "k", 1), ESP_ERR_NVS_READ_ONLY);
    assert_int_equal(nvs_erase_key(h, "k"), ESP_ERR_NVS_READ_ONLY);
    assert_int_equal(nvs_erase_all(h), ESP_ERR_NVS_READ_ONLY);
    host_heap_fail_nth(1, 1);
    assert_int_equal(nvs_open("test", NVS_READONLY, &h), ESP_ERR_NO_MEM);
    host_heap_fail_nth(0, 0);
}

static void every_type_comes_back(void **state)
{
    int8_t i8;
    uint16_t u16;
    int32_t i32;
    int64_t i64;
    uint64_t u64;
    char text[16];
    size_t length = sizeof(text);
    (void)state;
    nvs_handle_t h = fresh();
    assert_int_equal(nvs_set_i8(h, "i8", -5), ESP_OK);
    assert_int_equal(nvs_set_u16(h, "u16", 65535), ESP_OK);
    assert_int_equal(nvs_set_i32(h, "i32", INT32_MIN), ESP_OK);
    assert_int_equal(nvs_set_i64(h, "i64", INT64_MIN), ESP_OK);
    assert_int_equal(nvs_set_u64(h, "u64", UINT64_MAX), ESP_OK);
    assert_int_equal(nvs_set_str(h, "str", "hello"), ESP_OK);
    assert_int_equal(nvs_commit(h), ESP_OK);
    remount(&h);
    assert_int_equal(nvs_get_i8(h, "i8", &i8), ESP_OK);
    assert_int_equal(nvs_get_u16(h, "u16", &u16), ESP_OK);
    assert_int_equal(nvs_get_i32(h, "i32", &i32), ESP_OK);
    assert_int_equal(nvs_get_i64(h, "i64", &i64), ESP_OK);
    assert_int_equal(nvs_get_u64(h, "u64", &u64), ESP_OK);
    assert_int_equal(nvs_get_str(h, "str", text, &length), ESP_OK);
    assert_true(i8 == -5 && u16 == 65535 && i32 == INT32_MIN && i64 == INT64_MIN);
    assert_true(u64 == UINT64_MAX && length == 6);
    assert_string_equal(text, "hello");
}

static void reading_has_its_errors(void **state)
{
    uint8_t u8 = 77;
    char text[8] = "same";
    size_t length = 3;
    nvs_type_t type;
    (void)state;
    nvs_handle_t h = fresh();
    assert_int_equal(nvs_get_u8(h, "none", &u8), ESP_ERR_NVS_NOT_FOUND);
    assert_int_equal(nvs_set_i32(h, "n", 1), ESP_OK);
    assert_int_equal(nvs_get_u8(h, "n", &u8), ESP_ERR_NVS_NOT_FOUND);
    assert_int_equal(u8, 77);
    assert_int_equal(nvs_set_str(h, "s", "abcdef"), ESP_OK);
    assert_int_equal(nvs_get_str(h, "s", text, &length), ESP_ERR_NVS_INVALID_LENGTH);
    assert_int_equal(length, 7);
    assert_string_equal(text, "same");
    assert_int_equal(nvs_get_str(h, "s", NULL, &length), ESP_OK);
    assert_int_equal(nvs_get_str(h, "s", text, NULL), ESP_ERR_NVS_INVALID_LENGTH);
    assert_int_equal(nvs_get_blob(h, "s", text, &length), ESP_ERR_NVS_NOT_FOUND);
    assert_int_equal(nvs_find_key(h, "s", &type), ESP_OK);
    assert_int_equal(type, NVS_TYPE_STR);
    assert_int_equal(nvs_find_key(h, "none", &type), ESP_ERR_NVS_NOT_FOUND);
    assert_int_equal(nvs_set_u8(h, "s", 9), ESP_OK); // another type replaces the value
    assert_int_equal(nvs_get_str(h, "s", text, &length), ESP_ERR_NVS_NOT_FOUND);
    assert_int_equal(nvs_erase_key(h, "s"), ESP_OK);
    assert_int_equal(nvs_erase_key(h, "s"), ESP_ERR_NVS_NOT_FOUND);
    assert_int_equal(nvs_set_u8(h, "sixteen_letters_", 1), ESP_ERR_NVS_KEY_TOO_LONG);
}

static void long_values_have_limits(void **state)
{
    static char s_text[4002];
    static uint8_t s_blob[12000];
    static uint8_t s_back[12000];
    size_t length = sizeof(s_back);
    (void)state;
    nvs_handle_t h = fresh();
    memset(s_text, 'a', 4000);
    assert_int_equal(nvs_set_str(h, "s", s_text), ESP_ERR_NVS_VALUE_TOO_LONG);
    s_text[3999] = '\0';
    assert_int_equal(nvs_set_str(h, "s", s_text), ESP_OK);
    assert_int_equal(nvs_erase_all(h), ESP_OK);
    assert_int_equal(nvs_set_blob(h, "b", s_blob, 3 * 4000 + 1), ESP_ERR_NVS_VALUE_TOO_LONG);
    for (size_t i = 0; i < sizeof(s_blob); i++) {
        s_blob[i] = (uint8_t)(i * 7 + i / 256);
    }
    assert_int_equal(nvs_set_blob(h, "b", s_blob, 9000), ESP_OK);
    assert_int_equal(nvs_set_blob(h, "empty", s_blob, 0), ESP_OK);
    assert_int_equal(nvs_set_blob(h, "c", s_blob, 9000), ESP_ERR_NVS_NOT_ENOUGH_SPACE);
    remount(&h);
    assert_int_equal(nvs_get_blob(h, "b", s_back, &length), ESP_OK);
    assert_int_equal(length, 9000);
    assert_memory_equal(s_blob, s_back, 9000);
    assert_int_equal(nvs_get_blob(h, "empty", s_back, &length), ESP_OK);
    assert_int_equal(length, 0);
    assert_int_equal(nvs_get_blob(h, "c", NULL, &length), ESP_ERR_NVS_NOT_FOUND);
}

static void figures_count_entries(void **state)
{
    nvs_stats_t stats;
    size_t used;
    (void)state;
    nvs_handle_t h = fresh();
    assert_int_equal(nvs_get_stats(NULL, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(nvs_get_stats("nvs2", &stats), ESP_ERR_NVS_NOT_INITIALIZED);
    assert_int_equal(nvs_set_u8(h, "a", 1), ESP_OK);
    assert_int_equal(nvs_set_str(h, "b", "0123456789012345678901234567890"), ESP_OK);
    assert_int_equal(nvs_set_blob(h, "c", "0123456789", 10), ESP_OK);
    assert_int_equal(nvs_get_stats(NULL, &stats), ESP_OK);
    assert_int_equal(stats.total_entries, 4 * 126);
    assert_int_equal(stats.used_entries, 1 + 1 + 2 + 3);
    assert_int_equal(stats.free_entries, stats.total_entries - stats.used_entries);
    assert_int_equal(stats.available_entries, stats.free_entries - 126);
    assert_int_equal(stats.namespace_count, 1);
    assert_int_equal(nvs_get_used_entry_count(h, &used), ESP_OK);
    assert_int_equal(used, 6);
}

static void entries_are_listed(void **state)
{
    nvs_iterator_t it = NULL;
    nvs_entry_info_t info;
    nvs_handle_t other;
    int count = 0;
    (void)state;
    nvs_handle_t h = fresh();
    assert_int_equal(nvs_entry_find("nvs", NULL, NVS_TYPE_ANY, &it), ESP_ERR_NVS_NOT_FOUND);
    assert_null(it);
    assert_int_equal(nvs_open("other", NVS_READWRITE, &other), ESP_OK);
    assert_int_equal(nvs_set_u8(h, "one", 1), ESP_OK);
    assert_int_equal(nvs_set_blob(h, "two", "x", 1), ESP_OK);
    assert_int_equal(nvs_set_u8(other, "three", 3), ESP_OK);
    esp_err_t err = nvs_entry_find("nvs", NULL, NVS_TYPE_ANY, &it);
    for (; err == ESP_OK; err = nvs_entry_next(&it)) {
        count++;
    }
    assert_int_equal(err, ESP_ERR_NVS_NOT_FOUND);
    assert_null(it);
    assert_int_equal(count, 3);
    assert_int_equal(nvs_entry_find("nvs", "other", NVS_TYPE_U8, &it), ESP_OK);
    assert_int_equal(nvs_entry_info(it, &info), ESP_OK);
    assert_string_equal(info.namespace_name, "other");
    assert_string_equal(info.key, "three");
    nvs_release_iterator(it);
    assert_int_equal(nvs_entry_find_in_handle(h, NVS_TYPE_BLOB, &it), ESP_OK);
    assert_int_equal(nvs_entry_info(it, &info), ESP_OK);
    assert_string_equal(info.key, "two");
    assert_int_equal(info.type, NVS_TYPE_BLOB);
    nvs_release_iterator(it);
}

static void writing_the_same_value_costs_no_flash(void **state)
{
    host_flash_stats_t before;
    host_flash_stats_t after;
    (void)state;
    nvs_handle_t h = fresh();
    assert_int_equal(nvs_set_str(h, "s", "unchanged"), ESP_OK);
    host_flash_get_stats(&before);
    assert_int_equal(nvs_set_str(h, "s", "unchanged"), ESP_OK);
    host_flash_get_stats(&after);
    assert_int_equal(before.bytes_written, after.bytes_written);
}

static void it_can_be_rewritten_for_ever(void **state)
{
    uint32_t value;
    uint8_t kept;
    (void)state;
    nvs_handle_t h = fresh();
    assert_int_equal(nvs_set_u8(h, "kept", 99), ESP_OK);
    for (uint32_t i = 0; i < 3000; i++) {
        assert_int_equal(nvs_set_u32(h, "n", i), ESP_OK);
    }
    remount(&h);
    assert_int_equal(nvs_get_u32(h, "n", &value), ESP_OK);
    assert_int_equal(value, 2999);
    assert_int_equal(nvs_get_u8(h, "kept", &kept), ESP_OK);
    assert_int_equal(kept, 99);
}

static void a_full_partition_says_so_and_recovers(void **state)
{
    char key[16];
    int n = 0;
    esp_err_t err = ESP_OK;
    (void)state;
    nvs_handle_t h = fresh();
    while (err == ESP_OK) {
        snprintf(key, sizeof(key), "k%d", n);
        err = nvs_set_i32(h, key, n);
        n += err == ESP_OK;
    }
    assert_int_equal(err, ESP_ERR_NVS_NOT_ENOUGH_SPACE);
    assert_int_equal(n, 3 * 126 - 1); // one page in reserve, one entry is the namespace
    assert_int_equal(nvs_erase_key(h, "k7"), ESP_OK);
    assert_int_equal(nvs_set_i32(h, "again", 1), ESP_OK);
}

static void garbage_is_erased_and_newer_versions_refused(void **state)
{
    nvs_handle_t h;
    uint8_t noise[64];
    const esp_partition_t *p =
        esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_DATA_NVS, "nvs2");
    (void)state;
    memset(noise, 0x5a, sizeof(noise));
    assert_int_equal(nvs_flash_erase_partition("nvs2"), ESP_OK);
    assert_int_equal(esp_partition_write(p, 0, noise, sizeof(noise)), ESP_OK);
    assert_int_equal(nvs_flash_init_partition("nvs2"), ESP_OK);
    assert_int_equal(nvs_open_from_partition("nvs2", "x", NVS_READWRITE, &h), ESP_OK);
    assert_int_equal(nvs_set_u8(h, "k", 1), ESP_OK);
    assert_int_equal(nvs_flash_deinit_partition("nvs2"), ESP_OK);
    // The first three words of a page are magic, version and number; their CRC is the fourth.
    uint32_t header[4];
    assert_true(host_flash_peek(p->address, header, sizeof(header)));
    header[1]++;
    header[3] = esp_rom_crc32_le(0, (const uint8_t *)header, 12);
    assert_true(host_flash_poke(p->address, header, sizeof(header)));
    assert_int_equal(nvs_flash_init_partition("nvs2"), ESP_ERR_NVS_NEW_VERSION_FOUND);
    assert_int_equal(nvs_flash_erase_partition("nvs2"), ESP_OK);
    assert_int_equal(nvs_flash_init_partition("nvs2"), ESP_OK);
}

static void damaged_data_is_not_handed_out(void **state)
{
    char bytes[4096];
    char text[64];
    size_t length = sizeof(text);
    const esp_partition_t *p =
        esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_DATA_NVS, "nvs");
    (void)state;
    nvs_handle_t h = fresh();
    assert_int_equal(nvs_set_str(h, "s", "a text that will be damaged"), ESP_OK);
    assert_true(host_flash_peek(p->address, bytes, sizeof(bytes)));
    char *at = memmem(bytes, sizeof(bytes), "damaged", 7);
    assert_non_null(at);
    assert_true(host_flash_poke(p->address + (uint32_t)(at - bytes), "D", 1));
    assert_int_equal(nvs_get_str(h, "s", text, &length), ESP_ERR_NVS_NOT_FOUND);
}

// Sets a value of each kind to a new version, until the power goes.
static void write_version(nvs_handle_t h, unsigned version, unsigned *done)
{
    static uint8_t s_blob[700];
    char text[100];
    memset(s_blob, (int)version, sizeof(s_blob));
    snprintf(text, sizeof(text), "version %u of a text that takes more than one entry", version);
    *done = 0;
    if (nvs_set_u32(h, "number", version) != ESP_OK) {
        return;
    }
    *done = 1;
    if (nvs_set_str(h, "text", text) != ESP_OK) {
        return;
    }
    *done = 2;
    if (nvs_set_blob(h, "blob", s_blob, sizeof(s_blob)) == ESP_OK) {
        *done = 3;
    }
}

// What was acknowledged is there; what was under way is old or new; nothing is mixed.
static void check_version(nvs_handle_t h, unsigned version, unsigned done)
{
    uint8_t blob[700];
    char text[100];
    uint32_t number = 0;
    unsigned in_text = 0;
    size_t length = sizeof(text);
    assert_int_equal(nvs_get_u32(h, "number", &number), ESP_OK);
    assert_int_equal(nvs_get_str(h, "text", text, &length), ESP_OK);
    assert_int_equal(sscanf(text, "version %u of", &in_text), 1);
    length = sizeof(blob);
    assert_int_equal(nvs_get_blob(h, "blob", blob, &length), ESP_OK);
    assert_int_equal(length, sizeof(blob));
    for (size_t i = 1; i < sizeof(blob); i++) {
        assert_int_equal(blob[i], blob[0]);
    }
    unsigned seen[3] = {number, in_text, blob[0]};
    for (unsigned i = 0; i < 3; i++) {
        unsigned expected = i < done ? version : version - 1;
        assert_true(seen[i] == expected || (i == done && seen[i] == version));
    }
}

static void a_power_cut_leaves_the_old_or_the_new(void **state)
{
    unsigned version = 1;
    unsigned done;
    unsigned cuts = 0;
    (void)state;
    nvs_handle_t h = fresh();
    write_version(h, version, &done);
    assert_int_equal(done, 3);
    for (unsigned i = 0; i < CUTS; i++) {
        version = version % 250 + 1;
        if (version == 1) { // starts over: numbers must stay below 256 for the blob
            write_version(h, 0, &done);
        }
        uint64_t budget = i < ROUND_BYTES ? i : (i * 53u) % 5200u;
        host_flash_cut_power_after(budget, HOST_POWER_CUT_FAILS, i + 1);
        write_version(h, version, &done);
        cuts += host_flash_is_off();
        host_flash_power_on();
        remount(&h);
        check_version(h, version, done);
        version = version % 250 + 1; // other contents: nothing left over may show through
        write_version(h, version, &done);
        assert_int_equal(done, 3);
        check_version(h, version, done);
    }
    assert_true(cuts > CUTS / 2); // otherwise nothing was tested
}

static void a_cut_while_mounting_is_survived(void **state)
{
    unsigned done;
    (void)state;
    nvs_handle_t h = fresh();
    for (unsigned version = 1; version < 120; version++) {
        write_version(h, version, &done);
        assert_int_equal(done, 3);
        host_flash_cut_power_after((version * 131u) % 900u, HOST_POWER_CUT_FAILS, version);
        write_version(h, version + 1, &done);
        unsigned first = done;
        (void)nvs_flash_deinit();
        host_flash_power_on();
        host_flash_cut_power_after(version % 60u, HOST_POWER_CUT_FAILS, version);
        (void)nvs_flash_init(); // fails whenever it wanted to tidy up
        (void)nvs_flash_deinit();
        host_flash_power_on();
        assert_int_equal(nvs_flash_init(), ESP_OK);
        assert_int_equal(nvs_open("test", NVS_READWRITE, &h), ESP_OK);
        check_version(h, version + 1, first);
    }
}

// Sets and erases values until the power goes. @return the one it was busy with then
static unsigned come_and_go(nvs_handle_t h)
{
    for (unsigned i = 0;; i++) {
        char key[] = {'t', (char)('0' + i % TEMPS), '\0'};
        if (nvs_set_u32(h, key, i) != ESP_OK || nvs_erase_key(h, key) != ESP_OK) {
            return i % TEMPS;
        }
    }
}

static void an_erased_value_never_comes_back(void **state)
{
    uint32_t value;
    (void)state;
    nvs_handle_t h = fresh();
    for (unsigned seed = 1; seed <= ERASE_SEEDS; seed++) {
        host_flash_cut_power_after((seed * 7919u) % 30000u, HOST_POWER_CUT_FAILS, seed);
        unsigned busy = come_and_go(h);
        host_flash_power_on();
        remount(&h);
        for (unsigned i = 0; i < TEMPS; i++) {
            char key[] = {'t', (char)('0' + i), '\0'};
            esp_err_t err = nvs_get_u32(h, key, &value);
            assert_true(err == ESP_ERR_NVS_NOT_FOUND || (i == busy && err == ESP_OK));
            (void)nvs_erase_key(h, key);
        }
    }
}

static void without_power_everything_fails(void **state)
{
    uint8_t byte;
    (void)state;
    host_flash_cut_power_after(0, HOST_POWER_CUT_FAILS, 1);
    assert_int_equal(esp_partition_write(apps(), 0, "x", 1), ESP_ERR_FLASH_OP_FAIL);
    assert_int_equal(esp_partition_read(apps(), 0, &byte, 1), ESP_ERR_FLASH_OP_FAIL);
    assert_int_equal(esp_partition_erase_range(apps(), 0, 4096), ESP_ERR_FLASH_OP_FAIL);
    assert_true(host_flash_is_off());
    host_flash_power_on();
    assert_int_equal(esp_partition_read(apps(), 0, &byte, 1), ESP_OK);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_gives_the_partitions),
        cmocka_unit_test(flash_behaves_like_nor),
        cmocka_unit_test(ranges_are_checked),
        cmocka_unit_test(hash_is_sha256),
        cmocka_unit_test(opening_has_its_errors),
        cmocka_unit_test(every_type_comes_back),
        cmocka_unit_test(reading_has_its_errors),
        cmocka_unit_test(long_values_have_limits),
        cmocka_unit_test(figures_count_entries),
        cmocka_unit_test(entries_are_listed),
        cmocka_unit_test(writing_the_same_value_costs_no_flash),
        cmocka_unit_test(it_can_be_rewritten_for_ever),
        cmocka_unit_test(a_full_partition_says_so_and_recovers),
        cmocka_unit_test(garbage_is_erased_and_newer_versions_refused),
        cmocka_unit_test(damaged_data_is_not_handed_out),
        cmocka_unit_test(a_power_cut_leaves_the_old_or_the_new),
        cmocka_unit_test(a_cut_while_mounting_is_survived),
        cmocka_unit_test(an_erased_value_never_comes_back),
        cmocka_unit_test(without_power_everything_fails),
    };
    host_flash_use_table(s_table);
    return KTEST_MAIN(argc, argv, tests);
}
