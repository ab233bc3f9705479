# SPDX-License-Identifier: Apache-2.0
#
# Defects of this system that a review found, one file each: what two cores, and tasks cut half-way, do to it.
set(system_up "${KRAKEN_ROOT}/tests/support/system_up.c")

foreach(name w01_a_worker_that_left_is_woken w02_a_pool_refuses_while_it_has_blocks
        w03_a_call_cut_half_way w04_a_fault_unsubscribes_the_next w05_a_crash_passes_for_a_return
        w06_the_next_owner_is_forgotten)
    kraken_scenario(${name} SRCS ${name}.c ${system_up} LINK system PRIVATE_OF system)
endforeach()
kraken_scenario(w07_high_takes_both_express_workers SRCS w07_high_takes_both_express_workers.c ${system_up} LINK system SEEDS 20)
kraken_scenario(w08_a_worker_is_deleted_as_it_is_raised SRCS w08_a_worker_is_deleted_as_it_is_raised.c ${system_up}
    "${KRAKEN_ROOT}/tests/support/scripted_service.c" LINK system SEEDS 20)
target_link_options(regression_w08_a_worker_is_deleted_as_it_is_raised PRIVATE -Wl,--wrap=vTaskPrioritySet)
kraken_scenario(w09_a_runner_is_at_work_at_the_end SRCS w09_a_runner_is_at_work_at_the_end.c ${system_up} LINK system SEEDS 10)
kraken_scenario(w10_the_clock_jumps_within_a_look SRCS w10_the_clock_jumps_within_a_look.c ${system_up}
    "${KRAKEN_ROOT}/tests/support/scripted_service.c" LINK system SEEDS 10)
target_link_options(regression_w10_the_clock_jumps_within_a_look PRIVATE -Wl,--wrap=esp_timer_get_time)
