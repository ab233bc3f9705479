# SPDX-License-Identifier: Apache-2.0
#
# The test app of the target (./kraken firmware test), linked for the PC: its list is proved here.
file(GLOB cases CONFIGURE_DEPENDS "${CMAKE_CURRENT_LIST_DIR}/cases/*.c")
set(support "${KRAKEN_ROOT}/tests/support")
kraken_unit_test(app SRCS device_test.c pc/runner_pc.c ${cases} "${support}/elf_builder.c" "${support}/scripted_service.c"
    "${support}/system_up.c" LINK system input_service kapp PRIVATE_OF system input_service kapp MODES sim)
