// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * A system with the network service in it, on a scripted network, and an observer of what it tells.
 */

#include "host_network.h"
#include "network_service/network_events.h"
#include "system_up.h"

extern system_service_id_t network_up_service;

/** Setup and teardown of a test program's first and last test. */
int network_up(void **state);
int network_up_end(void **state);

/** What network.state and time.state last told, and how often the time was told. */
status_network_t network_up_state(void);
status_time_t network_up_time(uint32_t *times);

/** Wait until that state is told, at most ms. @return false: it was not */
bool network_up_reaches(status_network_state_t wanted, uint32_t ms);

network_info_t network_up_info(void);
esp_err_t network_up_ask(network_wish_t what, const char *name, const char *secret);
esp_err_t network_up_text(network_wish_t what, const char *name, const char *secret,
                          const char *text);
esp_err_t network_up_fault(network_fault_t fault);
esp_err_t network_up_scan(network_scan_t *out);
