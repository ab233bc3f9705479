/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fake_registry.h"
#include "log_control_internal.h"

/* ESP-IDF's levels, as its header describes them: a tag has the level of "*" unless it was given
 * one of its own, and setting "*" takes all of those away. */
static struct {
    char tag[40];
    esp_log_level_t level;
} s_levels[100];
static unsigned s_level_count;
static esp_log_level_t s_default;

void esp_log_level_set(const char *tag, esp_log_level_t level)
{
    assert_string_not_equal(tag, "?");
    if (strcmp(tag, "*") == 0) {
        s_level_count = 0;
        s_default = level;
        return;
    }
    unsigned i = 0;

    while (i < s_level_count && strcmp(s_levels[i].tag, tag) != 0) {
        i++;
    }
    s_level_count += i == s_level_count;
    snprintf(s_levels[i].tag, sizeof(s_levels[i].tag), "%s", tag);
    s_levels[i].level = level;
}

esp_log_level_t esp_log_level_get(const char *tag)
{
    for (unsigned i = 0; i < s_level_count; i++) {
        if (strcmp(s_levels[i].tag, tag) == 0) {
            return s_levels[i].level;
        }
    }
    return s_default;
}

static system_service_id_t s_audio, s_display;

static int setup(void **state)
{
    (void)state;
    fake_registry_reset();
    log_control_init();
    s_level_count = 0;
    s_default = ESP_LOG_INFO;
    s_audio = fake_registry_add(0, "audio", false);
    s_display = fake_registry_add(1, "display", false);
    return 0;
}

static esp_log_level_t level(const char *tag)
{
    esp_log_level_t out;

    assert_int_equal(log_control_get(tag, &out), ESP_OK);
    return out;
}

static void test_a_service_and_its_tags(void **state)
{
    (void)state;
    assert_int_equal(log_control_add_tag(s_audio, "i2s_driver"), ESP_OK);
    assert_int_equal(log_control_add_tag(s_audio, "i2s_driver"), ESP_OK);
    assert_int_equal(log_control_set("audio", ESP_LOG_DEBUG), ESP_OK);
    assert_int_equal(level("audio"), ESP_LOG_DEBUG);
    assert_int_equal(level("i2s_driver"), ESP_LOG_DEBUG);
    assert_int_equal(level("display"), ESP_LOG_INFO);
    assert_int_equal(log_control_set("i2s_driver", ESP_LOG_ERROR), ESP_OK);
    assert_int_equal(level("audio"), ESP_LOG_DEBUG);
    assert_int_equal(level("i2s_driver"), ESP_LOG_ERROR);
    assert_int_equal(log_control_reset("audio"), ESP_OK);
    assert_int_equal(level("audio"), ESP_LOG_INFO);
    assert_int_equal(level("i2s_driver"), ESP_LOG_INFO);
    assert_int_equal(log_control_reset("display"), ESP_OK);
}

static void test_reset_goes_back_to_what_it_was(void **state)
{
    (void)state;
    esp_log_level_set("audio", ESP_LOG_WARN); /* the firmware wanted it quiet */
    assert_int_equal(log_control_set("audio", ESP_LOG_DEBUG), ESP_OK);
    assert_int_equal(log_control_set("audio", ESP_LOG_NONE), ESP_OK);
    assert_int_equal(log_control_reset("audio"), ESP_OK);
    assert_int_equal(level("audio"), ESP_LOG_WARN);
}

static void test_all(void **state)
{
    (void)state;
    assert_int_equal(log_control_add_tag(SYSTEM_SERVICE_ID_NONE, "wifi"), ESP_OK);
    esp_log_level_set("wifi", ESP_LOG_WARN);
    assert_int_equal(log_control_set("audio", ESP_LOG_DEBUG), ESP_OK);
    assert_int_equal(log_control_set(LOG_CONTROL_ALL, ESP_LOG_ERROR), ESP_OK);
    assert_int_equal(level("audio"), ESP_LOG_ERROR);
    assert_int_equal(level("wifi"), ESP_LOG_ERROR);
    assert_int_equal(level("nobody knows it"), ESP_LOG_ERROR);
    assert_int_equal(level(LOG_CONTROL_ALL), ESP_LOG_ERROR);
    assert_int_equal(log_control_set(LOG_CONTROL_ALL, ESP_LOG_NONE), ESP_OK);
    assert_int_equal(log_control_reset(LOG_CONTROL_ALL), ESP_OK);
    assert_int_equal(level("audio"), ESP_LOG_INFO);
    assert_int_equal(level("wifi"), ESP_LOG_WARN);
    assert_int_equal(level("nobody knows it"), ESP_LOG_INFO);
}

static void test_list(void **state)
{
    (void)state;
    log_control_tag_t list[4];
    size_t count = 4;

    log_control_add_tag(SYSTEM_SERVICE_ID_NONE, "wifi");
    log_control_set("display", ESP_LOG_DEBUG);
    assert_int_equal(log_control_list(list, &count), ESP_OK);
    assert_int_equal(count, 3);
    assert_string_equal(list[0].tag, "audio");
    assert_false(list[0].changed);
    assert_int_equal(list[0].normal, ESP_LOG_INFO);
    assert_string_equal(list[1].tag, "display");
    assert_true(list[1].changed);
    assert_int_equal(list[1].level, ESP_LOG_DEBUG);
    assert_int_equal(list[1].normal, ESP_LOG_INFO);
    assert_string_equal(list[2].tag, "wifi");
    assert_int_equal(list[2].owner, SYSTEM_SERVICE_ID_NONE);
    count = 2;
    assert_int_equal(log_control_list(list, &count), ESP_ERR_INVALID_SIZE);
    assert_int_equal(count, 3);
    count = 0;
    assert_int_equal(log_control_list(NULL, &count), ESP_ERR_INVALID_SIZE);
    assert_int_equal(log_control_list(NULL, &count), ESP_ERR_INVALID_ARG);
    assert_int_equal(log_control_list(list, NULL), ESP_ERR_INVALID_ARG);
}

/* T9: what was set for one owner does not stay with the slot. */
static void test_t9_tags_go_with_their_owner(void **state)
{
    (void)state;
    log_control_add_tag(s_audio, "i2s_driver");
    log_control_set("audio", ESP_LOG_NONE);
    log_control_reclaim(0);
    fake_registry_remove(0);
    assert_int_equal(level("audio"), ESP_LOG_INFO);
    assert_int_equal(level("i2s_driver"), ESP_LOG_INFO);
    assert_int_equal(log_control_set("i2s_driver", ESP_LOG_NONE), ESP_ERR_NOT_FOUND);
    /* an owner that goes without log_control_reclaim() is noticed */
    log_control_add_tag(s_display, "spi_driver");
    log_control_set("display", ESP_LOG_NONE);
    fake_registry_remove(1);
    fake_registry_add(1, "other", false);
    assert_int_equal(log_control_set("spi_driver", ESP_LOG_NONE), ESP_ERR_NOT_FOUND);
    assert_int_equal(level("spi_driver"), ESP_LOG_INFO);
    assert_int_equal(level("other"), ESP_LOG_INFO);
    log_control_reclaim(SYSTEM_SLOT_NONE);
}

static void test_who_may_add_tags(void **state)
{
    (void)state;
    assert_int_equal(log_control_add_tag(s_audio, "mine"), ESP_OK);
    assert_int_equal(log_control_add_tag(s_display, "mine"), ESP_ERR_LOG_TAG_TAKEN);
    assert_int_equal(log_control_add_tag(s_display, "audio"), ESP_ERR_LOG_TAG_TAKEN);
    assert_int_equal(log_control_add_tag(s_audio, "audio"), ESP_OK);
    fake_registry_run_as(1);
    assert_int_equal(log_control_add_tag(s_audio, "yours"), ESP_ERR_NOT_OWNER);
    assert_int_equal(log_control_add_tag(SYSTEM_SERVICE_ID_NONE, "wifi"), ESP_ERR_NOT_OWNER);
    fake_registry_run_as(SYSTEM_SLOT_NONE);
    assert_int_equal(log_control_add_tag(0xABC00, "x"), ESP_ERR_SERVICE_NOT_FOUND);
    assert_int_equal(log_control_add_tag(s_audio, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(log_control_add_tag(s_audio, ""), ESP_ERR_INVALID_ARG);
    assert_int_equal(log_control_add_tag(s_audio, "a tag with more than thirty-one bytes"),
                     ESP_ERR_INVALID_ARG);
    assert_false(fake_registry_locked());
}

static void test_full_table_changes_nothing(void **state)
{
    (void)state;
    static char tags[CONFIG_SYSTEM_LOG_MAX_TAGS][8];

    for (unsigned i = 0; i < CONFIG_SYSTEM_LOG_MAX_TAGS; i++) {
        snprintf(tags[i], sizeof(tags[i]), "tag%u", i);
        assert_int_equal(log_control_add_tag(s_audio, tags[i]), ESP_OK);
    }
    assert_int_equal(log_control_add_tag(s_audio, "more"), ESP_ERR_LOG_TAGS_FULL);
    assert_int_equal(log_control_set("audio", ESP_LOG_NONE), ESP_ERR_LOG_TAGS_FULL);
    assert_int_equal(level("tag0"), ESP_LOG_INFO);
    assert_int_equal(log_control_set("tag0", ESP_LOG_NONE), ESP_OK);
    log_control_init();
    assert_int_equal(level("tag0"), ESP_LOG_INFO);
}

static void test_bad_arguments(void **state)
{
    (void)state;
    esp_log_level_t out;

    assert_int_equal(log_control_set(NULL, ESP_LOG_INFO), ESP_ERR_INVALID_ARG);
    assert_int_equal(log_control_set("audio", (esp_log_level_t)6), ESP_ERR_INVALID_ARG);
    assert_int_equal(log_control_set("audio", (esp_log_level_t)-1), ESP_ERR_INVALID_ARG);
    assert_int_equal(log_control_set("unheard of", ESP_LOG_INFO), ESP_ERR_NOT_FOUND);
    assert_int_equal(log_control_reset("unheard of"), ESP_ERR_NOT_FOUND);
    assert_int_equal(log_control_reset(NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(log_control_get(NULL, &out), ESP_ERR_INVALID_ARG);
    assert_int_equal(log_control_get("audio", NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(log_control_set("audio", ESP_LOG_VERBOSE),
                     CONFIG_LOG_MAXIMUM_LEVEL < ESP_LOG_VERBOSE ? ESP_ERR_NOT_SUPPORTED : ESP_OK);
}

static void test_level_names(void **state)
{
    (void)state;
    esp_log_level_t out;

    for (int l = ESP_LOG_NONE; l <= ESP_LOG_VERBOSE; l++) {
        const char letter[2] = {log_control_level_name((esp_log_level_t)l)[0], '\0'};

        assert_int_equal(
            log_control_level_from_name(log_control_level_name((esp_log_level_t)l), &out), ESP_OK);
        assert_int_equal(out, l);
        assert_int_equal(log_control_level_from_name(letter, &out), ESP_OK);
        assert_int_equal(out, l);
    }
    assert_int_equal(log_control_level_from_name("DEBUG", &out), ESP_OK);
    assert_int_equal(log_control_level_from_name("deb", &out), ESP_ERR_INVALID_ARG);
    assert_int_equal(log_control_level_from_name("", &out), ESP_ERR_INVALID_ARG);
    assert_int_equal(log_control_level_from_name(NULL, &out), ESP_ERR_INVALID_ARG);
    assert_string_equal(log_control_level_name((esp_log_level_t)6), "?");
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_service_and_its_tags),
        TEST(test_reset_goes_back_to_what_it_was),
        TEST(test_all),
        TEST(test_list),
        TEST(test_t9_tags_go_with_their_owner),
        TEST(test_who_may_add_tags),
        TEST(test_full_table_changes_nothing),
        TEST(test_bad_arguments),
        TEST(test_level_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
