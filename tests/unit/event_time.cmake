# SPDX-License-Identifier: Apache-2.0
kraken_unit_test(event_time SRCS test_event_time.c "${KRAKEN_ROOT}/tests/support/system_up.c" LINK system PRIVATE_OF system)
