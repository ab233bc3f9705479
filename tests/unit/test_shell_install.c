// SPDX-License-Identifier: Apache-2.0

// The shell's commands for installed apps and for whom to trust, well and badly used.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app_store.h"
#include "esp_rom_crc.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host_control.h"
#include "host_flash.h"
#include "ktest.h"
#include "shell_test.h"

#include "kapp/kapp_trust.h"
#include "system_service/error_codes.h"

static char s_dir[] = "/tmp/shell_install_XXXXXX";

/** In a line %s is the folder with the packages. */
static void check(const shell_test_example_t *examples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char line[SHELL_LINE_MAX + 1];
        const char *at = strstr(examples[i].line, "%s");
        const int length =
            at != NULL ? (int)(at - examples[i].line) : (int)strlen(examples[i].line);
        snprintf(line, sizeof(line), "%.*s%s%s", length, examples[i].line, at != NULL ? s_dir : "",
                 at != NULL ? at + 2 : "");
        shell_test_prints(line, examples[i].status, examples[i].text);
    }
}
#define CHECK(list) check(list, sizeof(list) / sizeof((list)[0]))

static void write_file(const char *name, const void *bytes, size_t size)
{
    char path[64];
    snprintf(path, sizeof(path), "%s/%s", s_dir, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static void remove_file(const char *name)
{
    char path[64];
    snprintf(path, sizeof(path), "%s/%s", s_dir, name);
    unlink(path);
}

static void apps_come_change_and_go(void **state)
{
    (void)state;
    write_file("v1", app_store_v1.bytes, app_store_v1.size);
    write_file("v2", app_store_v2.bytes, app_store_v2.size);
    write_file("bad", "KAPP", 4);
    static const shell_test_example_t examples[] = {
        {"store", SHELL_OK, "0 KB of 320 KB used, 320 KB free; 0 of"},
        {"update %s/v1", SHELL_FAILED, "org.example.hello is not installed: try install"},
        {"install %s/none", SHELL_FAILED, "ESP_ERR_NOT_FOUND"},
        {"install %s/bad", SHELL_FAILED, "ESP_ERR_KAPP_TRUNCATED: the package ends too early"},
        {"install http://here/x.kapp", SHELL_FAILED, "ESP_ERR_KAPP_STREAM_SCHEME"},
        {"install", SHELL_USAGE, "usage: install FILE|URL"},
        {"install %s/v1", SHELL_OK, "org.example.hello 1.2.3 is installed as \"hello\""},
        {"install %s/v1", SHELL_FAILED, "try update"},
        {"apps", SHELL_OK, "org.example.hello        hello            1.2.3"},
        {"apps", SHELL_OK, "test             -"},
        {"autostart hello on", SHELL_OK, ""},
        {"apps", SHELL_OK, "test             starts"},
        {"autostart org.example.hello off", SHELL_OK, ""},
        {"autostart hello", SHELL_USAGE, "usage: autostart"},
        {"autostart hello maybe", SHELL_USAGE, "usage: autostart"},
        {"autostart nobody on", SHELL_FAILED, "ESP_ERR_APP_NOT_FOUND"},
        {"update %s/v2", SHELL_OK, "org.example.hello: 2.2.3 in place of 1.2.3"},
        {"update %s/v1", SHELL_FAILED, "2.2.3 is installed: \"update FILE older\" goes back"},
        {"update %s/v1 now", SHELL_USAGE, "usage: update"},
        {"update %s/v1 older", SHELL_OK, "1.2.3 in place of 2.2.3"},
        {"store", SHELL_OK, "64 KB of 320 KB used, 256 KB free; 1 of"},
        {"app start hello", SHELL_OK, ""},
        {"store erase", SHELL_FAILED, "ESP_ERR_APP_IN_USE"},
        {"uninstall fixed", SHELL_FAILED, "ESP_ERR_KAPP_STORE_BUILT_IN"},
        {"uninstall", SHELL_USAGE, "usage: uninstall"},
        {"uninstall hello keep", SHELL_OK, ""},
        {"apps", SHELL_OK, "org.example.hello        (only its data)"},
        {"uninstall org.example.hello", SHELL_OK, ""},
        {"uninstall hello", SHELL_FAILED, "ESP_ERR_APP_NOT_FOUND"},
        {"store nonsense", SHELL_USAGE, "usage: store"},
        {"store erase", SHELL_OK, ""},
    };
    CHECK(examples);
    remove_file("v1");
    remove_file("v2");
    remove_file("bad");
}

static void upload_pieces(const kb_bytes_t *package, uint32_t crc)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char line[SHELL_LINE_MAX + 1];
    snprintf(line, sizeof(line), "upload %u %u", (unsigned)package->size, (unsigned)crc);
    assert_int_equal(shell_test_run(line), SHELL_OK);
    for (size_t at = 0; at < package->size;) {
        int length = snprintf(line, sizeof(line), "upload + %u ", (unsigned)at);
        const size_t end = at + 120 < package->size ? at + 120 : package->size;
        uint32_t bits = 0;
        unsigned have = 0;
        while (at < end) {
            bits = bits << 8 | package->bytes[at++];
            for (have += 8; have >= 6; have -= 6) {
                line[length++] = digits[bits >> (have - 6) & 63];
            }
        }
        if (have > 0) {
            line[length++] = digits[bits << (6 - have) & 63];
        }
        line[length] = '\0';
        assert_int_equal(shell_test_run(line), SHELL_OK);
    }
}

static void a_package_comes_over_the_console(void **state)
{
    (void)state;
    const uint32_t sum1 = esp_rom_crc32_le(0, app_store_v1.bytes, (uint32_t)app_store_v1.size);
    const uint32_t sum2 = esp_rom_crc32_le(0, app_store_v2.bytes, (uint32_t)app_store_v2.size);
    static const shell_test_example_t wrong[] = {
        {"upload install", SHELL_FAILED, "nothing was begun"},
        {"upload + 0 AAAA", SHELL_FAILED, "nothing was begun"},
        {"upload", SHELL_USAGE, "usage: upload"},
        {"upload 0 0", SHELL_FAILED, "a package has 1 to"},
        {"upload 99999999 0", SHELL_FAILED, "a package has 1 to"},
        {"upload 4 x", SHELL_USAGE, "usage: upload"},
        {"upload 4 0", SHELL_OK, "have 0 of 4"},
        {"upload + 0 AAAAA", SHELL_OK, "have 3 of 4"},
        {"upload + 4 AA", SHELL_FAILED, "have 3 of 4"},
        {"upload + 3 AAAA", SHELL_FAILED, "have 3 of 4"},
        {"upload + 1 A-AA", SHELL_FAILED, "have 1 of 4"},
        {"upload install", SHELL_FAILED, "have 1 of 4"},
        {"upload + 1 AAAA", SHELL_OK, "have 4 of 4"},
        {"upload install", SHELL_FAILED, "damaged on the way"},
        {"upload install", SHELL_FAILED, "nothing was begun"},
    };
    static const shell_test_example_t first[] = {
        {"upload update", SHELL_FAILED, "is not installed: try install"},
        {"upload install", SHELL_OK, "org.example.hello 1.2.3 is installed as"},
        {"upload install", SHELL_FAILED, "nothing was begun"},
    };
    static const shell_test_example_t second[] = {
        {"upload install", SHELL_FAILED, "try update"},
        {"upload update", SHELL_OK, "2.2.3 in place of 1.2.3"},
    };
    static const shell_test_example_t back[] = {
        {"upload update", SHELL_FAILED, "goes back"},
        {"upload update older", SHELL_OK, "1.2.3 in place of 2.2.3"},
        {"uninstall hello", SHELL_OK, ""},
    };
    static const shell_test_example_t off[] = {
        {"upload off", SHELL_OK, ""},
        {"upload install", SHELL_FAILED, "nothing was begun"},
    };
    CHECK(wrong);
    upload_pieces(&app_store_v1, sum1);
    CHECK(first);
    upload_pieces(&app_store_v2, sum2);
    CHECK(second);
    upload_pieces(&app_store_v1, sum1);
    CHECK(back);
    upload_pieces(&app_store_v1, sum1);
    CHECK(off);
}

static const char s_pem[] = "-----BEGIN PUBLIC KEY-----\n"
                            "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEWrIuKYQEufFc4d2OXXh98OX8902Y\n"
                            "Olcbr7/Mq7RbMFif5N6us1/CoZJZ0lCVsDDAI0L7Nm069TVzCcdF9+Qumg==\n"
                            "-----END PUBLIC KEY-----\n";
#define PEM_HEX                                                                                    \
    "045ab22e298404b9f15ce1dd8e5d787df0e5fcf74d983a571bafbfccabb45b3058"                           \
    "9fe4deaeb35fc2a19259d25095b030c02342fb366d3af5357309c745f7e42e9a"
#define OTHER_HEX                                                                                  \
    "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"                           \
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"

static void keys_come_and_go(void **state)
{
    (void)state;
    write_file("key", s_pem, sizeof(s_pem) - 1);
    write_file("half", s_pem, sizeof(s_pem) / 2);
    static const shell_test_example_t examples[] = {
        {"trust", SHELL_OK, "test             trusted"},
        {"trust list", SHELL_OK, "test             trusted"},
        {"trust add file %s/key", SHELL_OK, ""},
        {"trust", SHELL_OK, "f04d6e4497b85896  file             trusted"},
        {"trust add again " PEM_HEX, SHELL_FAILED, "ESP_ERR_KAPP_KEY_EXISTS"},
        {"trust add none %s/none", SHELL_FAILED, "ESP_ERR_NOT_FOUND"},
        {"trust add half %s/half", SHELL_FAILED, "ESP_ERR_KAPP_KEY_INVALID"},
        {"trust revoke f04d", SHELL_OK, ""},
        {"trust", SHELL_OK, "f04d6e4497b85896  file             revoked"},
        {"trust revoke f04", SHELL_FAILED, "ESP_ERR_KAPP_KEY_NOT_FOUND"},
        {"trust remove file", SHELL_OK, ""},
        {"trust remove file", SHELL_FAILED, "ESP_ERR_KAPP_KEY_NOT_FOUND"},
        {"trust add hex " PEM_HEX, SHELL_OK, ""},
        {"trust rotate hex next " OTHER_HEX, SHELL_OK, ""},
        {"trust", SHELL_OK, "hex              revoked"},
        {"trust", SHELL_OK, "next             trusted"},
        {"trust rotate nobody next " OTHER_HEX, SHELL_FAILED, "ESP_ERR_KAPP_KEY_NOT_FOUND"},
        {"trust nonsense", SHELL_USAGE, "usage: trust"},
        {"trust add x", SHELL_USAGE, "usage: trust"},
        {"trust erase", SHELL_OK, ""},
        {"trust", SHELL_OK, "nobody is trusted"},
    };
    CHECK(examples);
    remove_file("key");
    remove_file("half");
}

static void a_key_is_read_as_people_write_it(void **state)
{
    (void)state;
    uint8_t pem[KAPP_PUBLIC_KEY_SIZE], hex[KAPP_PUBLIC_KEY_SIZE];
    char text[sizeof(s_pem)];
    assert_int_equal(kapp_key_parse(s_pem, pem), ESP_OK);
    assert_int_equal(kapp_key_parse(PEM_HEX "\r\n", hex), ESP_OK);
    assert_memory_equal(pem, hex, sizeof(pem));
    assert_int_equal(kapp_key_parse(PEM_HEX "0", hex), ESP_ERR_KAPP_KEY_INVALID);
    assert_int_equal(kapp_key_parse("", hex), ESP_ERR_KAPP_KEY_INVALID);
    assert_int_equal(kapp_key_parse(NULL, hex), ESP_ERR_INVALID_ARG);
    for (size_t cut = 0; cut < sizeof(s_pem) - 2; cut++) { // all but the last line end
        memcpy(text, s_pem, cut);
        text[cut] = '\0';
        assert_int_equal(kapp_key_parse(text, hex), ESP_ERR_KAPP_KEY_INVALID);
    }
    memcpy(text, s_pem, sizeof(s_pem));
    text[40] = '!';
    assert_int_equal(kapp_key_parse(text, hex), ESP_ERR_KAPP_KEY_INVALID);
    text[40] = 'A'; // another kind of key
    assert_int_equal(kapp_key_parse(text, hex), ESP_ERR_KAPP_KEY_INVALID);
}

static void what_nobody_goes_on_uploading_is_given_up(void **state)
{
    (void)state;
    static const shell_test_example_t begin[] = {{"upload 1000 0", SHELL_OK, "have 0 of 1000"}};
    static const shell_test_example_t slowly[] = {{"upload + 0 AAAA", SHELL_OK, "have 3 of 1000"}};
    static const shell_test_example_t late[] = {
        {"upload + 3 AAAA", SHELL_FAILED, "nothing was begun"}};
    if (host_sched() != HOST_SCHED_SIM) {
        skip(); // it takes minutes
    }
    CHECK(begin);
    vTaskDelay(pdMS_TO_TICKS(50000));
    CHECK(slowly);
    vTaskDelay(pdMS_TO_TICKS(50000));
    CHECK(slowly);
    vTaskDelay(pdMS_TO_TICKS(61000));
    CHECK(late);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, app_store_set_up, app_store_tear_down)
    static const struct CMUnitTest tests[] = {
        TEST(what_nobody_goes_on_uploading_is_given_up),
        TEST(apps_come_change_and_go),
        TEST(a_key_is_read_as_people_write_it),
        TEST(a_package_comes_over_the_console),
        TEST(keys_come_and_go), // and nobody is trusted afterwards
    };
    host_flash_use_table(app_store_table);
    if (mkdtemp(s_dir) == NULL) {
        return 1;
    }
    const int ret = KTEST_MAIN(argc, argv, tests);
    rmdir(s_dir);
    return ret;
}
