# SPDX-License-Identifier: Apache-2.0
#
# Heap, log, storage, resets and the task watchdog of the virtual board.
kraken_unit_test(heap SRCS test_heap.c)
kraken_unit_test(log SRCS test_log.c LINK nvs_flash)
kraken_unit_test(partition SRCS test_partition.c LINK esp_partition)
kraken_unit_test(nvs_power SRCS test_nvs_power.c LINK nvs_flash)
kraken_unit_test(nvs SRCS test_nvs.c LINK nvs_flash esp_partition)
kraken_unit_test(task_wdt SRCS test_task_wdt.c)
kraken_unit_test(panic SRCS test_panic.c LINK esp_partition PLAIN)
kraken_unit_test(trap SRCS test_trap.c PLAIN)
kraken_unit_test(restart SRCS test_restart.c LINK nvs_flash PLAIN)
kraken_unit_test(chip SRCS test_chip.c LINK esp_app_format)
