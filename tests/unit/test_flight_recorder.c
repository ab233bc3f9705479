// SPDX-License-Identifier: Apache-2.0
#include <stdatomic.h>
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "flight_recorder_internal.h"
#include "ktest.h"
#include "system_service/service_supervisor.h"
#include "system_up.h"

#define ENTRIES CONFIG_SYSTEM_RECORDER_ENTRIES
#define FACTS   (ENTRIES - ENTRIES / 4)

// All that survives a reset: the linker gives the bounds of the section.
extern uint8_t __start_host_rtc_noinit[];
extern uint8_t __stop_host_rtc_noinit[];

static system_secure_key_t key;

static int setup(void **state)
{
    (void)state;
    key = system_up();
    flight_recorder_init(true);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    system_down(key);
    return 0;
}

static unsigned count(const char *about)
{
    flight_record_t record;
    uint32_t cursor = 0;
    unsigned n = 0;
    while (flight_recorder_read(about, &cursor, &record) == ESP_OK) {
        n++;
    }
    return n;
}

static flight_record_t newest(const char *about)
{
    flight_record_t record = {0};
    uint32_t cursor = 0;
    assert_int_equal(flight_recorder_read(about, &cursor, &record), ESP_OK);
    return record;
}

/* ---- the ring ---- */

static void the_newest_record_comes_first(void **state)
{
    (void)state;
    flight_record_t record;
    uint32_t cursor = 0;
    assert_int_equal(flight_recorder_read(NULL, &cursor, &record), ESP_ERR_NOT_FOUND);
    for (uint32_t i = 0; i < 5; i++) {
        flight_recorder_mark(i, ~i);
    }
    cursor = 0;
    for (uint32_t i = 5; i-- > 0;) {
        assert_int_equal(flight_recorder_read(NULL, &cursor, &record), ESP_OK);
        assert_int_equal(record.kind, FLIGHT_MARK);
        assert_int_equal(record.a, i);
        assert_int_equal(record.b, ~i);
        assert_int_equal(record.boots_ago, 0);
        assert_string_equal(record.name, "");
    }
    assert_int_equal(flight_recorder_read(NULL, &cursor, &record), ESP_ERR_NOT_FOUND);
    assert_int_equal(flight_recorder_read(NULL, NULL, &record), ESP_ERR_INVALID_ARG);
    assert_int_equal(flight_recorder_read(NULL, &cursor, NULL), ESP_ERR_INVALID_ARG);
}

static void a_full_ring_forgets_the_oldest(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 5 * FACTS + 7; i++) {
        flight_recorder_mark(i, 0);
    }
    flight_record_t record;
    uint32_t cursor = 0;
    for (uint32_t i = 0; i < FACTS; i++) {
        assert_int_equal(flight_recorder_read(NULL, &cursor, &record), ESP_OK);
        assert_int_equal(record.a, 5 * FACTS + 6 - i);
    }
    assert_int_equal(flight_recorder_read(NULL, &cursor, &record), ESP_ERR_NOT_FOUND);
    flight_stats_t stats;
    assert_int_equal(flight_recorder_get_stats(&stats), ESP_OK);
    assert_int_equal(stats.recorded, 5 * FACTS + 7);
    assert_int_equal(stats.capacity, ENTRIES);
}

static void a_flood_of_critical_events_leaves_the_facts(void **state)
{
    (void)state;
    const system_service_id_t id = system_up_service("flooder");
    const system_event_type_t type = system_up_type("test.alarm");
    flight_recorder_mark(77, 0);
    for (unsigned i = 0; i < 4 * ENTRIES; i++) {
        assert_int_equal(system_event_post(id, type, &i, sizeof(i), 0), ESP_OK);
    }
    const flight_record_t last = newest("flooder");
    assert_int_equal(last.kind, FLIGHT_POST);
    assert_string_equal(last.event, "test.alarm");
    assert_int_equal(last.a, sizeof(unsigned));
    flight_record_t record;
    uint32_t cursor = 0;
    bool found = false;
    while (flight_recorder_read(NULL, &cursor, &record) == ESP_OK) {
        found = found || (record.kind == FLIGHT_MARK && record.a == 77);
    }
    assert_true(found);
    assert_int_equal(count("flooder"), ENTRIES / 4);
    // Events of other priorities are not written down.
    const uint32_t before = flight_next_sequence();
    assert_int_equal(system_event_post(id, type, NULL, 0, 1), ESP_OK);
    assert_int_equal(flight_next_sequence(), before);
}

/* ---- what the core writes down ---- */

static void a_fault_and_what_follows_are_about_the_service(void **state)
{
    (void)state;
    const system_service_id_t id = system_up_service("sensor");
    (void)system_up_service("other");
    assert_int_equal(system_service_report_fault(id, ESP_ERR_TIMEOUT), ESP_OK);
    for (int i = 0; i < ktest_polls(200) && (count(NULL) == 0 || newest(NULL).kind != FLIGHT_EVENT);
         i++) {
        vTaskDelay(1);
    }
    flight_record_t record;
    uint32_t cursor = 0;
    bool fault = false;
    bool failed = false;
    while (flight_recorder_read("sensor", &cursor, &record) == ESP_OK) {
        assert_string_equal(record.name, "sensor");
        fault = fault || (record.kind == FLIGHT_FAULT && record.a == (uint32_t)ESP_ERR_TIMEOUT);
        failed = failed || (record.kind == FLIGHT_EVENT && record.event != NULL &&
                            strcmp(record.event, "service.failed") == 0);
    }
    assert_true(fault);
    assert_true(failed);
    assert_int_equal(count("other"), 0);
    assert_int_equal(count("nobody"), 0);
}

static void safe_mode_is_written_down(void **state)
{
    (void)state;
    assert_int_equal(system_safe_mode_enter("test"), ESP_OK);
    for (int i = 0; i < ktest_polls(200) && (count(NULL) == 0 || newest(NULL).kind != FLIGHT_SAFE);
         i++) {
        vTaskDelay(1);
    }
    assert_int_equal(newest(NULL).kind, FLIGHT_SAFE);
    assert_int_equal(newest(NULL).a, 1);
    assert_int_equal(system_safe_mode_leave(), ESP_OK);
}

static void every_kind_has_a_name_and_words(void **state)
{
    (void)state;
    for (unsigned kind = FLIGHT_BOOT; kind < FLIGHT_KINDS; kind++) {
        const flight_record_t record = {.kind = (flight_kind_t)kind, .event_tag = 0x1234};
        char text[96];
        assert_string_not_equal(flight_kind_name((flight_kind_t)kind), "?");
        assert_true(flight_record_describe(&record, text, sizeof(text)) < (int)sizeof(text));
    }
    assert_string_equal(flight_kind_name(FLIGHT_KINDS), "?");
    const flight_record_t hang = {
        .kind = FLIGHT_HANG, .event_tag = 0x1234, .a = 0x42001234, .b = 5000};
    char text[96];
    (void)flight_record_describe(&hang, text, sizeof(text));
    assert_string_equal(text, "handler 0x42001234 has worked on '#1234' for 5000 ms");
    for (int reason = ESP_RST_UNKNOWN; reason <= ESP_RST_CPU_LOCKUP; reason++) {
        assert_string_not_equal(boot_reason_name((esp_reset_reason_t)reason), "?");
    }
    assert_string_equal(boot_reason_name((esp_reset_reason_t)99), "?");
}

/* ---- names ---- */

static void a_number_is_not_taken_for_its_next_name(void **state)
{
    (void)state;
    char name[SYSTEM_NAME_MAX + 1];
    const system_service_id_t id = system_up_service("first");
    flight_record_slot(FLIGHT_FAULT, system_id_slot(id), 0, 1, 0);
    assert_int_equal(system_service_unregister(id), ESP_OK);
    // Enough other names to use up the table: the first one has to go.
    flight_names_forget_owners();
    for (unsigned i = 0; i < CONFIG_SYSTEM_RECORDER_NAMES; i++) {
        snprintf(name, sizeof(name), "passer-by-%u", i);
        const uint8_t subject = flight_subject_of(name, flight_next_sequence());
        flight_record(FLIGHT_MARK, subject, 0, 2, 0);
        assert_string_equal(newest(NULL).name, name);
    }
    flight_record_t record;
    uint32_t cursor = 0;
    bool found = false;
    while (flight_recorder_read(NULL, &cursor, &record) == ESP_OK) {
        if (record.kind == FLIGHT_FAULT && record.a == 1) {
            assert_string_equal(record.name, "?");
            found = true;
        }
    }
    assert_true(found);
}

/* ---- over a reset ---- */

static void records_and_names_are_found_again(void **state)
{
    (void)state;
    const system_service_id_t id = system_up_service("survivor");
    for (uint32_t i = 0; i < FACTS + 3; i++) {
        flight_record_slot(FLIGHT_FAULT, system_id_slot(id), 0, i, 0);
    }
    const uint32_t next = flight_next_sequence();
    flight_recorder_init(false);
    assert_int_equal(flight_next_sequence(), next);
    flight_stats_t stats;
    assert_int_equal(flight_recorder_get_stats(&stats), ESP_OK);
    assert_int_equal(stats.recovered, FACTS);
    assert_int_equal(stats.torn, 0);
    assert_string_equal(newest(NULL).name, "survivor");
    assert_int_equal(newest(NULL).a, FACTS + 2);
    flight_recorder_mark(1, 1); // goes where the oldest was
    assert_int_equal(count("survivor"), FACTS - 1);
}

// Flip one bit in each word of what survives: whatever is read afterwards was written before.
static void a_damaged_record_is_not_believed(void **state)
{
    (void)state;
    const system_service_id_t id = system_up_service("honest");
    const size_t size = (size_t)(__stop_host_rtc_noinit - __start_host_rtc_noinit);
    static uint8_t saved[16384];
    assert_true(size <= sizeof(saved));
    boot_record_stop(); // after a minute, on a slow machine, it would write that this boot is
                        // healthy
    for (uint32_t i = 0; i < FACTS; i++) {
        flight_record_slot(FLIGHT_FAULT, system_id_slot(id), 0, i, i * 2654435761u);
    }
    memcpy(saved, __start_host_rtc_noinit, size);
    unsigned torn = 0;
    for (size_t word = 0; word + 4 <= size; word += 4) {
        memcpy(__start_host_rtc_noinit, saved, size);
        __start_host_rtc_noinit[word + word / 4 % 4] ^= (uint8_t)(1u << word / 16 % 8);
        flight_recorder_init(false);
        flight_stats_t stats;
        (void)flight_recorder_get_stats(&stats);
        torn += stats.torn;
        flight_record_t record;
        uint32_t cursor = 0;
        unsigned n = 0;
        while (flight_recorder_read(NULL, &cursor, &record) == ESP_OK) {
            assert_int_equal(record.kind, FLIGHT_FAULT);
            assert_int_equal(record.b, record.a * 2654435761u);
            // The damage may have hit the table of names: then there is none, but never another.
            assert_true(strcmp(record.name, "honest") == 0 || strcmp(record.name, "?") == 0);
            n++;
        }
        assert_true(n >= FACTS - 1);
    }
    // Of the six words of each record all but a sequence number that becomes 0 show as torn.
    assert_true(torn >= 5 * FACTS);
    memcpy(__start_host_rtc_noinit, saved, size);
    flight_recorder_init(false);
}

// A reset after each word of a write: the record is the old one, the new one, or none.
static void a_record_cut_short_is_not_believed(void **state)
{
    (void)state;
    const size_t size = (size_t)(__stop_host_rtc_noinit - __start_host_rtc_noinit);
    static uint8_t before[16384];
    static uint8_t after[16384];
    for (uint32_t i = 0; i < FACTS + 1; i++) {
        flight_recorder_mark(i, i);
    }
    memcpy(before, __start_host_rtc_noinit, size);
    flight_recorder_mark(1000, 1000);
    memcpy(after, __start_host_rtc_noinit, size);
    unsigned changed = 0;
    for (size_t at = 0; at < size; at++) {
        if (before[at] == after[at]) {
            continue;
        }
        // Everything before this byte was written, the rest was not.
        memcpy(__start_host_rtc_noinit, before, size);
        memcpy(__start_host_rtc_noinit, after, at);
        flight_recorder_init(false);
        flight_record_t record;
        uint32_t cursor = 0;
        while (flight_recorder_read(NULL, &cursor, &record) == ESP_OK) {
            assert_int_equal(record.a, record.b);
            assert_true(record.a <= FACTS);
        }
        changed++;
    }
    assert_true(changed > 6);
    memcpy(__start_host_rtc_noinit, after, size);
    flight_recorder_init(false);
    assert_int_equal(newest(NULL).a, 1000);
}

static void power_on_noise_is_nothing(void **state)
{
    (void)state;
    const size_t size = (size_t)(__stop_host_rtc_noinit - __start_host_rtc_noinit);
    uint32_t x = 12345;
    for (size_t i = 0; i < size; i++) {
        x = x * 1664525u + 1013904223u;
        __start_host_rtc_noinit[i] = (uint8_t)(x >> 24);
    }
    flight_recorder_init(false);
    assert_int_equal(count(NULL), 0);
    flight_recorder_mark(3, 4);
    assert_int_equal(newest(NULL).a, 3);
}

/* ---- several writers ---- */

static void from_isr(void *arg)
{
    flight_recorder_mark(*(uint32_t *)arg, ~*(uint32_t *)arg);
}

static void an_interrupt_may_write(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 100; i++) {
        host_isr_run(from_isr, &i, (int)(i % 2));
        assert_int_equal(newest(NULL).a, i);
    }
}

#define WRITERS 4
#define EACH    5000

static _Atomic uint32_t writers_done;

static void writer(void *arg)
{
    const uint32_t me = (uint32_t)(uintptr_t)arg;
    for (uint32_t i = 0; i < EACH; i++) {
        const uint32_t value = me << 24 | i;
        flight_recorder_mark(value, ~value);
    }
    atomic_fetch_add(&writers_done, 1);
    vTaskDelete(NULL);
}

static void writers_at_once_mix_nothing(void **state)
{
    (void)state;
    flight_record_t record;
    atomic_store(&writers_done, 0);
    const uint32_t before = flight_next_sequence();
    for (uintptr_t i = 0; i < WRITERS; i++) {
        assert_int_equal(xTaskCreatePinnedToCore(writer, "writer", 4096, (void *)i, 1, NULL,
                                                 (BaseType_t)(i % 2)),
                         pdPASS);
    }
    do {
        uint32_t cursor = 0;
        uint32_t last = 0;
        while (flight_recorder_read(NULL, &cursor, &record) == ESP_OK) {
            assert_int_equal(record.a, ~record.b);
            assert_true(last == 0 || (int32_t)(last - record.sequence) > 0);
            last = record.sequence;
        }
        vTaskDelay(1);
    } while (atomic_load(&writers_done) < WRITERS);
    assert_int_equal(flight_next_sequence() - before, WRITERS * EACH);
    // A place that a slow writer overtook shows as torn, no more than one for each writer.
    assert_true(count(NULL) >= FACTS - WRITERS);
}

int main(int argc, char **argv)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(the_newest_record_comes_first),
        TEST(a_full_ring_forgets_the_oldest),
        TEST(a_flood_of_critical_events_leaves_the_facts),
        TEST(a_fault_and_what_follows_are_about_the_service),
        TEST(safe_mode_is_written_down),
        TEST(every_kind_has_a_name_and_words),
        TEST(a_number_is_not_taken_for_its_next_name),
        TEST(records_and_names_are_found_again),
        TEST(a_damaged_record_is_not_believed),
        TEST(a_record_cut_short_is_not_believed),
        TEST(power_on_noise_is_nothing),
        TEST(an_interrupt_may_write),
        TEST(writers_at_once_mix_nothing),
    };
    return KTEST_MAIN(argc, argv, tests);
}
