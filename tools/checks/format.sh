#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#: every C file is as clang-format 14 would write it
#
# usage: format.sh PROJECT [--fix]
set -eu
cd -- "$1"
mode="--dry-run -Werror"
[ "${2:-}" != --fix ] || mode=-i

list=$(mktemp)
trap 'rm -f "$list"' EXIT
git -c safe.directory='*' ls-files --cached --others --exclude-standard -- '*.c' '*.h' |
    while IFS= read -r name; do
        [ ! -f "$name" ] || printf '%s\n' "$name"
    done >"$list"
count=$(wc -l <"$list")
[ "$count" -gt 0 ] || {
    echo "format: there was nothing to look at"
    exit 1
}
# shellcheck disable=SC2086 # options
if ! xargs -d '\n' -n 16 -P 2 clang-format-14 $mode <"$list" 2>"$list.log"; then
    grep 'error:' "$list.log" | cut -d: -f1 | sort | uniq -c |
        sed 's/^ *\([0-9]*\) \(.*\)/\2:1: \1 places are not formatted (.\/kraken check --format --fix)/'
    rm -f "$list.log"
    echo "format: $count files, not all formatted"
    exit 1
fi
rm -f "$list.log"
echo "format: $count files"
