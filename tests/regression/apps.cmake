# SPDX-License-Identifier: Apache-2.0
#
# Defects of an earlier system of this kind that have to do with requests and apps, one file each.
set(system_up "${KRAKEN_ROOT}/tests/support/system_up.c")

foreach(name
        d09_request_response_cannot_work
        d11_stop_leaves_subscriptions_active
        d15_a_context_gives_the_rights_of_anybody
        t06_pause_and_stop_cut_an_app_at_any_instruction
        t07_an_app_that_returned_can_never_start_again)
    kraken_unit_test(${name} SRCS ${name}.c "${system_up}" LINK system PRIVATE_OF system)
endforeach()
