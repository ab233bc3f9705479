/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What the core knows of requests in flight, and the two files of it of each other.
 *
 * request_response.c has the table of requests in flight and the API; request_handlers.c knows who
 * serves what.
 */

#include <stdbool.h>

#include "event_internal.h"
#include "system_internal.h"
#include "system_service/request_response.h"

/* ---- request_response.c ------------------------------------------------------------------------
 */

/** @context init only */
void requests_init(void);
/** Get the alarm for timeouts. @return ESP_OK; ESP_ERR_NO_MEM */
esp_err_t requests_start(void);
void requests_stop(void);

/** End all requests that a slot asked or was to answer, and what it serves. Those who wait for it
 *  are told ESP_ERR_REQUEST_TARGET_GONE. Called without locks. */
void requests_reclaim(unsigned slot);

/** End the requests of a slot that is asked to stop: its waiting tasks get
 *  ESP_ERR_REQUEST_CANCELLED. Called without locks. */
void requests_cancel_asker(unsigned slot);

/** Requests in flight now: asked by or of one slot, or with SYSTEM_SLOT_NONE all. */
unsigned requests_count(unsigned slot);

/** A request arrived in its target's mailbox. @return false: it ended meanwhile, do not serve it */
bool request_begin(const system_event_t *event);

/** End the requests of this type to this slot that no handler has seen. Called without locks. */
void requests_end_unseen(unsigned slot, system_event_type_t type);

/* ---- request_handlers.c ------------------------------------------------------------------------
 */

void request_handlers_init(void);
/** What runs in a subscription: its handler, or the request handler that it stands for. */
system_event_handler_t request_handler_behind(uint16_t sub, system_event_handler_t handler);
/** Find who serves a type: slot, or with SYSTEM_SLOT_NONE anybody.
 *  @return false: nobody does */
bool request_handler_find(unsigned slot, system_event_type_t type, unsigned *target,
                          event_receiver_t *receiver);
/** A slot serves nothing any more; its subscriptions are ended by others. */
void request_handlers_reclaim(unsigned slot);
