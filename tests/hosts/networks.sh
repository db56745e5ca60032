# networks.sh - scenarios with several hosts: the networks that a host has, gets and loses, and the
# address that each of them hears.
# See `run`, which explains what they use: host, agent, await and the others.

two_networks() {
    host x 10.77.1.1/24 net1
    host x 10.77.2.1/24 net2
    host p 10.77.1.2/24 net1
    host q 10.77.2.2/24 net2
    local label best
    for label in p q x; do agent "at_$label" $label "watch -"; await "at_$label" watching; done
    agent free x "advertise free -" "serve"
    agent fixed x "advertise fixed 10.77.1.*" "serve"
    agent ported x "advertise ported 8080" "serve"
    await at_p 'joined ported 10\.77\.1\.1:8080'
    await at_q 'joined ported 10\.77\.2\.1:8080'
    await at_p 'joined free 10\.77\.1\.1:'
    await at_q 'joined free 10\.77\.2\.1:'
    await at_p 'joined fixed 10\.77\.1\.1:'
    best=$(once x "address -" | awk '{ print $3 }')
    await at_x "joined free ${best%:*}:"
    await at_x 'joined fixed 10\.77\.1\.1:'
    for label in p q; do
        line=$(once $label "ask =free hello-from-$label 5") || fail "$label asks: $line"
        [[ $line == *"reply 12 hello-from-$label"* ]] || fail "$label asks: $line"
    done
    line=$(once p "ask =fixed hello 5") || fail "p asks fixed: $line"
    for label in p q; do
        line=$(once $label "ask =ported hello 5") || fail "$label asks ported: $line"
    done
    sleep 10 # that nothing happens can only be waited for
    said at_p 3 'joined|left'
    said at_q 2 'joined|left'
    said at_x 3 'joined|left'
}

# Two cards at one network, or two addresses at one card: others must not see the service wander.
same_network_twice() {
    host x 10.77.0.1/24 lan
    host x 10.77.0.2/24 lan
    host y 10.77.0.11/24 lan
    ip -n y addr add 10.77.0.12/24 dev eth0
    host z 10.77.0.21/24 lan
    local label
    for label in x y z; do agent "at_$label" $label "watch -"; await "at_$label" watching; done
    agent two_cards x "advertise two_cards -" "serve"
    agent two_addresses y "advertise two_addresses -" "serve"
    for label in x y z; do
        await "at_$label" 'joined two_cards 10\.77\.0\.[12]:'
        await "at_$label" 'joined two_addresses 10\.77\.0\.1[12]:'
    done
    line=$(once z "ask =two_cards hello 5" "ask =two_addresses hello 5") || fail "z asks: $line"
    sleep 10
    for label in x y z; do said "at_$label" 2 'joined|left'; done
}

# Two hosts that share two networks: one of them is used, and when that breaks, the other.
two_cables() {
    host x 10.77.1.1/24 net1
    host x 10.77.2.1/24 net2
    host p 10.77.1.2/24 net1
    host p 10.77.2.2/24 net2
    agent watch p "watch -"
    await watch watching
    agent server x "advertise server -" "serve"
    await watch 'joined server 10\.77\.[12]\.1:'
    local other=eth1 used=eth0 ip='10\.77\.2\.1'
    [[ $line == *' 10.77.2.1:'* ]] && used=eth1 other=eth0 ip='10\.77\.1\.1'
    sleep 6
    said watch 1 'joined|left'
    unplug "x-$used"
    await watch "joined server $ip:"
    below 5000 "$(ms "$time" "$line")" "the other network is used, ms"
    details="by $other after $(ms "$time" "$line") ms"
    line=$(once p "ask =server hello 5") || fail "p asks: $line"
    said watch 3 'joined|left'
}

late_interface() {
    host x
    host h2 10.77.0.2/24 lan
    agent watch h2 "watch -"
    agent at_x x "watch -"
    agent listener h2 "listen 9999"
    agent far h2 "advertise far -"
    agent seeker x "discover far 30"
    await watch watching
    await listener listening
    await far advertised
    agent late x "advertise late -" "serve"
    await late 'advertised late 127\.0\.0\.1:'
    await at_x 'joined late 127\.0\.0\.1:'
    sleep 1 # it has settled without a network
    local before
    before=$(now)
    card x 10.77.0.1/24 lan
    await watch 'joined late 10\.77\.0\.1:' 10
    below 4000 "$(ms "$before" "$line")" "seen elsewhere after, ms"
    details="seen elsewhere after $(ms "$before" "$line") ms"
    # whoever has looked for anything asks who is there, and does not wait for the next adverts
    await listener 'heard 10\.77\.0\.1 \["\?",' 10
    below 4000 "$(ms "$before" "$line")" "who is there is asked after, ms"
    await seeker 'found far 10\.77\.0\.2:' 10
    below 4000 "$(ms "$before" "$line")" "found from there after, ms"
    await at_x 'joined far 10\.77\.0\.2:'
    line=$(once h2 "ask =late hello 5") || fail "h2 asks: $line"
    await at_x 'joined late 10\.77\.0\.1:'
    said at_x 1 'left'
    never watch 'left'
}

new_address() {
    host x 10.77.0.1/24 lan
    host h2 10.77.0.2/24 lan
    agent watch h2 "watch -"
    await watch watching
    agent moves x "advertise moves -" "serve"
    await watch 'joined moves 10\.77\.0\.1:'
    line=$(once h2 "ask =moves hello 5") || fail "before: $line"
    local before
    before=$(now)
    ip -n x addr del 10.77.0.1/24 dev eth0
    ip -n x addr add 10.77.0.11/24 dev eth0
    await watch 'joined moves 10\.77\.0\.11:' 15
    below 4500 "$(ms "$before" "$line")" "new address seen elsewhere, ms"
    details="new address seen elsewhere after $(ms "$before" "$line") ms"
    # the program goes on to wait at the address that it was once given
    line=$(once h2 "ask =moves hello 5" "ask =moves again 5") || fail "after: $line"
    sleep 3
    line=$(awk '{ printf "%s ", $2 }' "$dir/watch.out")
    [ "$line" = "watching joined left joined " ] || fail "it moved like this: $line"
}

loopback_only() {
    host solo
    agent watch solo "watch -"
    agent one solo "advertise one -" "serve"
    agent two solo "advertise two -" "serve"
    await watch 'joined one 127\.0\.0\.1:'
    await watch 'joined two 127\.0\.0\.1:'
    line=$(once solo "ask =one hello 5" "ask =two hello 5") || fail "$line"
    line=$(once solo "all 5")
    [[ $line =~ ' members 2 one=127.0.0.1:'[0-9]+' two=127.0.0.1:'[0-9]+$ ]] || fail "all: $line"
    crash one
    await watch 'left one ' 6
    details="kill -9 seen after $(ms "$time" "$line") ms"
    never watch 'left two'
}

# The resolver has a file, and nobody whom it could ask.
host_names() {
    host solo
    echo '10.77.0.9 pi pi.test' >"$dir/names"
    mount --bind "$dir/names" /etc/hosts || skip "no /etc/hosts of its own here"
    line=$(once solo "address pi:8080") || fail "pi: $line"
    [[ $line == *' address 10.77.0.9:8080' ]] || fail "pi: $line"
    line=$(once solo "advertise x pi.test:8080") || fail "pi.test: $line"
    [[ $line == *' advertised x 10.77.0.9:8080' ]] || fail "pi.test: $line"
    local command
    for command in "address no-such-host.invalid" "address no-such-host.invalid:80" \
        "advertise x no-such-host.invalid:80" "ask no-such-host.invalid:80 hello 1"; do
        line=$(once solo "$command") && fail "$command: $line"
        [[ $line == *EHOSTUNREACH*no-such-host.invalid* ]] || fail "$command: $line"
    done
}

# A network of two addresses has no broadcast address; the computed one is the address of a host.
point_to_point() {
    host left 10.77.3.0/31 wire
    host right 10.77.3.1/31 wire
    agent at_left left "watch -"
    agent at_right right "watch -"
    agent directed right "listen 9999 10.77.3.1"
    await directed listening
    await at_left watching
    await at_right watching
    agent ears left "advertise ears -" "serve"
    agent mouth right "advertise mouth -" "serve"
    await at_left 'joined mouth 10\.77\.3\.1:'
    await at_right 'joined ears 10\.77\.3\.0:'
    line=$(once left "ask =mouth hello 5") || fail "left asks: $line"
    line=$(once right "ask =ears hello 5") || fail "right asks: $line"
    crash mouth
    await at_left 'left mouth ' 6
    never at_right 'left ears'
    never directed heard # others would take what is meant for everybody for a word to it
}

# The broadcast address is computed: what the system says it is may be wrong, or nothing.
directed_broadcast() {
    host x 10.77.0.1/24 lan
    ip -n x addr del 10.77.0.1/24 dev eth0
    ip -n x addr add 10.77.0.1/24 broadcast 10.77.0.127 dev eth0
    host y 10.77.0.130/25 lan # without any, and the end of another network
    host h2 10.77.0.2/24 lan
    agent directed h2 "listen 9999 10.77.0.255"
    agent undirected h2 "listen 9999 255.255.255.255"
    await directed listening
    await undirected listening
    agent wrong x "advertise wrong -" "discover nobody 1"
    agent none y "advertise none -" "discover nobody 1"
    local ip
    for ip in 10.77.0.1 10.77.0.130; do
        await directed "heard ${ip//./\\.} .*:[0-9]+\",20"
        await undirected "heard ${ip//./\\.} .*:[0-9]+\",20"
        await directed "heard ${ip//./\\.} .*\\?nobody"
    done
    tell wrong exit
    await directed 'heard 10\.77\.0\.1 .*"wrong",.*,0\]'
}

# Somebody asks in the name of a whole network: the answer would be for all of it.
forged_source() {
    host f 10.77.0.1/24 lan
    host v 10.77.0.2/24 lan
    local setting ip
    for setting in all eth0; do
        on v sh -c "echo 0 >/proc/sys/net/ipv4/conf/$setting/rp_filter" || skip "rp_filter cannot be changed here"
    done
    agent victim v "advertise victim -"
    agent beside v "listen 9999"
    agent answers f "listen 7000"
    await beside listening
    await answers listening
    await victim advertised
    for ip in 10.77.0.255 10.77.0.0 10.77.0.1; do
        line=$(once f "forge $ip 10.77.0.255 '[\"?victim\",\"10.77.0.1:7000\",0]'") && continue
        [[ $line == *permitted* ]] && skip "no raw sockets here"
        fail "$line"
    done
    await answers 'heard 10\.77\.0\.2 .*"victim"' # the honest one, and the last
    await beside "heard 10\.77\.0\.1 .*victim"
    for ip in 10.77.0.255 10.77.0.0; do
        grep -q "heard $ip .*victim" "$dir/beside.out" || skip "this system lets nothing in that comes from $ip"
        ! grep "sent to $ip:7000" "$dir/victim.err" || fail "it answers $ip"
    done
    said answers 1 heard
}

loopback_stays() {
    host x 10.77.0.1/24 lan
    host h2 10.77.0.2/24 lan
    agent listener h2 "listen 9999"
    await listener listening
    agent both x "advertise private 127.0.0.1:5000" "advertise public -" "group nobody" "discover private 5"
    await both 'found private 127\.0\.0\.1:5000'
    line=$(once x "discover private 5")
    [[ $line == *'found private 127.0.0.1:5000'* ]] || fail "another program here: $line"
    # three rounds of adverts, and a question, since answers must keep it for themselves too
    line=$(once h2 "discover private 5")
    [[ $line == *ETIMEDOUT* ]] || fail "h2 found it: $line"
    await listener 'heard 10\.77\.0\.1 .*public'
    never listener 'heard 10\.77\.0\.1 .*("private"|"127\.)'
}

network_chosen() {
    host x 10.77.1.1/24 net1
    host x 10.77.2.1/24 net2
    host p 10.77.1.2/24 net1
    host q 10.77.2.2/24 net2
    agent listener q "listen 9999"
    await listener listening
    agent other q "advertise other -"
    agent at_p p "watch -"
    await other advertised
    NW0_NETWORK='10.77.1.*' agent chosen x "address -" "advertise chosen -" "serve"
    await chosen 'address 10\.77\.1\.1:'
    await chosen 'advertised chosen 10\.77\.1\.1:'
    local line_of_chosen=$line
    await at_p 'joined chosen 10\.77\.1\.1:'
    line=$(once p "ask =chosen hello 5") || fail "p asks: $line"
    line=$(NW0_NETWORK='10.77.1.*' once x "discover other 5") && fail "it listens to the other network: $line"
    [[ $line == *' 10.77.1.0/24 within 5 s'* ]] || fail "it does not say where it looked, and how long: $line"
    line=$(once q "discover chosen 3") && fail "it talks to the other network: $line"
    [[ $line == *' 127.0.0.0/8'*' within 3 s'* && $line == *' 10.77.2.0/24'* ]] ||
        fail "it does not say where it looked, and how long: $line"
    # its socket is bound to all addresses, and whoever knows the port is hung up on
    await chosen serving
    local port=${line_of_chosen##*:}
    line=$(once q "ask 10.77.2.1:$port intruder 5") && fail "it answers by the other network: $line"
    [[ $line == *ECONNRESET* ]] || fail "nobody hung up: $line"
    said chosen 1 took
    never listener 'heard 10\.77\.2\.1'
    line=$(once x "discover other 5") || fail "without the choice: $line"
    await listener 'heard 10\.77\.2\.1' # so the listener would have heard it
}

# Two programs of a machine that may use two of its networks, and not 127.x: one hears the other by both of them.
two_networks_chosen() {
    host x 10.77.1.1/24 net1
    host x 10.77.2.1/24 net2
    export NW0_NETWORK='10.*'
    agent before x "watch -"
    await before watching
    agent service x "advertise service -" "serve"
    await before 'joined service 10\.77\.[12]\.1:'
    agent after x "watch -"
    await after 'joined service 10\.77\.[12]\.1:'
    sleep 6.5 # three rounds
    said before 1 'joined|left'
    said after 1 'joined|left'
    line=$(once x "ask =service hello 5") || fail "x asks: $line"
}

# A second address of a network is ours as well, whatever address of it was advertised.
second_address() {
    host x 10.77.0.1/24 lan
    ip -n x addr add 10.77.0.2/24 dev eth0
    host z 10.77.0.21/24 lan
    local ip port
    agent free x "advertise free -"
    await free 'advertised free 10\.77\.0\.1:'
    port=${line##*:}
    tell free "serve 10.77.0.2:$port"
    agent fixed x "advertise ported 7777" "serve 10.77.0.2:7777"
    agent alone x "serve 7778"
    for ip in 10.77.0.1 10.77.0.2; do
        line=$(once z "ask $ip:$port hello 5") || fail "free at $ip: $line"
        line=$(once z "ask $ip:7777 hello 5") || fail "with a port at $ip: $line"
        line=$(once z "ask $ip:7778 hello 5") || fail "a port alone at $ip: $line"
    done
    never free failed
}

# More interfaces than the library has room for: the one that leads out is the last.
many_interfaces() {
    local i
    host x
    for i in {1..17}; do
        echo "link add a$i type veth peer name b$i"
        echo "addr add 10.78.$i.1/24 dev a$i"
        echo "addr add 10.79.$i.1/24 dev b$i"
        echo "link set a$i up"
        echo "link set b$i up"
    done | ip -n x -batch - || fail "no interfaces"
    card x 10.77.0.1/24 lan
    ip -n x route add default via 10.77.0.2
    host h2 10.77.0.2/24 lan
    agent watch h2 "watch -"
    line=$(once x "address -") || fail "$line"
    [[ $line == *' address 10.77.0.1:'* ]] || fail "the best address: $line"
    agent here x "advertise here -" "serve"
    agent fixed x "advertise fixed 10.77.0.1" "serve"
    await here 'advertised here 10\.77\.0\.1:'
    await watch 'joined here 10\.77\.0\.1:'
    await watch 'joined fixed 10\.77\.0\.1:'
    line=$(once h2 "ask =here hello 5" "ask =fixed hello 5") || fail "h2 asks: $line"
    line=$(once x "advertise last 10.78.17.1" "advertise last 10.79.17.1") || fail "all of them are ours: $line"
}

# Another program holds UDP port 9999 for itself: adverts do not come, only answers. That others are looked for, too,
# keeps nobody from being asked for.
held_port() {
    host h1 10.77.0.1/24 lan
    host h2 10.77.0.2/24 lan
    agent holder h2 "hold 9999"
    await holder holding
    agent present h1 "advertise present -"
    await present advertised
    line=$(once h2 "seek 10 absent present") || fail "never asked for: $line"
    [[ $line == *' found present 10.77.0.1:'* ]] || fail "$line"
    details="found after ${line##* } ms"
    line=$(once h2 "discover present 5") || fail "$line"
}

# A service that is now at another network says goodbye where it was.
other_network() {
    host x 10.77.1.1/24 net1
    host x 10.77.2.1/24 net2
    host p 10.77.1.2/24 net1
    host q 10.77.2.2/24 net2
    local label address at
    for label in p q; do agent "at_$label" $label "watch -"; await "at_$label" watching; done
    agent mover x "advertise mover 10.77.1.1:5000"
    await at_p 'joined mover 10\.77\.1\.1:5000'
    tell mover "advertise mover 10.77.2.1:5001"
    await at_q 'joined mover 10\.77\.2\.1:5001'
    local since=$line
    await at_p 'left mover 10\.77\.1\.1:5000'
    below 1500 "$(ms "$since" "$line")" "the goodbye at net1, ms"
    tell mover "advertise mover 5002" # everywhere
    await at_p 'joined mover 10\.77\.1\.1:5002'
    await at_q 'joined mover 10\.77\.2\.1:5002'
    tell mover "advertise mover 127.0.0.1:5003"
    await mover 'advertised mover 127\.0\.0\.1'
    since=$line
    for label in p q; do
        at=$([ $label = p ] && echo 1 || echo 2)
        await "at_$label" "left mover 10\.77\.$at\.1:5002"
        below 1500 "$(ms "$since" "$line")" "the goodbye at net$at, ms"
    done
}
