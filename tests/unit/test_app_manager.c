// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "esp_heap_caps.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "ktest.h"
#include "request_internal.h"
#include "restart_policy.h"
#include "system_up.h"
#include "system_service/app_manager.h"
#include "system_service/common_events.h"
#include "system_service/service_supervisor.h"

static system_secure_key_t s_key;
static system_service_id_t s_witness;
static system_event_type_t s_ping, s_pong;
static _Atomic uint32_t s_lives, s_pings, s_pongs, s_ends;
static _Atomic uint32_t s_seen[SYSTEM_EVENT_COMMON_END];
static service_event_t s_last_event;

static void on_app_event(const system_event_t *event, void *user_data)
{
    (void)user_data;
    memcpy(&s_last_event, event->data, sizeof(s_last_event));
    s_seen[event->type]++;
}

static void on_pong(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    s_pongs++;
}

static void setup_all(void)
{
    s_key = system_up();
    s_witness = system_up_service("witness");
    s_ping = system_up_type("test.ping");
    s_pong = system_up_type("test.pong");
    s_lives = s_pings = s_pongs = s_ends = 0;
    memset((void *)s_seen, 0, sizeof(s_seen));
    KTEST_CHECK(system_event_subscribe(s_witness, s_pong, on_pong, NULL) == ESP_OK);
    KTEST_CHECK(system_event_subscribe_pattern(s_witness, "app.*", on_app_event, NULL, NULL,
                                               NULL) == ESP_OK);
}

static app_info_t info_of(const char *name)
{
    app_info_t info;
    assert_int_equal(app_manager_get_info(name, &info), ESP_OK);
    return info;
}

static void wait_for_state(const char *name, app_state_t wanted)
{
    for (int i = 0; i < ktest_polls(20000) && info_of(name).state != wanted; i++) {
        vTaskDelay(1);
    }
    assert_string_equal(app_state_name(info_of(name).state), app_state_name(wanted));
}

/* ---- an app that behaves ---- */

static void polite_on_ping(const system_event_t *event, void *user_data)
{
    (void)event;
    app_context_t *ctx = user_data;
    s_pings++;
    KTEST_CHECK(ctx->post_event(ctx, s_pong, NULL, 0, PRIORITY_NORMAL) == ESP_OK);
}

static void polite_main(app_context_t *ctx)
{
    KTEST_CHECK(ctx->subscribe(ctx, s_ping, polite_on_ping, ctx) == ESP_OK);
    s_lives++;
    while (ctx->sleep_ms(ctx, 10)) {
    }
    s_ends++;
}

static const app_manifest_t s_polite = {
    .name = "polite",
    .version = "1.0.0",
    .entry_point = polite_main,
    .stack_size = 4096,
    .priority = 5,
};

static void stop_returns_what_the_app_had(void **state)
{
    (void)state;
    setup_all();
    assert_int_equal(app_manager_register(&s_polite), ESP_OK);
    assert_int_equal(app_manager_start("polite"), ESP_OK); // first-use costs are behind us
    assert_true(system_up_wait(&s_lives, 1, 5000));
    assert_int_equal(app_manager_stop("polite"), ESP_OK);
    uint32_t subs_before, subs_after;
    assert_int_equal(system_service_get_stats(s_key, NULL, NULL, &subs_before), ESP_OK);
    const size_t before = heap_caps_get_free_size(MALLOC_CAP_INTERNAL);
    s_lives = s_pongs = 0;
    assert_int_equal(app_manager_start("polite"), ESP_OK);
    assert_true(system_up_wait(&s_lives, 1, 5000));
    assert_true(heap_caps_get_free_size(MALLOC_CAP_INTERNAL) < before);
    assert_int_equal(system_event_post(s_witness, s_ping, NULL, 0, 200), ESP_OK);
    assert_true(system_up_wait(&s_pongs, 1, 5000));
    const app_info_t info = info_of("polite");
    assert_int_equal(info.state, APP_STATE_RUNNING);
    assert_true(info.stack_free_bytes <= s_polite.stack_size); // of a sanitizer nothing is left
    assert_int_equal(app_manager_stop("polite"), ESP_OK);
    assert_int_equal(heap_caps_get_free_size(MALLOC_CAP_INTERNAL), before);
    assert_int_equal(system_service_get_stats(s_key, NULL, NULL, &subs_after), ESP_OK);
    assert_int_equal(subs_after, subs_before);
    assert_int_equal(info_of("polite").forced_stops, 0);
    assert_int_equal(info_of("polite").id, SYSTEM_SERVICE_ID_NONE);
    assert_true(system_up_wait(&s_seen[SYSTEM_EVENT_APP_STOPPED], 2, 5000));
    assert_string_equal(s_last_event.name, "polite");
    assert_int_equal(app_manager_unregister("polite"), ESP_OK);
    assert_true(system_up_wait(&s_seen[SYSTEM_EVENT_APP_REMOVED], 1, 5000));
    assert_int_equal(s_seen[SYSTEM_EVENT_APP_INSTALLED], 1);
    assert_int_equal(s_seen[SYSTEM_EVENT_APP_STARTED], 2);
    system_down(s_key);
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    setup_all();
    app_manifest_t bad = s_polite;
    app_info_t info;
    size_t count = 0;
    assert_int_equal(app_manager_register(NULL), ESP_ERR_INVALID_ARG);
    bad.name = "";
    assert_int_equal(app_manager_register(&bad), ESP_ERR_APP_MANIFEST_INVALID);
    bad.name = "no spaces";
    assert_int_equal(app_manager_register(&bad), ESP_ERR_APP_MANIFEST_INVALID);
    bad = s_polite;
    bad.entry_point = NULL;
    assert_int_equal(app_manager_register(&bad), ESP_ERR_APP_MANIFEST_INVALID);
    bad = s_polite;
    bad.stack_size = APP_STACK_SIZE_MIN - 1;
    assert_int_equal(app_manager_register(&bad), ESP_ERR_APP_MANIFEST_INVALID);
    bad = s_polite;
    bad.priority = CONFIG_SYSTEM_WORKER_PRIORITY + 1;
    assert_int_equal(app_manager_register(&bad), ESP_ERR_APP_MANIFEST_INVALID);
    bad = s_polite;
    bad.watchdog_timeout_ms = 1;
    assert_int_equal(app_manager_register(&bad), ESP_ERR_APP_MANIFEST_INVALID);

    assert_int_equal(app_manager_register(&s_polite), ESP_OK);
    assert_int_equal(app_manager_register(&s_polite), ESP_ERR_APP_ALREADY_REGISTERED);
    assert_int_equal(app_manager_start(NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(app_manager_start("nobody"), ESP_ERR_APP_NOT_FOUND);
    assert_int_equal(app_manager_stop("nobody"), ESP_ERR_APP_NOT_FOUND);
    assert_int_equal(app_manager_stop("polite"), ESP_ERR_APP_NOT_RUNNING);
    assert_int_equal(app_manager_pause("polite"), ESP_ERR_APP_NOT_RUNNING);
    assert_int_equal(app_manager_resume("polite"), ESP_ERR_APP_NOT_RUNNING);
    assert_int_equal(app_manager_get_info("nobody", &info), ESP_ERR_APP_NOT_FOUND);
    assert_int_equal(app_manager_get_info("polite", NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(app_manager_list(NULL, &count), ESP_ERR_INVALID_SIZE);
    assert_int_equal(count, 1);
    assert_int_equal(app_manager_start("polite"), ESP_OK);
    assert_int_equal(app_manager_start("polite"), ESP_ERR_APP_ALREADY_RUNNING);
    wait_for_state("polite", APP_STATE_RUNNING);
    assert_int_equal(app_manager_resume("polite"), ESP_ERR_APP_NOT_PAUSED);
    assert_int_equal(app_manager_unregister("polite"), ESP_ERR_APP_IN_USE);
    assert_string_equal(app_state_name((app_state_t)99), "?");
    system_down(s_key); // stops it
}

static void a_name_that_a_service_has_cannot_start(void **state)
{
    (void)state;
    setup_all();
    app_manifest_t same = s_polite;
    same.name = "witness";
    assert_int_equal(app_manager_register(&same), ESP_OK);
    const size_t before = heap_caps_get_free_size(MALLOC_CAP_INTERNAL);
    assert_int_equal(app_manager_start("witness"), ESP_ERR_SERVICE_ALREADY_REGISTERED);
    assert_int_equal(heap_caps_get_free_size(MALLOC_CAP_INTERNAL), before);
    assert_int_equal(info_of("witness").state, APP_STATE_STOPPED);
    system_down(s_key);
}

static void a_restart_is_a_new_life(void **state)
{
    (void)state;
    setup_all();
    assert_int_equal(app_manager_register(&s_polite), ESP_OK);
    assert_int_equal(app_manager_restart("polite"), ESP_OK); // it did not run: a start
    assert_true(system_up_wait(&s_lives, 1, 5000));
    const system_service_id_t first = info_of("polite").id;
    assert_int_equal(app_manager_restart("polite"), ESP_OK);
    assert_true(system_up_wait(&s_lives, 2, 5000));
    assert_int_not_equal(info_of("polite").id, first);
    assert_int_equal(info_of("polite").starts, 2);
    assert_int_equal(system_event_post(first, s_ping, NULL, 0, 200), ESP_ERR_SERVICE_STALE_ID);
    system_down(s_key);
}

static void a_paused_app_keeps_its_events(void **state)
{
    (void)state;
    setup_all();
    assert_int_equal(app_manager_register(&s_polite), ESP_OK);
    assert_int_equal(app_manager_start("polite"), ESP_OK);
    assert_true(system_up_wait(&s_lives, 1, 5000));
    wait_for_state("polite", APP_STATE_RUNNING);
    assert_int_equal(app_manager_pause("polite"), ESP_OK);
    assert_int_equal(app_manager_pause("polite"), ESP_ERR_APP_INVALID_TRANSITION);
    assert_int_equal(system_event_post(s_witness, s_ping, NULL, 0, 200), ESP_OK);
    vTaskDelay(50);
    assert_int_equal(s_pings, 0);
    assert_int_equal(app_manager_resume("polite"), ESP_OK);
    assert_true(system_up_wait(&s_pings, 1, 5000));
    // A paused app can be stopped as well, and comes to its end by itself.
    assert_int_equal(app_manager_pause("polite"), ESP_OK);
    assert_int_equal(app_manager_stop("polite"), ESP_OK);
    assert_int_equal(s_ends, 1);
    system_down(s_key);
}

static _Atomic uint32_t s_says_it_runs;

static void insistent_main(app_context_t *ctx)
{
    s_lives++;
    while (!ctx->should_stop(ctx)) {
        const esp_err_t ret = ctx->set_state(ctx, APP_STATE_RUNNING);
        KTEST_CHECK(ret == ESP_OK || ctx->should_stop(ctx)); // asked to in between
        s_says_it_runs++;
        vTaskDelay(1);
    }
}

static const app_manifest_t s_insistent = {
    .name = "insistent",
    .version = "1.0.0",
    .entry_point = insistent_main,
    .stack_size = 4096,
    .priority = 5,
};

// The specification's own snippet says RUNNING first thing: a pause right after the start holds.
static void an_operators_pause_holds_whatever_the_app_says(void **state)
{
    (void)state;
    setup_all();
    assert_int_equal(app_manager_register(&s_insistent), ESP_OK);
    assert_int_equal(app_manager_start("insistent"), ESP_OK);
    assert_true(system_up_wait(&s_lives, 1, 5000));
    wait_for_state("insistent", APP_STATE_RUNNING);
    assert_int_equal(app_manager_pause("insistent"), ESP_OK);
    assert_true(system_up_wait(&s_says_it_runs, atomic_load(&s_says_it_runs) + 3, 5000));
    assert_int_equal(info_of("insistent").state, APP_STATE_PAUSED);
    assert_int_equal(app_manager_stop("insistent"), ESP_OK);
    system_down(s_key);
}

/* ---- apps that do not ---- */

static void deaf_main(app_context_t *ctx)
{
    (void)ctx;
    s_lives++;
    for (;;) {
        vTaskDelay(1);
    }
}

static const app_manifest_t s_deaf = {
    .name = "deaf",
    .entry_point = deaf_main,
    .stack_size = 4096,
    .priority = 5,
    .watchdog_timeout_ms = 3600000,
};

static void a_deaf_app_is_ended_by_force(void **state)
{
    (void)state;
    setup_all();
    assert_int_equal(app_manager_register(&s_deaf), ESP_OK);
    assert_int_equal(app_manager_register(&s_polite), ESP_OK);
    assert_int_equal(app_manager_start("polite"), ESP_OK);
    const size_t before = heap_caps_get_free_size(MALLOC_CAP_INTERNAL);
    assert_int_equal(app_manager_start("deaf"), ESP_OK);
    assert_true(system_up_wait(&s_lives, 2, 5000));
    assert_int_equal(app_manager_stop("deaf"), ESP_ERR_APP_STOP_TIMEOUT);
    assert_int_equal(info_of("deaf").state, APP_STATE_STOPPED);
    assert_int_equal(info_of("deaf").forced_stops, 1);
    assert_int_equal(heap_caps_get_free_size(MALLOC_CAP_INTERNAL), before);
    assert_int_equal(app_manager_set_aside_count(), 0);
    assert_int_equal(info_of("polite").state, APP_STATE_RUNNING);
    system_down(s_key);
}

static void hung_main(app_context_t *ctx)
{
    (void)ctx;
    s_lives++;
    vTaskDelay(portMAX_DELAY);
}

static const app_manifest_t s_hung = {
    .name = "hung",
    .entry_point = hung_main,
    .stack_size = 4096,
    .priority = 5,
    .watchdog_timeout_ms = 50,
    .restart_on_crash = true,
};

static void a_hung_app_crashes_and_is_started_again_a_few_times(void **state)
{
    (void)state;
    setup_all();
    assert_int_equal(app_manager_register(&s_hung), ESP_OK);
    assert_int_equal(app_manager_start("hung"), ESP_OK);
    assert_true(system_up_wait(&s_lives, 1 + CONFIG_SYSTEM_WATCHDOG_MAX_RESTARTS, 60000));
    assert_true(system_up_wait(&s_seen[SYSTEM_EVENT_APP_CRASHED],
                               1 + CONFIG_SYSTEM_WATCHDOG_MAX_RESTARTS, 60000));
    wait_for_state("hung", APP_STATE_CRASHED);
    vTaskDelay(pdMS_TO_TICKS(100));
    const app_info_t info = info_of("hung");
    assert_int_equal(info.state, APP_STATE_CRASHED);
    assert_int_equal(info.last_error, ESP_ERR_WATCHDOG_TIMEOUT);
    assert_int_equal(info.crashes, 1 + CONFIG_SYSTEM_WATCHDOG_MAX_RESTARTS);
    assert_int_equal(info.starts, info.crashes);
    assert_int_equal(s_last_event.reason, ESP_ERR_WATCHDOG_TIMEOUT);
    assert_int_equal(app_manager_start("hung"), ESP_OK); // by hand it may
    system_down(s_key);
}

/** Whenever the stop comes: while it runs, on its way down, or before it is started again. */
static void a_crashed_app_that_is_stopped_stays_down(void **state)
{
    (void)state;
    setup_all();
    assert_int_equal(app_manager_register(&s_hung), ESP_OK);
    assert_int_equal(app_manager_start("hung"), ESP_OK);
    wait_for_state("hung", APP_STATE_CRASHED);
    const esp_err_t ret = app_manager_stop("hung");
    assert_true(ret == ESP_OK || ret == ESP_ERR_APP_STOP_TIMEOUT);
    const uint32_t starts = info_of("hung").starts;
    vTaskDelay(pdMS_TO_TICKS(restart_backoff_ms(2, UINT32_MAX) + 200));
    assert_int_equal(info_of("hung").starts, starts);
    assert_int_equal(app_manager_stop("hung"), ESP_ERR_APP_NOT_RUNNING);
    system_down(s_key);
}

static void stuck_handler(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    s_pings++;
    vTaskDelay(portMAX_DELAY);
}

static void stuck_main(app_context_t *ctx)
{
    KTEST_CHECK(ctx->subscribe(ctx, s_ping, stuck_handler, NULL) == ESP_OK);
    s_lives++;
    while (ctx->sleep_ms(ctx, 10)) {
    }
}

static const app_manifest_t s_stuck = {
    .name = "stuck",
    .entry_point = stuck_main,
    .stack_size = 4096,
    .priority = 5,
};

static void a_hung_handler_does_not_keep_an_app(void **state)
{
    (void)state;
    setup_all();
    assert_int_equal(app_manager_register(&s_stuck), ESP_OK);
    const size_t before = heap_caps_get_free_size(MALLOC_CAP_INTERNAL);
    assert_int_equal(app_manager_start("stuck"), ESP_OK);
    assert_true(system_up_wait(&s_lives, 1, 5000));
    assert_int_equal(system_event_post(s_witness, s_ping, NULL, 0, 200), ESP_OK);
    assert_true(system_up_wait(&s_pings, 1, 5000));
    assert_int_equal(app_manager_stop("stuck"), ESP_ERR_APP_STOP_TIMEOUT);
    assert_int_equal(heap_caps_get_free_size(MALLOC_CAP_INTERNAL), before);
    assert_int_equal(app_manager_start("stuck"), ESP_OK);
    assert_true(system_up_wait(&s_lives, 2, 5000));
    assert_int_equal(app_manager_stop("stuck"), ESP_OK);
    system_down(s_key);
}

static void the_supervisor_reports_a_hung_handler(void **state)
{
    (void)state;
    setup_all();
    assert_int_equal(app_manager_register(&s_stuck), ESP_OK);
    assert_int_equal(app_manager_register(&s_polite), ESP_OK);
    const size_t before = heap_caps_get_free_size(MALLOC_CAP_INTERNAL);
    assert_int_equal(app_manager_start("stuck"), ESP_OK);
    assert_true(system_up_wait(&s_lives, 1, 5000));
    assert_int_equal(system_event_post(s_witness, s_ping, NULL, 0, 200), ESP_OK);
    wait_for_state("stuck", APP_STATE_CRASHED);
    assert_int_equal(info_of("stuck").last_error, ESP_ERR_SERVICE_HANG);
    assert_int_equal(heap_caps_get_free_size(MALLOC_CAP_INTERNAL), before);
    assert_int_equal(app_manager_start("polite"), ESP_OK); // nobody else is the worse for it
    system_down(s_key);
}

static void safe_mode_stops_apps_and_starts_none(void **state)
{
    (void)state;
    setup_all();
    assert_int_equal(app_manager_register(&s_polite), ESP_OK);
    assert_int_equal(app_manager_start("polite"), ESP_OK);
    assert_true(system_up_wait(&s_lives, 1, 5000));
    assert_int_equal(system_safe_mode_enter("test"), ESP_OK);
    wait_for_state("polite", APP_STATE_STOPPED);
    assert_int_equal(app_manager_start("polite"), ESP_ERR_SYSTEM_SAFE_MODE);
    assert_int_equal(system_safe_mode_leave(), ESP_OK);
    for (int i = 0; i < ktest_polls(5000) && system_safe_mode_active(); i++) {
        vTaskDelay(1);
    }
    (void)app_manager_start("polite"); // whoever stopped it may have started it again
    assert_true(system_up_wait(&s_lives, 2, 5000));
    system_down(s_key);
}

static void quits_main(app_context_t *ctx)
{
    s_lives++;
    KTEST_CHECK(ctx->set_state(ctx, s_lives == 1 ? APP_STATE_STOPPED : APP_STATE_CRASHED) ==
                ESP_OK);
    KTEST_CHECK(ctx->get_state(ctx) == APP_STATE_STOPPING);
    KTEST_CHECK(ctx->should_stop(ctx) && !ctx->sleep_ms(ctx, 100000));
}

static const app_manifest_t s_quits = {
    .name = "quits",
    .entry_point = quits_main,
    .stack_size = 4096,
    .priority = 5,
};

static void an_app_can_stop_itself(void **state)
{
    (void)state;
    setup_all();
    assert_int_equal(app_manager_register(&s_quits), ESP_OK);
    assert_int_equal(app_manager_start("quits"), ESP_OK);
    wait_for_state("quits", APP_STATE_STOPPED);
    assert_int_equal(app_manager_start("quits"), ESP_OK);
    wait_for_state("quits", APP_STATE_CRASHED);
    assert_int_equal(info_of("quits").last_error, ESP_ERR_SERVICE_CRASHED);
    system_down(s_key);
}

static void deletes_itself_main(app_context_t *ctx)
{
    (void)ctx;
    s_lives++;
    vTaskDelete(NULL);
}

static const app_manifest_t s_deletes = {
    .name = "deletes",
    .entry_point = deletes_itself_main,
    .stack_size = 4096,
    .priority = 5,
};

static void an_app_that_deletes_its_task_is_stopped(void **state)
{
    (void)state;
    setup_all();
    assert_int_equal(app_manager_register(&s_deletes), ESP_OK);
    const size_t before = heap_caps_get_free_size(MALLOC_CAP_INTERNAL);
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(app_manager_start("deletes"), ESP_OK);
        assert_true(system_up_wait(&s_lives, i, 5000));
        wait_for_state("deletes", APP_STATE_STOPPED);
    }
    assert_int_equal(heap_caps_get_free_size(MALLOC_CAP_INTERNAL), before);
    system_down(s_key);
}

/* ---- an app that waits for an answer ---- */

static esp_err_t s_answer;

static void asks_main(app_context_t *ctx)
{
    system_service_id_t witness;
    s_lives++;
    KTEST_CHECK(ctx->find(ctx, "witness", &witness) == ESP_OK);
    s_answer = ctx->request(ctx, witness, s_ping, NULL, 0, PRIORITY_HIGH, NULL, NULL, 600000);
    s_ends++;
}

static const app_manifest_t s_asks = {
    .name = "asks",
    .entry_point = asks_main,
    .stack_size = 4096,
    .priority = 5,
};

static void never_answers(const system_request_t *rq, void *user_data)
{
    (void)rq;
    (void)user_data;
    s_pings++;
}

static void stop_ends_a_wait_for_an_answer(void **state)
{
    (void)state;
    setup_all();
    assert_int_equal(system_request_serve(s_witness, s_ping, never_answers, NULL), ESP_OK);
    assert_int_equal(app_manager_register(&s_asks), ESP_OK);
    assert_int_equal(app_manager_start("asks"), ESP_OK);
    assert_true(system_up_wait(&s_pings, 1, 5000));
    assert_int_equal(app_manager_stop("asks"), ESP_OK);
    assert_int_equal(s_answer, ESP_ERR_REQUEST_CANCELLED);
    assert_int_equal(s_ends, 1);
    assert_int_equal(requests_count(SYSTEM_SLOT_NONE), 0);
    system_down(s_key);
}

static void no_memory_means_no_start(void **state)
{
    (void)state;
    setup_all();
    app_manifest_t huge = s_polite;
    // A board's memory lies in pieces: what is asked for fits easily into the largest one.
    const size_t half = heap_caps_get_largest_free_block(MALLOC_CAP_INTERNAL) / 2 & ~(size_t)15;
    huge.stack_size = half < APP_STACK_SIZE_MAX ? (uint32_t)half : APP_STACK_SIZE_MAX;
    assert_int_equal(app_manager_register(&huge), ESP_OK);
    void *hoard[64];
    unsigned n = 0;
    for (; n < 64; n++) {
        hoard[n] = heap_caps_malloc(huge.stack_size / 2, MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT);
        if (hoard[n] == NULL) {
            break;
        }
    }
    const size_t before = heap_caps_get_free_size(MALLOC_CAP_INTERNAL);
    const bool bounded = n < 64; // a sanitizer's heap has no bounds
    if (bounded) {
        assert_int_equal(app_manager_start("polite"), ESP_ERR_NO_MEM);
        assert_int_equal(heap_caps_get_free_size(MALLOC_CAP_INTERNAL), before);
    }
    while (n > 0) {
        heap_caps_free(hoard[--n]);
    }
    assert_int_equal(app_manager_start("polite"), ESP_OK);
    system_down(s_key);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(stop_returns_what_the_app_had),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(a_name_that_a_service_has_cannot_start),
        cmocka_unit_test(a_restart_is_a_new_life),
        cmocka_unit_test(a_paused_app_keeps_its_events),
        cmocka_unit_test(an_operators_pause_holds_whatever_the_app_says),
        cmocka_unit_test(a_deaf_app_is_ended_by_force),
        cmocka_unit_test(a_hung_app_crashes_and_is_started_again_a_few_times),
        cmocka_unit_test(a_crashed_app_that_is_stopped_stays_down),
        cmocka_unit_test(a_hung_handler_does_not_keep_an_app),
        cmocka_unit_test(the_supervisor_reports_a_hung_handler),
        cmocka_unit_test(safe_mode_stops_apps_and_starts_none),
        cmocka_unit_test(an_app_can_stop_itself),
        cmocka_unit_test(an_app_that_deletes_its_task_is_stopped),
        cmocka_unit_test(stop_ends_a_wait_for_an_answer),
        cmocka_unit_test(no_memory_means_no_start),
    };
    return KTEST_MAIN(argc, argv, tests);
}
