// SPDX-License-Identifier: Apache-2.0
#pragma once

/* Priorities and stacks of ESP-IDF's own tasks. Those of components the board does not offer are
 * left out. */

#include "sdkconfig.h"
#include "freertos/FreeRTOS.h"
#include "freertos/FreeRTOSConfig.h"

#define ESP_TASK_PRIO_MAX (configMAX_PRIORITIES)
#define ESP_TASK_PRIO_MIN (0)

#define TASK_EXTRA_STACK_SIZE (512)

#define ESP_TASK_TIMER_PRIO   (ESP_TASK_PRIO_MAX - 3)
#define ESP_TASK_TIMER_STACK  (CONFIG_ESP_TIMER_TASK_STACK_SIZE + TASK_EXTRA_STACK_SIZE)
#define ESP_TASKD_EVENT_PRIO  (ESP_TASK_PRIO_MAX - 5)
#define ESP_TASKD_EVENT_STACK (CONFIG_ESP_SYSTEM_EVENT_TASK_STACK_SIZE + TASK_EXTRA_STACK_SIZE)
#define ESP_TASK_MAIN_PRIO    (ESP_TASK_PRIO_MIN + 1)
#define ESP_TASK_MAIN_STACK   (CONFIG_ESP_MAIN_TASK_STACK_SIZE + TASK_EXTRA_STACK_SIZE)
#define ESP_TASK_MAIN_CORE    CONFIG_ESP_MAIN_TASK_AFFINITY
