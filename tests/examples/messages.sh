# messages.sh - cases of examples.sh: questions and answers

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
