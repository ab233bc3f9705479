# SPDX-License-Identifier: Apache-2.0
#
# Takes a minute of the board's time, so in the simulator alone.
kraken_scenario(quota_offenders SRCS quota_offenders.c "${KRAKEN_ROOT}/tests/support/system_up.c" LINK system esp_timer MODES sim)
