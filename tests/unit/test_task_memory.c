// SPDX-License-Identifier: Apache-2.0
/*
 * Workers and lifecycle runners that somebody else deletes, more often than there are spares: their
 * control blocks and stacks come back each time, so whoever deletes is seen past them. The idle
 * task does for a handler that deletes its own task; the test's task, which is of the lowest
 * priority and so is kept from its core right after the callback, does for the others.
 */
#include <stdatomic.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "event_internal.h"
#include "ktest.h"
#include "lifecycle_runner.h"
#include "scripted_service.h"
#include "system_up.h"

#define ROUNDS (CONFIG_SYSTEM_WORKER_SPARES + 2)

static scripted_t victim;
static system_service_id_t poster;
static _Atomic uint32_t sits; /* so many times start() does not return */
static _Atomic bool by_itself;
static volatile float product; /* a handler has floating-point registers, too */

static void on_work(const system_event_t *event, void *user_data)
{
    (void)user_data;
    product = product * 1.5f + (float)event->data_size;
    if (atomic_load(&by_itself)) {
        vTaskDelete(NULL);
    }
    scripted_sit();
}

static esp_err_t start(system_service_id_t id, void *arg)
{
    (void)arg;
    if (atomic_load(&sits) != 0) {
        atomic_fetch_sub(&sits, 1);
        scripted_sit();
    }
    return system_event_subscribe(id, victim.work, on_work, NULL);
}

static void wait_for_restarts(uint32_t n)
{
    for (unsigned ms = 0; scripted_info(victim.id).restart_count != n; ms++) {
        assert_true(ms < ktest_patience_ms(20000));
        vTaskDelay(pdMS_TO_TICKS(1));
    }
    assert_true(
        scripted_wait_state(victim.id, SYSTEM_SERVICE_STATE_RUNNING, ktest_patience_ms(5000)));
    for (unsigned ms = 0; event_workers_serving(WORKER_GENERAL) != portNUM_PROCESSORS; ms++) {
        assert_true(ms < ktest_patience_ms(5000));
        vTaskDelay(pdMS_TO_TICKS(1));
    }
    assert_int_equal(event_workers_quarantined(), 0);
}

static void come_back(bool own_worker)
{
    const system_secure_key_t key = system_up();
    uint32_t restarts = 0;
    poster = system_up_service("poster");
    scripted_prepare(&victim, "victim", NULL);
    victim.descriptor.lifecycle = (system_service_lifecycle_t){.start = start};
    victim.descriptor.own_worker = own_worker;
    victim.watchdog.max_restart_attempts = 40;
    scripted_register(&victim);
    assert_int_equal(system_service_start_all(), ESP_OK);
    for (unsigned n = 0; n < ROUNDS; n++) {
        atomic_store(&by_itself, n % 2 == 0);
        assert_int_equal(scripted_post(&victim, poster), ESP_OK);
        if (n % 2 != 0) {
            vTaskDelete(scripted_who_sits());
        }
        wait_for_restarts(++restarts);
    }
    for (unsigned n = 0; n <= CONFIG_SYSTEM_LIFECYCLE_RUNNERS; n++) {
        atomic_store(&sits, 1);
        assert_int_equal(system_service_restart(victim.id), ESP_OK);
        vTaskDelete(scripted_who_sits());
        wait_for_restarts(++restarts);
        assert_int_equal(lifecycle_runners_given_up(), 0);
    }
    assert_int_equal(system_service_stop_all(), ESP_OK);
    system_down(key);
}

static void places_of_deleted_tasks_come_back(void **state)
{
    (void)state;
    come_back(false);
}

static void so_does_a_worker_of_its_own(void **state)
{
    (void)state;
    come_back(true);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_of_deleted_tasks_come_back),
        cmocka_unit_test(so_does_a_worker_of_its_own),
    };
    return KTEST_MAIN(argc, argv, tests);
}
