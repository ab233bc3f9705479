// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The systems that are compared, behind one seam. Each posts one event to all subscribers, in the
 * way its users would; a queue that is full makes the poster wait, here as there.
 */

#include <stdbool.h>
#include <stddef.h>

/** Where every event arrives; called once for each subscriber. */
typedef void (*event_system_handler_t)(const void *data, size_t size);

/** Entries of each queue that can be chosen. */
#define EVENT_SYSTEM_DEPTH 32

typedef struct {
    const char *name;
    const char *about;
    /* NULL in all functions: not part of this build, and about says why. */
    void (*start)(unsigned subscribers, size_t max_size, event_system_handler_t handler);
    /* priority 0..255; only Kraken-OS and GLib have one */
    void (*post)(const void *data, size_t size, unsigned priority);
    void (*stop)(void);
} event_system_t;

extern const event_system_t event_system_kraken, event_system_queue, event_system_esp_event,
    event_system_glib;

/** By name; ends the case when there is none, or it is not part of this build. */
const event_system_t *event_system_find(const char *name);
