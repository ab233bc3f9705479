/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief Ask a service or app something and get its answer.
 *
 * A request goes into the mailbox of the one that serves it and runs there like any of its events:
 * first in, first out with them, never beside them, counted by its monitors. The answer finds the
 * asker by the request's id: a synchronous asker waits for it, an asynchronous one gets it in its
 * own mailbox. Whatever happens, each request ends exactly once: with an answer, a timeout, a
 * cancellation, or because the other side went. An answer that comes later than that is dropped.
 */

#include <stddef.h>
#include <stdint.h>

#include "esp_err.h"

#include "system_service/error_codes.h"
#include "system_service/system_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Names one request in flight; 0 is none. Carries a generation: an old id reaches nobody. */
typedef uint32_t system_request_id_t;

/** Longest timeout of a request, in ms. */
#define SYSTEM_REQUEST_TIMEOUT_MS_MAX 600000u

/** A request as its handler sees it; valid until the handler returns, but for its id. */
typedef struct {
    system_request_id_t id;   /**< for system_request_respond(), then or later */
    system_service_id_t from; /**< who asks; SYSTEM_SERVICE_ID_NONE for firmware */
    system_event_type_t type; /**< what is asked for */
    uint8_t priority;         /**< as asked, 0..255 */
    const void *data;         /**< payload, NULL when data_size is 0 */
    size_t data_size;         /**< bytes at data */
} system_request_t;

/** The end of an asynchronous request; valid until the callback returns. */
typedef struct {
    system_request_id_t id;   /**< of the request that this ends */
    system_service_id_t from; /**< who was asked */
    esp_err_t status;         /**< the responder's, or ESP_ERR_REQUEST_TIMEOUT,
                                   ESP_ERR_REQUEST_TARGET_GONE, ESP_ERR_REQUEST_NO_HANDLER */
    const void *data;         /**< payload of the answer, NULL when data_size is 0 */
    size_t data_size;         /**< bytes at data */
} system_response_t;

/**
 * @brief Serves a request. It answers with system_request_respond() before it returns, or keeps the
 *        id and has any code of its service answer later.
 * @context the responder's mailbox, as for system_event_handler_t
 */
typedef void (*system_request_handler_t)(const system_request_t *request, void *user_data);

/**
 * @brief Receives the end of an asynchronous request.
 * @context the asker's mailbox, as for system_event_handler_t; never the responder's task
 */
typedef void (*system_response_handler_t)(const system_response_t *response, void *user_data);

/** Totals since boot; each request ends in exactly one of the counts that follow asked. */
typedef struct {
    uint32_t asked;      /**< requests put into a mailbox */
    uint32_t answered;   /**< ended by an answer */
    uint32_t timeouts;   /**< ended because no answer came in time */
    uint32_t cancelled;  /**< ended by the asker, or because the asker went */
    uint32_t gone;       /**< ended because the responder went or stopped serving */
    uint32_t in_flight;  /**< not ended yet */
    uint32_t late;       /**< answers that came after the end: dropped */
    uint32_t deadlocks;  /**< refused because the answer could never have come */
    uint32_t high_water; /**< most requests that were in flight at once */
} system_request_stats_t;

/**
 * @brief Serve requests of a type addressed to this service or app. Uses one subscription of its
 *        quota.
 *
 * @context any task of that service or app, or firmware  @blocks registry lock
 * @owns    user_data stays the caller's and must live until the type is not served any more
 * @return ESP_OK, or
 *  - ESP_ERR_INVALID_ARG               handler is NULL
 *  - ESP_ERR_EVENT_TYPE_NOT_FOUND      no such type: see system_event_register_type()
 *  - ESP_ERR_SERVICE_NOT_FOUND, ESP_ERR_SERVICE_STALE_ID, ESP_ERR_NOT_OWNER
 *  - ESP_ERR_REQUEST_HANDLER_EXISTS    this service serves the type already
 *  - ESP_ERR_REQUEST_TABLE_FULL        CONFIG_SYSTEM_MAX_REQUEST_HANDLERS are in use
 *  - ESP_ERR_QUOTA_SUBS_EXCEEDED, ESP_ERR_EVENT_SUBSCRIPTIONS_FULL
 */
esp_err_t system_request_serve(system_service_id_t service_id, system_event_type_t type,
                               system_request_handler_t handler, void *user_data);

/**
 * @brief Serve a type no more. Requests of it that no handler has seen yet end with
 *        ESP_ERR_REQUEST_NO_HANDLER; those that were seen can still be answered.
 *
 * @context any task of that service or app, or firmware
 * @blocks  until a running call of the handler returns, as system_event_unsubscribe()
 * @return ESP_OK, or ESP_ERR_REQUEST_NO_HANDLER it does not serve the type, ESP_ERR_TIMEOUT the
 *         handler hangs, ESP_ERR_SERVICE_NOT_FOUND, ESP_ERR_SERVICE_STALE_ID, ESP_ERR_NOT_OWNER
 */
esp_err_t system_request_unserve(system_service_id_t service_id, system_event_type_t type);

/**
 * @brief Ask and wait for the answer.
 *
 * Waiting in a handler keeps the handler's mailbox busy, so a wait that could never end is refused:
 * a service that asks itself; a circle of handlers that wait for each other; and the last shared
 * worker of a kind, which must stay free for those that are to answer.
 *
 * @context any task of that service or app, or firmware; not an ISR
 * @blocks  until the answer, at most timeout_ms
 * @owns    data is copied; the answer is copied into response
 * @param[in] self_id   who asks; firmware may pass SYSTEM_SERVICE_ID_NONE
 * @param[in] target_id who is asked; SYSTEM_SERVICE_ID_NONE = whoever serves the type
 * @param[in] priority  0..255, of the request and of its answer
 * @param[out] response room for the answer; may be NULL when no payload is expected
 * @param[in,out] response_size in: bytes at response; out: bytes of the answer, also when they do
 *                not fit. NULL = no room
 * @param[in] timeout_ms 1..SYSTEM_REQUEST_TIMEOUT_MS_MAX; 0 = CONFIG_SYSTEM_REQUEST_TIMEOUT_MS
 * @return the status the responder gave (ESP_OK for success), or
 *  - ESP_ERR_INVALID_ARG          data or response is NULL with a size, or the timeout is too long
 *  - ESP_ERR_INVALID_STATE        called from an ISR
 *  - ESP_ERR_SERVICE_NOT_FOUND, ESP_ERR_SERVICE_STALE_ID, ESP_ERR_NOT_OWNER about self_id or
 *    target_id
 *  - ESP_ERR_EVENT_TYPE_NOT_FOUND no such type
 *  - ESP_ERR_REQUEST_NO_HANDLER   the target does not serve it (any more)
 *  - ESP_ERR_REQUEST_DEADLOCK     the answer could never come, see above
 *  - ESP_ERR_REQUEST_TABLE_FULL   CONFIG_SYSTEM_MAX_REQUESTS are in flight
 *  - ESP_ERR_REQUEST_TIMEOUT      no answer in time
 *  - ESP_ERR_REQUEST_TARGET_GONE  the responder stopped or failed before it answered
 *  - ESP_ERR_REQUEST_CANCELLED    the asker is being stopped
 *  - ESP_ERR_REQUEST_RESPONSE_TOO_LARGE the answer does not fit; nothing was copied
 *  - ESP_ERR_QUOTA_EVENTS_EXCEEDED, ESP_ERR_QUOTA_DATA_EXCEEDED, ESP_ERR_QUOTA_THROTTLED,
 *    ESP_ERR_EVENT_DATA_TOO_LARGE, ESP_ERR_EVENT_NO_MEMORY as for system_event_post()
 *  - ESP_ERR_EVENT_QUEUE_FULL     no room in the responder's mailbox
 */
esp_err_t system_request_sync(system_service_id_t self_id, system_service_id_t target_id,
                              system_event_type_t type, const void *data, size_t size,
                              uint8_t priority, void *response, size_t *response_size,
                              uint32_t timeout_ms);

/**
 * @brief Ask and go on; callback gets the end of the request in the asker's own mailbox.
 *
 * If this returns ESP_OK, callback runs exactly once, unless the request is cancelled or the asker
 * goes first. The first call of an asker takes one subscription of its quota, for the answers.
 *
 * @context any task of that service or app, or firmware; not an ISR  @blocks registry lock (the
 *          first time)
 * @owns    data is copied; user_data must live until the end of the request
 * @param[out] out the request, for system_request_cancel(); may be NULL
 * @return as system_request_sync() up to ESP_ERR_REQUEST_TABLE_FULL but without
 *         ESP_ERR_REQUEST_DEADLOCK, as system_event_post() for the rest, or ESP_ERR_INVALID_ARG
 *         callback is NULL or self_id is SYSTEM_SERVICE_ID_NONE (no mailbox for the answer),
 *         ESP_ERR_QUOTA_SUBS_EXCEEDED, ESP_ERR_EVENT_SUBSCRIPTIONS_FULL
 */
esp_err_t system_request_async(system_service_id_t self_id, system_service_id_t target_id,
                               system_event_type_t type, const void *data, size_t size,
                               uint8_t priority, system_response_handler_t callback,
                               void *user_data, uint32_t timeout_ms, system_request_id_t *out);

/**
 * @brief Forget a request. Once it returns ESP_OK its callback will not run.
 *
 * @context any task of the asker, or firmware  @blocks never
 * @return ESP_OK, or ESP_ERR_REQUEST_NOT_FOUND it ended before (its callback ran, or runs now),
 *         ESP_ERR_SERVICE_NOT_FOUND, ESP_ERR_SERVICE_STALE_ID, ESP_ERR_NOT_OWNER
 */
esp_err_t system_request_cancel(system_service_id_t self_id, system_request_id_t request);

/**
 * @brief Answer a request, once.
 *
 * @context any task of the responder; firmware, if the responder is a service  @blocks never
 * @owns    data is copied
 * @param[in] status what the asker is told; ESP_OK for success
 * @return ESP_OK the answer is on its way, or
 *  - ESP_ERR_INVALID_ARG          data is NULL but size is not 0
 *  - ESP_ERR_REQUEST_NOT_FOUND    answered before, timed out, cancelled, or the asker is gone
 *  - ESP_ERR_NOT_OWNER            somebody else was asked
 *  - ESP_ERR_EVENT_DATA_TOO_LARGE more than the largest pool block holds
 *  - ESP_ERR_EVENT_NO_MEMORY      no pool block: the request is still open, try again
 */
esp_err_t system_request_respond(system_request_id_t request, esp_err_t status, const void *data,
                                 size_t size);

/** @brief Totals since boot. @context any task  @blocks never  @return ESP_OK; ESP_ERR_INVALID_ARG
 */
esp_err_t system_request_get_stats(system_request_stats_t *out);

#ifdef __cplusplus
}
#endif
