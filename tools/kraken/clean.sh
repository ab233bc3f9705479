#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#: remove what was built
#:
#: usage: ./kraken clean [--all]
#:
#: Removes the build folders, the firmware's too; --all also what menuconfig wrote for the PC build.
set -eu
# shellcheck source=tools/kraken/lib.sh
. "$KRAKEN_ROOT/tools/kraken/lib.sh"

case ${1:-} in
'') ;;
--all) rm -f "$user_config" ;;
*) die "clean: unknown option $1 (./kraken clean --help)" ;;
esac
for flavour in host sim asan tsan coverage config idf firmware; do
    rm -rf "${build_root:?}/$flavour"
done
rm -f "$build_root/compile_commands.json" "$build_root/.lock"
rmdir "$build_root" 2>/dev/null || true
