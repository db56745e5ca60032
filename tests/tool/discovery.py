"""discovery.py: the cases of list, watch and advertise, and of names that came from anybody."""
import datetime
import json
import re
import signal
import threading
import time

from harness import ADDRESS, EVIL, EVIL_SHOWN, LIMIT_S, LISTEN_S, check, clean, equal


def lists(case):
    for name in "chat/bob", "chat/alice", "chatter", 'say "\\ü😀" /':
        case.known("advertise", name, "127.0.0.1:80")
    program = case.run("list")
    equal(program.out, "".join(f"127.0.0.1:80           {name}\n" for name in
                               ("chat/alice", "chat/bob", "chatter", 'say "\\\\ü😀" /')))
    equal(program.err, "")
    equal(case.run("list", "chat").out.split(),
          ["127.0.0.1:80", "chat/alice", "127.0.0.1:80", "chat/bob"])
    equal(case.run("list", "chat", tty=True).out, case.run("list", "--", "chat").out)
    case.run("list", "cha", status=1)
    lines = [json.loads(line) for line in case.run("list", "--json").out.splitlines()]
    equal([line["name"] for line in lines], ["chat/alice", "chat/bob", "chatter", 'say "\\ü😀" /'])
    equal({tuple(line) for line in lines}, {("name", "address")})
    equal({line["address"] for line in lines}, {"127.0.0.1:80"})


def list_listens(case):
    """NetworkZero answers no question, but is heard if one listens long enough."""
    program = case.start("list", "--timeout", str(LISTEN_S), env={"NW0_DEBUG": "1"})
    began = time.monotonic()
    program.says("sent to", "err")
    case.shout('["old", "127.0.0.1:5", 20]', source=case.port)
    program.says('joined: "old"', "err")
    equal(program.ends(0).out.split(), ["127.0.0.1:5", "old"])
    check(time.monotonic() - began > LISTEN_S - 0.6, "it did not listen as long as it was told")


def watch_on_a_terminal(case):
    watch = case.start("watch", "chat", tty=True)
    case.known("advertise", "other/x")
    alice = case.known("advertise", "chat/alice", "80")
    watch.says(r"^\d\d:\d\d:\d\d  joined  127\.0\.0\.1:80           chat/alice\n")
    alice.signal(signal.SIGTERM).ends(0)
    watch.says(r"^\d\d:\d\d:\d\d  left    127\.0\.0\.1:80           chat/alice\n")
    watch.type(b"\x03").ends(0)  # Ctrl-C
    equal(len(watch.out.splitlines()), 2, "what was watched")
    equal(watch.err, "")


def watch_as_json(case):
    case.known("serve", "early")
    watch = case.start("watch", "--json")
    watch.says("early")
    late = case.known("serve", 'la"te')
    watch.says("la")
    late.signal(signal.SIGINT).ends(0)
    watch.says("left")
    equal(watch.signal(signal.SIGTERM).ends(0).err, "")
    lines = [json.loads(line) for line in watch.out.splitlines()]
    equal([(line["event"], line["name"]) for line in lines],
          [("joined", "early"), ("joined", 'la"te'), ("left", 'la"te')])
    for line in lines:
        equal(list(line), ["time", "event", "name", "address"])
        check(re.fullmatch(ADDRESS, line["address"]), line)
        check(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"]), line)
        then = datetime.datetime.fromisoformat(line["time"].replace("Z", "+00:00")).timestamp()
        check(abs(time.time() - then) < 2 * LIMIT_S, "the time is wrong:", line)


def goodbyes(case):
    """However they are ended, they say goodbye."""
    watch = case.start("watch", env={"NW0_DEBUG": "1"})
    for command, number in (("advertise", signal.SIGINT), ("advertise", signal.SIGTERM),
                            ("serve", signal.SIGINT), ("serve", signal.SIGTERM),
                            ("serve", signal.SIGHUP), ("publish", signal.SIGINT)):
        name = f"{command}-{number}"
        program = case.known(command, name, *["x"] * (command == "publish"))
        watch.says(f"joined .*{name}\n")
        program.signal(number).ends(0)
        watch.says(f'left: "{name}": it said goodbye', "err")


def name_is_taken(case):
    first = case.known("serve", "unique")
    address = first.says(f"is at ({ADDRESS})", "err").group(1)
    for command in ["serve", "unique"], ["advertise", "unique"], ["publish", "unique", "x"]:
        program = case.run(*command, status=3)
        check(program.out == "" and address in program.err, program)


def evil_names(case):
    watch, plain = case.start("watch", tty=True), case.start("watch", "--json")
    case.known("advertise", "marker")
    watch.says("marker")
    plain.says("marker")
    advert = json.dumps([EVIL, "127.0.0.1:5", 20])
    udp = case.shout(advert, source=case.port)
    watch.says(re.escape("127.0.0.1:5            " + EVIL_SHOWN) + "\n")
    plain.says("31m")
    lists = case.start("list", "--timeout", str(LISTEN_S), tty=True)
    as_json = case.start("list", "--timeout", str(LISTEN_S), "--json", tty=True)
    stop = threading.Event()

    def again():
        while not stop.wait(0.2):
            udp.sendto(advert.encode(), ("127.255.255.255", case.port))
    talker = threading.Thread(target=again)
    talker.start()
    try:
        info = case.run("info", "--timeout", "1", tty=True)
        lists.ends(0)
        as_json.ends(0)
    finally:
        stop.set()
        talker.join()
    check(EVIL_SHOWN in info.out, info)
    check(EVIL_SHOWN + "\n" in lists.out, lists)
    equal([json.loads(line)["name"] for line in as_json.out.splitlines()], [EVIL, "marker"])
    equal(json.loads(plain.out.splitlines()[-1])["name"], EVIL)
    for program in watch, plain, lists, as_json, info:
        clean(program)
    clean(case.run("send", EVIL + "?", "x", "--timeout", "0.1", tty=True, status=1))
    clean(case.run("advertise", "x", EVIL, tty=True, status=2))
