# SPDX-License-Identifier: Apache-2.0
#
# Input: what counts as a press, a click, a drag; and the service on the virtual board's wires.
kraken_unit_test(input_edges SRCS test_input_edges.c LINK input_service PRIVATE_OF input_service)
kraken_unit_test(input_service SRCS test_input_service.c "${KRAKEN_ROOT}/tests/support/system_up.c"
    LINK input_service esp_timer system MODES sim)
kraken_unit_test(input_script SRCS test_input_script.c "${KRAKEN_ROOT}/host/program/input_script.c"
    INCLUDE "${KRAKEN_ROOT}/host/program" MODES sim)
