// SPDX-License-Identifier: Apache-2.0

// Which addresses may be asked for, and where a redirection leads.

#include <string.h>

#include "http_range.h"
#include "ktest.h"
#include "network_internal.h"

static void only_whole_addresses_are_asked_for(void **state)
{
    (void)state;
    static const char *const good[] = {"http://a", "https://a/b?c=d", "http://a:80/",
                                       "http://[::1]:8/x"};
    static const char *const bad[] = {"",
                                      "http://",
                                      "http:///x",
                                      "ftp://a/b",
                                      "file:///x",
                                      "a/b",
                                      "HTTP://a",
                                      "http://a/b c",
                                      "http://a\n",
                                      "http://a/\r\nX: y",
                                      "http://:80/",
                                      "http://a/\x7f",
                                      "http://\xc3\xa4/"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(network_url_valid(good[i]));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(network_url_valid(bad[i]));
    }
    char longest[NETWORK_URL_MAX + 2];
    memset(longest, 'a', sizeof(longest));
    memcpy(longest, "http://", 7);
    longest[NETWORK_URL_MAX + 1] = '\0';
    assert_false(network_url_valid(longest));
    longest[NETWORK_URL_MAX] = '\0';
    assert_true(network_url_valid(longest));
}

static void redirections_lead_where_browsers_go(void **state)
{
    (void)state;
    static const struct {
        const char *base;
        const char *location;
        const char *leads_to; // NULL = nowhere
    } cases[] = {
        {"http://a/b/c", "http://d/e", "http://d/e"},
        {"http://a/b/c", "https://d/e", "https://d/e"},
        {"http://a/b/c", "/e", "http://a/e"},
        {"http://a/b/c?q=/x", "e", "http://a/b/e"},
        {"http://a/b/c", "//d/e", "http://d/e"},
        {"https://a/b/c", "//d/e", "https://d/e"},
        {"http://a", "e", "http://a/e"},
        {"http://a", "/e", "http://a/e"},
        {"http://a/", "e", "http://a/e"},
        {"http://a/b?x", "?y", "http://a/b?y"},
        {"http://a/b", "c?u=http://d/", "http://a/c?u=http://d/"},
        {"http://a/b", "", NULL},
        {"http://a/b", "ftp://d/e", NULL},
        {"http://a/b", "javascript://d/e", NULL},
        {"http://a/b", "c\r\nX: y", NULL},
    };
    char out[NETWORK_URL_MAX + 1];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const bool leads = network_url_resolve(cases[i].base, cases[i].location, out);
        assert_int_equal(leads, cases[i].leads_to != NULL);
        if (leads) {
            assert_string_equal(out, cases[i].leads_to);
        }
    }
    char longest[NETWORK_URL_MAX + 1];
    memset(longest, 'x', NETWORK_URL_MAX);
    longest[NETWORK_URL_MAX] = '\0';
    assert_false(network_url_resolve("http://a/b", longest, out));
}

static void a_part_is_what_the_server_says_it_is(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        uint32_t from, total;
    } cases[] = {
        {"bytes 5-9/10", 5, 10},
        {"bytes 0-0/1", 0, 1},
        {"bytes 5-9/*", 5, HTTP_UNKNOWN},
        {"bytes 5-9/9", 5, HTTP_UNKNOWN}, // it ends before its last byte
        {"bytes 5-9/99999999999999999999", 5, HTTP_UNKNOWN},
        {"bytes */10", HTTP_UNKNOWN, HTTP_UNKNOWN}, // no part at all
        {"bytes 9-5/10", HTTP_UNKNOWN, HTTP_UNKNOWN},
        {"bytes -5/10", HTTP_UNKNOWN, HTTP_UNKNOWN},
        {"bytes 5-/10", HTTP_UNKNOWN, HTTP_UNKNOWN},
        {"bytes 5-9", HTTP_UNKNOWN, HTTP_UNKNOWN},
        {"bytes 5-4294967295/4294967296", HTTP_UNKNOWN, HTTP_UNKNOWN},
        {"bytes 99999999999999999999-99999999999999999999/1", HTTP_UNKNOWN, HTTP_UNKNOWN},
        {"bytes +5-9/10", HTTP_UNKNOWN, HTTP_UNKNOWN},
        {"lines 5-9/10", HTTP_UNKNOWN, HTTP_UNKNOWN},
        {"", HTTP_UNKNOWN, HTTP_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        http_answer_t answer = {.from = HTTP_UNKNOWN, .total = HTTP_UNKNOWN};
        http_take_content_range(&answer, cases[i].value);
        assert_int_equal(answer.from, cases[i].from);
        assert_int_equal(answer.total, cases[i].total);
    }
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_whole_addresses_are_asked_for),
        cmocka_unit_test(redirections_lead_where_browsers_go),
        cmocka_unit_test(a_part_is_what_the_server_says_it_is),
    };
    return KTEST_MAIN(argc, argv, tests);
}
