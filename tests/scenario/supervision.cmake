# SPDX-License-Identifier: Apache-2.0
set(scripted "${KRAKEN_ROOT}/tests/support/system_up.c" "${KRAKEN_ROOT}/tests/support/scripted_service.c")

foreach(name
        locks_outlive_holders
        supervision_cannot_be_ended
        supervision_dependants
        supervision_gives_up
        supervision_handler_hangs
        supervision_groups
        supervision_lifecycle_fails
        supervision_liveness
        supervision_random_restarts
        supervision_starved
        supervision_stop_asks_need)
    kraken_scenario(${name} SRCS ${name}.c ${scripted} LINK system)
endforeach()
kraken_scenario(app_started_by_service SRCS app_started_by_service.c ${scripted} LINK system SEEDS 60)
kraken_scenario(supervision_worker_deleted SRCS supervision_worker_deleted.c ${scripted} LINK system PRIVATE_OF system SEEDS 40)
kraken_scenario(supervision_worker_lost SRCS supervision_worker_lost.c ${scripted} LINK system SEEDS 30)
kraken_scenario(supervision_keeper_deleted SRCS supervision_keeper_deleted.c ${scripted} LINK system SEEDS 30)
kraken_scenario(supervision_deleter_is_kept SRCS supervision_deleter_is_kept.c ${scripted} LINK system PRIVATE_OF system SEEDS 12)
