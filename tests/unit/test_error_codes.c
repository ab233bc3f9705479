/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "esp_check.h"
#include "ktest.h"
#include "system_service/error_codes.h"

#define COUNT(name, offset, text) +1
#define ENTRY(name, offset, text) {name, #name, text},

enum {
    CODES = 0 SYSTEM_ERROR_LIST(COUNT)
};

static const struct {
    esp_err_t code;
    const char *name;
    const char *text;
} s_codes[] = {SYSTEM_ERROR_LIST(ENTRY)};

/* Every range that ESP-IDF v5.5 declares: first code, and room for 0xFFF more. */
static const int s_idf_bases[] = {
    0x0100, 0x1100, 0x1200, 0x1500, 0x2000, 0x3000, 0x3064, 0x4000, 0x5000, 0x6000,
    0x7000, 0x8000, 0x9000, 0xa000, 0xb000, 0xc000, 0xd000, 0xe000, 0xf000,
};

static void test_there_are_at_least_fifty(void **state)
{
    (void)state;
    assert_true(CODES >= 50);
}

static void test_codes_are_unique_and_in_range(void **state)
{
    (void)state;
    for (int i = 0; i < CODES; i++) {
        assert_in_range(s_codes[i].code, SYSTEM_ERR_BASE + 1, SYSTEM_ERR_LAST);
        for (int j = 0; j < i; j++) {
            assert_int_not_equal(s_codes[i].code, s_codes[j].code);
            assert_string_not_equal(s_codes[i].text, s_codes[j].text);
        }
    }
}

static void test_range_is_not_esp_idfs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(s_idf_bases) / sizeof(s_idf_bases[0]); i++) {
        assert_true(s_idf_bases[i] + 0xFFF < SYSTEM_ERR_BASE || s_idf_bases[i] > SYSTEM_ERR_LAST);
    }
    for (int code = SYSTEM_ERR_BASE; code <= SYSTEM_ERR_LAST; code++) {
        assert_string_equal(esp_err_to_name(code), "ERROR");
    }
}

static void test_every_code_is_named_and_described(void **state)
{
    (void)state;
    for (int i = 0; i < CODES; i++) {
        assert_string_equal(system_error_to_string(s_codes[i].code), s_codes[i].name);
        assert_string_equal(system_error_describe(s_codes[i].code), s_codes[i].text);
        assert_true(strlen(s_codes[i].text) >= 15);
    }
}

static void test_codes_of_esp_idf_are_named(void **state)
{
    (void)state;
    assert_string_equal(system_error_to_string(ESP_OK), "ESP_OK");
    assert_string_equal(system_error_to_string(ESP_FAIL), "ESP_FAIL");
    assert_string_equal(system_error_to_string(ESP_ERR_NO_MEM), "ESP_ERR_NO_MEM");
    assert_string_equal(system_error_describe(ESP_ERR_NO_MEM), "out of memory");
    assert_string_equal(system_error_describe(ESP_ERR_INVALID_MAC), "ESP_ERR_INVALID_MAC");
    const esp_err_t described[] = {
        ESP_OK,
        ESP_FAIL,
        ESP_ERR_INVALID_ARG,
        ESP_ERR_INVALID_STATE,
        ESP_ERR_INVALID_SIZE,
        ESP_ERR_NOT_FOUND,
        ESP_ERR_NOT_SUPPORTED,
        ESP_ERR_TIMEOUT,
    };
    for (size_t i = 0; i < sizeof(described) / sizeof(described[0]); i++) {
        assert_string_not_equal(system_error_describe(described[i]), esp_err_to_name(described[i]));
    }
}

static void test_any_value_has_a_string(void **state)
{
    (void)state;
    for (int code = -0x1000; code < 0x60000; code += 7) {
        assert_non_null(system_error_to_string(code));
        assert_non_null(system_error_describe(code));
    }
    assert_string_equal(system_error_to_string(SYSTEM_ERR_LAST), "ERROR");
    assert_string_equal(system_error_describe(INT32_MIN), "ERROR");
}

static esp_err_t goes_through_the_check_macros(esp_err_t code)
{
    ESP_RETURN_ON_ERROR(code, "test", "as expected");
    ESP_RETURN_ON_FALSE(code != ESP_OK, ESP_ERR_SERVICE_NOT_FOUND, "test", "as expected");
    return ESP_OK;
}

static void test_works_with_esp_check(void **state)
{
    (void)state;
    assert_int_equal(goes_through_the_check_macros(ESP_ERR_QUOTA_EVENTS_EXCEEDED),
                     ESP_ERR_QUOTA_EVENTS_EXCEEDED);
    assert_int_equal(goes_through_the_check_macros(ESP_OK), ESP_ERR_SERVICE_NOT_FOUND);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_are_at_least_fifty),
        cmocka_unit_test(test_codes_are_unique_and_in_range),
        cmocka_unit_test(test_range_is_not_esp_idfs),
        cmocka_unit_test(test_every_code_is_named_and_described),
        cmocka_unit_test(test_codes_of_esp_idf_are_named),
        cmocka_unit_test(test_any_value_has_a_string),
        cmocka_unit_test(test_works_with_esp_check),
    };

    return KTEST_MAIN(argc, argv, tests);
}
