# SPDX-License-Identifier: Apache-2.0
# No bus works there: sound goes nowhere, in real time, and input comes from the shell.
set(KRAKEN_BACKENDS)
