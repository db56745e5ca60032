# words.sh - what the cases of examples.sh are written with: a program starts, shows, ends, said ...

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
