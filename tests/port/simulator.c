// SPDX-License-Identifier: Apache-2.0

// The simulator: same seed same run, priorities, virtual time, reports, faults; and misuse in both
// schedulers.

#include "ktest.h"

#include <stdio.h>
#include <string.h>
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/queue.h"
#include "freertos/semphr.h"
#include "freertos/task.h"

static const host_config_t s_sim = {.sched = HOST_SCHED_SIM, .seed = 1, .restart_exits = true};
static ktest_run_t s_run;

static void run_sim(uint64_t seed, void (*fn)(void *))
{
    host_config_t c = s_sim;
    c.seed = seed;
    ktest_run_board(&c, fn, NULL, &s_run);
}

/* ---- determinism ---- */

static portMUX_TYPE s_mux = portMUX_INITIALIZER_UNLOCKED;
static int s_ended;

static void work(void *arg)
{
    QueueHandle_t q = arg;
    for (int i = 0; i < 50; i++) {
        int v = i;
        (void)xQueueSend(q, &v, 2);
        portENTER_CRITICAL(&s_mux);
        portEXIT_CRITICAL(&s_mux);
        (void)xQueueReceive(q, &v, 1);
        host_busy(host_random_u32() % 50);
    }
    s_ended++;
    vTaskDelete(NULL);
}

static void print_hash(void *arg)
{
    (void)arg;
    QueueHandle_t q = xQueueCreate(2, sizeof(int));
    for (int i = 0; i < 4; i++) {
        xTaskCreate(work, "worker", 4096, q, 5, NULL);
    }
    while (s_ended < 4) {
        vTaskDelay(1);
    }
    printf("hash %016llx\n", (unsigned long long)host_trace_hash());
    host_exit(0);
}

static void the_same_seed_gives_the_same_run(void **state)
{
    (void)state;
    char first[64];
    for (uint64_t seed = 1; seed <= 5; seed++) {
        run_sim(seed, print_hash);
        assert_int_equal(s_run.exit_code, 0);
        snprintf(first, sizeof(first), "%.60s", strstr(s_run.output, "hash"));
        run_sim(seed, print_hash);
        assert_non_null(strstr(s_run.output, "hash"));
        assert_memory_equal(first, strstr(s_run.output, "hash"), 21);
    }
}

static void different_seeds_differ(void **state)
{
    (void)state;
    enum {
        SEEDS = 20
    };
    char seen[SEEDS][32];
    for (int i = 0; i < SEEDS; i++) {
        run_sim((uint64_t)i + 100, print_hash);
        assert_int_equal(s_run.exit_code, 0);
        snprintf(seen[i], sizeof(seen[i]), "%.21s", strstr(s_run.output, "hash"));
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(seen[i], seen[j]);
        }
    }
}

/* ---- time ---- */

static void sleep_a_month(void *arg)
{
    (void)arg;
    for (int i = 0; i < 30 * 24 * 60; i++) {
        vTaskDelay(pdMS_TO_TICKS(60000));
    }
    KTEST_CHECK(host_now_us() == 30ull * 24 * 3600 * 1000000);
    host_exit(3);
}

static void a_month_passes_at_once(void **state)
{
    (void)state;
    run_sim(1, sleep_a_month);
    assert_int_equal(s_run.exit_code, 3);
}

static int s_flag;

static void raise_flag(void *arg)
{
    (void)arg;
    s_flag = 1;
}

static void spin_on_the_clock(void *arg)
{
    (void)arg;
    const esp_timer_create_args_t args = {.callback = raise_flag};
    esp_timer_handle_t t;
    KTEST_CHECK(esp_timer_create(&args, &t) == ESP_OK);
    KTEST_CHECK(esp_timer_start_once(t, 30000000) == ESP_OK);
    vTaskPrioritySet(NULL, 20);
    while (__atomic_load_n(&s_flag, __ATOMIC_ACQUIRE) == 0) {
        taskYIELD();
    }
    KTEST_CHECK(host_now_us() >= 30000000);
    host_exit(4);
}

static void time_passes_for_a_task_that_only_spins(void **state)
{
    (void)state;
    run_sim(1, spin_on_the_clock);
    assert_int_equal(s_run.exit_code, 4);
}

/* ---- priorities ---- */

static uint32_t s_low_ran;

static void low(void *arg)
{
    (void)arg;
    for (;;) {
        s_low_ran++;
        host_busy(10);
    }
}

static void starve_low(void *arg)
{
    (void)arg;
    vTaskPrioritySet(NULL, 10);
    xTaskCreatePinnedToCore(low, "low", 4096, NULL, 5, NULL, 0);
    for (int i = 0; i < 100; i++) {
        host_busy(1000);
        host_point(1);
    }
    KTEST_CHECK(s_low_ran == 0); /* never while a higher one is ready on its core */
    vTaskDelay(10);
    KTEST_CHECK(s_low_ran > 500);
    host_exit(0);
}

static void a_core_runs_its_highest_priority(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 10; seed++) {
        run_sim(seed, starve_low);
        assert_int_equal(s_run.exit_code, 0);
    }
}

static SemaphoreHandle_t s_mutex;
static uint64_t s_high_waited;

static void holder(void *arg)
{
    (void)arg;
    (void)xSemaphoreTake(s_mutex, portMAX_DELAY);
    host_busy(5000);
    (void)xSemaphoreGive(s_mutex);
    vTaskDelete(NULL);
}

static void hog(void *arg)
{
    (void)arg;
    host_busy(1000000);
    vTaskDelete(NULL);
}

static void inversion(void *arg)
{
    bool mutex = arg == NULL;
    if (mutex) {
        s_mutex = xSemaphoreCreateMutex();
    } else {
        s_mutex = xSemaphoreCreateBinary(); /* no inheritance: the same story goes wrong */
        (void)xSemaphoreGive(s_mutex);
    }
    vTaskPrioritySet(NULL, 20);
    xTaskCreatePinnedToCore(holder, "low", 4096, NULL, 3, NULL, 0);
    vTaskDelay(2); /* it has the mutex and computes */
    xTaskCreatePinnedToCore(hog, "medium", 4096, NULL, 10, NULL, 0);
    uint64_t from = host_now_us();
    (void)xSemaphoreTake(s_mutex, portMAX_DELAY);
    s_high_waited = host_now_us() - from;
    host_exit(s_high_waited < 10000 ? 5 : 6);
}

static void inheritance_ends_an_inversion(void **state)
{
    (void)state;
    ktest_run_board(&s_sim, inversion, NULL, &s_run);
    assert_int_equal(s_run.exit_code, 5);
    ktest_run_board(&s_sim, inversion, (void *)1, &s_run);
    assert_int_equal(s_run.exit_code, 6);
}

/* ---- reports ---- */

static void take_both(void *arg)
{
    SemaphoreHandle_t *m = arg;
    (void)xSemaphoreTake(m[0], portMAX_DELAY);
    vTaskDelay(5);
    (void)xSemaphoreTake(m[1], portMAX_DELAY);
}

static void embrace(void *arg)
{
    (void)arg;
    static SemaphoreHandle_t one[2], two[2];
    one[0] = two[1] = xSemaphoreCreateMutex();
    one[1] = two[0] = xSemaphoreCreateMutex();
    xTaskCreate(take_both, "philosopher1", 4096, one, 5, NULL);
    xTaskCreate(take_both, "philosopher2", 4096, two, 5, NULL);
}

static void a_deadlock_is_reported_with_names(void **state)
{
    (void)state;
    run_sim(1, embrace);
    assert_int_equal(s_run.exit_code, HOST_EXIT_DEADLOCK);
    assert_non_null(strstr(s_run.output, "deadlock"));
    assert_non_null(strstr(s_run.output, "held by philosopher1"));
    assert_non_null(strstr(s_run.output, "held by philosopher2"));
}

static void yield_for_ever(void *arg)
{
    (void)arg;
    for (;;) {
        host_point(0);
    }
}

static void a_runaway_is_stopped(void **state)
{
    (void)state;
    host_config_t c = s_sim;
    c.max_points = 100000;
    ktest_run_board(&c, yield_for_ever, NULL, &s_run);
    assert_int_equal(s_run.exit_code, HOST_EXIT_RUNAWAY);
    c.max_points = 0;
    c.max_time_us = 1000000;
    ktest_run_board(&c, yield_for_ever, NULL, &s_run);
    assert_int_equal(s_run.exit_code, HOST_EXIT_TIME);
}

static void end_at_once(void *arg)
{
    (void)arg;
}

static void the_board_stops_when_all_tasks_have_ended(void **state)
{
    (void)state;
    host_config_t c = s_sim;
    ktest_run_board(&c, end_at_once, NULL, &s_run);
    assert_int_equal(s_run.exit_code, 0);
    c.sched = HOST_SCHED_THREADS;
    ktest_run_board(&c, end_at_once, NULL, &s_run);
    assert_int_equal(s_run.exit_code, 0);
}

/* ---- faults ---- */

static void tick_along(void *arg)
{
    int *n = arg;
    for (;;) {
        (*n)++;
        vTaskDelay(1);
    }
}

static void faults_by_script(void *arg)
{
    (void)arg;
    static int killed, hung, fine;
    KTEST_CHECK(host_fault_kill_at("victim", 10));
    KTEST_CHECK(host_fault_hang_at("hanger", 10));
    xTaskCreatePinnedToCore(tick_along, "victim", 4096, &killed, 5, NULL, 0);
    xTaskCreatePinnedToCore(tick_along, "hanger", 4096, &hung, 5, NULL, 1);
    xTaskCreatePinnedToCore(tick_along, "fine", 4096, &fine, 6, NULL, 1);
    vTaskDelay(200);
    KTEST_CHECK(xTaskGetHandle("victim") == NULL);
    KTEST_CHECK(killed > 0 && killed < 20);
    KTEST_CHECK(hung > 0 && hung < 20);
    eTaskState state = eTaskGetState(xTaskGetHandle("hanger"));
    KTEST_CHECK(state == eRunning || state == eReady); /* "fine" may have its core just now */
    KTEST_CHECK(fine > 150); /* a higher priority on the hanging core goes on */
    host_exit(0);
}

static void a_task_is_killed_or_hung_by_script(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 10; seed++) {
        run_sim(seed, faults_by_script);
        assert_int_equal(s_run.exit_code, 0);
    }
}

static void notify_main(void *arg)
{
    vTaskDelay(5);
    (void)xTaskNotifyGive(arg);
    vTaskDelete(NULL);
}

static void dropped_wake(void *arg)
{
    (void)arg;
    KTEST_CHECK(host_fault_drop_wakes("main", 1));
    xTaskCreate(notify_main, "notifier", 4096, xTaskGetCurrentTaskHandle(), 5, NULL);
    KTEST_CHECK(ulTaskNotifyTake(pdTRUE, 50) == 1); /* there, but late */
    KTEST_CHECK(xTaskGetTickCount() == 50);
    host_exit(0);
}

static void a_dropped_wake_up_comes_with_the_timeout(void **state)
{
    (void)state;
    run_sim(1, dropped_wake);
    assert_int_equal(s_run.exit_code, 0);
}

static void random_faults_only_delay(void **state)
{
    (void)state;
    host_config_t c = s_sim;
    c.faults = (host_faults_t){.preempt_ppm = 20000,
                               .drop_wake_ppm = 50000,
                               .clock_jump_ppm = 10000,
                               .clock_jump_max_us = 5000};
    for (c.seed = 0; c.seed < 20; c.seed++) {
        ktest_run_board(&c, print_hash, NULL, &s_run);
        assert_int_equal(s_run.exit_code, 0);
    }
}

/* ---- misuse ---- */

static void call_from_isr(void *arg)
{
    (void)xQueueSend((QueueHandle_t)arg, &arg, 0);
}

static void misuse_isr(void *arg)
{
    (void)arg;
    host_isr_run(call_from_isr, xQueueCreate(1, sizeof(void *)), 0);
}

static void misuse_block_in_critical(void *arg)
{
    (void)arg;
    portENTER_CRITICAL(&s_mux);
    vTaskDelay(1);
}

static void misuse_mux_uninitialised(void *arg)
{
    static portMUX_TYPE mux;
    (void)arg;
    portENTER_CRITICAL(&mux);
}

static void misuse_deleted_queue(void *arg)
{
    (void)arg;
    static StaticSemaphore_t memory;
    SemaphoreHandle_t s = xSemaphoreCreateBinaryStatic(&memory);
    vSemaphoreDelete(s);
    (void)xSemaphoreTake(s, 0);
}

static void end_soon(void *arg)
{
    (void)arg;
    vTaskDelete(NULL);
}

static void misuse_deleted_task(void *arg)
{
    (void)arg;
    TaskHandle_t t = NULL;
    xTaskCreate(end_soon, "short", 4096, NULL, 5, &t);
    vTaskDelay(5);
    (void)xTaskNotifyGive(t);
}

static void return_at_once(void *arg)
{
    (void)arg;
}

static void misuse_return(void *arg)
{
    (void)arg;
    xTaskCreate(return_at_once, "returner", 4096, NULL, 5, NULL);
    vTaskDelay(50);
}

static void give_by_another(void *arg)
{
    (void)xSemaphoreGive((SemaphoreHandle_t)arg);
    vTaskDelete(NULL);
}

static void misuse_mutex_given_by_another(void *arg)
{
    (void)arg;
    SemaphoreHandle_t m = xSemaphoreCreateMutex();
    (void)xSemaphoreTake(m, 0);
    xTaskCreate(give_by_another, "other", 4096, m, 5, NULL);
    vTaskDelay(50);
}

static void misuse_stops_the_run_and_names_the_call(void **state)
{
    (void)state;
    static const struct {
        void (*fn)(void *);
        const char *text;
    } cases[] = {
        {misuse_isr, "xQueueSend() called from an interrupt"},
        {misuse_block_in_critical, "would block (delay) inside a critical section"},
        {misuse_mux_uninitialised, "never initialised"},
        {misuse_deleted_queue, "xSemaphoreTake"},
        {misuse_deleted_task, "not a task, or one that was deleted"},
        {misuse_return, "task returner returned from its function"},
        {misuse_mutex_given_by_another, "given by other, but held by main"},
    };
    for (int sched = HOST_SCHED_THREADS; sched <= HOST_SCHED_SIM; sched++) {
        host_config_t c = s_sim;
        c.sched = (host_sched_t)sched;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            ktest_run_board(&c, cases[i].fn, NULL, &s_run);
            assert_int_not_equal(s_run.exit_code, 0);
            assert_false(s_run.timed_out);
            if (strstr(s_run.output, cases[i].text) == NULL) {
                fail_msg("expected \"%s\" in:\n%s", cases[i].text, s_run.output);
            }
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_run),
        cmocka_unit_test(different_seeds_differ),
        cmocka_unit_test(a_month_passes_at_once),
        cmocka_unit_test(time_passes_for_a_task_that_only_spins),
        cmocka_unit_test(a_core_runs_its_highest_priority),
        cmocka_unit_test(inheritance_ends_an_inversion),
        cmocka_unit_test(a_deadlock_is_reported_with_names),
        cmocka_unit_test(a_runaway_is_stopped),
        cmocka_unit_test(the_board_stops_when_all_tasks_have_ended),
        cmocka_unit_test(a_task_is_killed_or_hung_by_script),
        cmocka_unit_test(a_dropped_wake_up_comes_with_the_timeout),
        cmocka_unit_test(random_faults_only_delay),
        cmocka_unit_test(misuse_stops_the_run_and_names_the_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
