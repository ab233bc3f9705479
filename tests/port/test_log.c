// SPDX-License-Identifier: Apache-2.0

// esp_log, esp_err and esp_check against what ESP-IDF's headers promise.

#define LOG_LOCAL_LEVEL ESP_LOG_VERBOSE
#include "ktest.h"

#include <stdio.h>
#include <string.h>
#include "esp_check.h"
#include "esp_err.h"
#include "esp_log.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host_heap.h"
#include "host_log.h"
#include "nvs.h"

static const char *TAG = "log_test";
static char s_seen[512];

static const char *captured(void)
{
    host_log_captured(s_seen, sizeof(s_seen));
    return s_seen;
}

static void line_has_letter_time_tag_and_text(void **state)
{
    unsigned ms;
    char letter;
    char tag[32];
    char rest[64];
    (void)state;
    host_log_capture_start(false);
    ESP_LOGW(TAG, "value %d", 42);
    host_log_capture_stop();
    const char *line = captured();
    const char *start = strchr(line, 'W');
    assert_non_null(start);
    assert_int_equal(sscanf(start, "%c (%u) %31[^:]: %63[^\033\n]", &letter, &ms, tag, rest), 4);
    assert_string_equal(tag, "log_test");
    assert_string_equal(rest, "value 42");
    assert_int_equal(line[strlen(line) - 1], '\n');
#ifdef CONFIG_LOG_COLORS
    assert_memory_equal(line, "\033[0;33mW", 8);
    assert_non_null(strstr(line, "\033[0m\n"));
#else
    assert_ptr_equal(line, start);
#endif
}

static void levels_are_set_per_tag_at_run_time(void **state)
{
    (void)state;
    host_log_capture_start(false);
    esp_log_level_set("*", ESP_LOG_INFO);
    ESP_LOGD("a", "hidden");
    esp_log_level_set("a", ESP_LOG_DEBUG);
    ESP_LOGD("a", "shown a");
    ESP_LOGD("b", "hidden");
    esp_log_level_set("b", ESP_LOG_NONE);
    ESP_LOGE("b", "hidden");
    assert_int_equal(esp_log_level_get("a"), ESP_LOG_DEBUG);
    assert_int_equal(esp_log_level_get("b"), ESP_LOG_NONE);
    assert_int_equal(esp_log_level_get("c"), ESP_LOG_INFO);
    esp_log_level_set("*", ESP_LOG_WARN);
    assert_int_equal(esp_log_level_get("a"), ESP_LOG_WARN);
    assert_int_equal(esp_log_level_get("*"), ESP_LOG_WARN);
    ESP_LOGI("b", "hidden");
    ESP_LOGE("b", "shown b");
    esp_log_level_set("*", ESP_LOG_INFO);
    host_log_capture_stop();
    assert_int_equal(host_log_count("hidden"), 0);
    assert_int_equal(host_log_count("shown"), 2);
}

static void level_set_without_memory_changes_nothing(void **state)
{
    (void)state;
    host_heap_fail_all();
    esp_log_level_set("no_memory", ESP_LOG_ERROR);
    host_heap_fail_nth(0, 0);
    assert_int_equal(esp_log_level_get("no_memory"), ESP_LOG_INFO);
}

static int s_calls;

static int count_calls(const char *format, va_list args)
{
    s_calls++;
    return vsnprintf(s_seen, sizeof(s_seen), format, args);
}

static void one_line_is_one_call_of_the_users_function(void **state)
{
    (void)state;
    vprintf_like_t before = esp_log_set_vprintf(count_calls);
    ESP_LOGI(TAG, "to %s", "me");
    esp_log_write(ESP_LOG_INFO, TAG, "raw %d\n", 7);
    assert_string_equal(s_seen, "raw 7\n");
    assert_ptr_equal(esp_log_set_vprintf(before), count_calls);
    assert_int_equal(s_calls, 2);
}

static void level_may_be_a_value(void **state)
{
    (void)state;
    host_log_capture_start(false);
    for (int level = ESP_LOG_ERROR; level <= ESP_LOG_INFO; level++) {
        ESP_LOG_LEVEL(level, TAG, "at level %d", level);
    }
    ESP_LOG_LEVEL_LOCAL(ESP_LOG_VERBOSE, TAG, "at level %d", 5);
    host_log_capture_stop();
    assert_int_equal(host_log_count("at level"), 3);
    assert_int_equal(host_log_count("E ("), 1);
    assert_int_equal(host_log_count("W ("), 1);
    assert_int_equal(host_log_count("I ("), 1);
}

static void early_log_passes_by_tag_levels(void **state)
{
    (void)state;
    host_log_capture_start(false);
    esp_log_level_set(TAG, ESP_LOG_NONE);
    ESP_LOGE(TAG, "usual");
    ESP_EARLY_LOGE(TAG, "early %d", 1);
    ESP_DRAM_LOGW(TAG, "dram");
    ESP_EARLY_LOGD(TAG, "below the default level");
    esp_log_level_set("*", ESP_LOG_INFO);
    host_log_capture_stop();
    assert_int_equal(host_log_count("usual"), 0);
    assert_int_equal(host_log_count("early 1"), 1);
    assert_int_equal(host_log_count("W log_test: dram"), 1);
    assert_int_equal(host_log_count("below"), 0);
}

static void dumps_are_sixteen_bytes_a_line(void **state)
{
    char bytes[20] = "0123456789abcdefXYZ";
    (void)state;
    host_log_capture_start(false);
    ESP_LOG_BUFFER_HEX(TAG, bytes, sizeof(bytes));
    ESP_LOG_BUFFER_CHAR(TAG, bytes, 19);
    ESP_LOG_BUFFER_HEXDUMP(TAG, bytes, sizeof(bytes), ESP_LOG_WARN);
    ESP_LOG_BUFFER_HEX_LEVEL(TAG, bytes, sizeof(bytes), ESP_LOG_DEBUG);
    host_log_capture_stop();
    assert_int_equal(host_log_count(""), 6);
    assert_int_equal(host_log_count("58 59 5a 00"), 2);
    assert_int_equal(host_log_count("0123456789abcdef"), 2);
    assert_int_equal(host_log_count("|XYZ.|"), 1);
}

static void long_lines_are_whole(void **state)
{
    static char s_long[3000];
    static char s_all[4000];
    (void)state;
    memset(s_long, 'x', sizeof(s_long) - 1);
    host_log_capture_start(false);
    ESP_LOGI(TAG, "%s", s_long);
    host_log_capture_stop();
    size_t n = host_log_captured(s_all, sizeof(s_all));
    assert_in_range(n, sizeof(s_long), sizeof(s_all) - 1);
    assert_non_null(strstr(s_all, s_long));
}

static void talk(void *arg)
{
    for (int i = 0; i < 50; i++) {
        ESP_LOGI("talker", "<%d-%s>", i, "a text long enough to be torn apart by another task");
    }
    xTaskNotifyGive((TaskHandle_t)arg);
    vTaskDelete(NULL);
}

static void lines_of_many_tasks_do_not_mix(void **state)
{
    (void)state;
    host_log_capture_start(false);
    for (int i = 0; i < 4; i++) {
        xTaskCreate(talk, "talk", 4096, xTaskGetCurrentTaskHandle(), 2, NULL);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_not_equal(ulTaskNotifyTake(pdFALSE, pdMS_TO_TICKS(60000)), 0);
    }
    host_log_capture_stop();
    assert_int_equal(host_log_count("-a text long enough to be torn apart by another task>"), 200);
    assert_int_equal(host_log_count(""), 200);
}

static void names_are_those_of_the_device(void **state)
{
    char buf[32];
    (void)state;
    assert_string_equal(esp_err_to_name(ESP_OK), "ESP_OK");
    assert_string_equal(esp_err_to_name(ESP_FAIL), "ESP_FAIL");
    assert_string_equal(esp_err_to_name(ESP_ERR_NO_MEM), "ESP_ERR_NO_MEM");
    assert_string_equal(esp_err_to_name(ESP_ERR_NOT_ALLOWED), "ESP_ERR_NOT_ALLOWED");
    assert_string_equal(esp_err_to_name(ESP_ERR_NVS_NO_FREE_PAGES), "ESP_ERR_NVS_NO_FREE_PAGES");
    assert_string_equal(esp_err_to_name(0x3001), "ESP_ERR_WIFI_NOT_INIT");
    assert_string_equal(esp_err_to_name(0x6001), "ESP_ERR_FLASH_OP_FAIL");
    assert_string_equal(esp_err_to_name(0x7fffff), "ERROR");
    assert_string_equal(esp_err_to_name_r(ESP_ERR_TIMEOUT, buf, sizeof(buf)), "ESP_ERR_TIMEOUT");
    assert_string_equal(esp_err_to_name_r(0x7fffff, buf, sizeof(buf)), "ERROR 0x7fffff(8388607)");
    assert_string_equal(esp_err_to_name_r(ESP_ERR_TIMEOUT, buf, 8), "ESP_ERR");
}

static int s_evaluated;

static esp_err_t give(esp_err_t err)
{
    s_evaluated++;
    return err;
}

static esp_err_t return_on_error(esp_err_t err)
{
    ESP_RETURN_ON_ERROR(give(err), TAG, "gave %d", 1);
    return ESP_ERR_NOT_FINISHED;
}

static esp_err_t return_on_false(bool ok)
{
    ESP_RETURN_ON_FALSE(ok, ESP_ERR_INVALID_SIZE, TAG, "no");
    ESP_RETURN_ON_FALSE_ISR(ok, ESP_ERR_INVALID_SIZE, TAG, "no");
    return ESP_OK;
}

static esp_err_t goto_on_error(esp_err_t err, bool ok)
{
    esp_err_t ret = ESP_OK;
    ESP_GOTO_ON_ERROR(give(err), out, TAG, "went");
    ESP_GOTO_ON_FALSE(ok, ESP_ERR_TIMEOUT, out, TAG, "went");
    return ESP_ERR_NOT_FINISHED;
out:
    return ret;
}

static void checks_leave_where_they_should(void **state)
{
    (void)state;
    s_evaluated = 0;
    host_log_capture_start(false);
    assert_int_equal(return_on_error(ESP_OK), ESP_ERR_NOT_FINISHED);
    assert_int_equal(return_on_error(ESP_ERR_NO_MEM), ESP_ERR_NO_MEM);
    assert_int_equal(return_on_false(true), ESP_OK);
    assert_int_equal(return_on_false(false), ESP_ERR_INVALID_SIZE);
    assert_int_equal(goto_on_error(ESP_FAIL, true), ESP_FAIL);
    assert_int_equal(goto_on_error(ESP_OK, false), ESP_ERR_TIMEOUT);
    assert_int_equal(goto_on_error(ESP_OK, true), ESP_ERR_NOT_FINISHED);
    assert_int_equal(ESP_ERROR_CHECK_WITHOUT_ABORT(give(ESP_ERR_TIMEOUT)), ESP_ERR_TIMEOUT);
    ESP_ERROR_CHECK(give(ESP_OK));
    host_log_capture_stop();
    assert_int_equal(s_evaluated, 7);
    assert_int_equal(host_log_count("return_on_error("), 1);
    assert_int_equal(host_log_count("gave 1"), 1);
    assert_int_equal(host_log_count("goto_on_error("), 2);
    assert_int_equal(host_log_count("ESP_ERROR_CHECK_WITHOUT_ABORT failed: esp_err_t 0x107 "
                                    "(ESP_ERR_TIMEOUT)"),
                     1);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(line_has_letter_time_tag_and_text),
        cmocka_unit_test(levels_are_set_per_tag_at_run_time),
        cmocka_unit_test(level_set_without_memory_changes_nothing),
        cmocka_unit_test(one_line_is_one_call_of_the_users_function),
        cmocka_unit_test(level_may_be_a_value),
        cmocka_unit_test(early_log_passes_by_tag_levels),
        cmocka_unit_test(dumps_are_sixteen_bytes_a_line),
        cmocka_unit_test(long_lines_are_whole),
        cmocka_unit_test(lines_of_many_tasks_do_not_mix),
        cmocka_unit_test(names_are_those_of_the_device),
        cmocka_unit_test(checks_leave_where_they_should),
    };
    return KTEST_MAIN(argc, argv, tests);
}
