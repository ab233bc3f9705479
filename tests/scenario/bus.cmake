# SPDX-License-Identifier: Apache-2.0
set(system_up "${KRAKEN_ROOT}/tests/support/system_up.c")

kraken_scenario(bus_storm SRCS bus_storm.c "${system_up}" LINK system PRIVATE_OF system)
kraken_scenario(bus_flood SRCS bus_flood.c "${system_up}" LINK system esp_timer PRIVATE_OF system)
kraken_scenario(bus_churn SRCS bus_churn.c "${system_up}" LINK system PRIVATE_OF system)
kraken_scenario(taken_down_under_posts SRCS taken_down_under_posts.c "${system_up}" LINK system)
