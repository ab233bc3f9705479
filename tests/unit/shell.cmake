# SPDX-License-Identifier: Apache-2.0
set(shell_test "${KRAKEN_ROOT}/tests/support/shell_test.c")
set(shell_board ${shell_test} "${KRAKEN_ROOT}/tests/support/shell_board.c")
kraken_unit_test(shell SRCS test_shell.c ${shell_board} LINK shell kapp system PRIVATE_OF shell)
kraken_unit_test(shell_inject SRCS test_shell_inject.c ${shell_board} LINK shell kapp system)
kraken_unit_test(shell_ps SRCS test_shell_ps.c ${shell_test} LINK shell kapp system)
