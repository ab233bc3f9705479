// SPDX-License-Identifier: Apache-2.0
/*
 * One service burns more CPU in its handlers than its share: it is held back, its events wait, none
 * is lost, and in the long run it gets its share and no more. Another one posts faster than it may,
 * second after second: first its burst goes, then it is stopped and says why. A third one, which
 * keeps within its limits, notices nothing of either.
 */
#include <stdatomic.h>
#include <string.h>

#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "system_service/common_events.h"
#include "system_service/event_timer.h"

#include "scenario.h"
#include "system_up.h"

#define SHARE_PERCENT 10u
#define BURN_US       20000u
#define EVENTS        100u

static system_service_id_t burner, spammer, honest, witness;
static system_event_type_t burn_type, spam_type, honest_type;
static _Atomic uint32_t burnt, honest_handled, notices, stopped, stop_poster, poster_ended;

static void burn(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    host_busy(BURN_US);
    atomic_fetch_add(&burnt, 1);
}

static void on_honest(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    atomic_fetch_add(&honest_handled, 1);
}

static void on_violation(const system_event_t *event, void *user_data)
{
    (void)user_data;
    const quota_violation_event_t *v = event->data;
    SCENARIO_CHECK(event->data_size == sizeof(*v) && v->id != honest);
    atomic_fetch_add(&notices, 1);
}

static void on_failed(const system_event_t *event, void *user_data)
{
    (void)user_data;
    const service_event_t *failed = event->data;
    SCENARIO_CHECK_INT(failed->id, ==, spammer);
    SCENARIO_CHECK_INT(failed->reason, ==, ESP_ERR_QUOTA_THROTTLED);
    atomic_fetch_add(&stopped, 1);
}

static void keep_posting(void *arg)
{
    (void)arg;
    while (!atomic_load(&stop_poster)) {
        for (int i = 0; i < 5; i++) {
            const esp_err_t ret = system_event_post(spammer, spam_type, NULL, 0, 255);
            SCENARIO_CHECK(ret == ESP_OK || ret == ESP_ERR_QUOTA_EVENTS_EXCEEDED);
        }
        vTaskDelay(pdMS_TO_TICKS(50));
    }
    atomic_fetch_add(&poster_ended, 1);
    vTaskDelete(NULL);
}

static void the_burner_gets_its_share(void)
{
    const int64_t start = esp_timer_get_time();
    uint32_t posted = 0;
    quota_usage_t usage;
    bool was_held = false;

    while (atomic_load(&burnt) < EVENTS) {
        while (posted < EVENTS && system_event_post(witness, burn_type, NULL, 0, 200) == ESP_OK) {
            posted++;
        }
        SCENARIO_CHECK(quota_get_usage(burner, &usage) == ESP_OK);
        was_held = was_held || usage.throttled;
        vTaskDelay(pdMS_TO_TICKS(10));
        SCENARIO_CHECK(esp_timer_get_time() - start < 300 * 1000000LL);
    }
    const int64_t took_us = esp_timer_get_time() - start;
    SCENARIO_CHECK(was_held);
    SCENARIO_CHECK_INT(usage.violations[QUOTA_CPU], >, 0);
    // 100 events of 20 ms at a share of 10 % are 20 s, less the second's worth that may come at
    // once.
    SCENARIO_CHECK_INT(took_us, >, (EVENTS * BURN_US - 1000000) / SHARE_PERCENT * 100 * 3 / 4);
    SCENARIO_CHECK_INT(took_us, <, EVENTS * BURN_US / SHARE_PERCENT * 100 * 2);
}

static void the_spammer_is_stopped(void)
{
    system_service_info_t info;
    SCENARIO_CHECK(xTaskCreate(keep_posting, "spam", 4096, NULL, 4, NULL) == pdPASS);
    SCENARIO_CHECK(system_up_wait(&stopped, 1, (CONFIG_SYSTEM_QUOTA_STOP_WINDOWS + 30) * 1000));
    atomic_store(&stop_poster, 1);
    SCENARIO_CHECK(system_up_wait(&poster_ended, 1, 10000));
    SCENARIO_CHECK(system_service_get_info(spammer, &info) == ESP_OK);
    SCENARIO_CHECK_INT(info.state, ==, SYSTEM_SERVICE_STATE_ERROR);
    SCENARIO_CHECK_INT(info.last_error, ==, ESP_ERR_QUOTA_THROTTLED);
    // At most one notice per window and owner, although it was refused every 50 ms.
    SCENARIO_CHECK_INT(notices, >=, CONFIG_SYSTEM_QUOTA_STOP_WINDOWS / 2);
    SCENARIO_CHECK_INT(notices, <=, 2 * (CONFIG_SYSTEM_QUOTA_STOP_WINDOWS + 40));
}

static void run(void)
{
    const system_secure_key_t key = system_up();
    const service_quota_t share = {.max_cpu_percent = SHARE_PERCENT};
    const service_quota_t slow = {.max_events_per_sec = 10};

    burner = system_up_service("burner");
    spammer = system_up_service("spammer");
    honest = system_up_service("honest");
    witness = system_up_service("witness");
    burn_type = system_up_type("test.burn");
    spam_type = system_up_type("test.spam");
    honest_type = system_up_type("test.honest");
    SCENARIO_CHECK(quota_set(burner, &share) == ESP_OK);
    SCENARIO_CHECK(quota_set(spammer, &slow) == ESP_OK);
    SCENARIO_CHECK(system_event_subscribe(burner, burn_type, burn, NULL) == ESP_OK);
    SCENARIO_CHECK(system_event_subscribe(honest, honest_type, on_honest, NULL) == ESP_OK);
    SCENARIO_CHECK(system_event_subscribe(witness, SYSTEM_EVENT_QUOTA_VIOLATION, on_violation,
                                          NULL) == ESP_OK);
    SCENARIO_CHECK(system_event_subscribe(witness, SYSTEM_EVENT_SERVICE_FAILED, on_failed, NULL) ==
                   ESP_OK);
    SCENARIO_CHECK(system_event_post_every(honest, honest_type, NULL, 0, 200, 100, NULL) == ESP_OK);
    the_burner_gets_its_share();
    SCENARIO_CHECK_INT(stopped, ==, 0);
    the_spammer_is_stopped();

    quota_usage_t usage;
    SCENARIO_CHECK(quota_get_usage(honest, &usage) == ESP_OK);
    SCENARIO_CHECK_INT(usage.violations[QUOTA_EVENTS] + usage.violations[QUOTA_CPU], ==, 0);
    SCENARIO_CHECK_INT(honest_handled, >=, esp_timer_get_time() / 100000 * 8 / 10);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const scenario_t s = {.name = "quota_offenders", .run = run};
    return scenario_main(argc, argv, &s);
}
