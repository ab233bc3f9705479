/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What happened, kept over a reset: the flight recorder and the boot report.
 *
 * The recorder is a ring of small records in memory that no reset clears (it is noise after the
 * power came back, and the checksums say so). The core writes down what it decides about services
 * and apps, and every CRITICAL event; firmware may add marks. After a reset the records, the name
 * of the culprit and the number of crashes in a row are there to be read.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "esp_err.h"
#include "esp_system.h"

#include "system_service/error_codes.h"
#include "system_service/system_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What a record tells, and what its values a and b are. */
typedef enum {
    FLIGHT_NONE = 0,
    FLIGHT_BOOT,     /**< the system came up; a: esp_reset_reason_t, b: boots since power-on */
    FLIGHT_EVENT,    /**< a service.* or app.* event; a: reason, b: attempt or recovery in ms */
    FLIGHT_STATE,    /**< a state without event; a: old << 8 | new, b: reason */
    FLIGHT_FAULT,    /**< a fault was noticed; a: reason */
    FLIGHT_SLOW,     /**< a handler is over its limit; a: its address, b: ms so far */
    FLIGHT_HANG,     /**< a handler hangs; a: its address, b: ms so far */
    FLIGHT_QUOTA,    /**< refusals of one window; a: quota_kind_t, b: how many */
    FLIGHT_SAFE,     /**< safe mode; a: 1 entered, 0 left */
    FLIGHT_POST,     /**< a CRITICAL event was posted; a: bytes of payload */
    FLIGHT_PANIC,    /**< the chip panicked in its code; a: address of its handler or 0 */
    FLIGHT_SHUTDOWN, /**< esp_restart() was called */
    FLIGHT_HEALTHY,  /**< this boot has lasted; a: crashes in a row that it ended */
    FLIGHT_MARK,     /**< flight_recorder_mark(); a, b: the caller's */
    FLIGHT_CRASH,    /**< the code of an app faulted; a: offset in its function, or address,
                          b: app_crash_cause_t, and APP_CRASH_IN_HANDLER */
    FLIGHT_KINDS,    /**< how many kinds there are */
} flight_kind_t;

/** In b of FLIGHT_CRASH: it was in a handler, not in the app's task. */
#define APP_CRASH_IN_HANDLER 0x100u

/** One record. */
typedef struct {
    uint32_t sequence; /**< counts all records since power-on; wraps */
    uint32_t
        time_ms; /**< since that boot, in steps of 1.024; good for 49 days. That of a CRITICAL
                      event is when it was posted, and may be before that of the record before */
    flight_kind_t kind;
    uint32_t boots_ago;             /**< 0: this boot, 1: the one before, ... */
    char name[SYSTEM_NAME_MAX + 1]; /**< service or app it is about; "" for the system itself, "?"
                                         when the name is not kept any more */
    uint16_t event_tag;             /**< 16-bit hash of the event type's name; 0 = no type */
    const char *event;              /**< name of the type; NULL: none, or not registered yet */
    uint32_t a;
    uint32_t b;
} flight_record_t;

/** Figures of the recorder. */
typedef struct {
    uint32_t recorded;  /**< records of this boot, those that were overwritten included */
    uint32_t recovered; /**< records of earlier boots that were found intact */
    uint32_t torn;      /**< records that a reset cut short, or that the memory lost */
    uint32_t capacity;  /**< records that are kept */
} flight_stats_t;

/** How this boot came about. */
typedef struct {
    esp_reset_reason_t reason;
    uint32_t boots;           /**< since power-on, this one included */
    uint32_t crashes;         /**< crashes in a row, without a healthy boot between them */
    uint32_t forced_restarts; /**< since power-on, into safe mode because nothing less helped */
    bool crash;               /**< the last boot ended by a panic or a watchdog, not in order */
    bool crash_loop;          /**< so many crashes that safe mode was entered */
    bool culprit_known;       /**< the fields below are filled in */
    char culprit[SYSTEM_NAME_MAX + 1]; /**< whose code ran; "" = firmware's */
    char event[SYSTEM_NAME_MAX + 1];   /**< type of the event it worked on; "" = none */
    uint32_t handler;                  /**< address of the handler; 0 = other code of it */
    esp_err_t error;                   /**< what the core found, ESP_OK for a panic */
    uint32_t time_ms;                  /**< when, in that boot */
} boot_report_t;

/**
 * @brief Read one record, the newest first.
 *
 * Records that are written meanwhile may overwrite the oldest ones: those are skipped.
 *
 * @context any task  @blocks never
 * @param[in]     about  only records about this service or app; NULL = all
 * @param[in,out] cursor 0 for the newest; then as the call left it
 * @return ESP_OK, or ESP_ERR_INVALID_ARG cursor or out is NULL, ESP_ERR_NOT_FOUND there are no
 *         more, ESP_ERR_SYSTEM_DISABLED left out by the configuration
 */
esp_err_t flight_recorder_read(const char *about, uint32_t *cursor, flight_record_t *out);

/**
 * @brief Write a mark of one's own.
 * @context any task, isr-ok, also while the flash cache is off  @blocks never
 */
void flight_recorder_mark(uint32_t a, uint32_t b);

/** @brief Put a record into words, without time and name. @context any task  @blocks never
 *  @return the length it has, or would have with more room, as snprintf() */
int flight_record_describe(const flight_record_t *record, char *out, size_t size);

/** @brief Short name of a kind, e.g. "fault"; "?" for another value. Never NULL. */
const char *flight_kind_name(flight_kind_t kind);

/** @brief Figures. @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_SYSTEM_DISABLED */
esp_err_t flight_recorder_get_stats(flight_stats_t *out);

/** @brief How this boot came about. @context any task, after system_service_init()
 *  @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_SYSTEM_NOT_INITIALIZED; ESP_ERR_SYSTEM_DISABLED */
esp_err_t boot_report_get(boot_report_t *out);

/** @brief Name of a reset reason, e.g. "panic"; "?" for another value. Never NULL. */
const char *boot_reason_name(esp_reset_reason_t reason);

/**
 * @brief Restart because of a fault that nothing less can mend; the next boot names the culprit and
 *        is in safe mode.
 * @context a task, without locks  @blocks does not return
 * @param[in] id     whose fault it is; SYSTEM_SERVICE_ID_NONE = nobody's
 * @param[in] reason what was found
 */
void boot_restart_into_safe_mode(system_service_id_t id, esp_err_t reason)
    __attribute__((noreturn));

#ifdef __cplusplus
}
#endif
