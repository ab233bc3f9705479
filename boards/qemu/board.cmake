# SPDX-License-Identifier: Apache-2.0
# No bus works there: sound goes nowhere, in real time, and input comes from the shell.
# The network is there with -nic user,model=open_eth.
set(KRAKEN_BACKENDS net_openeth)
