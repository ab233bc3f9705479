# SPDX-License-Identifier: Apache-2.0
#
# The bus and what it is made of, with the whole core up.
set(system_up "${KRAKEN_ROOT}/tests/support/system_up.c")

kraken_unit_test(priority_queue SRCS test_priority_queue.c LINK system PRIVATE_OF system)
kraken_unit_test(memory_pool SRCS test_memory_pool.c "${system_up}" LINK system PRIVATE_OF system)
kraken_unit_test(event_bus SRCS test_event_bus.c "${system_up}" LINK system PRIVATE_OF system)
kraken_unit_test(event_types SRCS test_event_types.c "${system_up}" LINK system PRIVATE_OF system)
kraken_unit_test(event_overflow SRCS test_event_overflow.c "${system_up}" LINK system PRIVATE_OF system)
