# SPDX-License-Identifier: Apache-2.0
kraken_unit_test(health_report SRCS test_health_report.c LINK system)
