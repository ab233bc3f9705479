# SPDX-License-Identifier: Apache-2.0
#
# The FreeRTOS API, esp_timer, interrupts and the two schedulers of the virtual board.
kraken_unit_test(freertos_tasks SRCS freertos_tasks.c)
kraken_unit_test(freertos_notify SRCS freertos_notify.c)
kraken_unit_test(freertos_queue SRCS freertos_queue.c)
kraken_unit_test(freertos_semphr SRCS freertos_semphr.c)
kraken_unit_test(freertos_groups SRCS freertos_groups.c)
kraken_unit_test(freertos_timers SRCS freertos_timers.c)
kraken_unit_test(esp_timer SRCS esp_timer_calls.c LINK esp_timer)
kraken_unit_test(interrupts SRCS interrupts.c)
kraken_unit_test(stalls SRCS test_stalls.c PLAIN)
if(NOT KRAKEN_FLAVOUR STREQUAL "tsan")
    kraken_unit_test(simulator SRCS simulator.c LINK esp_timer PLAIN)
endif()
