# SPDX-License-Identifier: Apache-2.0
#
# What apps are compiled with, and what the linker is told: for kraken_app.cmake and for "kraken-app build", which reads these lines.
set(KRAKEN_APP_COMPILE -O2 -fno-stack-protector -U_FORTIFY_SOURCE)
set(KRAKEN_APP_COMPILE_X86_64)
# A store to NULL is to fault as one, not to become a trap.
set(KRAKEN_APP_COMPILE_XTENSA -mlongcalls -fno-isolate-erroneous-paths-dereference)
set(KRAKEN_APP_LINK --hash-style=sysv -z norelro -e app_main)
set(KRAKEN_APP_LINK_X86_64 -z separate-code)
set(KRAKEN_APP_LINK_XTENSA -z max-page-size=16)
