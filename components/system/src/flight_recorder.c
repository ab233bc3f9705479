/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rings. A writer takes a place and a sequence number with one atomic addition each, and writes
 * six words; a reader believes a place only if its checksum holds. So there are no locks, a record
 * that a reset cut short is recognised, and so is one that two writers mixed because the slower one
 * was overtaken by a whole ring.
 *
 * CRITICAL events have a ring of their own, a quarter of the room: however many there are, they do
 * not wash away what tells why something failed.
 */
#include "flight_recorder_internal.h"

#include <string.h>

#include "esp_attr.h"
#include "esp_timer.h"

#include "event_internal.h"
#include "relaxed.h"
#include "system_service/common_events.h"

#ifdef CONFIG_SYSTEM_RECORDER

#define ENTRIES CONFIG_SYSTEM_RECORDER_ENTRIES
#define POSTS   (ENTRIES / 4)
#define FACTS   (ENTRIES - POSTS)
#define WORDS   6
/* Changes with the layout: memory that another firmware left is not believed. */
#define SALT (0x4b524b02u ^ ENTRIES << 8)

/* 24 bytes. Every word is an atomic: readers look while writers write, and the checksum judges. */
typedef struct {
    _Atomic uint32_t sequence; /* 0 = never written */
    _Atomic uint32_t time;     /* us / 1024: ms would take a division of 64 bits */
    _Atomic uint32_t what;     /* kind | subject << 8 | tag << 16 */
    _Atomic uint32_t a;
    _Atomic uint32_t b;
    _Atomic uint32_t check;
} place_t;
_Static_assert(sizeof(place_t) == WORDS * sizeof(uint32_t), "a record is six words");
_Static_assert(ENTRIES % 4 == 0, "a quarter of the records is for CRITICAL events");

static RTC_NOINIT_ATTR place_t s_facts[FACTS];
static RTC_NOINIT_ATTR place_t s_posts[POSTS];

/* internal RAM: found again from the rings at boot */
static _Atomic uint32_t s_sequence; /* of the newest record */
static _Atomic uint32_t s_next_fact, s_next_post;
static uint32_t s_first_sequence; /* of the newest record at boot */
static uint32_t s_recovered, s_torn;

/* ---- records -------------------------------------------------------------------------------- */

FORCE_INLINE_ATTR uint32_t mix(uint32_t sum, uint32_t word)
{
    sum = (sum ^ word) * 0x9E3779B1u;
    return sum ^ sum >> 15;
}

uint32_t IRAM_ATTR flight_checksum(const uint32_t *words, size_t count)
{
    uint32_t sum = SALT;
    for (size_t i = 0; i < count; i++) {
        sum = mix(sum, words[i]);
    }
    return sum;
}

static void IRAM_ATTR write_place(place_t *place, const uint32_t words[WORDS])
{
    relaxed_put(&place->sequence, words[0]);
    relaxed_put(&place->time, words[1]);
    relaxed_put(&place->what, words[2]);
    relaxed_put(&place->a, words[3]);
    relaxed_put(&place->b, words[4]);
    relaxed_put(&place->check, words[5]);
}

FORCE_INLINE_ATTR void record(flight_kind_t kind, uint8_t subject, uint16_t tag, uint32_t a,
                              uint32_t b, int64_t now_us)
{
    const uint32_t time = (uint32_t)((uint64_t)now_us >> 10);
    const uint32_t sequence = relaxed_add(&s_sequence, 1) + 1;
    const uint32_t what = (uint32_t)kind | (uint32_t)subject << 8 | (uint32_t)tag << 16;
    place_t *place = kind == FLIGHT_POST ? &s_posts[relaxed_add(&s_next_post, 1) % POSTS]
                                         : &s_facts[relaxed_add(&s_next_fact, 1) % FACTS];
    /* Word by word out of registers: as an array it would go through memory twice. */
    relaxed_put(&place->sequence, sequence);
    relaxed_put(&place->time, time);
    relaxed_put(&place->what, what);
    relaxed_put(&place->a, a);
    relaxed_put(&place->b, b);
    relaxed_put(&place->check, mix(mix(mix(mix(mix(SALT, sequence), time), what), a), b));
}

void IRAM_ATTR flight_record(flight_kind_t kind, uint8_t subject, uint16_t tag, uint32_t a,
                             uint32_t b)
{
    record(kind, subject, tag, a, b, esp_timer_get_time());
}

/** @return false: not intact, or empty */
static bool read_place(const place_t *place, uint32_t words[WORDS])
{
    words[0] = relaxed_get(&place->sequence);
    words[1] = relaxed_get(&place->time);
    words[2] = relaxed_get(&place->what);
    words[3] = relaxed_get(&place->a);
    words[4] = relaxed_get(&place->b);
    words[5] = relaxed_get(&place->check);
    return words[0] != 0 && words[5] == flight_checksum(words, 5);
}

static bool is_later(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) > 0;
}

/* ---- after a reset -------------------------------------------------------------------------- */

/** Count what a ring holds. @return the place after the newest record */
static uint32_t restore(place_t *ring, uint32_t size, uint32_t *newest)
{
    uint32_t next = 0;
    uint32_t last = 0;
    bool found = false;
    for (uint32_t i = 0; i < size; i++) {
        uint32_t words[WORDS];
        if (read_place(&ring[i], words)) {
            s_recovered++;
            if (!found || is_later(words[0], last)) {
                last = words[0];
                next = i + 1;
                found = true;
            }
        } else {
            s_torn += words[0] != 0;
            write_place(&ring[i], (const uint32_t[WORDS]){0});
        }
    }
    if (found && (*newest == 0 || is_later(last, *newest))) {
        *newest = last;
    }
    return next;
}

void flight_recorder_init(bool erase)
{
    uint32_t newest = 0;
    s_recovered = s_torn = 0;
    if (erase) {
        memset(s_facts, 0, sizeof(s_facts));
        memset(s_posts, 0, sizeof(s_posts));
    }
    relaxed_put(&s_next_fact, restore(s_facts, FACTS, &newest));
    relaxed_put(&s_next_post, restore(s_posts, POSTS, &newest));
    relaxed_put(&s_sequence, newest);
    s_first_sequence = newest;
    flight_names_init(erase);
}

uint32_t flight_next_sequence(void)
{
    return relaxed_get(&s_sequence) + 1;
}

/* ---- what the core writes down -------------------------------------------------------------- */

void flight_record_slot(flight_kind_t kind, unsigned slot, system_event_type_t type, uint32_t a,
                        uint32_t b)
{
    flight_record(kind, flight_subject(slot), flight_tag(type), a, b);
}

void IRAM_ATTR flight_record_post(system_service_id_t source, system_event_type_t type, size_t size,
                                  int64_t now_us)
{
#ifdef CONFIG_SYSTEM_RECORDER_CRITICAL_POSTS
    if (type > SYSTEM_EVENT_COMMON_COUNT) { /* the core's own are written down as what they mean */
        record(FLIGHT_POST,
               source != SYSTEM_SERVICE_ID_NONE ? flight_subject(system_id_slot(source)) : 0,
               flight_tag(type), (uint32_t)size, 0, now_us);
    }
#else
    (void)source;
    (void)type;
    (void)size;
    (void)now_us;
#endif
}

static void record_service_event(system_event_type_t type, const service_event_t *event)
{
    flight_record(FLIGHT_EVENT, flight_subject_of(event->name, flight_next_sequence()),
                  flight_tag(type), (uint32_t)event->reason,
                  type == SYSTEM_EVENT_SERVICE_RECOVERED ? event->recovery_ms : event->attempt);
}

void flight_record_common(system_event_type_t type, const void *data, size_t size)
{
    (void)size;
    switch (type) {
    case SYSTEM_EVENT_SAFE_MODE_ENTERED:
    case SYSTEM_EVENT_SAFE_MODE_LEFT:
        flight_record(FLIGHT_SAFE, 0, 0, type == SYSTEM_EVENT_SAFE_MODE_ENTERED, 0);
        break;
    case SYSTEM_EVENT_QUOTA_VIOLATION: {
        const quota_violation_event_t *event = data;
        flight_record_slot(FLIGHT_QUOTA, system_id_slot(event->id), 0, event->kind, event->count);
        break;
    }
    case SYSTEM_EVENT_HANDLER_SLOW: {
        const handler_slow_event_t *event = data;
        flight_record_slot(FLIGHT_SLOW, system_id_slot(event->id), event->type,
                           (uint32_t)event->handler, event->running_ms);
        break;
    }
    default:
        if (type >= SYSTEM_EVENT_SERVICE_REGISTERED && type <= SYSTEM_EVENT_APP_REMOVED) {
            record_service_event(type, data);
        }
        break;
    }
}

/* ---- public API ----------------------------------------------------------------------------- */

void IRAM_ATTR flight_recorder_mark(uint32_t a, uint32_t b)
{
    record(FLIGHT_MARK, flight_subject(system_current_slot()), 0, a, b, esp_timer_get_time());
}

/** The newest intact record of a ring that is older than a sequence number. */
static bool find_before(const place_t *ring, uint32_t size, uint32_t before, uint32_t words[WORDS])
{
    bool found = false;
    for (uint32_t i = 0; i < size; i++) {
        uint32_t candidate[WORDS];
        if (read_place(&ring[i], candidate) && is_later(before, candidate[0]) &&
            (!found || is_later(candidate[0], words[0]))) {
            memcpy(words, candidate, sizeof(candidate));
            found = true;
        }
    }
    return found;
}

static bool find_older(uint32_t before, uint32_t words[WORDS])
{
    uint32_t posts[WORDS] = {0};
    const bool fact = find_before(s_facts, FACTS, before, words);
    if (find_before(s_posts, POSTS, before, posts) && (!fact || is_later(posts[0], words[0]))) {
        memcpy(words, posts, sizeof(posts));
        return true;
    }
    return fact;
}

/** How many boots lie between a record and now: the BOOT records after it, and itself if it is one.
 */
static uint32_t boots_since(uint32_t sequence)
{
    uint32_t boots = 0;
    for (uint32_t i = 0; i < FACTS; i++) {
        uint32_t words[WORDS];
        boots += read_place(&s_facts[i], words) && (words[2] & 0xFFu) == FLIGHT_BOOT &&
                 is_later(words[0], sequence);
    }
    return boots;
}

static void fill(const uint32_t words[WORDS], flight_record_t *out)
{
    *out = (flight_record_t){
        .sequence = words[0],
        .time_ms = (uint32_t)((uint64_t)words[1] * 1024u / 1000u),
        .kind = (flight_kind_t)(words[2] & 0xFFu),
        .boots_ago = boots_since(words[0]),
        .event_tag = (uint16_t)(words[2] >> 16),
        .a = words[3],
        .b = words[4],
    };
    const uint8_t subject = (uint8_t)(words[2] >> 8);
    if (subject != 0 && !flight_name(subject, words[0], out->name)) {
        strcpy(out->name, "?");
    }
    const system_event_type_t type = flight_tag_type(out->event_tag);
    out->event = type != SYSTEM_EVENT_TYPE_NONE ? event_type_name(type) : NULL;
}

esp_err_t flight_recorder_read(const char *about, uint32_t *cursor, flight_record_t *out)
{
    uint32_t words[WORDS] = {0};
    if (cursor == NULL || out == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    uint32_t before = *cursor != 0 ? *cursor : flight_next_sequence();
    while (find_older(before, words)) {
        before = words[0];
        fill(words, out);
        if (about == NULL || strcmp(out->name, about) == 0) {
            *cursor = before;
            return ESP_OK;
        }
    }
    *cursor = before;
    return ESP_ERR_NOT_FOUND;
}

esp_err_t flight_recorder_get_stats(flight_stats_t *out)
{
    if (out == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    *out = (flight_stats_t){
        .recorded = relaxed_get(&s_sequence) - s_first_sequence,
        .recovered = s_recovered,
        .torn = s_torn,
        .capacity = ENTRIES,
    };
    return ESP_OK;
}

#endif
