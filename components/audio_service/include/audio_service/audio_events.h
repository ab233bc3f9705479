/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What the audio service tells, and what it can be asked. Types only.
 *
 * Payloads begin with a header (status_events.h): their version, 1 for all of these, and their
 * size.
 *
 * | name          | kind             | payload               | answer           |
 * |---------------|------------------|-----------------------|------------------|
 * | audio.state   | event, retained  | audio_state_t         |                  |
 * | audio.level   | event            | audio_level_t         |                  |
 * | audio.stream  | event            | audio_stream_event_t  |                  |
 * | audio.tone    | event to service | audio_tone_t          |                  |
 * | audio.set     | request          | audio_set_t           | none             |
 * | audio.get     | request          | none                  | audio_info_t     |
 * | audio.open    | request of apps  | audio_open_t          | audio_opened_t   |
 * | audio.control | request of apps  | audio_control_t       | none             |
 * | audio.fault   | request          | audio_fault_request_t | none             |
 *
 * Apps use audio.open and audio.control through audio_app/audio_stream.h, which also posts the
 * empty event audio.wake when the service sleeps.
 */

#include "audio_app/audio_types.h"
#include "system_service/status_events.h"

#ifdef __cplusplus
extern "C" {
#endif

#define AUDIO_SERVICE_NAME   "audio"
#define AUDIO_EVENTS_VERSION 1

#define AUDIO_STATE_EVENT     "audio.state"
#define AUDIO_LEVEL_EVENT     "audio.level"
#define AUDIO_STREAM_EVENT    "audio.stream"
#define AUDIO_TONE_EVENT      "audio.tone"
#define AUDIO_WAKE_EVENT      "audio.wake"
#define AUDIO_SET_REQUEST     "audio.set"
#define AUDIO_GET_REQUEST     "audio.get"
#define AUDIO_OPEN_REQUEST    "audio.open"
#define AUDIO_CONTROL_REQUEST "audio.control"
#define AUDIO_FAULT_REQUEST   "audio.fault"

/** How the device is. */
typedef enum {
    AUDIO_DEVICE_ABSENT = 0, /**< it does not answer; it is looked for again and again, and streams
                                  go on in silence as if they were heard */
    AUDIO_DEVICE_WELL,
    AUDIO_DEVICE_FAILING, /**< what is sent to it does not arrive whole */
} audio_device_t;

/** audio.state: posted when one of these changes. */
typedef struct {
    status_header_t header;
    uint32_t rate;   /**< frames a second of the device */
    uint8_t volume;  /**< percent, of everything */
    bool muted;      /**< everything is silent; streams go on */
    uint8_t device;  /**< audio_device_t */
    uint8_t streams; /**< open now */
    uint8_t playing; /**< of these, the ones that sound */
    uint8_t reserved[3];
} audio_state_t;

/** audio.level: what was sent to the device since the last one, every CONFIG_AUDIO_LEVEL_MS while
 *  it runs, and once more with zeros when it stops. Linear, 32767 = full scale. */
typedef struct {
    status_header_t header;
    uint16_t peak_left;
    uint16_t peak_right;
    uint16_t rms_left;
    uint16_t rms_right;
} audio_level_t;

/** What became of a stream. */
typedef enum {
    AUDIO_STREAM_DRAINED = 0, /**< all that was written before audio_stream_drain() was heard */
    AUDIO_STREAM_UNDERRUN,    /**< it had nothing left to play and was not told to end */
    AUDIO_STREAM_CLOSED,      /**< it is no more */
} audio_stream_change_t;

/** audio.stream */
typedef struct {
    status_header_t header;
    uint32_t stream;           /**< its handle */
    system_service_id_t owner; /**< the app */
    uint8_t change;            /**< audio_stream_change_t */
    uint8_t reserved[3];
    uint32_t underruns; /**< of this stream, since it was opened */
} audio_stream_event_t;

/** audio.tone: a signal; the next one takes its place. Anybody may post it. */
typedef struct {
    status_header_t header;
    uint16_t hz;    /**< 20..20000, below half of the device's rate */
    uint16_t ms;    /**< 1..10000 */
    uint8_t volume; /**< 1..100 percent */
    uint8_t reserved[3];
} audio_tone_t;

/** audio.set: what is to change; bits of audio_set_t.what. */
enum {
    AUDIO_SET_VOLUME = 1 << 0,
    AUDIO_SET_MUTED = 1 << 1,
};

/** audio.set. Answered with ESP_OK; ESP_ERR_INVALID_ARG a value out of its range, and nothing was
 *  changed. */
typedef struct {
    status_header_t header;
    uint8_t what;   /**< AUDIO_SET_* */
    uint8_t volume; /**< 0..100 percent, perceived: half of it sounds half as loud */
    bool muted;
    uint8_t reserved;
    uint16_t fade_ms; /**< how long the change takes, at most AUDIO_FADE_MS_MAX; never a click */
} audio_set_t;

/** The answer to audio.get. */
typedef struct {
    status_header_t header;
    audio_state_t state;
    uint64_t frames;           /**< sent to the device */
    uint32_t underruns;        /**< of streams */
    uint32_t device_underruns; /**< the device had nothing to play while it ran */
    uint32_t clipped;          /**< frames that were louder than full scale */
    uint32_t failures;         /**< blocks that did not arrive */
    uint32_t reopened;         /**< how often the device had to be set up again */
    uint32_t lost;             /**< blocks passed in silence because there was no device */
} audio_info_t;

/** What is to go wrong between the service and its device. */
typedef enum {
    AUDIO_FAULT_NONE = 0,  /**< all is well again */
    AUDIO_FAULT_UNPLUGGED, /**< nothing answers */
    AUDIO_FAULT_STUCK,     /**< the next transfer never returns; once */
    AUDIO_FAULT_SHORT,     /**< blocks arrive in part, and the driver says so */
    AUDIO_FAULT_WRONG,     /**< what arrives is not what was sent, and the codec notices */
    AUDIO_FAULT_CARD,      /**< what holds the files is gone; the loudspeaker is well */
    AUDIO_FAULTS,          /**< how many there are */
} audio_fault_t;

/** audio.fault, for trying out what happens then. From firmware alone (ESP_ERR_NOT_OWNER);
 *  ESP_ERR_INVALID_ARG; ESP_ERR_SYSTEM_DISABLED without CONFIG_SYSTEM_FAULT_INJECTION. */
typedef struct {
    status_header_t header;
    uint8_t fault; /**< audio_fault_t */
} audio_fault_request_t;

/* ---- streams -----------------------------------------------------------------------------------
 */

struct audio_ring;

/** ESP_OK; ESP_ERR_NOT_OWNER not an app; ESP_ERR_INVALID_ARG a value out of its range;
 *  ESP_ERR_NOT_SUPPORTED the rate is more than twice the device's; ESP_ERR_NO_MEM
 *  CONFIG_AUDIO_STREAMS are open, or there is no memory for another one. */
typedef struct {
    status_header_t header;
    uint32_t rate;    /**< frames a second, AUDIO_RATE_MIN..AUDIO_RATE_MAX */
    uint8_t volume;   /**< 0..100 percent */
    uint8_t category; /**< audio_category_t */
} audio_open_t;

typedef struct {
    status_header_t header;
    uint32_t stream;         /**< its handle */
    struct audio_ring *ring; /**< for audio_stream_write() */
} audio_opened_t;

/** audio.control: what is to happen; bits of audio_control_t.what. */
enum {
    AUDIO_CONTROL_VOLUME = 1 << 0,
    AUDIO_CONTROL_PAUSED = 1 << 1,
    AUDIO_CONTROL_FLUSH = 1 << 2, /**< forget what was written and not heard yet */
    AUDIO_CONTROL_DRAIN = 1 << 3, /**< nothing more comes: tell when it was heard */
    AUDIO_CONTROL_CLOSE = 1 << 4,
};

/** ESP_OK; ESP_ERR_NOT_FOUND no such stream of this app; ESP_ERR_INVALID_ARG a value out of its
 *  range, and nothing was changed. */
typedef struct {
    status_header_t header;
    uint32_t stream;
    uint8_t what;   /**< AUDIO_CONTROL_* */
    uint8_t volume; /**< 0..100 percent */
    bool paused;
    uint8_t reserved;
    uint16_t fade_ms; /**< how long volume, pause and close take */
} audio_control_t;

#ifdef __cplusplus
}
#endif
