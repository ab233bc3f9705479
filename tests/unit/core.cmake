# SPDX-License-Identifier: Apache-2.0
#
# The core as a whole, where something is missing or in a hurry.
set(system_up "${KRAKEN_ROOT}/tests/support/system_up.c")

kraken_unit_test(out_of_memory SRCS test_out_of_memory.c "${system_up}" LINK system)
kraken_unit_test(worker_raise SRCS test_worker_raise.c "${system_up}" LINK system)
kraken_unit_test(system_lock SRCS test_system_lock.c "${KRAKEN_ROOT}/tests/support/system_up.c" LINK system PRIVATE_OF system)
if(KRAKEN_FLAVOUR MATCHES "^(sim|asan|tsan)$")
    kraken_unit_test(lock_order PLAIN SRCS test_lock_order.c "${system_up}" LINK system PRIVATE_OF system)
endif()
