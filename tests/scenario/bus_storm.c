// SPDX-License-Identifier: Apache-2.0
/*
 * Eight publishers, 32 subscriptions of all four policies in two mailboxes, payloads of 0 to 4096
 * bytes at all priorities, far more than the handlers can take, and not one allocation allowed
 * after boot. Each event is delivered or refused as its policy says and counted; order holds per
 * publisher, lane and subscriber; nothing leaks.
 *
 * One million events on threads; fewer per seed in the simulator, where KRAKEN_STORM_EVENTS sets
 * the number.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "event_internal.h"
#include "host_heap.h"
#include "scenario.h"
#include "system_service/memory_pool.h"
#include "system_up.h"

#define PUBLISHERS 8
#define PATIENT    7 /* the publisher whose subscribers make it wait: posts less */
#define RECEIVERS  4
#define HANDLER_US 20
#define SUBS       32 /* each receiver subscribes to every publisher */

typedef struct {
    uint32_t publisher;
    uint32_t number;
} head_t;

typedef struct {
    _Atomic uint32_t handled;
    unsigned running; /* handlers of one subscriber never overlap: plain on purpose */
} receiver_t;

typedef struct {
    receiver_t *receiver;
    unsigned publisher;
    uint32_t next[SYSTEM_EVENT_LANES]; /* lowest number that may come next */
} subscription_t;

static receiver_t receivers[RECEIVERS];
static subscription_t subs[SUBS];
static system_service_id_t publisher_ids[PUBLISHERS], receiver_ids[RECEIVERS];
static system_event_type_t types[PUBLISHERS];
static uint32_t events_of[PUBLISHERS], events_total;

static _Atomic uint32_t posted, refused_whole, matched, delivered, refused, displaced;
static _Atomic uint32_t samples, samples_held_up, publishers_done;

/** A small generator of its own per publisher: cheap, and the same in both schedulers. */
static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static void on_event(const system_event_t *event, void *user_data)
{
    subscription_t *sub = user_data;
    receiver_t *me = sub->receiver;
    SCENARIO_CHECK_INT(me->running++, ==, 0);
    if (event->data_size >= sizeof(head_t)) {
        const head_t *head = event->data;
        const unsigned lane = priority_queue_lane(event->priority);
        SCENARIO_CHECK_INT(head->publisher, ==, sub->publisher);
        SCENARIO_CHECK(event->type == types[head->publisher]);
        SCENARIO_CHECK(event->source == publisher_ids[head->publisher]);
        SCENARIO_CHECK_INT(head->number, >=, sub->next[lane]);
        sub->next[lane] = head->number + 1;
        const uint8_t *bytes = event->data;
        SCENARIO_CHECK(event->data_size == sizeof(head_t) ||
                       bytes[event->data_size - 1] == (uint8_t)head->number);
    } else {
        SCENARIO_CHECK_INT(event->data_size, ==, 0);
    }
    host_busy(HANDLER_US);
    atomic_fetch_add(&me->handled, 1);
    SCENARIO_CHECK_INT(me->running--, ==, 1);
}

/** Mostly small, sometimes as large as it gets. */
static size_t payload_size(uint32_t random)
{
    static const size_t limits[] = {64, 64, 64, 64, 256, 256, 1024, 4096};
    if (random % 16 == 0) {
        return 0;
    }
    const size_t limit = limits[random >> 4 & 7u];
    return sizeof(head_t) + (random >> 8) % (limit - sizeof(head_t) + 1);
}

/** All lanes alike. */
static uint8_t priority_of(uint32_t random)
{
    static const uint8_t priorities[] = {0, 50, 150, 250};
    return priorities[random % SYSTEM_EVENT_LANES];
}

/** The mailbox is full, or who fills it finds no block: they lie in other mailboxes then. */
static void sample_fill(uint32_t n, bool no_block)
{
    mailbox_t *mailbox = event_mailbox(system_id_slot(receiver_ids[n % RECEIVERS]));
    portENTER_CRITICAL(&mailbox->lock);
    const unsigned waiting = priority_queue_count(&mailbox->queue);
    portEXIT_CRITICAL(&mailbox->lock);
    atomic_fetch_add(&samples, 1);
    atomic_fetch_add(&samples_held_up, no_block || waiting * 10 >= QUEUE_ENTRIES * 9);
}

/** Three quarters of the time nothing is handed out, so that the mailboxes are full. */
static void let_rest(uint32_t n)
{
    const uint32_t phase = events_of[0] / 16;
    if (n % phase == 0) {
        for (unsigned i = 0; i < RECEIVERS; i++) {
            event_mailbox_pause(system_id_slot(receiver_ids[i]), n / phase % 4 != 3);
        }
    }
}

static void publish(void *arg)
{
    const unsigned me = (unsigned)(uintptr_t)arg;
    uint32_t random = 0x9E3779B9u * (me + 1) + (uint32_t)scenario_seed();
    static uint8_t payloads[PUBLISHERS][4096];
    uint8_t *payload = payloads[me];
    system_post_result_t result;
    for (uint32_t n = 0; n < events_of[me]; n++) {
        if (me == 0) {
            let_rest(n);
        }
        const uint32_t r = next_random(&random);
        const size_t size = payload_size(r);
        if (size != 0) {
            payload[size - 1] = (uint8_t)n;
            memcpy(payload, &(head_t){me, n}, sizeof(head_t));
        }
        const esp_err_t ret = system_event_post_ex(publisher_ids[me], types[me], payload, size,
                                                   priority_of(r >> 24), &result);
        if (host_sched() == HOST_SCHED_SIM && n % 32 == 31) {
            vTaskDelay(1); /* publishers outrank the workers: now and then let them work */
        }
        SCENARIO_CHECK(ret == ESP_OK || ret == ESP_ERR_EVENT_QUEUE_FULL ||
                       ret == ESP_ERR_EVENT_NO_MEMORY);
        SCENARIO_CHECK((ret == ESP_ERR_EVENT_QUEUE_FULL) == (result.refused != 0));
        SCENARIO_CHECK_INT(result.matched, ==,
                           ret == ESP_ERR_EVENT_NO_MEMORY ? 0 : SUBS / PUBLISHERS);
        SCENARIO_CHECK_INT(result.matched, ==, result.delivered + result.refused);
        atomic_fetch_add(&posted, ret != ESP_ERR_EVENT_NO_MEMORY);
        atomic_fetch_add(&refused_whole, ret == ESP_ERR_EVENT_NO_MEMORY);
        atomic_fetch_add(&matched, result.matched);
        atomic_fetch_add(&delivered, result.delivered);
        atomic_fetch_add(&refused, result.refused);
        atomic_fetch_add(&displaced, result.displaced);
        if (me == 0) {
            sample_fill(n, ret == ESP_ERR_EVENT_NO_MEMORY);
        }
    }
    if (me == 0) {
        let_rest(events_of[0] / 16 * 3); /* and now work */
    }
    atomic_fetch_add(&publishers_done, 1);
    vTaskDelete(NULL);
}

static void subscribe(unsigned receiver, unsigned n)
{
    static const system_subscription_config_t configs[] = {
        {.overflow = SYSTEM_OVERFLOW_REJECT},
        {.overflow = SYSTEM_OVERFLOW_DROP_OLDEST},
        {.overflow = SYSTEM_OVERFLOW_KEEP_LATEST},
    };
    static const system_subscription_config_t patient = {.overflow = SYSTEM_OVERFLOW_BLOCK,
                                                         .block_ms = 1};
    const unsigned publisher = n % PUBLISHERS;
    subscription_t *sub = &subs[receiver * (SUBS / RECEIVERS) + n];
    sub->receiver = &receivers[receiver];
    sub->publisher = publisher;
    SCENARIO_CHECK(system_event_subscribe_ex(receiver_ids[receiver], types[publisher], on_event,
                                             sub, publisher == PATIENT ? &patient : &configs[n % 3],
                                             NULL) == ESP_OK);
}

static void set_up(void)
{
    char name[16];
    for (unsigned i = 0; i < PUBLISHERS; i++) {
        snprintf(name, sizeof(name), "publisher%u", i);
        publisher_ids[i] = system_up_service(name);
        snprintf(name, sizeof(name), "storm.%u", i);
        types[i] = system_up_type(name);
    }
    for (unsigned i = 0; i < RECEIVERS; i++) {
        snprintf(name, sizeof(name), "receiver%u", i);
        receiver_ids[i] = system_up_service(name);
        for (unsigned n = 0; n < SUBS / RECEIVERS; n++) {
            subscribe(i, n);
        }
    }
}

static uint32_t handled(void)
{
    uint32_t total = 0;
    for (unsigned i = 0; i < RECEIVERS; i++) {
        total += atomic_load(&receivers[i].handled);
    }
    return total;
}

static uint32_t blocks_used(void)
{
    uint32_t used = 0;
    memory_pool_stats_t pool;
    for (unsigned i = 0; i < MEMORY_POOL_CLASSES; i++) {
        SCENARIO_CHECK(memory_pool_get_stats((memory_pool_class_t)i, &pool) == ESP_OK);
        used += pool.used;
    }
    return used;
}

#define BLOCKS_AT_REST 1 /* of the retained system.ready */

static void check_accounts(void)
{
    system_event_bus_stats_t bus;
    SCENARIO_CHECK(system_event_get_bus_stats(&bus) == ESP_OK);
    SCENARIO_CHECK_INT(posted + refused_whole, ==, events_total);
    SCENARIO_CHECK_INT(bus.posted, >=,
                       posted); /* the core posts too, e.g. that a handler is slow */
    SCENARIO_CHECK_INT(bus.no_memory, >=, refused_whole); /* as above */
    SCENARIO_CHECK_INT(bus.delivered, ==, delivered);
    SCENARIO_CHECK_INT(bus.refused, ==, refused);
    SCENARIO_CHECK_INT(bus.displaced, ==, displaced);
    SCENARIO_CHECK_INT(handled(), ==, delivered - displaced);
    SCENARIO_CHECK_INT(bus.handled, ==, handled());
    SCENARIO_CHECK_INT(bus.discarded, ==, 0);
    SCENARIO_CHECK_INT(blocks_used(), ==, BLOCKS_AT_REST);
    SCENARIO_CHECK(memory_pool_check() == ESP_OK);
    SCENARIO_CHECK_INT(system_seal_violations(), ==, 0);
}

static void storm(void)
{
    const char *wanted = getenv("KRAKEN_STORM_EVENTS");
    const bool sim = host_sched() == HOST_SCHED_SIM;
    const uint32_t events = wanted ? (uint32_t)atoi(wanted) : sim ? 1600u : 1000000u;
    for (unsigned i = 0; i < PUBLISHERS; i++) {
        events_of[i] = i == PATIENT ? events / 500 : events / (PUBLISHERS - 1);
        events_total += events_of[i];
    }
    const system_secure_key_t key = system_up();
    set_up();
    for (uintptr_t i = 0; i < PUBLISHERS; i++) {
        SCENARIO_CHECK(xTaskCreatePinnedToCore(publish, "publish", 4096, (void *)i,
                                               CONFIG_SYSTEM_EXPRESS_PRIORITY + 1, NULL,
                                               (BaseType_t)(i % 2)) == pdPASS);
    }
    SCENARIO_CHECK(system_service_seal(key) == ESP_OK);
    host_heap_fail_all();
    SCENARIO_CHECK(system_up_wait(&publishers_done, PUBLISHERS, 600000));
    for (unsigned i = 0; i < 60000 && handled() != delivered - displaced; i++) {
        vTaskDelay(1);
    }
    for (unsigned i = 0; i < 1000 && blocks_used() != BLOCKS_AT_REST; i++) {
        vTaskDelay(1); /* a worker lets go of its last block when its burst is over */
    }
    host_heap_fail_nth(0, 0);
    check_accounts();
    SCENARIO_CHECK_INT(samples_held_up * 2, >=, samples);
    SCENARIO_CHECK(refused > 0 && displaced > 0); /* else this was no storm */
}

int main(int argc, char **argv)
{
    static const scenario_t s = {.name = "bus_storm", .run = storm};
    return scenario_main(argc, argv, &s);
}
