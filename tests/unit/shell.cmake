# SPDX-License-Identifier: Apache-2.0
kraken_unit_test(shell SRCS test_shell.c LINK shell kapp system PRIVATE_OF shell)
kraken_unit_test(shell_ps SRCS test_shell_ps.c LINK shell kapp system)
