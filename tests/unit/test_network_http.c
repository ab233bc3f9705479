// SPDX-License-Identifier: Apache-2.0

// Downloads from scripted servers: good ones, slow ones, and those that lie.

#include "network_service/network_http.h"

#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "ktest.h"
#include "network_up.h"
#include "sdkconfig.h"

#define SIZE 40000
#define URL  "http://server/file"

static uint8_t s_body[SIZE];
static uint8_t s_got[2 * SIZE];
static size_t s_size;

/** Download what URL names into s_got. */
static esp_err_t download(const network_http_config_t *config)
{
    network_http_t http;
    size_t got = 0;
    s_size = 0;
    esp_err_t ret = network_http_open(URL, config, &http);
    if (ret != ESP_OK) {
        return ret;
    }
    do {
        ret = network_http_read(http, s_got + s_size, 700, &got);
        s_size += got;
    } while (ret == ESP_OK && got != 0 && s_size + 700 <= sizeof(s_got));
    network_http_close(http);
    return ret;
}

static esp_err_t download_from(const host_network_file_t *file)
{
    host_network_serve(file, 1);
    const esp_err_t ret = download(NULL);
    host_network_serve(NULL, 0);
    return ret;
}

static void assert_whole(void)
{
    assert_int_equal(s_size, SIZE);
    assert_memory_equal(s_got, s_body, SIZE);
}

static void a_file_comes(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZE; i++) {
        s_body[i] = (uint8_t)(i * 31 + i / 251);
    }
    assert_true(network_up_reaches(STATUS_NETWORK_CONNECTED, 5000));
    const host_network_file_t plain = {.url = URL, .body = s_body, .size = SIZE};
    assert_int_equal(download_from(&plain), ESP_OK);
    assert_whole();
    assert_int_equal(network_up_info().bytes, SIZE);
    assert_int_equal(network_up_info().resumed, 0);
}

static void what_breaks_off_goes_on(void **state)
{
    (void)state;
    const uint32_t requests = host_network_requests();
    const host_network_file_t frail = {
        .url = URL, .body = s_body, .size = SIZE, .tag = "\"1\"", .break_after = 15000};
    assert_int_equal(download_from(&frail), ESP_OK);
    assert_whole();
    assert_int_equal(host_network_requests() - requests, 3);
    assert_int_equal(network_up_info().resumed, 2);
}

static void a_server_that_ignores_ranges_is_read_again(void **state)
{
    (void)state;
    static host_network_file_t old = {
        .url = URL, .body = s_body, .size = SIZE, .stall_after = 30000, .no_range = true};
    host_network_serve(&old, 1);
    network_http_t http;
    const network_http_config_t soon = {.stall_ms = 200};
    size_t got;
    assert_int_equal(network_http_open(URL, &soon, &http), ESP_OK);
    for (s_size = 0; s_size < 30000; s_size += got) {
        assert_int_equal(network_http_read(http, s_got + s_size, 1000, &got), ESP_OK);
        assert_int_not_equal(got, 0);
    }
    old.stall_after = 0; // it was mended meanwhile
    do {
        assert_int_equal(network_http_read(http, s_got + s_size, 1000, &got), ESP_OK);
        s_size += got;
    } while (got != 0);
    network_http_close(http);
    assert_whole();
}

static void a_file_that_changed_is_noticed(void **state)
{
    (void)state;
    static uint8_t other[SIZE];
    memcpy(other, s_body, SIZE);
    other[5] ^= 1;
    static const host_network_file_t before = {
        .url = URL, .body = s_body, .size = SIZE, .break_after = 1000};
    static const struct {
        host_network_file_t file;
        esp_err_t verdict;
    } after[] = {
        {{.body = other, .size = SIZE, .no_range = true}, ESP_ERR_NETWORK_CHANGED},
        {{.body = s_body, .size = SIZE - 1, .no_range = true}, ESP_ERR_NETWORK_CHANGED},
        {{.body = s_body, .size = SIZE - 1}, ESP_ERR_NETWORK_CHANGED},
        {{.body = s_body, .size = 100}, ESP_ERR_NETWORK_CHANGED},
        {{.body = s_body, .size = SIZE, .wrong_range = true}, ESP_ERR_NETWORK_PROTOCOL},
    };
    for (size_t i = 0; i < sizeof(after) / sizeof(after[0]); i++) {
        host_network_file_t file = after[i].file;
        network_http_t http;
        size_t got;
        file.url = URL;
        host_network_serve(&before, 1);
        assert_int_equal(network_http_open(URL, NULL, &http), ESP_OK);
        assert_int_equal(network_http_read(http, s_got, 1000, &got), ESP_OK);
        assert_int_equal(got, 1000);
        host_network_serve(&file, 1);
        assert_int_equal(network_http_read(http, s_got, 1000, &got), after[i].verdict);
        network_http_close(http);
        host_network_serve(NULL, 0);
    }
}

static void lies_have_an_end(void **state)
{
    (void)state;
    static const struct {
        host_network_file_t file;
        esp_err_t verdict;
    } lies[] = {
        {{.announced = SIZE + 1, .no_range = true}, ESP_ERR_NETWORK_TRUNCATED},
        {{.announced = SIZE + 1}, ESP_ERR_NETWORK_CHANGED}, // it says itself that there is no more
        {{.announced = UINT32_MAX - 1}, ESP_ERR_NETWORK_TOO_LARGE},
        {{.mute = true}, ESP_ERR_NETWORK_SILENT},
        {{.stall_after = 1000}, ESP_ERR_NETWORK_SILENT},
        {{.status = 404}, ESP_ERR_NETWORK_STATUS},
        {{.status = 500}, ESP_ERR_NETWORK_STATUS},
        {{.status = 204}, ESP_ERR_NETWORK_STATUS},
        {{.status = 206}, ESP_ERR_NETWORK_PROTOCOL},
        {{.status = 302, .location = URL}, ESP_ERR_NETWORK_REDIRECT},
        {{.status = 302, .location = ""}, ESP_ERR_NETWORK_REDIRECT},
        {{.status = 301, .location = "file:///etc/passwd"}, ESP_ERR_NETWORK_REDIRECT},
        {{.status = 307, .location = "http://nowhere/"}, ESP_ERR_NETWORK_HOST},
    };
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        host_network_file_t file = lies[i].file;
        file.url = URL;
        file.body = s_body;
        file.size = SIZE;
        if (file.stall_after != 0) {
            file.no_range = true; // never a byte more
        }
        host_network_serve(&file, 1);
        const network_http_config_t soon = {.stall_ms = 100, .total_ms = 60000};
        assert_int_equal(download(&soon), lies[i].verdict);
        host_network_serve(NULL, 0);
    }
}

static void an_endless_file_is_cut(void **state)
{
    (void)state;
    const host_network_file_t endless = {.url = URL, .endless = true};
    const network_http_config_t small = {.max_bytes = 5000};
    host_network_serve(&endless, 1);
    assert_int_equal(download(&small), ESP_ERR_NETWORK_TOO_LARGE);
    assert_in_range(s_size, 4000, 5000);
    const host_network_file_t drips = {
        .url = URL, .body = s_body, .size = SIZE, .chunk = 1, .delay_ms = 20};
    const network_http_config_t hasty = {.total_ms = 300};
    host_network_serve(&drips, 1);
    assert_int_equal(download(&hasty), ESP_ERR_NETWORK_SILENT);
    host_network_serve(NULL, 0);
}

static void redirections_are_followed(void **state)
{
    (void)state;
    const host_network_file_t files[] = {
        {.url = URL, .status = 302, .location = "/a/b"},
        {.url = "http://server/a/b", .status = 301, .location = "c"},
        {.url = "http://server/a/c", .status = 307, .location = "//other/d"},
        {.url = "http://other/d", .body = s_body, .size = SIZE, .break_after = 30000},
    };
    host_network_serve(files, 4);
    assert_int_equal(download(NULL), ESP_OK);
    assert_whole();
    const host_network_file_t down[] = {
        {.url = "https://server/x", .status = 302, .location = URL}};
    network_http_t http;
    host_network_serve(down, 1);
    assert_int_equal(network_http_open("https://server/x", NULL, &http), ESP_ERR_NETWORK_REDIRECT);
    host_network_serve(NULL, 0);
}

static void an_outage_in_the_middle_is_survived(void **state)
{
    (void)state;
    const host_network_file_t file = {.url = URL, .body = s_body, .size = SIZE};
    network_http_t http;
    size_t got;
    host_network_serve(&file, 1);
    assert_int_equal(network_http_open(URL, NULL, &http), ESP_OK);
    assert_int_equal(network_http_read(http, s_got, 10000, &got), ESP_OK);
    s_size = got;
    assert_int_equal(network_up_fault(NETWORK_FAULT_UNPLUGGED), ESP_OK);
    assert_true(network_up_reaches(STATUS_NETWORK_DISCONNECTED, 5000));
    assert_int_equal(network_up_fault(NETWORK_FAULT_NONE), ESP_OK);
    do { // while it is still away
        assert_int_equal(network_http_read(http, s_got + s_size, 1000, &got), ESP_OK);
        s_size += got;
    } while (got != 0);
    network_http_close(http);
    host_network_serve(NULL, 0);
    assert_whole();
    assert_true(network_up_reaches(STATUS_NETWORK_CONNECTED, 5000));
}

static void faults_by_script(void **state)
{
    (void)state;
    const host_network_file_t file = {.url = URL, .body = s_body, .size = 2500};
    assert_int_equal(network_up_fault(NETWORK_FAULT_SHORT), ESP_OK);
    assert_int_equal(download_from(&file), ESP_OK); // in three pieces
    assert_int_equal(s_size, 2500);
    assert_memory_equal(s_got, s_body, 2500);
    assert_int_equal(network_up_fault(NETWORK_FAULT_WRONG), ESP_OK);
    assert_int_equal(download_from(&file), ESP_OK);
    assert_int_equal(s_size, 2500);
    assert_int_not_equal(memcmp(s_got, s_body, 2500), 0); // a signature tells
    assert_int_equal(network_up_fault(NETWORK_FAULT_NONE), ESP_OK);
}

static void places_run_out_and_come_back(void **state)
{
    (void)state;
    const host_network_file_t file = {.url = URL, .body = s_body, .size = SIZE};
    const network_http_config_t brief = {.total_ms = 100, .stall_ms = 100};
    network_http_t http[CONFIG_NETWORK_HTTP_TRANSFERS + 1];
    size_t got;
    host_network_serve(&file, 1);
    for (int i = 0; i < CONFIG_NETWORK_HTTP_TRANSFERS; i++) {
        assert_int_equal(network_http_open(URL, &brief, &http[i]), ESP_OK);
    }
    network_http_t *last = &http[CONFIG_NETWORK_HTTP_TRANSFERS];
    assert_int_equal(network_http_open(URL, NULL, last), ESP_ERR_NO_MEM);
    vTaskDelay(pdMS_TO_TICKS(1000)); // their tasks were ended, it seems
    assert_int_equal(network_http_open(URL, NULL, last), ESP_OK);
    assert_int_equal(network_http_read(http[0], s_got, 10, &got), ESP_ERR_INVALID_STATE);
    network_http_close(http[0]); // is not open: nothing
    assert_int_equal(network_http_read(*last, s_got, 10, &got), ESP_OK);
    for (int i = 0; i <= CONFIG_NETWORK_HTTP_TRANSFERS; i++) {
        network_http_close(http[i]);
    }
    assert_int_equal(network_http_read(*last, s_got, 10, &got), ESP_ERR_INVALID_STATE);
    assert_int_equal(network_http_open("ftp://x", NULL, last), ESP_ERR_INVALID_ARG);
    assert_int_equal(network_http_open(URL, NULL, NULL), ESP_ERR_INVALID_ARG);
    host_network_serve(NULL, 0);
}

static void without_a_network_it_is_said(void **state)
{
    (void)state;
    const network_http_config_t soon = {.stall_ms = 100};
    network_http_t http;
    assert_int_equal(network_up_ask(NETWORK_OFF, "", ""), ESP_OK);
    assert_int_equal(network_http_open(URL, &soon, &http), ESP_ERR_NETWORK_DOWN);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_file_comes, network_up),
        cmocka_unit_test(what_breaks_off_goes_on),
        cmocka_unit_test(a_server_that_ignores_ranges_is_read_again),
        cmocka_unit_test(a_file_that_changed_is_noticed),
        cmocka_unit_test(lies_have_an_end),
        cmocka_unit_test(an_endless_file_is_cut),
        cmocka_unit_test(redirections_are_followed),
        cmocka_unit_test(an_outage_in_the_middle_is_survived),
        cmocka_unit_test(faults_by_script),
        cmocka_unit_test(places_run_out_and_come_back),
        cmocka_unit_test_teardown(without_a_network_it_is_said, network_up_end),
    };
    return KTEST_MAIN(argc, argv, tests);
}
