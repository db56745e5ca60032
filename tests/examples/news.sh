# news.sh - cases of examples.sh: news, and the event loop beside a keyboard

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
