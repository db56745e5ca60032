#!/bin/sh
# tests/examples.sh BUILD_DIR [CASE...]: runs the examples on this machine alone, and compares what
# they say. A case is a function in a file of examples/ beside this. Several run side by side, each on
# a port of its own. NW0_RUN is put before every program (NW0_RUN='valgrind -q'). The last line is
# "examples: N passed, N failed" (", N skipped").

CASES='cluster chat_room chat_room_many chat_room_terminal chat_room_taken hello hello_waits hello_alone
    chat chat_goodbye chat_taken chat_separator advertise advertise_wrong discover discover_all message
    message_hung_up command news news_topic movement data data_wrong poll anagram usage short warnings readme
    manual_pages'
SELF=$0
ROOT=$(cd "$(dirname "$0")/.." && pwd)
export NW0_NETWORK='127.*'
for each in "$ROOT"/tests/examples/*.sh; do . "$each"; done

if [ "$1" = --case ]; then # from below: --case NAME NUMBER
    EXAMPLES=$PWD/examples
    export NW0_PORT=$((10000 + PARENT % 350 * 40 + $3))
    mkdir -p "$CASES_LOG/$2" && cd "$CASES_LOG/$2" || exit 1
    pids=
    trap '[ -z "$pids" ] || kill -KILL $pids 2>/dev/null' EXIT
    trap 'exit 1' INT TERM HUP
    "case_$2"
    exit
fi

if [ "$1" = --watch ]; then # from below, in BUILD_DIR: --watch NAME NUMBER; runs it, and says how it went
    log=$CASES_LOG/$2.log
    timeout 120 "$SELF" --case "$2" "$3" >"$log" 2>&1 &
    trap 'kill $!; exit 1' INT TERM HUP # timeout keeps its case in a group of its own
    wait $!
    case $? in
    0) echo "ok $2" && rm -rf "$CASES_LOG/$2" ;; # some of them are large
    77) echo "skipped: $2: $(tail -n 1 "$log")" ;;
    124) echo "FAILED $2: it took longer than 120 s" && sed 's/^/    /' "$log" ;;
    *) echo "FAILED $2" && sed 's/^/    /' "$log" ;;
    esac >"$CASES_LOG/$2.result"
    cat "$CASES_LOG/$2.result"
    exit 0
fi

[ -d "$1/examples" ] || {
    echo "usage: tests/examples.sh BUILD_DIR [CASE...], with the examples built in BUILD_DIR/examples" >&2
    echo "examples: 0 passed, 1 failed"
    exit 2
}
case $SELF in /*) ;; *) SELF=$PWD/$SELF ;; esac
cd "$1" || exit 1
export CASES_LOG="${TESTS_LOG:-log}/examples-log" # in the folder of the run, if tests/run has made one
rm -rf "$CASES_LOG" && mkdir -p "$CASES_LOG" || exit 1
shift
export PARENT=$$
number=0
for each in ${*:-$CASES}; do
    number=$((number + 1))
    echo "$each $number"
done >"$CASES_LOG/cases"
# most of them wait most of the time; under valgrind they work
xargs -n 2 -P "$([ -z "$NW0_RUN" ] && echo 10 || echo 4)" "$SELF" --watch <"$CASES_LOG/cases"
number=$(wc -l <"$CASES_LOG/cases")
passed=$(cat "$CASES_LOG"/*.result | grep -c '^ok ')
skipped=$(cat "$CASES_LOG"/*.result | grep -c '^skipped: ')
failed=$((number - passed - skipped)) # a case that said nothing has failed, too
echo "examples: $passed passed, $failed failed$([ $skipped -eq 0 ] || echo ", $skipped skipped")"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
