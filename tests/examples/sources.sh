# sources.sh - cases of examples.sh: what the programs and their texts look like

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
