# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# What the verbs of ./kraken share. Sourced, with KRAKEN_ROOT set and "set -eu" on.

build_root=${KRAKEN_BUILD_DIR:-$KRAKEN_ROOT/build}
case $build_root in
/*) ;;
*) build_root=$(pwd)/$build_root ;;
esac
# shellcheck disable=SC2034 # for the verbs
user_config=$build_root/sdkconfig
jobs=${KRAKEN_JOBS:-$(nproc)}

say()
{
    printf 'kraken: %s\n' "$*" >&2
}

die()
{
    say "$*"
    exit 1
}

# packages_of GROUP…: name and reason of every package in these groups of tools/packages.txt
packages_of()
{
    awk -v groups=" $* " '
        /^#/ || /^[ \t]*$/ { next }
        /^\[/ { group = substr($1, 2, length($1) - 2); next }
        index(groups, " " group " ") { print }' "$KRAKEN_ROOT/tools/packages.txt"
}

installed()
{
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# need GROUP…: make sure that the packages of these groups are there
need()
{
    missing=
    reasons=
    if ! command -v dpkg-query >/dev/null 2>&1; then
        return 0 # not Debian: the build will name what it lacks
    fi
    packages=$(packages_of "$@" | awk '{ print $1 }')
    for package in $packages; do
        installed "$package" && continue
        missing="$missing $package"
        why=$(packages_of "$@" | sed -n "s/^$package  *//p" | head -n 1)
        reasons="$reasons
  $package: $why"
    done
    [ -n "$missing" ] || return 0

    if [ "$(id -u)" -eq 0 ]; then
        as_root=
    else
        as_root=sudo
    fi
    if [ -n "${KRAKEN_NO_INSTALL:-}" ]; then
        say "missing packages:$reasons"
        say "install them with: ${as_root:+$as_root }apt-get install --no-install-recommends$missing"
        exit 3
    fi
    if [ -n "$as_root" ] && ! command -v sudo >/dev/null 2>&1; then
        say "missing packages:$reasons"
        die "neither root nor sudo; as root: apt-get install --no-install-recommends$missing"
    fi
    say "installing from Debian (--no-install refuses):$reasons"
    log=$(mktemp)
    # shellcheck disable=SC2086 # a list of names
    if ! {
        $as_root apt-get update -q &&
            $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
    } </dev/null >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        die "the packages could not be installed"
    fi
    rm -f "$log"
}

# under_lock COMMAND…: one build at a time in a build folder; ninja itself does not guard it
under_lock()
{
    mkdir -p "$build_root"
    (
        flock 9
        "$@" 9>&-
    ) 9>"$build_root/.lock"
}

# configure FLAVOUR [FOLDER CMAKE-ARGUMENT…]: a build folder for it, once; afterwards CMake notices by itself what changed
configure()
{
    flavour=$1
    folder=$build_root/${2:-$1}
    [ $# -lt 2 ] || shift
    shift
    if [ -f "$folder/build.ninja" ]; then
        return 0
    fi
    need build
    mkdir -p "$folder"
    if ! under_lock cmake -S "$KRAKEN_ROOT/host" -B "$folder" -G Ninja \
        -DKRAKEN_FLAVOUR="$flavour" -DKRAKEN_USER_CONFIG="$user_config" \
        -DCMAKE_C_COMPILER="${CC:-gcc-12}" -DCMAKE_CXX_COMPILER="${CXX:-g++-12}" "$@" >"$folder/configure.log" 2>&1; then
        cat "$folder/configure.log" >&2
        die "the build could not be configured"
    fi
    # Warnings of the configuration are for the reader, the rest is noise.
    grep '^kconfig:' "$folder/configure.log" >&2 || true
    [ "$folder" != "$build_root/$flavour" ] || ln -sfn "$flavour/compile_commands.json" "$build_root/compile_commands.json"
}

# build FLAVOUR [NINJA ARGUMENTS…]
build()
{
    flavour=$1
    shift
    configure "$flavour"
    under_lock ninja -C "$build_root/$flavour" -j "$jobs" --quiet "$@" >&2
}

# has_target FLAVOUR TARGET
has_target()
{
    ninja -C "$build_root/$1" -t query "$2" >/dev/null 2>&1
}
