/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The table of requests in flight: a state machine for each, without any delivering.
 *
 * All functions take the table's own lock, a leaf; none is called with another lock held but the
 * ones above it in system_internal.h.
 */

#include <stdbool.h>
#include <stdint.h>

#include "event_internal.h"
#include "system_service/request_response.h"

typedef enum {
    REQUEST_FREE = 0,
    REQUEST_WAITING, /* for its answer */
    REQUEST_ENDED,   /* status and block are final; the asker has not taken them yet */
} request_state_t;

/** How a request ended, for the counts. */
typedef enum {
    REQUEST_ANSWERED = 0,
    REQUEST_TIMED_OUT,
    REQUEST_CANCELLED,
    REQUEST_GONE,
    REQUEST_OUTCOMES,
} request_outcome_t;

typedef struct {
    uint8_t state;      /* request_state_t */
    uint8_t asker_slot; /* SYSTEM_SLOT_NONE: firmware */
    uint8_t target_slot;
    uint8_t priority;
    bool seen;   /* the handler was called with it */
    bool queued; /* asynchronous: its end is in the asker's mailbox, or on its way there */
    uint16_t generation;
    system_event_type_t type;
    pool_index_t block; /* payload of the answer, or POOL_NONE */
    esp_err_t status;
    system_service_id_t target;
    struct event_worker *worker; /* synchronous, asked in a handler: who waits */
    int64_t due_us; /* asynchronous: timeout, or when ended, time of the next attempt */
    system_response_handler_t callback; /* NULL: synchronous */
    void *user_data;
    event_receiver_t answers; /* asynchronous: where the end goes */
} request_entry_t;

#define REQUEST_DUE_NEVER INT64_MAX
/** Between two attempts to put an answer into a full mailbox. */
#define REQUEST_RETRY_US 10000

void request_table_init(void);
/** Release what answers wait. */
void request_table_clear(void);
/** Where the ends of asynchronous requests of a slot go; made the first time.
 *  @return as event_subscribe_direct() */
esp_err_t request_answers_subscription(unsigned slot, system_event_handler_t handler,
                                       event_receiver_t *out);
/** Enter a request. @return ESP_OK; ESP_ERR_REQUEST_TABLE_FULL; ESP_ERR_REQUEST_DEADLOCK */
esp_err_t request_table_add(const request_entry_t *e, system_request_id_t *id);
/** It could not be sent: as if it never was. */
void request_table_undo(system_request_id_t id);
/** A handler is about to serve it. @return false: it ended */
bool request_table_see(system_request_id_t id);
/** Who is to answer. @return ESP_OK; ESP_ERR_REQUEST_NOT_FOUND, counted as a late answer */
esp_err_t request_table_target(system_request_id_t id, unsigned *slot);
/** End a request; block is taken over on ESP_OK. @return ESP_OK; ESP_ERR_REQUEST_NOT_FOUND */
esp_err_t request_table_end(system_request_id_t id, esp_err_t status, pool_index_t block,
                            request_outcome_t outcome);
/** Wait for the end of a synchronous request and take it. */
void request_table_wait(system_request_id_t id, uint32_t timeout_ms, request_entry_t *out);
/** An asker forgets its request. @return ESP_OK; ESP_ERR_REQUEST_NOT_FOUND; ESP_ERR_NOT_OWNER */
esp_err_t request_table_cancel(system_request_id_t id, unsigned slot);
/** End the synchronous requests of a slot. */
void request_table_cancel_waiters(unsigned slot);
/** End what nobody has begun to serve. */
void request_table_end_unseen(unsigned slot, system_event_type_t type);
/** End everything that has to do with a slot. */
void request_table_reclaim(unsigned slot);
/** End asynchronous requests whose time is up. */
void request_table_expire(int64_t now_us);
/** Earliest time at which the alarm has something to do, or REQUEST_DUE_NEVER. */
int64_t request_table_nearest(void);
/** Find an end that is to be put into its asker's mailbox now; its block becomes the caller's. */
bool request_table_claim_delivery(int64_t now_us, system_request_id_t *id, request_entry_t *out);
/** It did not fit: keep the block for the next attempt. @return false: the request is gone */
bool request_table_keep_answer(system_request_id_t id, pool_index_t block);
/** The asker is gone: free the entry. */
void request_table_drop(system_request_id_t id);
/** The end arrived: take the entry. @return false: cancelled meanwhile */
bool request_table_take_answer(system_request_id_t id, request_entry_t *out);
unsigned request_table_count(unsigned slot);
void request_table_stats(system_request_stats_t *out);
