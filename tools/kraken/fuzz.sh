#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#: feed the readers of app packages and of sound with hostile input
#:
#: usage: ./kraken fuzz [SECONDS] [package | manifest | elf | audio]…
#:
#: Each target runs for SECONDS (default 60) under AddressSanitizer and UBSan, from seeds made of real packages, programs and tunes;
#: hashes and signatures are not in the way. Exit status: 0 when nothing was found. A finding is kept in build/fuzz and named.
set -eu
# shellcheck source=tools/kraken/lib.sh
. "$KRAKEN_ROOT/tools/kraken/lib.sh"

seconds=60
case ${1:-} in
[0-9]*)
    seconds=$1
    shift
    ;;
esac
[ $# -gt 0 ] || set -- package manifest elf audio

need build test app fuzz
configure host
under_lock ninja -C "$build_root/host" --quiet build.ninja >&2
config=$(dirname -- "$(find "$build_root/host" -name sdkconfig.h | head -n 1)")
fuzz=$build_root/fuzz
source=$KRAKEN_ROOT/components/kapp
mkdir -p "$fuzz"

# Real programs for both processors, and a package of them.
programs=$KRAKEN_ROOT/tests/unit/programs
gcc-12 -O2 -fPIC -shared -nostdlib -fno-stack-protector -Wl,--hash-style=sysv,-z,separate-code,-z,norelro,-e,app_main \
    -o "$fuzz/good.so" "$programs/good.c"
xtensa-lx106-elf-gcc -O2 -fPIC -mlongcalls -shared -nostdlib -Wl,--hash-style=sysv,-z,max-page-size=16,-z,norelro,-e,app_main \
    -o "$fuzz/good_xtensa.so" "$programs/good.c"
PYTHONPATH=$KRAKEN_ROOT/sdk PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -m kapp pack "$KRAKEN_ROOT/tests/sdk/hello.toml" \
    "$fuzz/good.so" "$fuzz/good_xtensa.so" -o "$fuzz/good.kapp" >/dev/null
PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$KRAKEN_ROOT/tests/fuzz/make_seeds.py" "$KRAKEN_ROOT" "$fuzz/seeds" "$fuzz/good.kapp" \
    "$fuzz/good.so" "$fuzz/good_xtensa.so"

# Tunes in every format.
audio=$KRAKEN_ROOT/components/audio_service
mkdir -p "$fuzz/seeds/audio"
gcc-12 -O2 -I"$KRAKEN_ROOT/tests/support" -o "$fuzz/make_tunes" "$KRAKEN_ROOT/tests/fuzz/make_tunes.c" \
    "$KRAKEN_ROOT/tests/support/tunes.c" -lFLAC -lm
"$fuzz/make_tunes" "$fuzz/seeds/audio"

fuzzed() # SOURCES AND OPTIONS: build $target with them
{
    clang-19 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -D_GNU_SOURCE \
        -I"$config" -I"$source/include" -I"$source/private" -I"$KRAKEN_ROOT/components/system/include" \
        -I"$KRAKEN_ROOT/host/include/common" -I"$KRAKEN_ROOT/tests/support" \
        -o "$fuzz/fuzz_$target" "$KRAKEN_ROOT/tests/fuzz/fuzz_$target.c" "$@"
}

status=0
for target in "$@"; do
    [ -f "$KRAKEN_ROOT/tests/fuzz/fuzz_$target.c" ] || die "fuzz: there is no target $target (./kraken fuzz --help)"
    say "building: $target"
    if [ "$target" = audio ]; then
        fuzzed -I"$audio/include" -I"$audio/private" "$audio/src/audio_reader.c" "$audio/src/audio_wav.c" \
            "$audio/src/audio_adpcm.c" "$audio/src/audio_decoder.c" "$audio/port/linux/flac_backend.c" -lFLAC
    else
        fuzzed "$KRAKEN_ROOT/tests/support/elf_builder.c" "$source"/src/elf_*.c "$source/src/kapp_package.c" \
            "$source/src/kapp_content.c" "$source/src/kapp_manifest_read.c" "$source/src/kapp_text.c" \
            "$source/port/linux/inflate_backend.c" -lz
    fi
    mkdir -p "$fuzz/corpus/$target"
    say "fuzzing: $target, $seconds s"
    if "$fuzz/fuzz_$target" -max_total_time="$seconds" -max_len=65536 -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
        -artifact_prefix="$fuzz/finding-$target-" "$fuzz/corpus/$target" "$fuzz/seeds/$target" >"$fuzz/$target.log" 2>&1; then
        say "$target: nothing found in $(sed -n 's/^stat::number_of_executed_units: *//p' "$fuzz/$target.log") inputs"
    else
        tail -n 30 "$fuzz/$target.log" >&2
        say "$target: see $fuzz/$target.log; inputs that break it are $fuzz/finding-$target-*"
        status=1
    fi
done
exit $status
