// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The file of a recording; docs/REPLAY.md describes it byte by byte.
 *
 * A header, then chunks. A chunk has a header with a checksum of its own, so a file that was cut
 * short is told from one that was changed; no record crosses a chunk. Everything little-endian.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_VERSION     1u
#define RECORD_MAGIC       "KRKNREC\n"
#define RECORD_HEADER      64u
#define RECORD_CHUNK_MAGIC 0x4b48434bu /* "KCHK" */
#define RECORD_CHUNK_HEAD  20u
#define RECORD_CHUNK_FULL  4096u  /* written once it holds so much */
#define RECORD_CHUNK_MAX   16384u /* no chunk is longer */
#define RECORD_VALUES_MAX  24u
#define RECORD_BYTES_MAX   4096u
#define RECORD_BUILD_BYTES 32u
#define RECORD_FLAVOUR_MAX 12u

typedef enum {
    RECORD_BOOT = 1,  // a boot begins: see record_boot_t
    RECORD_FLASH,     // address; bytes of a sector that is not blank
    RECORD_CHANNEL,   // number; its name
    RECORD_INPUT,     // channel; the bytes that came in, none: the end of it
    RECORD_RANDOM,    // value; name of the task that asked (threads only)
    RECORD_TYPE,      // event type; its name
    RECORD_OWNER,     // slot; name of the service or app that has it from now on
    RECORD_DELIVERED, // see record_event_t
    RECORD_HANDLED,   // the same, when it is taken out for its handler
    RECORD_END,       // see record_end_t
    RECORD_KINDS,
} record_kind_t;

// Values of a RECORD_BOOT.
enum {
    BOOT_NUMBER,
    BOOT_REASON,
    BOOT_FLAGS,
    BOOT_NOINIT, // CRC-32 of the no-init memory
    BOOT_SEED,
    BOOT_CORES,
    BOOT_PREEMPT_PPM,
    BOOT_DROP_WAKE_PPM,
    BOOT_ALLOC_FAIL_PPM,
    BOOT_CLOCK_JUMP_PPM,
    BOOT_CLOCK_JUMP_MAX,
    BOOT_SWITCH_CALL_PPM,
    BOOT_SWITCH_ATOMIC_PPM,
    BOOT_PLAIN_MEAN,
    BOOT_SPIN_BOUND,
    BOOT_MAX_POINTS,
    BOOT_MAX_TIME,
    BOOT_HEAP_INTERNAL,
    BOOT_HEAP_SPIRAM,
    BOOT_VALUES,
};
#define BOOT_FLAG_SIM     1u
#define BOOT_FLAG_SHELL   2u
#define BOOT_FLAG_WATCHED 4u

// Values of a RECORD_DELIVERED and a RECORD_HANDLED.
enum {
    EVENT_SLOT,     // subscriber: the owner of the mailbox
    EVENT_LANE,     // 0 CRITICAL .. 3 LOW
    EVENT_TYPE,     // number of the type
    EVENT_SOURCE,   // id of the poster, its slot in the lowest byte; 0 = firmware
    EVENT_SEQUENCE, // of the post
    EVENT_SUB,      // number of the subscription
    EVENT_VALUES,
};

// Values of a RECORD_END.
enum {
    END_HOW,  // END_EXIT or END_RESET
    END_CODE, // exit status, or the reset's reason
    END_POINTS,
    END_TRACE,  // host_trace_hash()
    END_EVENTS, // in this boot
    END_DIGEST, // of all events of this boot
    END_VALUES,
};
enum {
    END_EXIT,
    END_RESET,
};

typedef struct {
    uint8_t kind;
    uint8_t count; // of values: given by the kind
    uint64_t time_us;
    uint64_t value[RECORD_VALUES_MAX];
    const uint8_t *bytes; // not kept: valid until the next call
    uint32_t size;
} record_t;

// ---- record_codec.c ----

/** @return how many values records of this kind have, 0 for an unknown kind (all have one) */
unsigned record_values(unsigned kind);
/** @return true: bytes follow the values */
bool record_has_bytes(unsigned kind);
bool record_is_event(unsigned kind);

/** The most that record_encode() writes for this many bytes. */
#define RECORD_ROOM(bytes) (1u + 10u * (RECORD_VALUES_MAX + 2u) + (bytes))

/** @param before time of the record before it in the chunk, 0 for the first @return its length */
size_t record_encode(const record_t *r, uint64_t before, uint8_t *to);
/** @return its length; 0: these are not the bytes of a record */
size_t record_decode(const uint8_t *from, size_t size, uint64_t before, record_t *r);
/** Same kind, time, values and bytes. */
bool record_same(const record_t *a, const record_t *b);
/** Goes on with the digest of a run. */
uint64_t record_digest(uint64_t digest, const record_t *r);
#define RECORD_DIGEST_BASIS 0xcbf29ce484222325u

void record_put32(uint8_t *to, uint32_t value);
uint32_t record_get32(const uint8_t *from);

/** Fills a file header for this program. */
void record_header_make(uint8_t header[RECORD_HEADER]);

typedef enum {
    HEADER_FINE,
    HEADER_FOREIGN, // no recording
    HEADER_VERSION,
    HEADER_DAMAGED,
    HEADER_OTHER_BUILD,
} header_verdict_t;

header_verdict_t record_header_check(const uint8_t header[RECORD_HEADER]);

// ---- record_writer.c ----

/** @param more go on behind what an earlier boot wrote @return NULL, or what is wrong */
const char *record_writer_open(const char *path, bool more);
/** Adds a record to the chunk, writes the chunk when it is full. */
void record_writer_add(const record_t *r);
/** Writes what there is. */
void record_writer_flush(void);

// ---- record_reader.c ----

/** Reads a whole recording. @return NULL, or what is wrong with it: a text for the user */
const char *record_reader_open(const char *path, bool any_build);
/** Goes to the records of this boot. @return false: the recording has no such boot */
bool record_reader_seek(uint64_t boot);
/** @return false: the recording ends here */
bool record_reader_next(record_t *r);
/** As record_reader_next(), which will return it once more. */
bool record_reader_peek(record_t *r);
/** True: the file was cut short, there is no end to this recording. */
bool record_reader_is_cut(void);
/** Offset in the file of the record that was read last, for messages. */
size_t record_reader_offset(void);

// ---- record_text.c ----

/** Remembers the names that this record tells. */
void record_text_learn(const record_t *r);
/** Puts a record into words. */
void record_text_describe(const record_t *r, char *out, size_t size);
