# messages.sh - scenarios with several hosts: messages, and what becomes of them when one of the two
# breaks down.
# See `run`, which explains what they use: host, agent, await and the others.

cluster() {
    [ -x "$examples/cluster_node" ] && [ -x "$examples/cluster_master" ] ||
        skip "examples/cluster_* are not built"
    four_hosts
    start A h1 "$examples/cluster_node" A --fail
    start B h2 "$examples/cluster_node" B
    start C h3 "$examples/cluster_node" C --delay 4
    start master h4 "$examples/cluster_master"
    ended master 40
    await master 'A.*left'
    await master 'C.*joined'
    never master '[BC].*left'
    ended A
    ended B
    ended C
    never A 'stops' # it broke down instead
    await B 'stops'
    await C 'stops'
}

messages() {
    host h1 10.77.0.1/24 lan
    host h2 10.77.0.2/24 lan

    # a server that starts late is waited for
    agent early h2 "ask 10.77.0.1:5001 hello 20"
    await early asking
    sleep 1.5
    agent late h1 "advertise late 10.77.0.1:5001" "serve"
    await early 'reply 5 hello' 20

    # nobody comes
    line=$(once h2 "ask 10.77.0.1:5009 hello 1") && fail "nobody answered: $line"
    [[ $line == *ETIMEDOUT* ]] || fail "nobody is there: $line"

    # a server that dies before it answers
    agent taker h1 "advertise taker -" "take"
    agent waiting h2 "ask =taker hello forever"
    await taker 'took 5'
    crash taker
    await waiting 'failed ask ECONNRESET' 10
    below 1000 "$(ms "$time" "$line")" "a dead server is noticed, ms"
    details="a dead server is noticed after $(ms "$time" "$line") ms"

    # and one that dies in the middle of a long question
    agent reader h1 "advertise reader -"
    agent writing h2 "send =reader 16777215 forever"
    await writing asking
    sleep 0.5 # its buffers are full by now, and nobody reads
    never writing 'reply|failed'
    crash reader
    await writing failed
    [[ $line == *' failed send ECONNRESET'* ]] || fail "it died during the question: $line"
    below 1000 "$(ms "$time" "$line")" "a server dead in the middle of a question is noticed, ms"

    # one that restarts between two messages: no error
    agent run1 h1 "advertise again 10.77.0.1:5002" "serve"
    agent client h2 "ask =again one 10"
    await client 'reply 3 one'
    crash run1
    agent run2 h1 "advertise again 10.77.0.1:5002" "serve"
    await run2 serving
    tell client "ask 10.77.0.1:5002 second 10"
    await client 'reply 6 second|failed ask'
    [[ $line == *' reply 6'* ]] || fail "after a restart: $line"

    # the longest message, there and back
    line=$(once h2 "send 10.77.0.1:5002 16777215 20") || fail "16 MiB: $line"
    line=$(tail -n 1 <<<"$line")
    [[ $line == *'reply 16777215'* ]] || fail "16 MiB: $line"
    details+="; 16 MiB there and back in ${line##* } ms"
}

# h1 loses its cable while: h2 waits for an answer from it, h2 sends it 16 MiB, h2 has asked it before
# and asks again, and it waits for an answer itself. Each must be told, although nothing comes any more.
cable_and_messages() {
    host h1 10.77.0.1/24 lan
    host h2 10.77.0.2/24 lan
    # so slow that 16 MiB take eight seconds
    tc qdisc add dev h1-eth0 root tbf rate 16mbit burst 32k latency 400ms ||
        skip "no tc tbf here: 16 MiB would be through before anybody can pull the cable"
    agent silent h1 "advertise silent 10.77.0.1:5001" "take"
    agent sink h1 "advertise sink 10.77.0.1:5002" "serve"
    agent echo h1 "advertise echo 10.77.0.1:5003" "serve"
    agent far h2 "advertise far 10.77.0.2:5004" "take"
    await sink serving
    agent waits h2 "ask 10.77.0.1:5001 hello forever"
    agent asks_again h2 "ask 10.77.0.1:5003 hello 10"
    agent inside h1 "ask 10.77.0.2:5004 hello forever"
    await silent took
    await far took
    await asks_again 'reply 5 hello'
    agent sends h2 "send 10.77.0.1:5002 16777215 forever"
    await sends asking
    sleep 1
    never sends 'reply|failed'
    unplug h1-eth0
    tell asks_again "ask 10.77.0.1:5003 hello forever"
    local label
    for label in waits sends inside asks_again; do
        await $label failed 25
        [[ $line != *EINTR* ]] || fail "$label: there was no signal: $line"
        below 15000 "$(ms "$time" "$line")" "$label: told that the cable is out, ms"
        details+="${details:+; }$label: $(awk '{ print $4 }' <<<"$line") after $(ms "$time" "$line") ms"
    done
}

# A cable that is back soon breaks nothing; one that is out long breaks what nobody is waiting for.
outage() {
    host h1 10.77.0.1/24 lan
    host h2 10.77.0.2/24 lan
    agent server h1 "advertise server 10.77.0.1:5001" "take"
    agent client h2 "ask 10.77.0.1:5001 first forever"
    await server 'took 5'
    unplug h1-eth0
    sleep 3
    ip link set h1-eth0 up
    tell server "reply late"
    await client 'reply 4 late|failed' 15
    [[ $line == *' reply 4'* ]] || fail "after a short outage: $line"
    details="cable out for 3 s: answered $(ms "$time" "$line") ms after it was pulled"
    tell server take
    unplug h1-eth0
    sleep 13
    ip link set h1-eth0 up
    tell client "ask 10.77.0.1:5001 second 10"
    await server 'took 6'
    tell server "reply again"
    await client 'reply 5 again|failed' 15
    [[ $line == *' reply 5'* ]] || fail "after a long outage: $line"
}
