// SPDX-License-Identifier: Apache-2.0

// The health report: each reason appears when its cause is there, and what happened long ago is
// forgiven.

#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "ktest.h"
#include "system_service/common_events.h"
#include "system_service/event_bus.h"
#include "system_service/health_report.h"
#include "system_service/memory_pool.h"
#include "system_service/service_supervisor.h"
#include "system_service/system_service.h"

#define PERIOD_MS (CONFIG_SYSTEM_HEALTH_REPORT_PERIOD_S * 1000u)

static system_secure_key_t s_key;

static int boot(void **state)
{
    (void)state;
    return system_service_init(&s_key) == ESP_OK ? 0 : -1;
}

static int shut_down(void **state)
{
    (void)state;
    return system_service_deinit(s_key) == ESP_OK ? 0 : -1;
}

static health_report_t report_now(void)
{
    static health_report_t report;
    memset(&report, 0xA5, sizeof(report)); // every field is to be written
    assert_int_equal(health_report_get(&report), ESP_OK);
    return report;
}

static void assert_reason(uint32_t reason, health_verdict_t verdict)
{
    const health_report_t report = report_now();
    assert_int_equal(report.reasons & reason, reason);
    assert_int_equal(report.verdict, verdict);
}

// ---- misuse ------------------------------------------------------------------------------------

static void refuses_what_makes_no_sense(void **state)
{
    (void)state;
    health_report_t report;
    assert_int_equal(health_report_get(NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(health_report_print(NULL, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(health_report_get(&report), ESP_ERR_SYSTEM_NOT_INITIALIZED);
}

static void every_reason_has_a_text_of_its_own(void **state)
{
    (void)state;
    uint32_t named = 0;
    for (unsigned bit = 0; bit < 32; bit++) {
        const char *text = health_reason_text(1u << bit);
        if (strcmp(text, "?") == 0) {
            continue;
        }
        for (unsigned other = 0; other < bit; other++) {
            assert_string_not_equal(text, health_reason_text(1u << other));
        }
        named++;
    }
    assert_int_equal(named, 18);
    assert_string_equal(health_reason_text(0), "?");
    assert_string_equal(health_reason_text(HEALTH_REASON_SAFE_MODE | HEALTH_REASON_HEAP), "?");
    assert_string_equal(health_verdict_name(HEALTH_OK), "OK");
    assert_string_equal(health_verdict_name(HEALTH_WARNING), "WARNING");
    assert_string_equal(health_verdict_name(HEALTH_CRITICAL), "CRITICAL");
    assert_string_equal(health_verdict_name((health_verdict_t)9), "?");
}

// ---- the verdict -------------------------------------------------------------------------------

static void a_fresh_system_is_well(void **state)
{
    (void)state;
    const health_report_t report = report_now();
    assert_int_equal(report.reasons, 0);
    assert_int_equal(report.verdict, HEALTH_OK);
    assert_true(report.watchdog_enabled);
    assert_int_equal(report.owners, 0);
    assert_int_equal(report.pools[MEMORY_POOL_SMALL].blocks, CONFIG_SYSTEM_POOL_SMALL_COUNT);
    assert_true(report.heap.regions[HEAP_REGION_INTERNAL].free_bytes > 0);
}

static void a_violated_quota_is_a_reason_for_a_while(void **state)
{
    (void)state;
    const service_quota_t quota = {.max_events_per_sec = 1};
    system_service_id_t id;
    system_event_type_t type;
    assert_int_equal(system_service_register("greedy", NULL, &id), ESP_OK);
    assert_int_equal(quota_set(id, &quota), ESP_OK);
    assert_int_equal(system_event_register_type("greedy.event", &type), ESP_OK);
    for (int i = 0; i < 5; i++) {
        (void)system_event_post(id, type, NULL, 0, SYSTEM_EVENT_PRIORITY_LOW);
    }
    assert_reason(HEALTH_REASON_QUOTA_VIOLATED, HEALTH_WARNING);
    assert_true(report_now().quota_violations[QUOTA_EVENTS] >= 3);
    if (host_sched() == HOST_SCHED_SIM) {
        vTaskDelay(pdMS_TO_TICKS(PERIOD_MS + PERIOD_MS / 2)); // the next report still knows
        assert_reason(HEALTH_REASON_QUOTA_VIOLATED, HEALTH_WARNING);
        vTaskDelay(pdMS_TO_TICKS(PERIOD_MS));
        assert_int_equal(report_now().reasons & HEALTH_REASON_QUOTA_VIOLATED, 0);
        assert_true(report_now().recent_s <= 2 * CONFIG_SYSTEM_HEALTH_REPORT_PERIOD_S);
    }
    assert_int_equal(system_service_unregister(id), ESP_OK);
}

static esp_err_t start_fails(system_service_id_t id, void *arg)
{
    (void)id;
    (void)arg;
    return ESP_FAIL;
}

static void a_service_that_does_not_start_is_a_reason(void **state)
{
    (void)state;
    static const system_service_descriptor_t broken = {
        .name = "broken",
        .lifecycle = {.start = start_fails},
    };
    system_service_id_t id;
    assert_int_equal(system_service_register("broken", &broken, &id), ESP_OK);
    assert_int_not_equal(system_service_start(id), ESP_OK);
    assert_reason(HEALTH_REASON_SERVICE_DOWN, HEALTH_WARNING);
    assert_int_equal(report_now().down, 1);
    assert_int_equal(system_service_unregister(id), ESP_OK);
    assert_int_equal(report_now().reasons & HEALTH_REASON_SERVICE_DOWN, 0);
}

static void a_missing_dependency_is_a_reason(void **state)
{
    (void)state;
    static const char *const needs[] = {"nobody", NULL};
    static const system_service_descriptor_t lonely = {.name = "lonely", .depends_on = needs};
    system_service_id_t id;
    assert_int_equal(system_service_register("lonely", &lonely, &id), ESP_OK);
    assert_reason(HEALTH_REASON_DEPENDENCY_MISSING, HEALTH_WARNING);
    assert_int_equal(report_now().missing_dependencies, 1);
    assert_int_equal(system_service_unregister(id), ESP_OK);
}

static void a_pool_that_runs_out_is_a_reason(void **state)
{
    (void)state;
    void *blocks[CONFIG_SYSTEM_POOL_XLARGE_COUNT];
    for (int i = 0; i < CONFIG_SYSTEM_POOL_XLARGE_COUNT; i++) {
        blocks[i] = memory_pool_alloc(MEMORY_POOL_MAX_BLOCK);
        assert_non_null(blocks[i]);
    }
    assert_reason(HEALTH_REASON_POOL_LOW, HEALTH_WARNING);
    for (int i = 0; i < CONFIG_SYSTEM_POOL_XLARGE_COUNT; i++) {
        assert_int_equal(memory_pool_free(blocks[i]), ESP_OK);
    }
    assert_int_equal(report_now().reasons & HEALTH_REASON_POOL_LOW, 0);
}

static void a_bad_free_is_a_reason(void **state)
{
    (void)state;
    int nothing;
    assert_int_equal(memory_pool_free(&nothing), ESP_ERR_MEMORY_FOREIGN_POINTER);
    assert_reason(HEALTH_REASON_BAD_FREE, HEALTH_WARNING);
}

static void a_damaged_block_is_critical(void **state)
{
    (void)state;
    volatile uint8_t *block = memory_pool_alloc(64);
    assert_non_null((void *)block);
    block[64] ^= 0xFF;
    assert_int_equal(memory_pool_free((void *)block), ESP_ERR_MEMORY_CORRUPTED);
    assert_reason(HEALTH_REASON_MEMORY_CORRUPTED, HEALTH_CRITICAL);
}

// ---- the text ----------------------------------------------------------------------------------

typedef struct {
    unsigned lines;
    unsigned next; // heading expected next
    bool verdict_first;
} text_t;

static const char *const s_headings[] = {
    "Memory pool usage", "Heap fragmentation",   "Watchdog status",
    "Quota violations",  "Service dependencies", "Handler execution times",
};
#define HEADINGS (sizeof(s_headings) / sizeof(s_headings[0]))

static void read_line(const char *line, void *arg)
{
    text_t *text = arg;
    KTEST_CHECK(strchr(line, '\n') == NULL);
    if (text->lines++ == 0) {
        text->verdict_first = strncmp(line, "Health: OK", 10) == 0;
    }
    if (text->next < HEADINGS && strcmp(line, s_headings[text->next]) == 0) {
        text->next++;
    }
}

static void the_text_has_its_six_sections(void **state)
{
    (void)state;
    text_t text = {0};
    assert_int_equal(health_report_print(read_line, &text), ESP_OK);
    assert_true(text.verdict_first);
    assert_int_equal(text.next, HEADINGS);
    assert_true(text.lines > 2 * HEADINGS);
}

// ---- the periodic report -----------------------------------------------------------------------

static health_event_t s_heard;
static volatile unsigned s_hearings;

static void on_health(const system_event_t *event, void *user_data)
{
    (void)user_data;
    KTEST_CHECK(event->data_size == sizeof(s_heard));
    memcpy(&s_heard, event->data, sizeof(s_heard));
    s_hearings = s_hearings + 1;
}

static void the_report_comes_by_itself_and_is_retained(void **state)
{
    (void)state;
    system_service_id_t id;
    s_hearings = 0;
    vTaskDelay(pdMS_TO_TICKS(PERIOD_MS + 100));
    assert_int_equal(system_service_register("listener", NULL, &id), ESP_OK);
    assert_int_equal(system_event_subscribe(id, SYSTEM_EVENT_HEALTH, on_health, NULL), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(100));
    assert_int_equal(s_hearings, 1); // the one before the subscription
    assert_int_equal(s_heard.verdict, HEALTH_OK);
    vTaskDelay(pdMS_TO_TICKS(10 * PERIOD_MS));
    assert_int_equal(s_hearings, 11);
    assert_int_equal(system_service_unregister(id), ESP_OK);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_makes_no_sense),
        cmocka_unit_test(every_reason_has_a_text_of_its_own),
        cmocka_unit_test_setup_teardown(a_fresh_system_is_well, boot, shut_down),
        cmocka_unit_test_setup_teardown(a_violated_quota_is_a_reason_for_a_while, boot, shut_down),
        cmocka_unit_test_setup_teardown(a_service_that_does_not_start_is_a_reason, boot, shut_down),
        cmocka_unit_test_setup_teardown(a_missing_dependency_is_a_reason, boot, shut_down),
        cmocka_unit_test_setup_teardown(a_pool_that_runs_out_is_a_reason, boot, shut_down),
        cmocka_unit_test_setup_teardown(a_bad_free_is_a_reason, boot, shut_down),
        cmocka_unit_test_setup_teardown(a_damaged_block_is_critical, boot, shut_down),
        cmocka_unit_test_setup_teardown(the_text_has_its_six_sections, boot, shut_down),
    };
    static const struct CMUnitTest in_virtual_time[] = {
        cmocka_unit_test_setup_teardown(the_report_comes_by_itself_and_is_retained, boot,
                                        shut_down),
    };
    const int failed = KTEST_MAIN(argc, argv, tests);
    for (int i = 1; failed == 0 && i < argc; i++) {
        if (strcmp(argv[i], "--sim") == 0) {
            return KTEST_MAIN(argc, argv, in_virtual_time);
        }
    }
    return failed;
}
