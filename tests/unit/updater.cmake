# SPDX-License-Identifier: Apache-2.0
#
# Updates of the firmware; the probation is a minute of virtual time.
kraken_unit_test(updater SRCS test_updater.c "${KRAKEN_ROOT}/tests/support/system_up.c" LINK updater system app_update MODES sim)
