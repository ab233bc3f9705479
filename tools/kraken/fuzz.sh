#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#: feed the readers of app packages, of sound and of Bluetooth with hostile input
#:
#: usage: ./kraken fuzz [SECONDS] [--keep] [package | manifest | elf | audio | adv | att | smp]…
#:        ./kraken fuzz --coverage
#:
#:   SECONDS   for each target, default 60; 0: what is known already, each input once
#:   --keep    what was found worth keeping goes into tests/fuzz/corpus, for everybody
#:   --coverage  which lines of the readers of packages do the corpora reach? Fails below 90 per cent
#:
#: Under AddressSanitizer and UBSan, from tests/fuzz/corpus and from seeds made of real packages, programs and tunes; hashes and
#: signatures are not in the way. It ends with a table: code reached are edges of the target that some input takes. Exit status: 0 when nothing was
#: found. A finding is kept in build/fuzz and named.
set -eu
# shellcheck source=tools/kraken/lib.sh
. "$KRAKEN_ROOT/tools/kraken/lib.sh"

seconds=60
keep=
coverage=
targets=
for word in "$@"; do
    case $word in
    [0-9]*) seconds=$word ;;
    --keep) keep=yes ;;
    --coverage) coverage=yes ;;
    -*) die "fuzz: there is no option $word (./kraken fuzz --help)" ;;
    *)
        [ -f "$KRAKEN_ROOT/tests/fuzz/fuzz_$word.c" ] || die "fuzz: there is no target $word (./kraken fuzz --help)"
        targets="$targets $word"
        ;;
    esac
done
[ -n "$targets" ] || targets="package manifest elf audio adv att smp"

need build test app fuzz
configure host
under_lock ninja -C "$build_root/host" --quiet build.ninja >&2
config=$(dirname -- "$(find "$build_root/host" -name sdkconfig.h | head -n 1)")
fuzz=$build_root/fuzz
source=$KRAKEN_ROOT/components/kapp
audio=$KRAKEN_ROOT/components/audio_service
bluetooth=$KRAKEN_ROOT/components/bluetooth_service
tests=$KRAKEN_ROOT/tests
mkdir -p "$fuzz/objects"
export PYTHONDONTWRITEBYTECODE=1

# Real programs for both processors, and a package of them; tunes in every format.
make_seeds()
{
    programs=$tests/unit/programs
    gcc-12 -O2 -fPIC -shared -nostdlib -fno-stack-protector -Wl,--hash-style=sysv,-z,separate-code,-z,norelro,-e,app_main \
        -o "$fuzz/good.so" "$programs/good.c"
    xtensa-lx106-elf-gcc -O2 -fPIC -mlongcalls -shared -nostdlib -Wl,--hash-style=sysv,-z,max-page-size=16,-z,norelro,-e,app_main \
        -o "$fuzz/good_xtensa.so" "$programs/good.c"
    PYTHONPATH=$KRAKEN_ROOT/sdk /usr/bin/python3 -m kapp pack "$tests/sdk/hello.toml" \
        "$fuzz/good.so" "$fuzz/good_xtensa.so" -o "$fuzz/good.kapp" >/dev/null
    /usr/bin/python3 "$tests/fuzz/make_seeds.py" "$KRAKEN_ROOT" "$fuzz/seeds" "$fuzz/good.kapp" \
        "$fuzz/good.so" "$fuzz/good_xtensa.so"
    mkdir -p "$fuzz/seeds/audio"
    gcc-12 -O2 -I"$tests/support" -o "$fuzz/make_tunes" "$tests/fuzz/make_tunes.c" "$tests/support/tunes.c" -lFLAC -lm
    "$fuzz/make_tunes" "$fuzz/seeds/audio"
}

compile()
{
    clang-19 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -D_GNU_SOURCE \
        -I"$config" -I"$source/include" -I"$source/private" -I"$KRAKEN_ROOT/components/system/include" \
        -I"$KRAKEN_ROOT/host/include/common" -I"$tests/support" "$@"
}

# What the readers of packages share once, then each.
build_fuzzers()
{
    say "building: fuzzers"
    rm -f "$fuzz"/objects/*.o
    (cd "$fuzz/objects" && compile -c "$tests/support/elf_builder.c" "$source"/src/elf_*.c "$source/src/kapp_package.c" \
        "$source/src/kapp_content.c" "$source/src/kapp_manifest_read.c" "$source/src/kapp_text.c" \
        "$source/port/linux/inflate_backend.c")
    for name in package manifest elf; do
        compile -o "$fuzz/fuzz_$name" "$tests/fuzz/fuzz_$name.c" "$fuzz"/objects/*.o -lz
    done
    compile -I"$audio/include" -I"$audio/private" -o "$fuzz/fuzz_audio" "$tests/fuzz/fuzz_audio.c" "$audio/src/audio_reader.c" \
        "$audio/src/audio_wav.c" "$audio/src/audio_adpcm.c" "$audio/src/audio_decoder.c" "$audio/port/linux/flac_backend.c" -lFLAC
    build_bluetooth adv bluetooth_ad.c bluetooth_table.c
    build_bluetooth att att_client.c att_server.c bluetooth_table.c
    build_bluetooth smp smp.c smp_toolbox.c ../port/linux/smp_crypto.c -lmbedcrypto
}

# NAME FILE…: of the service's sources, what the target reads with; libraries
build_bluetooth()
{
    (
        name=$1
        shift
        cd "$bluetooth/src"
        compile -I"$bluetooth/include" -I"$bluetooth/private" -o "$fuzz/fuzz_$name" "$tests/fuzz/fuzz_$name.c" "$@"
    )
}

# Each input of the corpora once, and the lines that they reached.
if [ -n "$coverage" ]; then
    need coverage
    rm -rf "$fuzz/coverage"
    mkdir -p "$fuzz/coverage"
    cd "$fuzz/coverage"
    for name in package manifest elf; do
        mkdir "$name"
        (cd "$name" && gcc-12 -O0 --coverage -D_GNU_SOURCE -I"$config" -I"$source/include" -I"$source/private" \
            -I"$KRAKEN_ROOT/components/system/include" -I"$KRAKEN_ROOT/host/include/common" -I"$tests/support" -I"$tests/fuzz" \
            -o replay "$tests/fuzz/fuzz_$name.c" "$tests/fuzz/replay.c" "$tests/support/elf_builder.c" "$source"/src/elf_*.c \
            "$source/src/kapp_package.c" "$source/src/kapp_content.c" "$source/src/kapp_manifest_read.c" "$source/src/kapp_text.c" \
            "$source/port/linux/inflate_backend.c" -lz && ./replay "$tests/fuzz/corpus/$name")
    done
    exec gcovr --root "$KRAKEN_ROOT" --gcov-executable gcov-12 --filter "$source/" --fail-under-line 90 .
fi

state=$(find "$source" "$audio" "$bluetooth" "$tests/fuzz" "$tests/support" "$tests/unit/programs" "$KRAKEN_ROOT/sdk" "$config/sdkconfig.h" -type f \
    -exec sha256sum {} + | sort | sha256sum)
if [ "$(cat "$fuzz/built" 2>/dev/null || true)" != "$state" ]; then
    rm -rf "$fuzz/seeds" "$fuzz/built"
    make_seeds
    build_fuzzers
    /usr/bin/python3 "$tests/fuzz/make_bluetooth.py" "$fuzz/seeds"
    for corpus in "$tests"/fuzz/corpus/*; do
        /usr/bin/python3 "$tests/fuzz/corpus.py" unpack "$corpus" "$fuzz/seeds/$(basename -- "$corpus")"
    done
    echo "$state" >"$fuzz/built"
fi

# of a target's log: a figure of its statistics, and the last edges
stat_of() { sed -n "s/^stat::$2: *//p" "$fuzz/$1.log"; }
edges_of() { sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$fuzz/$1.log" | tail -n 1; }

rows=
status=0
for target in $targets; do
    mkdir -p "$fuzz/corpus/$target"
    say "fuzzing: $target, $seconds s"
    limit=-max_total_time=$seconds
    [ "$seconds" != 0 ] || limit=-runs=0
    found=nothing
    if ! "$fuzz/fuzz_$target" "$limit" -seed=1 -max_len=65536 -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
        -artifact_prefix="$fuzz/finding-$target-" "$fuzz/corpus/$target" "$fuzz/seeds/$target" >"$fuzz/$target.log" 2>&1; then
        tail -n 30 "$fuzz/$target.log" >&2
        say "$target: see $fuzz/$target.log; inputs that break it are $fuzz/finding-$target-*"
        found=SOMETHING
        status=1
    elif [ -n "$keep" ]; then
        rm -rf "$fuzz/merged"
        mkdir "$fuzz/merged"
        "$fuzz/fuzz_$target" -merge=1 "$fuzz/merged" "$fuzz/seeds/$target" "$fuzz/corpus/$target" >/dev/null 2>&1
        /usr/bin/python3 "$tests/fuzz/corpus.py" pack "$fuzz/merged" "$tests/fuzz/corpus/$target"
    fi
    rows="$rows$target $seconds $(stat_of "$target" number_of_executed_units) $(edges_of "$target") $found
"
done
printf '%-10s %8s %12s %14s  %s\n' target seconds inputs 'code reached' found
printf '%s' "$rows" | while read -r target time inputs edges found; do
    printf '%-10s %8s %12s %14s  %s\n' "$target" "$time" "$inputs" "$edges" "$found"
done
exit $status
