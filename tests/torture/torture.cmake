# SPDX-License-Identifier: Apache-2.0
#
# The torture test: one program, run by ./kraken torture for as long as one likes, and as a case of a size that fits a test run.
kraken_test_program(torture
    SRCS torture_actors.c torture_apps.c torture_books.c torture_checks.c torture_events.c torture_faults.c torture_life.c torture_load.c torture_main.c torture_plan.c torture_run.c
        torture_table.c torture_watch.c "${KRAKEN_ROOT}/tests/support/system_up.c"
    LINK system esp_timer PRIVATE_OF system)
if(KRAKEN_FLAVOUR STREQUAL "host")
    add_test(NAME torture.campaign COMMAND torture --seeds 2000 --whole-table)
    set_tests_properties(torture.campaign PROPERTIES LABELS torture TIMEOUT 600 PROCESSORS 2)
endif()
