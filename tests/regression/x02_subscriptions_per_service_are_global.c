// SPDX-License-Identifier: Apache-2.0
/*
 * The story: the option "Max subscriptions per service" was the size of the one table that all
 * services shared. The first one to subscribe a lot left nothing to the others.
 *
 * Here one service takes all it may have, and as many others as there can be get theirs.
 */
#include <stdio.h>

#include "ktest.h"
#include "system_up.h"

static void ignore(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
}

static void each_service_has_its_own_share(void **state)
{
    (void)state;
    enum {
        SHARE = CONFIG_SYSTEM_QUOTA_SUBSCRIPTIONS
    };
    static int contexts[SHARE + 1];
    const system_secure_key_t key = system_up();
    const system_event_type_t type = system_up_type("test.event");
    const unsigned services = CONFIG_SYSTEM_MAX_SUBSCRIPTIONS / SHARE < CONFIG_SYSTEM_MAX_SERVICES
                                  ? CONFIG_SYSTEM_MAX_SUBSCRIPTIONS / SHARE
                                  : CONFIG_SYSTEM_MAX_SERVICES;
    char name[16];

    assert_true(services >= 2);
    for (unsigned n = 0; n < services; n++) {
        system_service_id_t id;
        snprintf(name, sizeof(name), "service%u", n);
        assert_int_equal(system_service_register(name, NULL, &id), ESP_OK);
        // The last one fills the table to the brim: that its share is used up cannot be told apart.
        for (int i = 0; i < SHARE + (n + 1 < services); i++) {
            assert_int_equal(system_event_subscribe(id, type, ignore, &contexts[i]),
                             i < SHARE ? ESP_OK : ESP_ERR_QUOTA_SUBS_EXCEEDED);
        }
    }
    system_down(key);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_service_has_its_own_share),
    };
    return KTEST_MAIN(argc, argv, tests);
}
