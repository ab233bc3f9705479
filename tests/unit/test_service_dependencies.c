/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_log.h"
#include "fake_registry.h"
#include "service_dependencies_internal.h"

#define NEEDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static int setup(void **state)
{
    (void)state;
    fake_registry_reset();
    dependencies_init();
    fake_log_clear();
    return 0;
}

static esp_err_t add(unsigned slot, const char *name, const char *const *needs)
{
    const esp_err_t err = dependencies_attach(slot, name, needs);

    if (err == ESP_OK) {
        fake_registry_add(slot, name, false);
    }
    return err;
}

static void assert_order(slot_set_t set, const char *expected)
{
    uint8_t order[SYSTEM_SLOTS];
    size_t count = SYSTEM_SLOTS;
    char text[200] = "";

    assert_int_equal(dependencies_start_order(set, order, &count), ESP_OK);
    for (size_t i = 0; i < count; i++) {
        strcat(strcat(text, i > 0 ? " " : ""), service_slot_name(order[i]));
    }
    assert_string_equal(text, expected);
    uint8_t back[SYSTEM_SLOTS];
    size_t same = SYSTEM_SLOTS;

    assert_int_equal(dependencies_stop_order(set, back, &same), ESP_OK);
    assert_int_equal(same, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(back[i], order[count - 1 - i]);
    }
}

static void test_order_is_that_of_registration_when_nobody_needs_anybody(void **state)
{
    (void)state;
    add(5, "five", NULL);
    add(1, "one", NULL);
    add(3, "three", NULL);
    assert_order(dependencies_all(), "five one three");
}

static void test_dependencies_come_first(void **state)
{
    (void)state;
    add(0, "ui", NEEDS("display", "input"));
    add(1, "music", NEEDS("audio", "ui"));
    add(2, "input", NULL);
    add(3, "audio", NULL);
    add(4, "display", NULL);
    assert_order(dependencies_all(), "input audio display ui music");
    assert_int_equal(dependencies_direct(1), SLOT_BIT(3) | SLOT_BIT(0));
    assert_int_equal(dependencies_needed_by(1),
                     SLOT_BIT(0) | SLOT_BIT(2) | SLOT_BIT(3) | SLOT_BIT(4));
    assert_int_equal(dependencies_dependants_of(2), SLOT_BIT(0) | SLOT_BIT(1));
    assert_int_equal(dependencies_dependants_of(1), 0);
    /* a part of the graph, ordered through members that are not in it */
    assert_order(SLOT_BIT(1) | SLOT_BIT(4), "display music");
}

static void test_names_may_come_later(void **state)
{
    (void)state;
    add(0, "app", NEEDS("net", "disk"));
    assert_string_equal(dependencies_first_missing(0), "net");
    add(1, "net", NEEDS("radio"));
    assert_string_equal(dependencies_first_missing(1), "radio");
    add(2, "disk", NULL);
    assert_string_equal(dependencies_first_missing(0), "radio"); /* through net */
    assert_int_equal(dependencies_count_missing(), 1);
    add(3, "radio", NULL);
    assert_null(dependencies_first_missing(0));
    assert_int_equal(dependencies_count_missing(), 0);
    assert_order(dependencies_all(), "disk radio net app");
}

static void test_circles_are_refused_and_shown(void **state)
{
    (void)state;
    assert_int_equal(add(0, "self", NEEDS("self")), ESP_ERR_SERVICE_DEPENDENCY_CYCLE);
    assert_string_equal(dependencies_last_circle(), "self -> self");
    add(0, "b", NEEDS("c", "x"));
    add(1, "c", NEEDS("a"));
    add(2, "x", NEEDS("y"));
    assert_int_equal(add(3, "a", NEEDS("b")), ESP_ERR_SERVICE_DEPENDENCY_CYCLE);
    assert_string_equal(dependencies_last_circle(), "a -> b -> c -> a");
    assert_non_null(strstr(fake_log_text(), "a refused: a -> b -> c -> a"));
    /* nothing has changed: a is still missing and may come in another form */
    assert_string_equal(dependencies_first_missing(1), "a");
    assert_int_equal(dependencies_all(), SLOT_BIT(0) | SLOT_BIT(1) | SLOT_BIT(2));
    assert_int_equal(add(3, "a", NULL), ESP_OK);
    assert_int_equal(add(4, "y", NEEDS("b")), ESP_ERR_SERVICE_DEPENDENCY_CYCLE);
    assert_string_equal(dependencies_last_circle(), "y -> b -> x -> y");
}

static void test_a_long_circle_is_cut(void **state)
{
    (void)state;
    static char names[10][SYSTEM_NAME_MAX + 1];
    const char *needs[10][2];

    for (unsigned i = 0; i < 10; i++) {
        snprintf(names[i], sizeof(names[i]), "service_with_a_long_name_%u", i);
    }
    for (unsigned i = 0; i < 10; i++) {
        needs[i][0] = names[(i + 1) % 10];
        needs[i][1] = NULL;
        const esp_err_t expected = i < 9 ? ESP_OK : ESP_ERR_SERVICE_DEPENDENCY_CYCLE;

        assert_int_equal(add(i, names[i], needs[i]), expected);
    }
    const char *path = dependencies_last_circle();

    assert_int_equal(strlen(path), DEPENDENCIES_PATH_MAX - 1);
    assert_string_equal(path + DEPENDENCIES_PATH_MAX - 4, "...");
    assert_non_null(strstr(path, "name_9 -> service_with_a_long_name_0 -> "));
}

static void test_too_many_names(void **state)
{
    (void)state;
    const char *names[SERVICE_DEPENDENCIES_MAX + 2];

    for (int i = 0; i <= SERVICE_DEPENDENCIES_MAX; i++) {
        names[i] = "same";
    }
    names[SERVICE_DEPENDENCIES_MAX + 1] = NULL;
    assert_int_equal(add(0, "greedy", names), ESP_ERR_SERVICE_DEPENDENCIES_FULL);
    names[SERVICE_DEPENDENCIES_MAX] = NULL;
    assert_int_equal(add(0, "modest", names), ESP_OK);
}

/* T9 and reclaim: who goes leaves no edge behind for the slot's next owner. */
static void test_t9_reclaim_leaves_no_edges(void **state)
{
    (void)state;
    add(0, "a", NULL);
    add(1, "b", NEEDS("a"));
    dependencies_reclaim(0);
    fake_registry_remove(0);
    assert_string_equal(dependencies_first_missing(1), "a");
    assert_int_equal(add(0, "other", NEEDS("b")), ESP_OK);
    assert_int_equal(dependencies_dependants_of(0), 0);
    assert_order(dependencies_all(), "b other");
    assert_int_equal(add(2, "a", NULL), ESP_OK);
    assert_int_equal(dependencies_dependants_of(2), SLOT_BIT(1) | SLOT_BIT(0));
    dependencies_reclaim(SYSTEM_SLOT_NONE);
}

/* T10: the order was written past the end of the caller's array. */
static void test_t10_order_stays_in_its_array(void **state)
{
    (void)state;
    uint8_t order[3] = {0xEE, 0xEE, 0xEE};
    size_t count = 2;

    add(0, "a", NULL);
    add(1, "b", NEEDS("a"));
    add(2, "c", NEEDS("b"));
    assert_int_equal(dependencies_start_order(dependencies_all(), order, &count),
                     ESP_ERR_INVALID_SIZE);
    assert_int_equal(count, 3);
    assert_memory_equal(order, ((uint8_t[]){0, 1, 0xEE}), 3);
    count = 1;
    assert_int_equal(dependencies_stop_order(dependencies_all(), order, &count),
                     ESP_ERR_INVALID_SIZE);
    assert_memory_equal(order, ((uint8_t[]){2, 1, 0xEE}), 3);
    system_service_id_t ids[2] = {7, 7};
    count = 1;
    assert_int_equal(dependencies_get_start_order(ids, &count), ESP_ERR_INVALID_SIZE);
    assert_int_equal(ids[0], service_slot_id(0));
    assert_int_equal(ids[1], 7);
    service_dependency_t list[1];
    count = 0;
    assert_int_equal(dependencies_list(service_slot_id(2), list, &count), ESP_ERR_INVALID_SIZE);
    assert_int_equal(count, 1);
}

static void test_public_lists(void **state)
{
    (void)state;
    service_dependency_t list[4];
    system_service_id_t ids[4];
    size_t count = 4;

    add(0, "a", NEEDS("b", "gone"));
    add(1, "b", NULL);
    assert_int_equal(dependencies_list(service_slot_id(0), list, &count), ESP_OK);
    assert_int_equal(count, 2);
    assert_string_equal(list[0].name, "b");
    assert_int_equal(list[0].id, service_slot_id(1));
    assert_string_equal(list[1].name, "gone");
    assert_int_equal(list[1].id, SYSTEM_SERVICE_ID_NONE);
    count = 4;
    assert_int_equal(dependencies_list_dependants(service_slot_id(1), ids, &count), ESP_OK);
    assert_int_equal(count, 1);
    assert_int_equal(ids[0], service_slot_id(0));
    count = 4;
    assert_int_equal(dependencies_get_start_order(ids, &count), ESP_OK);
    assert_int_equal(count, 2);
    assert_int_equal(ids[0], service_slot_id(1));
    assert_int_equal(dependencies_list(0, list, &count), ESP_ERR_SERVICE_NOT_FOUND);
    assert_int_equal(dependencies_list_dependants(0, ids, &count), ESP_ERR_SERVICE_NOT_FOUND);
    assert_int_equal(dependencies_list(service_slot_id(0), list, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(dependencies_list(service_slot_id(0), NULL, &count), ESP_ERR_INVALID_ARG);
    assert_int_equal(dependencies_list_dependants(1, NULL, &count), ESP_ERR_INVALID_ARG);
    assert_int_equal(dependencies_get_start_order(NULL, &count), ESP_ERR_INVALID_ARG);
    assert_false(fake_registry_locked());
}

/* Random graphs: every order is one, and what is refused is a circle and nothing else. */
static void test_random_graphs(void **state)
{
    (void)state;
    static char names[SYSTEM_SLOTS][4];
    static const char *needs[SYSTEM_SLOTS][4];

    for (unsigned i = 0; i < SYSTEM_SLOTS; i++) {
        snprintf(names[i], sizeof(names[i]), "n%u", i);
    }
    srand(7);
    for (int round = 0; round < 300; round++) {
        uint64_t reaches[SYSTEM_SLOTS] = {0}; /* reference: closure of the accepted edges */
        bool in[SYSTEM_SLOTS] = {false};

        setup(NULL);
        for (unsigned i = 0; i < SYSTEM_SLOTS; i++) {
            const unsigned n = (unsigned)rand() % 4;

            memset(needs[i], 0, sizeof(needs[i]));
            for (unsigned k = 0; k < n; k++) {
                needs[i][k] = names[(unsigned)rand() % SYSTEM_SLOTS];
            }
            in[i] = true;
            for (unsigned a = 0; a < SYSTEM_SLOTS; a++) {
                reaches[a] = 0;
                for (unsigned k = 0; in[a] && k < 3 && needs[a][k] != NULL; k++) {
                    const unsigned to = (unsigned)atoi(needs[a][k] + 1);

                    reaches[a] |= in[to] ? UINT64_C(1) << to : 0;
                }
            }
            for (unsigned via = 0; via < SYSTEM_SLOTS; via++) {
                for (unsigned a = 0; a < SYSTEM_SLOTS; a++) {
                    reaches[a] |= reaches[a] >> via & 1 ? reaches[via] : 0;
                }
            }
            const bool circle = reaches[i] >> i & 1;
            const esp_err_t err = add(i, names[i], needs[i]);

            assert_int_equal(err, circle ? ESP_ERR_SERVICE_DEPENDENCY_CYCLE : ESP_OK);
            in[i] = !circle;
        }
        uint8_t order[SYSTEM_SLOTS];
        size_t count = SYSTEM_SLOTS;
        slot_set_t started = 0;

        assert_int_equal(dependencies_start_order(dependencies_all(), order, &count), ESP_OK);
        for (size_t i = 0; i < count; i++) {
            assert_true((dependencies_direct(order[i]) & ~started) == 0);
            started |= SLOT_BIT(order[i]);
        }
        assert_true(started == dependencies_all());
    }
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_order_is_that_of_registration_when_nobody_needs_anybody),
        TEST(test_dependencies_come_first),
        TEST(test_names_may_come_later),
        TEST(test_circles_are_refused_and_shown),
        TEST(test_a_long_circle_is_cut),
        TEST(test_too_many_names),
        TEST(test_t9_reclaim_leaves_no_edges),
        TEST(test_t10_order_stays_in_its_array),
        TEST(test_public_lists),
        TEST(test_random_graphs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
