# discovery.sh - scenarios with several hosts: how services are found, how soon they are known to have
# left, and what that costs at rest.
# See `run`, which explains what they use: host, agent, await and the others.

chat() {
    four_hosts
    agent alice h1 "advertise chat/alice -" "advertise chat:alice -"
    agent bob h2 "advertise chat/bob -" "advertise chat:bob -" "advertise chat:doug -"
    agent others h4 "advertise chatter/carol -" "advertise chat -" "advertise carol/chat/x -"
    await alice 'advertised chat:alice'
    await bob 'advertised chat:doug'
    await others 'advertised carol'
    # each is a program that has just started, looks once and ends: it must see everybody, in order
    line=$(once h3 "group chat /")
    [[ $line =~ ' members 2 chat/alice=10.77.0.1:'[0-9]+' chat/bob=10.77.0.2:'[0-9]+$ ]] || fail "/: $line"
    line=$(once h3 "group chat -")
    [[ $line == *' members 2 chat/alice='* ]] || fail "NULL: $line"
    line=$(once h3 "group chat :")
    [[ $line =~ ' members 3 chat:alice='[^\ ]+' chat:bob='[^\ ]+' chat:doug='[^\ ]+$ ]] || fail ":: $line"
    line=$(once h3 "group chat / chat/alice")
    [[ $line == *' members 1 chat/bob='* ]] || fail "without alice: $line"
    line=$(once h3 "all 5")
    [[ $line == *' members 8 '* ]] || fail "all: $line"
}

chat_examples() {
    [ -x "$examples/chat_join" ] && [ -x "$examples/chat_who" ] || skip "examples/chat_* are not built"
    unset NW0_DEBUG
    four_hosts
    start alice h1 "$examples/chat_join" alice
    start bob h2 "$examples/chat_join" bob
    await alice 'chat/alice is at 10\.77\.0\.1:'
    await bob 'chat/bob is at 10\.77\.0\.2:'
    line=$(on h3 "$examples/chat_who" 2>&1 | tr '\n' ' ')
    [[ $line =~ ^'alice is at 10.77.0.1:'[0-9]+' bob is at 10.77.0.2:'[0-9]+' '$ ]] || fail "chat_who: $line"
    line=$(on h4 "$examples/chat_join" bob 2>&1) && fail "there are two bobs: $line"
    [[ $line == *10.77.0.2:* ]] || fail "it does not say who is bob: $line"
}

discovery_time() {
    four_hosts
    unset NW0_DEBUG
    agent server h1 "advertise here -"
    agent crowd h2 "many crowd/ 50"
    await server advertised
    await crowd advertised
    local i times=
    for i in {1..30}; do
        line=$(once h3 "discover here 5") || fail "run $i: $line"
        times+=" ${line##* }"
    done
    statistics $times
    below 200 "$median" "median of discover, ms"
    below 1000 "$worst" "worst discover, ms"
    details="discover from a new process: median $median ms, 99 % $centile ms, worst $worst ms"
    local before
    before=$(now)
    line=$(once h4 "group crowd")
    [[ $line == *' members 50 '* ]] || fail "first look at 50: ${line:0:60}"
    below 1500 "$(ms "$before" "$line")" "first look at 50, ms"
    details+="; 50 of one process at the first look, $(ms "$before" "$line") ms"
}

goodbye() {
    four_hosts
    declare -gA left_at
    local way i label labels
    agent watch h2 "watch -"
    await watch watching
    for way in exit unadvertise shutdown; do
        for i in {1..8}; do agent "$way$i" h1 "advertise $way$i -"; done
    done
    for way in exit unadvertise shutdown; do
        labels=
        for i in {1..8}; do
            label=$way$i
            await watch "joined $label "
            labels+=" $label"
            [ $way = unadvertise ] && tell "$label" "unadvertise $label" || tell "$label" $way
            await "$label" leaving
            left_at[$label]=$line
        done
        leave_times $labels
        statistics $times
        below 500 "$worst" "$way seen elsewhere, ms"
        details+="${details:+; }$way: median $median ms, worst $worst ms"
    done
}

# A process that dies leaves a host behind that answers "nobody is at that port"; a pulled cable does not.
crash_time() {
    four_hosts
    declare -gA left_at
    local i labels=
    agent watch h2 "watch -"
    for i in {1..12}; do agent "crash$i" h1 "advertise crash$i - 20"; done
    for i in {1..12}; do await watch "joined crash$i "; done
    for i in {1..12}; do
        sleep 0.$((RANDOM % 5))$((RANDOM % 10)) # anywhere between two adverts
        crash "crash$i"
        left_at[crash$i]=$time
        labels+=" crash$i"
    done
    leave_times $labels
    statistics $times
    below 5000 "$worst" "kill -9 seen elsewhere, ms"
    details="kill -9: median $median ms, worst $worst ms"
}

cable_time() {
    host watcher 10.77.0.100/24 lan
    declare -gA left_at
    local i labels=
    agent watch watcher "watch -"
    for i in {1..8}; do
        host "h$i" "10.77.0.$i/24" lan
        agent "cable$i" "h$i" "advertise cable$i - 20"
    done
    for i in {1..8}; do await watch "joined cable$i "; done
    for i in {1..8}; do
        sleep 0.$((RANDOM % 7))$((RANDOM % 10))
        unplug "h$i-eth0"
        left_at[cable$i]=$time
        labels+=" cable$i"
    done
    leave_times $labels
    statistics $times
    below 5000 "$worst" "pulled cable seen elsewhere, ms"
    details="cable pulled: median $median ms, worst $worst ms"
    # and in again; the plug was out long enough for everybody to have forgotten it
    agent again watcher "watch -"
    await again watching
    ip link set h1-eth0 up
    await again 'joined cable1 10\.77\.0\.1:' 10
}

python_networkzero() {
    local python label
    python=$(command -v python3) || skip "no python3 here"
    four_hosts
    agent watch h1 "watch -"
    await watch watching
    start brief h2 "$python" "$here/networkzero.py" py/brief 10.77.0.2:7000 3
    start lasting h3 "$python" "$here/networkzero.py" py/lasting 10.77.0.3:7000 12
    start polite h4 "$python" "$here/networkzero.py" py/polite 10.77.0.4:7000 20
    await watch 'joined py/brief 10\.77\.0\.2:7000'
    await watch 'joined py/lasting 10\.77\.0\.3:7000'
    await watch 'joined py/polite 10\.77\.0\.4:7000'

    # ours, with the longest name and one that JSON makes longer still
    local long quotes
    printf -v long 'n%.0s' {1..199}
    printf -v quotes '"%.0s' {1..100}
    agent ours h1 "advertise ours - 20" "advertise $long -" "advertise '$quotes' -" "advertise büro/日本 -"
    await polite 'joined ours 10\.77\.0\.1:[0-9]+'
    await polite "joined $long 10"
    await polite "joined $quotes 10"
    await polite 'joined büro/日本 10'

    # its ttl decides, since it answers no questions; its goodbye is believed
    tell brief quiet
    tell lasting quiet
    await lasting quiet
    tell polite goodbye
    await polite goodbye
    local gone=$line
    await watch 'left py/polite'
    below 500 "$(ms "$gone" "$line")" "its goodbye, ms"
    details="its goodbye seen after $(ms "$gone" "$line") ms"
    await watch 'left py/brief' 8
    local spoke
    spoke=$(grep spoke "$dir/brief.out" | tail -n 1)
    below 4500 "$(ms "$spoke" "$line")" "a ttl of 3 s, ms"
    above 2000 "$(ms "$spoke" "$line")" "a ttl of 3 s, ms"
    details+="; a ttl of 3 s ended after $(ms "$spoke" "$line") ms"

    # every kind of question, while all three listen
    once h1 "discover nobody 1" "all 1" "group py" "discover '$quotes' 1" "claim $long" >/dev/null
    once h1 "discover '$long' 2" "group x :" "discover büro/日本 2" >/dev/null
    await watch 'left py/lasting' 20
    spoke=$(grep spoke "$dir/lasting.out" | tail -n 1)
    above 10000 "$(ms "$spoke" "$line")" "a ttl of 12 s, ms"
    below 13500 "$(ms "$spoke" "$line")" "a ttl of 12 s, ms"

    tell ours "unadvertise ours"
    await ours leaving
    gone=$line
    await polite 'left ours'
    below 500 "$(ms "$gone" "$line")" "our goodbye, ms"
    for label in brief lasting polite; do
        never $label died
        kill -0 "${pid[$label]}" || fail "$label is no longer there"
    done
    await polite question # so it has seen some
}

# lossy PER_PROCESS SECONDS: four hosts with five processes each; nobody may be missed.
# The bridge loses 30 % of the broadcasts, for each receiver by itself, and 5 % of everything else.
lossy() {
    four_hosts
    nft -f - 2>/dev/null <<'RULES' || skip "no nft with numgen in the bridge here"
        table bridge loss {
            chain forward {
                type filter hook forward priority 0; policy accept;
                ether daddr ff:ff:ff:ff:ff:ff udp dport 9999 numgen random mod 100 < 30 counter drop
                ether daddr != ff:ff:ff:ff:ff:ff meta l4proto udp numgen random mod 100 < 5 counter drop
            }
        }
RULES
    local h i total=$((20 * $1))
    for h in 1 2 3 4; do agent "watch$h" "h$h" "watch -"; done
    for h in 1 2 3 4; do
        for i in 1 2 3 4 5; do agent "s$h$i" "h$h" "many s$h$i/ $1"; done
    done
    for h in 1 2 3 4; do
        for i in 1 2 3 4 5; do await "watch$h" "joined s$h$i/$(($1 - 1)) " 30; done
    done
    sleep "$2"
    for h in 1 2 3 4; do
        never "watch$h" left
        said "watch$h" $total joined
    done
    local lost
    lost=($(nft list table bridge loss | grep -o 'packets [0-9]*' | cut -d ' ' -f 2))
    [ "${lost[0]}" -gt 0 ] || fail "no broadcast was lost: this proves nothing"
    details="$total services, $2 s, ${lost[0]} broadcasts and ${lost[1]} others lost, nobody missed"
}

loss() { lossy 1 20; }
long() { lossy 5 330; }

# switches PID: how often its threads have gone to sleep by themselves
switches() { cat /proc/"$1"/task/*/status | awk '/^voluntary/ { n += $2 } END { print n }'; }
ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }

at_rest() {
    host h1 10.77.0.1/24 lan
    host h2 10.77.0.2/24 lan
    [ "$(once h1 sanitized | cut -d ' ' -f 3)" = no ] || skip "a sanitizer does not rest"
    unset NW0_DEBUG
    agent rest h1 "advertise rest -"
    await rest advertised
    sleep 3 # the first adverts, and the start of the process, are over
    local p=${pid[rest]} threads woke spent
    threads=$(ls "/proc/$p/task" | wc -l)
    woke=$(switches "$p") spent=$(ticks "$p")
    sleep 10
    woke=$(($(switches "$p") - woke)) spent=$(($(ticks "$p") - spent))
    [ "$threads" -le 2 ] || fail "$threads threads"
    below 10.5 "$woke" "wake-ups in 10 s"
    below 1.5 "$spent" "ticks of CPU time in 10 s"
    line=$(once h2 "discover rest 5") || fail "it rests too well: $line"
    details="$threads threads, $woke wake-ups and $spent ticks of CPU time in 10 s"
}
