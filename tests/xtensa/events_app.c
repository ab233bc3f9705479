// SPDX-License-Identifier: Apache-2.0

// An app for both processors whose handlers the event core calls: in the order of priorities, with
// payloads, and from inside of which it posts and unsubscribes.

#include "events_story.h"

uint32_t app_main(uint32_t seed);

#define KEPT 32u

static uint32_t s_seed;
static uint32_t s_order[KEPT]; // what came, in the order it came
static uint32_t s_count;
static uint32_t s_echoes;
static uint32_t s_sum;

__attribute__((noinline)) static uint32_t mix(uint32_t sum, const uint8_t *bytes, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        sum = (sum << 5 | sum >> 27) ^ bytes[i];
    }
    return sum;
}

// Uses up the register windows of the worker's task.
__attribute__((noinline)) static uint32_t deep(uint32_t depth, uint32_t value)
{
    volatile uint32_t own = value;
    return depth == 0 ? own : deep(depth - 1, value * 3 + depth) + own;
}

static void on_order(const system_event_t *event, void *user_data)
{
    const uint32_t *number = event->data;
    if (s_count < KEPT) {
        s_order[s_count++] = *number << 8 | event->priority;
    }
    s_sum += deep(40, *number) + (uint32_t)(uintptr_t)(user_data == &s_seed);
}

static void on_payload(const system_event_t *event, void *user_data)
{
    (void)user_data;
    s_sum = mix(s_sum, event->data, (uint32_t)event->data_size);
}

// Posts from inside of a handler; the answer is handled after it returns.
static void on_call(const system_event_t *event, void *user_data)
{
    (void)user_data;
    story_post("story.echo", *(const uint32_t *)event->data + s_echoes, 150);
}

static void on_echo(const system_event_t *event, void *user_data)
{
    (void)user_data;
    s_echoes = s_echoes * 7 + *(const uint32_t *)event->data;
    if (s_echoes > 1000) {
        story_unsubscribe("story.echo", on_echo);
    }
}

static void tell(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    for (uint32_t i = 0; i < s_count; i++) {
        story_note("order", s_order[i]);
    }
    story_note("echoes", s_echoes);
    story_note("sum", s_sum);
    s_count = 0;
}

__attribute__((constructor)) static void begin(void)
{
    s_sum = 17;
}

uint32_t app_main(uint32_t seed)
{
    s_seed = seed;
    story_subscribe("story.order", on_order, &s_seed);
    story_subscribe("story.payload", on_payload, NULL);
    story_subscribe("story.call", on_call, NULL);
    story_subscribe("story.echo", on_echo, NULL);
    story_subscribe("story.tell", tell, NULL);
    static const uint8_t priorities[] = {255, 200, 100, 0};
    for (uint32_t i = 0; i < 4; i++) {
        for (uint32_t j = 0; j < 3; j++) {
            story_post("story.order", seed + i * 3 + j, priorities[i]);
        }
    }
    return s_seed ^ s_sum;
}
