// SPDX-License-Identifier: Apache-2.0

// What a power cut leaves behind in key-value storage.

#include "ktest.h"

#include <stdio.h>
#include <string.h>
#include "host_flash.h"
#include "nvs.h"
#include "nvs_flash.h"

#define CUTS        1600 // moments at which the power goes: each byte of a round, then some later
#define ROUND_BYTES 950  // about what write_version() writes
#define ERASE_SEEDS 300
#define TEMPS       7

static const char s_table[] = "nvs, data, nvs, 0x9000, 16K\n";

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

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_power_cut_leaves_the_old_or_the_new),
        cmocka_unit_test(a_cut_while_mounting_is_survived),
        cmocka_unit_test(an_erased_value_never_comes_back),
    };
    host_flash_use_table(s_table);
    return KTEST_MAIN(argc, argv, tests);
}
