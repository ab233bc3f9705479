# SPDX-License-Identifier: Apache-2.0
#
# Requests and apps: what holds however their tasks are interleaved.
set(system_up "${KRAKEN_ROOT}/tests/support/system_up.c")

kraken_scenario(request_storm SRCS request_storm.c "${system_up}" LINK system PRIVATE_OF system)
kraken_scenario(request_target_dies SRCS request_target_dies.c "${system_up}" LINK system PRIVATE_OF system)
kraken_scenario(app_commands SRCS app_commands.c "${system_up}" LINK system PRIVATE_OF system)
kraken_scenario(app_cycles SRCS app_cycles.c "${system_up}" LINK system PRIVATE_OF system SEEDS 20)
kraken_scenario(crash_containment SRCS crash_containment.c "${system_up}" LINK system crasher hello PRIVATE_OF system SEEDS 20)
