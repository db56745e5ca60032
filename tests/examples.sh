#!/bin/sh
# tests/examples.sh BUILD_DIR [CASE...]: runs the examples on this machine alone, and compares what
# they say. NW0_RUN is put before every program (NW0_RUN='valgrind -q'). The cases run side by side,
# each on a port of its own. The last line is "examples: N passed, N failed".

CASES='hello hello_waits hello_alone chat chat_goodbye chat_taken chat_separator cluster usage short readme'
SELF=$0
ROOT=$(cd "$(dirname "$0")/.." && pwd)
export NW0_NETWORK='127.*'

# ------------------------------------------------------------------------- what the cases use

# start NAME PROGRAM ARGUMENTS...: in the background, its output in NAME.out
start() {
    name=$1 program=$2
    shift 2
    $NW0_RUN "$EXAMPLES/$program" "$@" >"$name.out" 2>&1 &
    eval "pid_$name=$!"
    pids="$pids $!"
}

# shows NAME WORDS: waits until the output of NAME has these words
shows() {
    tries=0
    until grep -qs -e "$2" "$1.out"; do
        tries=$((tries + 1))
        if [ $tries -gt 600 ]; then
            echo "$1 did not say '$2' within 30 s; it said:"
            cat "$1.out"
            exit 1
        fi
        sleep 0.05
    done
}

# ends NAME STATUS: waits for it; 137 is killed by SIGKILL, 143 by SIGTERM
ends() {
    eval "pid=\$pid_$1"
    wait "$pid" 2>/dev/null # without the shell's own words about how it ended
    status=$?
    pids=$(echo " $pids " | sed "s/ $pid / /")
    if [ $status -gt 128 ]; then # what it had then, valgrind calls lost
        sed '/^==[0-9]*==/d' "$1.out" >"$1.kept" && mv "$1.kept" "$1.out"
    fi
    [ $status -eq "$2" ] && return
    echo "$1 ended with status $status, not $2; it said:"
    cat "$1.out"
    exit 1
}

# stop NAME STATUS: asks it to end, as kill does, and waits for it
stop() {
    eval "kill -TERM \$pid_$1"
    ends "$1" "$2"
}

# said NAME [FILTER]: the output of NAME is what is in stdin; addresses and ports stand as ADDRESS
said() {
    sed -E 's/127\.0\.0\.1:[0-9]+/ADDRESS/g' "$1.out" | ${2:-cat} >"$1.said"
    cat >"$1.expected"
    diff "$1.expected" "$1.said" >"$1.diff" && return
    echo "$1 should say (<), but says (>):"
    cat "$1.diff"
    exit 1
}

# said_only NAME LINE
said_only() {
    said "$1" <<-END
	$2
	END
}

# ------------------------------------------------------------------------- the cases

case_hello() {
    start server hello_server
    shows server waiting
    start ada hello_client Ada
    ends ada 0
    start somebody hello_client
    ends somebody 0
    said_only ada 'Hello, Ada!'
    said_only somebody 'Hello, world!'
    stop server 143
    said server <<-END
	waiting at ADDRESS
	Ada is here
	world is here
	END
}

# the client is there first, and waits for the server
case_hello_waits() {
    start client hello_client Ada
    sleep 0.5
    start server hello_server
    ends client 0
    said_only client 'Hello, Ada!'
    stop server 143
}

# without a server the client says what is wrong
case_hello_alone() {
    start client hello_client
    ends client 1
    shows client 'hello'
    [ "$(wc -l <client.out)" -eq 1 ] && [ "$(wc -c <client.out)" -gt 30 ] && return
    echo "this is not one sentence that helps:"
    cat client.out
    exit 1
}

case_chat() {
    start who0 chat_who
    ends who0 0
    said_only who0 'nobody is in the chat'
    start bob chat_join bob
    start alice chat_join alice
    shows alice 'is at'
    shows bob 'is at'
    said_only alice 'chat/alice is at ADDRESS'
    start who1 chat_who
    ends who1 0
    said who1 <<-END
	alice is at ADDRESS
	bob is at ADDRESS
	END
    # the addresses, too, are those that alice and bob have
    cat alice.out bob.out | sed 's/^chat.//' | diff - who1.out || exit 1
    stop alice 0
    start who2 chat_who
    ends who2 0
    said_only who2 'bob is at ADDRESS'
    stop bob 0
}

# who leaves says goodbye, so that the others need not miss it first
case_chat_goodbye() {
    export NW0_DEBUG=1
    start bob chat_join bob
    shows bob 'bob is at'
    start alice chat_join alice
    shows bob 'joined: "chat/alice"'
    stop alice 0
    shows bob 'left: "chat/alice"'
    grep -q 'left: "chat/alice": it said goodbye' bob.out || {
        grep 'left: "chat/alice"' bob.out
        exit 1
    }
    stop bob 0
}

# a name has one holder
case_chat_taken() {
    start alice chat_join alice
    shows alice 'is at'
    start other chat_join alice
    ends other 1
    shows other "$(sed 's/.* is at //' alice.out)" # the sentence says who has it
    stop alice 0
}

# the separator is part of the group's name
case_chat_separator() {
    start alice chat_join alice :
    start bob chat_join bob :
    start doug chat_join doug :
    start carol chat_join carol /
    for each in alice bob doug carol; do shows $each 'is at'; done
    start colon chat_who :
    start slash chat_who
    ends colon 0
    ends slash 0
    said colon <<-END
	alice is at ADDRESS
	bob is at ADDRESS
	doug is at ADDRESS
	END
    said_only slash 'carol is at ADDRESS'
    for each in alice bob doug carol; do stop $each 0; done
}

case_cluster() {
    start A cluster_node A --fail
    start B cluster_node B
    shows A 'is ready'
    shows B 'is ready'
    start master cluster_master
    shows master 'A answers'
    start C cluster_node C --delay 1
    ends A 137
    ends B 0
    ends C 0
    ends master 0
    # C may join before A is missed, or after
    said master sort <<-END
	A answers: work: done
	A has left
	A is here
	B answers: stop: done
	B is here
	C answers: stop: done
	C has joined
	END
    tail -n 2 master.out >stops.out # it tells nobody to stop before it knows who is there
    said stops <<-END
	B answers: stop: done
	C answers: stop: done
	END
    said A <<-END
	A is ready at ADDRESS
	A was told: work
	END
    said B <<-END
	B is ready at ADDRESS
	B was told: stop
	B stops
	END
}

# called wrongly, they say how to call them, and end with 2
case_usage() {
    start join chat_join
    ends join 2
    said_only join 'usage: chat_join NAME [SEPARATOR]'
    for arguments in '' '--fail' 'A --delay' 'A --nonsense'; do
        start node cluster_node $arguments
        ends node 2
        said_only node 'usage: cluster_node NAME [--delay S] [--fail]'
    done
}

# the smallest pair stays small: 20 lines each
case_short() {
    for each in hello_server hello_client; do
        lines=$(wc -l <"$ROOT/examples/$each.c")
        [ "$lines" -le 20 ] || {
            echo "$each.c has $lines lines"
            exit 1
        }
    done
}

# what the README shows is what is in the files
case_readme() {
    awk '/^```c$/ { n++; inside = 1; next } /^```$/ { inside = 0 } inside { print >("program" n) }' "$ROOT/README.md"
    diff program1 "$ROOT/examples/hello_server.c" && diff program2 "$ROOT/examples/hello_client.c" || exit 1
}

# ------------------------------------------------------------------------- running them

if [ "$1" = --case ]; then # from below: --case NAME NUMBER
    EXAMPLES=$PWD/examples
    export NW0_PORT=$((10000 + PARENT % 1000 * 15 + $3))
    mkdir -p "examples-log/$2" && cd "examples-log/$2" || exit 1
    pids=
    trap '[ -z "$pids" ] || kill -KILL $pids 2>/dev/null' EXIT
    "case_$2"
    exit
fi

[ -d "$1/examples" ] || {
    echo "usage: tests/examples.sh BUILD_DIR [CASE...], with the examples built in BUILD_DIR/examples" >&2
    echo "examples: 0 passed, 1 failed"
    exit 2
}
case $SELF in /*) ;; *) SELF=$PWD/$SELF ;; esac
cd "$1" && rm -rf examples-log && mkdir examples-log || exit 1
shift
export PARENT=$$
number=0
for each in ${*:-$CASES}; do
    number=$((number + 1))
    {
        if timeout 120 "$SELF" --case "$each" $number >"examples-log/$each.log" 2>&1; then
            echo "ok $each"
        else
            echo "FAILED $each"
            sed 's/^/    /' "examples-log/$each.log"
        fi >"examples-log/$each.result"
        cat "examples-log/$each.result"
    } &
done
wait
passed=$(cat examples-log/*.result | grep -c '^ok ')
failed=$((number - passed))
echo "examples: $passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
