/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What Wi-Fi and Ethernet share: the events of ESP-IDF's event task on their way to the
 *        service, what may still be told, and SNTP.
 */

#include "link_backend.h"

/** Once, before any interface: the network stack, its events, and the queue. */
esp_err_t link_common_open(void (*changed)(void));

/** From now on what happens to the join is told; until link_common_leave(). */
void link_common_join(void);

/** Nothing that waits or comes late is told any more, but for the time. */
void link_common_leave(void);

/** Put what happened to a join. A loss or failure ends it. @context any task
 *  @return false: nobody wants to know any more */
bool link_common_tell(const link_event_t *event);

/** Put what is told in any case. @context any task */
void link_common_put(const link_event_t *event);

bool link_common_take(link_event_t *event);

/** There is an address: ask for the time, now and again. */
void link_common_start_time(void);

/** Set-up that may fail half-way: each step is done once, and begun again where it failed. */
typedef esp_err_t (*link_step_t)(void);
esp_err_t link_common_set_up(const link_step_t *steps, unsigned count, unsigned *done);
