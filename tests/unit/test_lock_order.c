// SPDX-License-Identifier: Apache-2.0

// The order of the core's locks is kept, or the system stops and says which two were taken how.

#include "ktest.h"

#include <string.h>

#include "app_lifecycle.h"
#include "event_internal.h"
#include "host_control.h"
#include "host_system.h"
#include "lock_order.h"
#include "system_up.h"

static ktest_run_t s_run;
static portMUX_TYPE s_leaf = portMUX_INITIALIZER_UNLOCKED;
static portMUX_TYPE s_other = portMUX_INITIALIZER_UNLOCKED;

static void expect(void (*fn)(void *arg), int code, const char *text)
{
    static const host_sched_t scheds[] = {HOST_SCHED_THREADS, HOST_SCHED_SIM};
#if defined(__SANITIZE_THREAD__) && !defined(HOST_FLAVOUR_SIM)
    const unsigned count = 1;
#else
    const unsigned count = 2;
#endif
    for (unsigned i = 0; i < count; i++) {
        const host_config_t config = {.sched = scheds[i], .restart_exits = true, .quiet = true};
        ktest_run_board(&config, fn, NULL, &s_run);
        if (s_run.exit_code != code || s_run.timed_out || strstr(s_run.output, text) == NULL) {
            fail_msg("scheduler %u: exit %d signal %d, expected %d and \"%s\", printed:\n%s", i,
                     s_run.exit_code, s_run.signal, code, text, s_run.output);
        }
    }
}

static void in_order(void *arg)
{
    (void)arg;
    const system_secure_key_t key = system_up();
    app_lock();
    registry_lock();
    portENTER_CRITICAL(&event_mailbox(0)->lock);
    portENTER_CRITICAL(&event_mailbox(0)->lock); // it is its own already
    portENTER_CRITICAL(&s_leaf);
    portEXIT_CRITICAL(&s_leaf);
    portEXIT_CRITICAL(&event_mailbox(0)->lock);
    portEXIT_CRITICAL(&event_mailbox(0)->lock);
    registry_unlock();
    app_unlock();
    portENTER_CRITICAL(&s_other);
    portEXIT_CRITICAL(&s_other);
    system_down(key);
    host_exit(0);
}

static void leaf_under_leaf(void *arg)
{
    (void)arg;
    (void)system_up();
    portENTER_CRITICAL(&s_leaf);
    portENTER_CRITICAL(&s_other);
}

static void mailbox_under_leaf(void *arg)
{
    (void)arg;
    (void)system_up();
    portENTER_CRITICAL(&s_leaf);
    portENTER_CRITICAL_SAFE(&event_mailbox(1)->lock);
}

static void two_mailboxes(void *arg)
{
    (void)arg;
    (void)system_up();
    portENTER_CRITICAL(&event_mailbox(1)->lock);
    portENTER_CRITICAL_ISR(&event_mailbox(0)->lock);
}

static void routes_under_mailbox(void *arg)
{
    (void)arg;
    (void)system_up();
    portENTER_CRITICAL(&event_mailbox(0)->lock);
    event_routes_forget_retained(SYSTEM_EVENT_TYPE_NONE);
}

static void registry_under_mailbox(void *arg)
{
    (void)arg;
    (void)system_up();
    portENTER_CRITICAL(&event_mailbox(0)->lock);
    registry_lock();
}

static void registry_twice(void *arg)
{
    (void)arg;
    (void)system_up();
    registry_lock();
    registry_lock();
}

static void apps_under_registry(void *arg)
{
    (void)arg;
    (void)system_up();
    registry_lock();
    app_lock();
}

static void the_order_is_free_to_use(void **state)
{
    (void)state;
    expect(in_order, 0, "");
}

static void a_wrong_order_stops_the_system(void **state)
{
    (void)state;
    expect(leaf_under_leaf, HOST_EXIT_PANIC, "lock order: a leaf lock is taken under a leaf lock");
    expect(mailbox_under_leaf, HOST_EXIT_PANIC, "a mailbox's lock is taken under a leaf lock");
    expect(two_mailboxes, HOST_EXIT_PANIC, "a mailbox's lock is taken under a mailbox's lock");
    expect(routes_under_mailbox, HOST_EXIT_PANIC,
           "the routes' lock is taken under a mailbox's lock");
    expect(registry_under_mailbox, HOST_EXIT_PANIC,
           "the registry's lock is taken under a mailbox's lock");
    expect(registry_twice, HOST_EXIT_PANIC,
           "the registry's lock is taken under the registry's lock");
    expect(apps_under_registry, HOST_EXIT_PANIC,
           "the apps' lock is taken under the registry's lock");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_order_is_free_to_use),
        cmocka_unit_test(a_wrong_order_stops_the_system),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
