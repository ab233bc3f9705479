/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The network service: keeps the board connected, sets its clock, and bridges events to
 *        MQTT.
 *
 * Everything it can be asked is a request of network_events.h. Downloads are in network_http.h:
 * they run in the task of whoever wants them.
 */

#include "system_service/service_manager.h"

#ifdef __cplusplus
extern "C" {
#endif

extern const system_service_descriptor_t network_service;

#ifdef __cplusplus
}
#endif
