#!/bin/sh
# tests/examples.sh BUILD_DIR [CASE...]: runs the examples on this machine alone, and compares what
# they say. NW0_RUN is put before every program (NW0_RUN='valgrind -q'). Several cases run side by
# side, each on a port of its own. The last line is "examples: N passed, N failed" (", N skipped").

CASES='cluster chat_room chat_room_many chat_room_terminal chat_room_taken hello hello_waits hello_alone
    chat chat_goodbye chat_taken chat_separator advertise advertise_wrong discover discover_all message
    message_hung_up command news news_topic movement data data_wrong poll anagram usage short warnings readme
    manual_pages'
SELF=$0
ROOT=$(cd "$(dirname "$0")/.." && pwd)
export NW0_NETWORK='127.*'

# ------------------------------------------------------------------------- what the cases use

# start NAME PROGRAM ARGUMENTS...: in the background, its output in NAME.out
start() {
    name=$1 program=$2
    shift 2
    run "$name" $NW0_RUN "$EXAMPLES/$program" "$@"
}

# run NAME COMMAND...: the same with any command. It reads NAME.keys if there is one; the other ends
# of all keyboards are closed for it, or it would keep them open
run() {
    name=$1 keys=/dev/null
    shift
    [ -e "$name.keys" ] && keys=$name.keys
    "$@" <"$keys" >"$name.out" 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- &
    eval "pid_$name=$!"
    pids="$pids $!"
}

# keyboard NAME N: NAME, which is started after this, has a keyboard: descriptor N, from 3 to 8
keyboard() {
    mkfifo "$1.keys"
    eval "exec $2<>$1.keys; key_$1=$2"
}

# types NAME TEXT: as printf has it, '\n' being Enter
types() {
    eval "printf '$2' >&\$key_$1"
}

# types_end NAME: no more will come from this keyboard
types_end() {
    eval "eval \"exec \$key_$1>&-\""
}

# shows NAME WORDS [COUNT]: waits until the output of NAME has these words, in COUNT lines
shows() {
    tries=0
    until lines=$(grep -s -c -e "$2" "$1.out"); [ "${lines:-0}" -ge "${3:-1}" ]; do
        tries=$((tries + 1))
        if [ $tries -gt 600 ]; then
            echo "$1 did not say '$2'${3:+ $3 times} within 30 s; it said:"
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

# says_nothing NAME
says_nothing() {
    [ ! -s "$1.out" ] && return
    echo "$1 should say nothing, but says:"
    cat "$1.out"
    exit 1
}

# helps NAME WORDS: it says one sentence, longer than a word or two, and these words are in it
helps() {
    [ "$(wc -l <"$1.out")" -eq 1 ] && [ "$(wc -c <"$1.out")" -gt 30 ] && grep -q -e "$2" "$1.out" && return
    echo "this is not one sentence that helps, with '$2' in it:"
    cat "$1.out"
    exit 1
}

# within NAME OTHER: the lines of the file NAME are, without a gap, some of those of the file OTHER
within() {
    line='
'
    case $line$(cat "$2")$line in *"$line$(cat "$1")$line"*) return ;; esac
    echo "the lines of $1 do not follow each other in $2:"
    diff "$1" "$2"
    exit 1
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
    helps client 'hello'
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

# each form of an address; and others find just what was said here
case_advertise() {
    keyboard any 3
    keyboard rest 4
    start any advertise any
    ln rest.keys ip.keys && start ip advertise ip 127.0.0.1
    ln rest.keys port.keys && start port advertise port 4321
    ln rest.keys both.keys && start both advertise both 127.0.0.1:4322
    ln rest.keys pattern.keys && start pattern advertise pattern '127.*'
    ln rest.keys pattern_port.keys && start pattern_port advertise pattern_port '127.*:4323'
    for each in any ip port both pattern pattern_port; do
        shows $each 'until you press Enter'
        start found_$each discover $each 10
    done
    for each in any ip port both pattern pattern_port; do
        ends found_$each 0
        said_only $each "$each is at ADDRESS until you press Enter"
        sed 's/ until .*//' $each.out | diff - found_$each.out || exit 1
    done
    cat found_port.out found_both.out found_pattern_port.out >ports
    diff - ports <<-END || exit 1
	port is at 127.0.0.1:4321
	both is at 127.0.0.1:4322
	pattern_port is at 127.0.0.1:4323
	END
    # Enter ends one, and the end of the keyboard the others; then nobody answers for them
    types any '\n'
    ends any 0
    types_end rest
    for each in ip port both pattern pattern_port; do ends $each 0; done
    start gone discover any 0.3
    ends gone 1
    helps gone '"any"'
}

case_advertise_wrong() {
    start elsewhere advertise printer '203.0.113.*'
    start nonsense advertise printer '300.1.2.3.4:x'
    start question advertise '?printer'
    ends elsewhere 1
    ends nonsense 1
    ends question 1
    helps elsewhere '203\.0\.113\.\*'
    helps nonsense '300\.1\.2\.3\.4:x'
    helps question '?printer'
}

# the one who looks is there first; its first question has left before the service comes
case_discover() {
    keyboard printer 3
    NW0_DEBUG=1 start finder discover printer
    shows finder '"?printer"'
    start printer advertise printer
    ends finder 0
    shows printer 'is at'
    tail -n 1 finder.out >last.out
    sed 's/ until .*//' printer.out | diff - last.out || exit 1
    start other discover Printer 0.3 # capitals count
    ends other 1
    helps other '"Printer"'
}

case_discover_all() {
    start none discover_all
    keyboard zebra 3
    keyboard ape 4
    ends none 0
    said_only none 'there is no service'
    start zebra advertise zebra
    start ape advertise group/ape
    shows zebra 'is at'
    shows ape 'is at'
    start all discover_all
    ends all 0
    cat ape.out zebra.out | sed 's/ until .*//' | diff - all.out || exit 1
}

# an answer that is late belongs to its question; the answerer is asked again after that
case_message() {
    keyboard answerer 3
    start answerer message_answer
    shows answerer 'waiting for questions'
    start first message_ask 'What time is it?'
    shows answerer 'What time'
    shows first 'no answer yet'
    types answerer 'Tea time\n'
    ends first 0
    start second message_ask 'And now?'
    types answerer '\n'
    ends second 0
    said answerer <<-END
	waiting for questions at ADDRESS
	What time is it?
	And now?
	END
    sed -i '/no answer yet/d' second.out # it depends
    sed '$d' first.out | uniq >waited.out
    tail -n 1 first.out >answer.out
    said_only waited 'no answer yet'
    said_only answer 'the answer: Tea time'
    said_only second 'the answer: '
    stop answerer 143
}

# the answerer leaves the room with a question open: the asker does not wait for ever
case_message_hung_up() {
    keyboard answerer 3
    start answerer message_answer
    start asker message_ask 'Are you there?'
    shows answerer 'Are you there?'
    types_end answerer
    ends answerer 0
    ends asker 1
    sed -i '/no answer yet/d' asker.out
    helps asker 'message_ask: '
}

case_command() {
    start robot command_robot
    start sender command_send 'forward 10' 'forward -3' 'say "good  morning"' fly 'say "open' '' 'forward 1'
    ends sender 0
    says_nothing sender
    start stopper command_send stop
    ends stopper 0
    ends robot 0
    said robot <<-END
	ready at ADDRESS
	I am at 10
	I am at 7
	I say: good  morning
	I do not know how to do that
	I do not know how to do that
	I do not know how to do that
	I am at 8
	I stop
	END
}

# the station does not care who reads; the readers get all, in its order, without a gap
case_news() {
    start station news_station
    shows station '^humidity: [0-9]* (to 0)'
    start reader1 news_reader
    start reader2 news_reader
    for each in reader1 reader2; do
        shows $each '^temperature: ' 2
        shows $each '^humidity: ' 2
        stop $each 143
    done
    stop station 143
    sed 's/ (to [0-2])$//' station.out >published
    within reader1.out published
    within reader2.out published
    grep -vE '^(temperature: -?[0-9]+\.[0-9]|humidity: [0-9]+)$' published && exit 1
    grep -q '(to 2)' station.out
}

# each topic has its own readers; a reader may be there before the station
case_news_topic() {
    NW0_DEBUG=1 start early news_reader humidity
    shows early '"?weather"'
    start station news_station
    start warm news_reader temp
    shows warm '^temperature: ' 2
    shows early '^humidity: ' 2
    stop warm 143
    stop early 143
    stop station 143
    sed -i '/^nw0: /d' early.out
    sed 's/ (to [0-2])$//' station.out >published
    grep '^temperature' published >temperatures
    grep '^humidity' published >humidities
    within warm.out temperatures
    within early.out humidities
}

case_movement() {
    start lonely movement_watch
    ends lonely 1
    helps lonely 'start a movement_sensor'
    keyboard kitchen 3
    keyboard cellar 4
    keyboard attic 5
    for each in kitchen cellar attic; do
        start $each movement_sensor $each
        shows $each 'waits until somebody watches'
    done
    start watch movement_watch
    for each in kitchen cellar attic; do shows $each 'somebody watches: '; done
    types kitchen '\n'
    shows watch 'in the kitchen'
    types attic '\n\n'
    shows watch 'in the attic' 2
    types_end attic # one of them ends: the others are still heard
    ends attic 0
    types cellar 'a cat\n'
    shows watch 'in the cellar'
    types kitchen '\n'
    shows watch 'in the kitchen' 2
    stop watch 143
    said watch <<-END
	watching movement/attic
	watching movement/cellar
	watching movement/kitchen
	movement in the kitchen
	movement in the attic
	movement in the attic
	movement in the cellar
	movement in the kitchen
	END
    said kitchen <<-END
	movement/kitchen is at ADDRESS, and waits until somebody watches
	somebody watches: Enter is a movement
	END
}

# files arrive byte for byte: several megabytes of anything, none at all, and the most there can be
case_data() {
    mkdir sent kept
    head -c 5000000 /dev/urandom >sent/photo.bin
    : >sent/empty
    printf 'one\r\ntwo\0three' >'sent/a name with spaces'
    head -c 15999988 /dev/zero >sent/full.bytes
    start receiver data_receive kept
    number=0
    for each in sent/*; do
        number=$((number + 1))
        start sender$number data_send "$each"
        ends sender$number 0
        said_only sender$number "kept: ${each#sent/}"
    done
    diff -r sent kept || exit 1
    [ $number -eq 4 ] || exit 1
    stop receiver 143
}

# what could not be sent, and what the receiver does not want
case_data_wrong() {
    mkdir kept
    echo secret >.profile
    head -c 15999994 /dev/zero >large
    start receiver data_receive kept
    start hidden data_send .profile
    ends hidden 0
    said_only hidden 'not kept: .profile'
    start large data_send "$PWD/large"
    ends large 1
    helps large 'too large'
    start missing data_send kept/nothing
    ends missing 1
    helps missing 'kept/nothing: '
    stop receiver 143
    [ -z "$(ls -A kept)" ] || exit 1
}

# it counts while nobody asks (more than its one step for each question), and its answers are right
case_poll() {
    start primes poll_primes
    for each in 1 2 3 4; do
        start ask$each poll_ask
        ends ask$each 0
    done
    stop primes 143
    says_nothing primes
    cat ask?.out >answers
    awk '$0 !~ /^[0-9]+ primes up to [0-9]+$/ { print "what is this? " $0; exit 1 }
        { n[NR] = $1; upto[NR] = $5 }
        END {
            if (upto[4] - upto[1] <= 300) { print "it waited for the questions"; exit 1 }
            for (i = 2; i <= upto[4]; i++) {
                if (!sieve[i]) {
                    found++
                    for (j = i * i; j <= upto[4]; j += i) sieve[j] = 1
                }
                for (k = 1; k <= 4; k++)
                    if (i == upto[k] && n[k] != found) { print n[k], "up to", i, "not", found; exit 1 }
            }
        }' answers || exit 1
}

case_anagram() {
    start lost anagram_server nothing.txt
    ends lost 1
    helps lost 'nothing.txt: '
    printf 'silent\nTEA\nxyz\n\nsnileT\nsilen\nbadroe\nearths\nder' >client.keys
    printf 'vile\n' >other.keys
    start server anagram_server "$ROOT/examples/anagram_words.txt"
    start client anagram_client
    start other anagram_client
    ends client 0
    ends other 0
    stop server 143
    said client <<-END
	enlist inlets listen silent tinsel
	tea
	nothing found
	nothing found
	enlist inlets listen silent tinsel
	nothing found
	nothing found
	nothing found
	nothing found
	END
    said_only other 'evil live vile'
}

# people come, talk, leave, and one of them crashes
case_chat_room() {
    keyboard alice 3
    keyboard bob 4
    keyboard carol 5
    start alice chat_room alice
    shows alice 'alice is you'
    start bob chat_room bob
    shows alice 'bob has joined'
    types alice 'hello bob\n\n' # at once: bob need not listen yet
    shows bob 'bob is you'
    shows bob 'alice: hello bob'
    types bob 'one\ntwo\nth'
    shows alice 'bob: two'
    start carol chat_room carol
    shows alice 'carol has joined'
    shows bob 'carol has joined'
    types carol 'a tab\t%%d \033[31mred\n'
    shows alice 'carol: '
    shows bob 'carol: '
    types bob 'ree, and bye' # no Enter
    types_end bob
    ends bob 0
    shows alice 'bob has left'
    shows carol 'bob has left'
    eval "kill -KILL \$pid_carol"
    ends carol 137
    shows alice 'carol has left'
    types alice 'anybody?\n'
    types_end alice
    ends alice 0
    said alice <<-END
	alice is you; type something
	bob has joined
	bob: one
	bob: two
	carol has joined
	carol: a tab?%d ?[31mred
	bob: three, and bye
	bob has left
	carol has left
	END
    said bob <<-END
	alice is here
	bob is you; type something
	alice: hello bob
	carol has joined
	carol: a tab?%d ?[31mred
	END
    said carol <<-END
	alice is here
	bob is here
	carol is you; type something
	bob: three, and bye
	bob has left
	END
}

# six come at once, and all speak at once: each hears the five others, once
case_chat_room_many() {
    descriptor=3
    for each in a b c d e f; do
        keyboard $each $descriptor
        descriptor=$((descriptor + 1))
        start $each chat_room $each
    done
    for each in a b c d e f; do shows $each 'is here$\|has joined$' 5; done
    for each in a b c d e f; do types $each "I am $each\n"; done
    for each in a b c d e f; do shows $each ': I am' 5; done
    for each in a b c d e f; do
        types_end $each
        ends $each 0
        grep ': I am' $each.out | sort >$each.heard
        for other in a b c d e f; do
            [ $other = $each ] || echo "$other: I am $other"
        done | diff - $each.heard || exit 1
    done
    said f sort <<-END
	a has left
	a is here
	a: I am a
	b has left
	b is here
	b: I am b
	c has left
	c is here
	c: I am c
	d has left
	d is here
	d: I am d
	e has left
	e is here
	e: I am e
	f is you; type something
	END
}

# at a terminal: Ctrl-C leaves with a goodbye, and so does Ctrl-D in an empty line
case_chat_room_terminal() {
    command -v script >/dev/null || {
        echo 'there is no program "script" here'
        exit 77
    }
    keyboard alice 3
    keyboard bob 4
    keyboard carol 5
    export NW0_DEBUG=1
    start alice chat_room alice
    shows alice 'alice is you'
    unset NW0_DEBUG
    run bob script -qec "$NW0_RUN $EXAMPLES/chat_room bob" /dev/null
    run carol script -qec "$NW0_RUN $EXAMPLES/chat_room carol" /dev/null
    shows bob 'bob is you'
    shows bob 'carol '
    shows carol 'carol is you'
    types bob 'hellp\177o\n' # the terminal keeps the line until Enter, and takes a letter back
    shows alice '^bob: hello$'
    types alice 'hello yourself\n'
    shows bob '^alice: hello yourself.$' # the carriage return that terminals need
    types carol 'wait\004' # Ctrl-D in a line: the line is read, and goes on
    types carol ' for me\n\004'
    shows alice '^carol: wait for me$'
    shows alice 'left: "room/carol": it said goodbye'
    ends carol 0
    types bob '\003'
    shows alice 'left: "room/bob": it said goodbye'
    ends bob 0
    stop alice 0
}

case_chat_room_taken() {
    keyboard alice 3
    start alice chat_room alice
    shows alice 'alice is you'
    start other chat_room alice
    ends other 1
    helps other 'room/alice'
    stop alice 0
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
    while read -r program arguments; do
        start $program $program
        ends $program 2
        said_only $program "usage: $program $arguments"
    done <<-END
	advertise NAME [ADDRESS]
	discover NAME [SECONDS]
	message_ask QUESTION
	command_send COMMAND...
	movement_sensor ROOM
	data_send FILE
	data_receive DIRECTORY
	anagram_server WORDS
	chat_room NAME
	END
}

# they stay small: at most so many lines each; and the first ones say how to build and run them
case_short() {
    while read -r lines programs; do
        for each in $programs; do
            file=$ROOT/examples/$each.c
            [ "$(wc -l <"$file")" -le "$lines" ] || {
                echo "$each.c has more than $lines lines"
                exit 1
            }
            head -n 1 "$file" | grep -q "^/\* $each\b" && grep -q "cc -I. examples/$each.c -o $each -pthread" "$file" || {
                echo "$each.c does not say what it is and how to build it"
                exit 1
            }
        done
    done <<-END
	20 hello_server hello_client
	40 chat_join chat_who advertise discover discover_all message_ask message_answer
	40 command_send command_robot news_station news_reader movement_sensor movement_watch
	40 data_send data_receive poll_ask poll_primes anagram_client anagram_server
	120 chat_room
	END
}

# no compiler that is here has a doubt about them, as C and as C++. The library itself, which takes
# long and has tests of its own, is left out where it is not looked into
case_warnings() {
    for each in "$ROOT"/examples/*.c; do
        if grep -q 'nw0__' "$each"; then
            cp "$each" .
        else
            sed -E 's/^#define NW0_(IMPLEMENTATION|STATIC).*$//' "$each" >"$(basename "$each")"
        fi
    done
    for compiler in 'gcc -std=gnu11' 'clang -std=gnu11' 'g++ -x c++ -std=c++11' 'clang++ -x c++ -std=c++11'; do
        command -v ${compiler%% *} >/dev/null || continue
        $compiler -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -fsyntax-only -I"$ROOT" ./*.c || exit 1
    done
}

# what the README shows is what is in the files
case_readme() {
    awk '/^```c$/ { n++; inside = 1; next } /^```$/ { inside = 0 } inside { print >("program" n) }' "$ROOT/README.md"
    diff program1 "$ROOT/examples/hello_server.c" && diff program2 "$ROOT/examples/hello_client.c" || exit 1
}

# the manual pages are as the tools that read them want them
case_manual_pages() {
    if command -v mandoc >/dev/null; then
        lint='mandoc -T lint -W warning'
    elif command -v groff >/dev/null; then
        lint='groff -ww -mdoc -T utf8 -z'
    else
        echo 'neither mandoc nor groff is here to look at the manual pages'
        exit 77
    fi
    for each in nw0.1 nw0.h.3; do
        doubts=$($lint "$ROOT/examples/$each" 2>&1)
        [ -z "$doubts" ] || {
            echo "what ${lint%% *} says of $each:"
            echo "$doubts"
            exit 1
        }
    done
}

# ------------------------------------------------------------------------- running them

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
