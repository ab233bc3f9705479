#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#: edit the configuration of the PC build
#:
#: usage: ./kraken menuconfig
#:
#: The same Kconfig files as the firmware's "idf.py menuconfig". What you change is kept in build/sdkconfig and counts for every
#: flavour; delete that file to be back at sdkconfig.defaults.
set -eu
# shellcheck source=tools/kraken/lib.sh
. "$KRAKEN_ROOT/tools/kraken/lib.sh"

need build
mkdir -p "$build_root/config"
[ -t 0 ] || die "menuconfig needs a terminal"
/usr/bin/python3 "$KRAKEN_ROOT/tools/kconfig_gen.py" --root "$KRAKEN_ROOT" --kconfig "$KRAKEN_ROOT/host/Kconfig" \
    --out "$build_root/config" --defaults "$KRAKEN_ROOT/sdkconfig.defaults" --user "$user_config" \
    --device-only "$KRAKEN_ROOT/tools/device_only_options.txt" --menuconfig
# A build folder that never saw this file must look for it now.
for dir in "$build_root"/*/; do
    [ ! -f "$dir/CMakeCache.txt" ] || touch "$dir/CMakeCache.txt"
done
say "written: $user_config"
