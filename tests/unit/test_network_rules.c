// SPDX-License-Identifier: Apache-2.0

// The bridge's rules and its queue: what they take, what they refuse, what goes when there is no
// room.

#include <string.h>

#include "ktest.h"
#include "network_bridge.h"

static void rules_are_read(void **state)
{
    (void)state;
    network_rule_t rule;
    assert_true(network_rule_parse("out demo.* 1 retain", &rule));
    assert_false(rule.in);
    assert_true(rule.retain);
    assert_int_equal(rule.qos, 1);
    assert_string_equal(rule.pattern, "demo.*");
    assert_true(network_rule_parse(" in  a.b  2 ", &rule));
    assert_true(rule.in);
    assert_int_equal(rule.qos, 2);
    static const char *const bad[] = {
        "",         "out",       "away demo.*", "out de*",     "out *x",          "out demo.* 3",
        "out a/b",  "in a.+",    "in #",        "in a retain", "out demo.* soon", "out demo.* 11",
        "out\na.b", "output a.b"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(network_rule_parse(bad[i], &rule));
    }
}

static void names_and_topics_mean_each_other(void **state)
{
    (void)state;
    char topic[MQTT_TOPIC_MAX + 1];
    char name[SYSTEM_NAME_MAX + 1];
    network_rule_t rule;
    assert_true(network_rule_topic("kraken/1", "out", "a.b-c.d_e", topic));
    assert_string_equal(topic, "kraken/1/out/a/b-c/d_e");
    assert_true(network_rule_topic("kraken/1", "in", "a.*", topic));
    assert_string_equal(topic, "kraken/1/in/a/#");
    assert_true(network_rule_event("kraken/1", "kraken/1/in/a/b-c", name));
    assert_string_equal(name, "a.b-c");
    static const char *const foreign[] = {"kraken/1/out/a",
                                          "kraken/2/in/a",
                                          "kraken/1/in/",
                                          "kraken/1/in/a.b",
                                          "kraken/1/in/app/started",
                                          "",
                                          "kraken/1/in/system/shutdown",
                                          "kraken/1/in/network/control",
                                          "kraken/1/in/0123456789012345678901234567890123456789"};
    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
        assert_false(network_rule_event("kraken/1", foreign[i], name));
    }
    assert_true(network_rule_parse("in a.*", &rule));
    assert_true(network_rule_matches(&rule, "a.b"));
    assert_false(network_rule_matches(&rule, "ab"));
    assert_true(network_rule_parse("in *", &rule));
    assert_true(network_rule_matches(&rule, "ab"));
}

static void brokers_have_an_address(void **state)
{
    (void)state;
    static const char *const good[] = {"mqtt://a", "mqtt://a.b-c:1883", "mqtts://127.0.0.1:8883"};
    static const char *const bad[] = {"",          "mqtt://",         "mqtt://:1",  "http://a",
                                      "mqtt://a:", "mqtt://a:x",      "mqtt://a/b", "mqtt://a b",
                                      "a:1883",    "mqtt://a:123456", "mqtt://u@a"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(network_broker_valid(good[i]));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(network_broker_valid(bad[i]));
    }
    static const char *const chosen[] = {"mqtt://a?v=5", "mqtts://a.b:8883?v=3"};
    static const char *const strange[] = {"mqtt://a?", "mqtt://a?v=4", "mqtt://a?v=5x",
                                          "mqtt://?v=5"};
    char plain[NETWORK_TEXT_MAX + 1];
    bool v5 = false;
    for (size_t i = 0; i < sizeof(chosen) / sizeof(chosen[0]); i++) {
        assert_true(network_broker_valid(chosen[i]));
        network_broker_read(chosen[i], plain, &v5);
        assert_int_equal(v5, i == 0);
        assert_string_equal(plain, i == 0 ? "mqtt://a" : "mqtts://a.b:8883");
    }
    for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
        assert_false(network_broker_valid(strange[i]));
    }
}

static void the_oldest_goes_when_there_is_no_room(void **state)
{
    (void)state;
    bool dropped;
    uint32_t first = 0;
    uint32_t third = 0;
    for (int i = 0; i < CONFIG_NETWORK_MQTT_QUEUE; i++) {
        network_message_t *one = network_queue_add(&dropped);
        assert_false(dropped);
        one->sent = true;
        first = i == 0 ? one->token : first;
        third = i == 2 ? one->token : third;
    }
    assert_true(network_queue_done(third)); // out of its turn
    assert_int_equal(network_queue_count(), CONFIG_NETWORK_MQTT_QUEUE - 1);
    (void)network_queue_add(&dropped);
    assert_true(dropped);
    assert_false(network_queue_done(first));
    assert_int_equal(network_queue_count(), CONFIG_NETWORK_MQTT_QUEUE - 1);
    network_queue_unsend();
    uint32_t last = 0;
    for (unsigned i = 0; network_queue_at(i) != NULL; i++) {
        const network_message_t *one = network_queue_at(i);
        assert_false(one->sent);
        if (one->token != 0) {
            assert_true(one->token > last);
            last = one->token;
        }
    }
    while (network_queue_count() != 0) {
        assert_true(network_queue_done(last--) || network_queue_count() != 0);
    }
    assert_null(network_queue_at(0));
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_are_read),
        cmocka_unit_test(names_and_topics_mean_each_other),
        cmocka_unit_test(brokers_have_an_address),
        cmocka_unit_test(the_oldest_goes_when_there_is_no_room),
    };
    return KTEST_MAIN(argc, argv, tests);
}
