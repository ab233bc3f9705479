#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#: shellcheck over every shell script, and a parse by the shell itself
#
# usage: shell.sh PROJECT
set -eu
cd -- "$1"
status=0
count=0
names=$(git -c safe.directory='*' ls-files --cached --others --exclude-standard -- '*.sh' kraken .ci/run)
for name in $names; do
    [ -f "$name" ] || continue
    count=$((count + 1))
    case $name in
    .ci/run) bash -n "$name" || status=1 ;;
    *) sh -n "$name" || status=1 ;;
    esac
    shellcheck -x -f gcc "$name" || status=1
done
[ "$count" -gt 0 ] || status=1
echo "shell: $count scripts"
exit $status
