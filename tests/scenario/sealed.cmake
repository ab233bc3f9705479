# SPDX-License-Identifier: Apache-2.0
kraken_scenario(sealed_system SRCS sealed_system.c "${KRAKEN_ROOT}/tests/support/system_up.c" LINK system)
