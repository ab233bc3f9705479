// SPDX-License-Identifier: Apache-2.0
/*
 * HIGH never takes the last express worker: however long its handlers are, one stays for CRITICAL.
 * What waits is served as soon as a worker is free for it, also when the one that serves HIGH
 * hangs.
 */
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "ktest.h"
#include "scripted_service.h"
#include "system_up.h"

#define HOLDERS    4 // as many as there are shared workers
#define INSIDE_MAX (HOLDERS - 1)
#define SLICE_MS   (CONFIG_SYSTEM_HANDLER_HANG_MS * 3 / 5) // long, and no hang
_Static_assert(portNUM_PROCESSORS == 2, "two workers of each kind");

typedef struct {
    system_service_id_t id;
    system_event_type_t type;
    _Atomic uint32_t inside, express, done;
    _Atomic uint32_t go_on;
} holder_t;

static holder_t s_holders[HOLDERS];
static _Atomic uint32_t s_inside, s_alarms;

static bool is_express(void)
{
    return strcmp(pcTaskGetName(NULL), "ev_express") == 0;
}

static void hold(const system_event_t *event, void *user_data)
{
    holder_t *holder = user_data;
    (void)event;
    holder->express = is_express();
    holder->inside = 1;
    s_inside++;
    while (!holder->go_on) {
        vTaskDelay(1);
    }
    s_inside--;
    holder->inside = 0;
    holder->done++;
}

static void hold_a_slice(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    s_inside++;
    vTaskDelay(pdMS_TO_TICKS(SLICE_MS));
    s_inside--;
}

static void alarm(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    KTEST_CHECK(is_express());
    s_alarms++;
}

static void prepare(unsigned count, system_event_handler_t handler)
{
    static const char *const names[HOLDERS] = {"holder0", "holder1", "holder2", "holder3"};
    static const char *const types[HOLDERS] = {"test.hold0", "test.hold1", "test.hold2",
                                               "test.hold3"};
    memset(s_holders, 0, sizeof(s_holders));
    s_inside = s_alarms = 0;
    for (unsigned n = 0; n < count; n++) {
        holder_t *holder = &s_holders[n];
        holder->id = system_up_service(names[n]);
        holder->type = system_up_type(types[n]);
        assert_int_equal(system_event_subscribe(holder->id, holder->type, handler, holder), ESP_OK);
    }
}

static void post(const holder_t *holder, uint8_t priority)
{
    assert_int_equal(system_event_post(holder->id, holder->type, NULL, 0, priority), ESP_OK);
}

static void one_express_worker_stays_for_critical(void **state)
{
    (void)state;
    const system_secure_key_t key = system_up();
    prepare(HOLDERS, hold);
    const system_service_id_t canary = system_up_service("canary");
    const system_event_type_t type = system_up_type("test.alarm");
    assert_int_equal(system_event_subscribe(canary, type, alarm, NULL), ESP_OK);
    for (unsigned n = 0; n < HOLDERS; n++) {
        post(&s_holders[n], SYSTEM_EVENT_PRIORITY_HIGH);
    }
    // An express worker and both general ones; nobody sleeps while he might.
    assert_true(system_up_wait(&s_inside, INSIDE_MAX, 1000));
    vTaskDelay(pdMS_TO_TICKS(30));
    assert_int_equal(s_inside, INSIDE_MAX);
    uint32_t express = 0;
    for (unsigned n = 0; n < HOLDERS; n++) {
        express += s_holders[n].inside && s_holders[n].express;
    }
    assert_int_equal(express, 1);
    for (uint32_t n = 1; n <= 20; n++) {
        assert_int_equal(system_event_post(canary, type, NULL, 0, SYSTEM_EVENT_PRIORITY_CRITICAL),
                         ESP_OK);
        assert_true(system_up_wait(&s_alarms, n, 1000));
        assert_int_equal(s_inside, INSIDE_MAX); // and HIGH does not slip in behind it
    }
    for (unsigned n = 0; n < HOLDERS; n++) { // each that leaves makes room for who waits
        s_holders[n].go_on = 1;
        assert_true(system_up_wait(&s_holders[n].done, 1, 1000));
    }
    system_down(key);
}

/** Both general workers, for the (n + 1)th time: it is the express ones that must come back. */
static void hold_the_general_workers(uint32_t n)
{
    for (unsigned i = 0; i < 2; i++) {
        s_holders[i].go_on = 1;
        assert_true(system_up_wait(&s_holders[i].done, n, 1000));
        s_holders[i].go_on = 0;
        post(&s_holders[i], SYSTEM_EVENT_PRIORITY_NORMAL);
    }
    assert_true(system_up_wait(&s_inside, 2, 1000));
}

static void who_waits_is_served_when_high_is_free(void **state)
{
    (void)state;
    const system_secure_key_t key = system_up();
    prepare(HOLDERS, hold);
    hold_the_general_workers(0);
    for (uint32_t round = 1; round <= 50; round++) {
        if (round % 5 == 0) { // before a slow machine makes hangs of them
            hold_the_general_workers(round / 5);
        }
        holder_t *first = &s_holders[2 + round % 2];
        holder_t *second = &s_holders[3 - round % 2];
        first->go_on = second->go_on = 0;
        post(first, SYSTEM_EVENT_PRIORITY_HIGH);
        assert_true(system_up_wait(&first->inside, 1, 1000));
        assert_true(first->express);
        post(second, SYSTEM_EVENT_PRIORITY_HIGH);
        vTaskDelay(round % 3);
        assert_int_equal(second->inside, 0);
        second->go_on = first->go_on = 1;
        assert_true(system_up_wait(&second->done, round, 1000));
        assert_true(second->express);
        assert_true(system_up_wait(&first->done, round, 1000));
    }
    s_holders[0].go_on = s_holders[1].go_on = 1;
    system_down(key);
}

static void high_goes_on_when_who_serves_it_hangs(void **state)
{
    static scripted_t victim;
    (void)state;
    if (host_sched() != HOST_SCHED_SIM) {
        return; // seconds of waiting
    }
    const system_secure_key_t key = system_up();
    prepare(2, hold_a_slice);
    scripted_prepare(&victim, "victim", NULL);
    scripted_register(&victim);
    assert_int_equal(system_service_start_all(), ESP_OK);
    const system_service_id_t waits = system_up_service("waits");
    const system_event_type_t type = system_up_type("test.waits");
    assert_int_equal(system_event_subscribe(waits, type, alarm, NULL), ESP_OK);
    // General workers are held for longer than a hang, by handlers none of which hangs.
    for (unsigned n = 0; n < 2; n++) {
        for (unsigned slice = 0; slice < 3; slice++) {
            post(&s_holders[n], SYSTEM_EVENT_PRIORITY_NORMAL);
        }
    }
    assert_true(system_up_wait(&s_inside, 2, 1000));
    atomic_store(&victim.hang[SCRIPTED_HANDLER], 1);
    assert_int_equal(system_event_post(waits, victim.work, NULL, 0, SYSTEM_EVENT_PRIORITY_HIGH),
                     ESP_OK);
    assert_true(system_up_wait(&victim.calls[SCRIPTED_HANDLER], 1, 1000));
    assert_int_equal(system_event_post(waits, type, NULL, 0, SYSTEM_EVENT_PRIORITY_HIGH), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(1000));
    assert_int_equal(s_alarms, 0);
    assert_true(system_up_wait(&s_alarms, 1, CONFIG_SYSTEM_HANDLER_HANG_MS));
    assert_int_equal(s_inside, 2);
    assert_true(scripted_wait_state(victim.id, SYSTEM_SERVICE_STATE_RUNNING, 5000));
    assert_int_equal(scripted_info(victim.id).fault_count, 1);
    while (s_inside != 0) {
        vTaskDelay(pdMS_TO_TICKS(100));
    }
    system_down(key);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_express_worker_stays_for_critical),
        cmocka_unit_test(who_waits_is_served_when_high_is_free),
        cmocka_unit_test(high_goes_on_when_who_serves_it_hangs),
    };
    return KTEST_MAIN(argc, argv, tests);
}
