// SPDX-License-Identifier: Apache-2.0
#include "events_story.h"

#include <string.h>

#include "system_service/memory_pool.h"
#include "system_service/resource_quota.h"
#include "system_service/service_manager.h"

#define LISTENERS 8u
#define PAYLOAD   200u
#define FLOOD     100u

static system_service_id_t s_app, s_poster;
static uint32_t s_heard[LISTENERS], s_latest, s_oldest, s_kept, s_retained;

static void check(esp_err_t ret, const char *what)
{
    if (ret != ESP_OK) {
        story_fail(what, (uint32_t)ret);
    }
}

static system_event_type_t type_of(const char *name)
{
    system_event_type_t type;
    check(system_event_register_type(name, &type), name);
    return type;
}

static system_service_id_t service(const char *name)
{
    static const service_quota_t wide = {
        .max_events_per_sec = 1000000,
        .max_subscriptions = 32,
        .max_event_data_size = 4096,
        .max_memory_bytes = 1024 * 1024,
        .max_cpu_percent = 100,
    };
    system_service_id_t id;
    check(system_service_register(name, NULL, &id), name);
    check(quota_set(id, &wide), name);
    return id;
}

/* ---- what the app imports ---- */

void story_note(const char *what, uint32_t value)
{
    story_put(what, value);
}

void story_post(const char *type, uint32_t number, uint8_t priority)
{
    check(system_event_post(s_app, type_of(type), &number, sizeof(number), priority), type);
}

void story_subscribe(const char *type, system_event_handler_t handler, void *user_data)
{
    check(system_event_subscribe(s_app, type_of(type), handler, user_data), type);
}

void story_unsubscribe(const char *type, system_event_handler_t handler)
{
    check(system_event_unsubscribe_type(s_app, type_of(type), handler), type);
}

esp_err_t story_resolve(void *arg, const char *name, uintptr_t *address)
{
    static const struct {
        const char *name;
        uintptr_t address;
    } known[] = {
        {"story_note", (uintptr_t)story_note},
        {"story_post", (uintptr_t)story_post},
        {"story_subscribe", (uintptr_t)story_subscribe},
        {"story_unsubscribe", (uintptr_t)story_unsubscribe},
    };
    (void)arg;
    for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(known[i].name, name) == 0) {
            *address = known[i].address;
            return ESP_OK;
        }
    }
    return ESP_ERR_NOT_FOUND;
}

/* ---- listeners of the firmware ---- */

static uint32_t number_of(const system_event_t *event)
{
    uint32_t number = 0;
    memcpy(&number, event->data, sizeof(number));
    return number;
}

static void on_any(const system_event_t *event, void *user_data)
{
    uint32_t *heard = user_data;
    *heard = *heard * 31 + number_of(event);
}

static void on_latest(const system_event_t *event, void *user_data)
{
    (void)user_data;
    s_latest = s_latest * 1000 + number_of(event);
}

static void on_oldest(const system_event_t *event, void *user_data)
{
    (void)user_data;
    s_kept += s_kept == 0 ? number_of(event) : 0; // the first that was not dropped
    s_oldest++;
}

static void on_retained(const system_event_t *event, void *user_data)
{
    (void)user_data;
    s_retained += number_of(event);
}

/* ---- chapters ---- */

static void everybody_hears(void)
{
    static const char *const names[LISTENERS] = {"one",  "two", "three", "four",
                                                 "five", "six", "seven", "eight"};
    for (uint32_t i = 0; i < LISTENERS; i++) {
        const system_service_id_t id = service(names[i]);
        check(system_event_subscribe_pattern(id, "story.*", on_any, &s_heard[i], NULL, NULL),
              names[i]);
    }
    for (uint32_t i = 0; i < 5; i++) {
        story_post("story.call", i, SYSTEM_EVENT_PRIORITY_HIGH);
        story_settle();
    }
    for (uint32_t i = 0; i < LISTENERS; i++) {
        story_put("heard", s_heard[i]);
    }
}

static void listen(const char *name, system_overflow_t overflow, system_event_handler_t handler)
{
    const system_subscription_config_t config = {.overflow = overflow};
    check(system_event_subscribe_ex(service(name), type_of("flood"), handler, NULL, &config, NULL),
          name);
}

static void a_flood_is_handled_as_declared(void)
{
    system_post_result_t sum = {0};
    listen("latest", SYSTEM_OVERFLOW_KEEP_LATEST, on_latest);
    listen("oldest", SYSTEM_OVERFLOW_DROP_OLDEST, on_oldest);
    for (uint32_t i = 1; i <= FLOOD; i++) {
        system_post_result_t result;
        check(system_event_post_ex(s_poster, type_of("flood"), &i, sizeof(i),
                                   SYSTEM_EVENT_PRIORITY_NORMAL, &result),
              "flood");
        sum.matched += result.matched;
        sum.delivered += result.delivered;
        sum.displaced += result.displaced;
    }
    story_settle();
    story_put("matched", sum.matched);
    story_put("delivered", sum.delivered);
    story_put("displaced", sum.displaced);
    story_put("latest", s_latest);
    story_put("oldest", s_oldest);
    story_put("kept", s_kept);
}

static void payloads_arrive_whole(void)
{
    const system_event_type_t type = type_of("story.payload");
    uint8_t bytes[PAYLOAD];
    void *loan;
    for (uint32_t i = 0; i < PAYLOAD; i++) {
        bytes[i] = (uint8_t)(i * 7 + 1);
    }
    for (uint32_t size = 4; size <= PAYLOAD; size += 49) {
        check(system_event_post(s_poster, type, bytes, size, SYSTEM_EVENT_PRIORITY_LOW), "post");
        check(system_event_loan(s_poster, size, &loan), "loan");
        memcpy(loan, bytes, size);
        check(
            system_event_publish(s_poster, type, loan, size, SYSTEM_EVENT_PRIORITY_CRITICAL, NULL),
            "publish");
        story_post_as_isr(s_poster, type, bytes, size < 32 ? size : 32, SYSTEM_EVENT_PRIORITY_HIGH);
    }
    story_settle();
}

static void what_is_retained_is_told(void)
{
    const system_event_type_t type = type_of("kept");
    uint32_t number = 4711;
    check(system_event_set_retained(type, true), "retained");
    check(system_event_post(s_poster, type, &number, sizeof(number), SYSTEM_EVENT_PRIORITY_NORMAL),
          "post");
    story_settle();
    check(system_event_subscribe(s_poster, type, on_retained, NULL), "subscribe");
    story_settle();
    story_put("retained", s_retained);
}

static void what_is_wrong_is_refused(void)
{
    uint8_t byte = 0;
    story_put("no type", (uint32_t)system_event_post(s_poster, 4000, NULL, 0, 0));
    story_put("no data", (uint32_t)system_event_post(s_poster, type_of("flood"), NULL, 1, 0));
    story_put("no service", (uint32_t)system_event_post(0xFFFF, type_of("flood"), &byte, 1, 0));
    story_put("too much",
              (uint32_t)system_event_post(s_poster, type_of("flood"), &byte, 1000000, 0));
}

static uint32_t blocks_in_use(void)
{
    uint32_t used = 0;
    for (int c = 0; c < MEMORY_POOL_CLASSES; c++) {
        memory_pool_stats_t stats;
        check(memory_pool_get_stats((memory_pool_class_t)c, &stats), "pool");
        used += stats.used;
    }
    return used;
}

void story_tell(uint32_t (*entry)(uint32_t))
{
    s_poster = service("poster");
    s_app = service("both");
    const uint32_t before = blocks_in_use();
    story_put("result", entry(4711));
    story_settle();
    everybody_hears();
    a_flood_is_handled_as_declared();
    payloads_arrive_whole();
    what_is_wrong_is_refused();
    story_post("story.tell", 0, SYSTEM_EVENT_PRIORITY_LOW);
    story_settle();
    story_put("blocks in use", blocks_in_use() - before);
    what_is_retained_is_told();
}
