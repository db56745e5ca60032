# discovery.sh - cases of examples.sh: who is there, and who has which name

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
