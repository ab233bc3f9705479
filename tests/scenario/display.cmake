# SPDX-License-Identifier: Apache-2.0
kraken_scenario(display_restart SRCS display_restart.c
    "${KRAKEN_ROOT}/tests/support/display_app.c" "${KRAKEN_ROOT}/tests/support/system_up.c"
    LINK display_service system SEEDS 16)
