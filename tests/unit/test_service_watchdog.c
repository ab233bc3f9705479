// SPDX-License-Identifier: Apache-2.0
/*
 * The watchdog's arithmetic, on a clock that is turned by hand. The mailbox and the supervisor are
 * fakes; the mailbox can let time pass and a heartbeat come in at the worst moment: while the
 * supervisor looks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "esp_timer.h"

#include "event_internal.h"
#include "fake_registry.h"
#include "lifecycle_runner.h"
#include "service_record.h"
#include "supervisor_internal.h"
#include "watchdog_internal.h"

#define SLOT 3
#define MS   1000

static service_record_t s_record;
static system_identity_t s_identity;
static system_service_id_t id;
static uint32_t answers, pings;
static int64_t beat_while_looking_us;

service_record_t *service_record(unsigned slot)
{
    (void)slot;
    return &s_record;
}

system_identity_t *system_identity(void)
{
    return &s_identity; /* whose it is says fake_registry_run_as() */
}

TaskHandle_t xTaskGetCurrentTaskHandle(void)
{
    return NULL;
}

uint32_t event_mailbox_answers(unsigned slot)
{
    (void)slot;
    if (beat_while_looking_us != 0) {
        fake_clock_advance(beat_while_looking_us);
        beat_while_looking_us = 0;
        fake_registry_run_as(SLOT);
        assert_int_equal(system_service_heartbeat(id), ESP_OK);
        fake_registry_run_as(SYSTEM_SLOT_NONE);
    }
    return answers;
}

bool event_mailbox_ping(unsigned slot)
{
    (void)slot;
    pings++;
    return true;
}

unsigned event_workers_quarantined(void)
{
    return 0;
}

unsigned lifecycle_runners_given_up(void)
{
    return 0;
}

bool lifecycle_runner_given_up(void)
{
    return false;
}

void supervisor_attach(unsigned slot)
{
    assert_int_equal(slot, SLOT);
}

void supervisor_poke(void)
{
}

static int setup(void **state)
{
    (void)state;
    static const service_watchdog_config_t config = {.timeout_ms = 300};
    fake_registry_reset();
    fake_clock_set((int64_t)UINT32_MAX * MS - 100 * MS); /* the wrap of 32 bits is near */
    id = fake_registry_add(SLOT, "service", false);
    answers = pings = 0;
    beat_while_looking_us = 0;
    watchdog_init();
    watchdog_attach(SLOT, &config);
    watchdog_begin(SLOT);
    return 0;
}

static void a_heartbeat_newer_than_the_look_is_no_timeout(void **state)
{
    (void)state;
    uint32_t next;
    for (int i = 0; i < 20; i++) {
        beat_while_looking_us = 7 * MS;
        assert_int_equal(watchdog_check(SLOT, &next), WATCHDOG_ALIVE);
        fake_clock_advance(50 * MS);
    }
    assert_int_equal(pings, 0);
}

static void silence_is_noticed_at_its_timeout_and_not_before(void **state)
{
    (void)state;
    uint32_t next = 0;
    int64_t passed = 0;
    while (watchdog_check(SLOT, &next) == WATCHDOG_ALIVE) {
        assert_in_range(next, 1, 100);
        fake_clock_advance((int64_t)next * MS);
        passed += next;
    }
    assert_int_equal(passed, 300);
    assert_int_equal(pings, 1); /* one lies there unanswered: no second one */
}

static void an_answered_ping_counts_from_when_it_was_sent(void **state)
{
    (void)state;
    uint32_t next;
    fake_clock_advance(100 * MS);
    assert_int_equal(watchdog_check(SLOT, &next), WATCHDOG_ALIVE);
    assert_int_equal(pings, 1);
    answers++;
    fake_clock_advance(299 * MS);
    assert_int_equal(watchdog_check(SLOT, &next), WATCHDOG_ALIVE);
    fake_clock_advance(1 * MS);
    assert_int_equal(watchdog_check(SLOT, &next), WATCHDOG_SILENT);
}

static void heartbeats_of_others_are_refused_and_counted(void **state)
{
    (void)state;
    service_watchdog_stats_t stats;
    fake_registry_run_as(SLOT + 1);
    assert_int_equal(system_service_heartbeat(id), ESP_ERR_NOT_OWNER);
    fake_registry_run_as(SYSTEM_SLOT_NONE);
    assert_int_equal(watchdog_get_stats(id, &stats), ESP_OK);
    assert_int_equal(stats.heartbeats, 0);
    assert_int_equal(stats.foreign_heartbeats, 1);
    assert_int_equal(watchdog_last_alive_us(SLOT), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_heartbeat_newer_than_the_look_is_no_timeout, setup),
        cmocka_unit_test_setup(silence_is_noticed_at_its_timeout_and_not_before, setup),
        cmocka_unit_test_setup(an_answered_ping_counts_from_when_it_was_sent, setup),
        cmocka_unit_test_setup(heartbeats_of_others_are_refused_and_counted, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
