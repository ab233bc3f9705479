#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The program from outside.
#   check_program.sh PART PROGRAM FLAVOUR     PART: arguments, demo_sim, demo_threads, shell, reboot, picture
set -u

part=$1
program=$2
flavour=$3
failures=0
output=$(mktemp)
trap 'rm -rf "$output" "$output.2" "$output.dir"' EXIT

verdict() # TEXT STATUS
{
    if [ "$2" -eq 0 ]; then
        printf 'ok    %s\n' "$1"
    else
        printf 'FAIL  %s; the output was:\n' "$1"
        cat "$output"
        failures=$((failures + 1))
    fi
}

expect() # STATUS TEXT ARGUMENTS...: the program ends with this status and prints this text
{
    want=$1
    text=$2
    shift 2
    "$program" "$@" >"$output" 2>&1 </dev/null
    status=$?
    grep -q -e "$text" "$output"
    verdict "$(basename "$program") $*: $want and \"$text\" (status $status)" \
        $((status != want || $?))
}

shell() # STATUS TEXT COMMANDS: the shell on a pipe, one command a line
{
    printf '%b' "$3" | "$program" --shell >"$output" 2>&1
    status=$?
    grep -q -e "$2" "$output"
    verdict "shell: $3: $1 and \"$2\" (status $status)" $((status != $1 || $?))
}

# talk STATUS [QUESTION TEXT]...: the shell on a pipe. A question is put once where the text is empty, else until the text has been
# printed: nobody knows how long that takes on a busy machine.
talk()
{
    want=$1
    shift
    all=$*
    : >"$output"
    for last in "$@"; do :; done
    # shellcheck disable=SC2094 # what the program writes is what the question waits for
    while [ $# -gt 0 ]; do
        asked=0
        while printf '%b\n' "$1" && [ -n "$2" ] && ! grep -q -e "$2" "$output" && [ "$asked" -lt 3000 ]; do
            asked=$((asked + 1))
            sleep 0.2
        done
        shift 2
    done | "$program" --shell >"$output" 2>&1
    status=$?
    grep -q -e "$last" "$output"
    verdict "talk: $all: $want (status $status)" $((status != want || $?))
}

check_arguments()
{
    expect 0 'usage: ./kraken run' --help
    expect 0 'usage: ./kraken run' -h
    expect 2 'try --help' --nonsense
    expect 2 'try --help' --seed
    expect 2 '--seed wants a number: x' --seed x
    expect 2 '--seed wants a number: 1x' --seed 1x
    expect 2 '--seed wants a number: -1' --seed -1
    expect 2 'exclude each other' --demo --shell
    expect 2 'what is this: word' word
    expect 2 'exclude each other' --picture x.png --replay y
    expect 2 '--after wants' --picture x.png --after soon
    expect 2 'not a directory' --state "$output"
}

check_demo_sim()
{
    for seed in 1 2 3 4 5 6 7 8 9 10; do
        expect 0 'all that was claimed was seen' --seed "$seed"
    done
    expect 0 'all that was claimed was seen' --demo --seed 11
    cp "$output" "$output.2"
    expect 0 'all that was claimed was seen' --demo --seed 11
    # Sanitizers and coverage want position-independent programs: their addresses differ from run to run,
    # and ASan warns about the fibers with the number of the process.
    case $flavour in
    host | sim) ;;
    *) sed -i -e 's/0x[0-9a-f]*/0x/g' -e '/^==[0-9]*==WARNING/d' "$output" "$output.2" ;;
    esac
    cmp "$output" "$output.2"
    verdict 'the same seed, the same run' $?
}

check_demo_threads()
{
    expect 0 'all that was claimed was seen'
    expect 0 'all that was claimed was seen' --demo --state "$output.dir"
}

check_shell()
{
    shell 0 'demo.sensor *RUNNING' 'services\n'
    shell 0 'demo.sensor *RUNNING' 'services' # no end of line
    shell 0 'ready' ''
    shell 0 'hello' '\n# a comment\napps\nquit\nnonsense\n'
    shell 1 'no such command: nonsense' 'nonsense\nservices\n'
    shell 1 'usage: app' 'app\n'
    talk 0 'events tap demo.* 1\nsleep 2' '[1-9][0-9]* events in 1 s'
    talk 0 'inject hang demo.sensor' '' services 'demo.sensor *RUNNING *1 *1'
    talk 0 'inject flood demo.sensor 500' '' health 'demo.sensor *events [1-9]'
    shell 0 'shell *RUNNING' 'safe enter\nsleep 1\nservices\n'
    talk 0 'safe enter' '' services 'demo.logger *STOPPED'
    talk 0 display 'the panel well'
    talk 0 'display fault unplugged' '' display 'the panel does not answer'
    talk 0 'display turn 90' '' display '320 x 240 pixels, turned by 90'
    talk 0 'display fault stuck\ndisplay toast hello' '' services 'display *RUNNING *1 *1'
    shell 1 'usage: display' 'display brightness 0\n'
    talk 0 apps 'hello *[0-9.]* *RUNNING' 'app pause hello' '' apps 'hello *[0-9.]* *PAUSED'
}

check_picture()
{
    picture=$output.png
    for arguments in "" "--app launcher --after 500"; do
        # shellcheck disable=SC2086 # a list of arguments
        expect 0 '' --seed 1 --picture "$picture" $arguments
        [ "$(head -c 4 "$picture" | tail -c 3)" = PNG ]
        verdict 'it is a PNG file' $?
    done
    cp "$picture" "$output.2"
    expect 0 '' --seed 1 --picture "$picture" --app launcher --after 500
    cmp "$picture" "$output.2"
    verdict 'the same seed, the same picture' $?
    rm -f "$picture"
    printf 'display brightness 20\n' | "$program" --seed 1 --shell --picture "$picture" >"$output" 2>&1
    [ -s "$picture" ] && ! cmp -s "$picture" "$output.2"
    verdict 'a picture after commands: darker' $?
    expect 1 'ESP_ERR_APP_NOT_FOUND' --seed 1 --picture "$picture" --app nobody
    expect 1 'No such file or directory' --seed 1 --picture "$output.none/x.png" --after 100
    rm -f "$picture"
}

check_reboot()
{
    # What follows the reboot is executed by the system that came up again.
    shell 0 'demo.sensor *RUNNING' 'reboot\nservices\n'
    [ "$(grep -c 'main: ready' "$output")" -eq 2 ]
    verdict 'it booted twice' $?
}

case $part in
arguments) check_arguments ;;
demo_sim) check_demo_sim ;;
demo_threads) check_demo_threads ;;
shell) check_shell ;;
reboot) check_reboot ;;
picture) check_picture ;;
*)
    echo "no such part: $part"
    exit 2
    ;;
esac
exit $((failures != 0))
