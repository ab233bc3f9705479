/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What the core knows of requests in flight.
 */

#include "system_internal.h"

/** @context init only */
void requests_init(void);

/** End all requests that a slot asked or was to answer, and what it serves. Those who wait for it
 *  are told ESP_ERR_REQUEST_TARGET_GONE. Called without locks. */
void requests_reclaim(unsigned slot);

/** Requests in flight now: asked by or of one slot, or with SYSTEM_SLOT_NONE all. */
unsigned requests_count(unsigned slot);
