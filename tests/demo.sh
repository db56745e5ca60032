#!/bin/sh
# tests/demo.sh BUILD_DIR: hello and the cluster on this machine alone, for people to look at.
# Every line has the name of the program that said it before it. Ends with 0 if all went well.

EXAMPLES=$1/examples
[ -x "$EXAMPLES/hello_server" ] || {
    echo "usage: tests/demo.sh BUILD_DIR, with the examples built in BUILD_DIR/examples" >&2
    exit 2
}
export NW0_NETWORK='127.*' NW0_PORT=$((29000 + $$ % 900)) # nobody else hears this demonstration
DIR=$(mktemp -d) || exit 1
pids=
trap '[ -z "$pids" ] || kill -KILL $pids 2>/dev/null; rm -rf "$DIR"' EXIT
trap 'exit 1' INT TERM HUP # what runs in the background does not hear Ctrl-C

# start LABEL PROGRAM ARGUMENTS...: in the background; what it says is shown, and kept in DIR
start() {
    label=$1 program=$2
    shift 2
    mkfifo "$DIR/$label.pipe"
    : >"$DIR/$label"
    while IFS= read -r line; do
        printf '  %-14s | %s\n' "$label" "$line"
        printf '%s\n' "$line" >>"$DIR/$label"
    done <"$DIR/$label.pipe" &
    eval "reader_$label=$!"
    "$EXAMPLES/$program" "$@" >"$DIR/$label.pipe" 2>&1 &
    eval "pid_$label=$!"
    pids="$pids $!"
}

# shows LABEL WORDS: waits until it has said these words
shows() {
    tries=0
    until grep -q "$2" "$DIR/$1"; do
        tries=$((tries + 1))
        [ $tries -lt 300 ] || fail "$1 did not say '$2' within 15 seconds"
        sleep 0.05
    done
}

# ends LABEL STATUS: waits until it ends, and all that it said has been shown
ends() {
    eval "wait \$pid_$1" 2>/dev/null # without the shell's own words about how it ended
    status=$?
    eval "wait \$reader_$1"
    eval "pids=\$(echo \" \$pids \" | sed \"s/ \$pid_$1 / /\")"
    [ $status -eq "$2" ] || fail "$1 ended with status $status, not $2"
}

fail() {
    echo
    echo "This did not go well: $1."
    echo "Run it again with NW0_DEBUG=1 before it to see all that the programs send and hear."
    exit 1
}

echo "hello: a client finds a server by its name, and gets an answer. Nobody told it an address."
start hello_server hello_server
shows hello_server waiting
start hello_client hello_client Ada
ends hello_client 0
shows hello_client 'Hello, Ada!'
shows hello_server 'Ada is here'
kill "$pid_hello_server"
ends hello_server 143

echo
echo "cluster: a master gives commands to its nodes. A crashes after its first one, C comes late."
start node_A cluster_node A --fail
start node_B cluster_node B
shows node_A ready
shows node_B ready
start master cluster_master
shows master 'A answers'
start node_C cluster_node C --delay 2
ends node_A 137
ends node_B 0
ends node_C 0
ends master 0
shows master 'A has left'
shows master 'C has joined'

echo
echo "All went well. On several machines of one network it is the same: start each program on its own."
