#!/usr/bin/env python3
"""tool.py BUILD_DIR [CASE...]: drives BUILD_DIR/examples/nw0 through pipes and pseudo-terminals.

Each case is a function below. Those in ON_ONE_MACHINE use 127.* and a port of their own; those in
A_NETWORK run in a network namespace of their own (unshare -rn), where nothing real can be reached.
They run side by side. Nothing waits by the clock: a case waits until a program has said something,
or has ended. NW0_RUN is put before each program that is tested (NW0_RUN='valgrind -q').
"""
import concurrent.futures
import contextlib
import datetime
import fcntl
import json
import os
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
RUN = os.environ.get("NW0_RUN", "").split()
LIMIT_S = 200 if RUN else 20  # what takes longer does not happen any more
LISTEN_S = 15 if RUN else 4  # for nw0 list --timeout, while something is to be heard
SANITIZERS = r"Sanitizer: |runtime error: |^==\d+== "
ADDRESS = r"127\.0\.0\.1:\d+"


class Failure(Exception):
    pass


class Skip(Exception):
    pass


def check(truth, *what):
    if not truth:
        raise Failure(" ".join(w if isinstance(w, str) else repr(w) for w in what))


def equal(is_so, should_be, what=""):
    check(is_so == should_be, f"{what} is {is_so!r}, but should be {should_be!r}")


# ------------------------------------------------------------------------------- programs


class Program:
    """A program that runs. Its output is collected as it comes; .out and .err are text."""

    def __init__(self, case, command, tty=False, stdin=None, env=None, stdout=None):
        self.case, self.command, self.tty = case, command, tty
        self.changed = threading.Condition()
        self.data = {"out": b"", "err": b""}
        environment = dict(case.env, **(env or {}))
        self.process, sources = (self.on_a_terminal(environment) if tty else
                                 self.on_pipes(environment, stdin, stdout))
        self.readers = [threading.Thread(target=self.read, args=s, daemon=True) for s in sources]
        for reader in self.readers:
            reader.start()
        case.programs.append(self)

    def on_a_terminal(self, environment):
        self.terminal, slave = os.openpty()
        mode = termios.tcgetattr(slave)
        mode[1] &= ~termios.OPOST  # a line ends with \n, as the program wrote it
        mode[3] &= ~termios.ECHO
        termios.tcsetattr(slave, termios.TCSANOW, mode)
        process = subprocess.Popen(
            self.command, stdin=slave, stdout=slave, stderr=subprocess.PIPE, env=environment,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(1, termios.TIOCSCTTY, 0))
        os.close(slave)
        return process, [("out", self.terminal), ("err", process.stderr.fileno())]

    def on_pipes(self, environment, stdin, stdout):
        process = subprocess.Popen(
            self.command, stdin=stdin or subprocess.DEVNULL, stdout=stdout or subprocess.PIPE,
            stderr=subprocess.PIPE, env=environment)
        sources = [("err", process.stderr.fileno())]
        return process, sources if stdout else sources + [("out", process.stdout.fileno())]

    def read(self, name, fd):
        while True:
            try:
                more = os.read(fd, 65536)
            except OSError:  # a terminal whose program has ended
                more = b""
            with self.changed:
                self.data[name] += more
                self.changed.notify_all()
            if not more:
                return

    @property
    def out(self):
        return self.data["out"].decode("utf-8", "backslashreplace")

    @property
    def err(self):
        return self.data["err"].decode("utf-8", "backslashreplace")

    def __str__(self):
        return f"{' '.join(self.command[-4:])} said {self.out!r} and {self.err!r}"

    def says(self, pattern, where="out", limit=LIMIT_S):
        """Waits until the output has that pattern."""
        end = time.monotonic() + limit
        with self.changed:
            while True:
                found = re.search(pattern, getattr(self, where), re.M)
                if found:
                    return found
                left = end - time.monotonic()
                check(left > 0, f"{pattern!r} was not said within {limit} s: {self}")
                self.changed.wait(left)

    def ends(self, status=None):
        """Waits for its end, and all its output."""
        try:
            code = self.process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            raise Failure(f"it does not end: {self}") from None
        for reader in self.readers:
            reader.join(LIMIT_S)
        check(status is None or code == status, f"ended with {code}, not {status}: {self}")
        return self

    def signal(self, number):
        self.process.send_signal(number)
        return self

    def type(self, keys):
        os.write(self.terminal, keys)
        return self

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.tty:
            os.close(self.terminal)


class Case:
    def __init__(self, name, port):
        self.name, self.programs, self.cleanup = name, [], contextlib.ExitStack()
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("NW0_")}
        self.env.update(LC_ALL="C.UTF-8", TZ="UTC")
        self.port = port
        if port:
            self.env.update(NW0_PORT=str(port), NW0_NETWORK="127.*")
        else:
            self.port = 9999

    def start(self, *arguments, **more):
        prefix = more.pop("prefix", [])
        return Program(self, prefix + RUN + [TOOL, *arguments], **more)

    def run(self, *arguments, status=0, **more):
        if RUN and status == 0 and arguments[0] == "list" and "--timeout" not in arguments:
            arguments = ("list", "--timeout", "5", *arguments[1:])  # answers come late there
        return self.start(*arguments, **more).ends(status)

    def known(self, *arguments, **more):
        """Starts what advertises a name, and waits until it does."""
        program = self.start(*arguments, **more)
        program.says(r" is at ", "err")
        return program

    def system(self, *command, check_it=True):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        check(done.returncode == 0 or not check_it, f"{' '.join(command)}: {done.stdout}")
        return done.stdout

    def shout(self, text, **more):
        """A datagram to everybody on this machine, from a socket that stays open."""
        udp = self.cleanup.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        if more.get("source"):
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        udp.bind((more.get("ip", "127.0.0.1"), more.get("source", 0)))
        for part in text if isinstance(text, list) else [text]:
            udp.sendto(part.encode(), (more.get("to", "127.255.255.255"), self.port))
        return udp

    def listen(self):
        """A TCP server in here: the socket and "ip:port"."""
        server = self.cleanup.enter_context(socket.create_server(("127.0.0.1", 0)))
        server.settimeout(LIMIT_S)
        return server, f"127.0.0.1:{server.getsockname()[1]}"

    def accept(self, server):
        """The first connection, and its introduction."""
        connection = self.cleanup.enter_context(server.accept()[0])
        connection.settimeout(LIMIT_S)
        return connection, read_exactly(connection, 8)

    def close(self):
        for program in self.programs:
            program.close()
        self.cleanup.close()


def read_exactly(connection, n):
    data = b""
    while len(data) < n:
        more = connection.recv(n - len(data))
        check(more, "the connection was closed")
        data += more
    return data


def frame(data):
    return struct.pack(">I", len(data)) + data


def clean(program):
    """Nothing of what was shown can make a terminal do anything."""
    raw = program.data["out"] + program.data["err"]
    bad = [b for b in raw if (b < 0x20 and b not in b"\n\t") or b == 0x7F]
    check(not bad, "control characters reached the terminal:", raw)
    for c in raw.decode("utf-8", "strict"):
        check(not 0x80 <= ord(c) < 0xA0 and c not in "\u202e\u2028\u200f", "dangerous:", raw)


# -------------------------------------------------------------------- cases on one machine

WRONG = [[], ["nonsense"], ["-x"], ["list", "a", "b"], ["watch", "a", "b"], ["advertise"],
         ["advertise", "a", "b", "c"], ["send", "a"], ["send"], ["send", "a", "b", "c"], ["serve"],
         ["serve", "a", "b", "c"], ["news"], ["news", "a", "b", "c"], ["publish", "a"],
         ["info", "x"], ["list", "--nonsense"], ["list", "-j"], ["send", "a", "-5"],
         ["send", "--json", "a", "b"],
         ["list", "--timeout"], ["list", "--timeout", "-1"], ["list", "--timeout", "x"],
         ["list", "--timeout", ""], ["list", "--timeout="], ["list", "--timeout", "1.2.3"],
         ["list", "--timeout", "."], ["list", "--timeout", "nan"], ["list", "--timeoutx", "1"]]


def usage(case):
    for arguments in WRONG:
        program = case.run(*arguments, status=2)
        check(program.out == "" and program.err.startswith("usage: nw0 "), program)
    for arguments in ["?x"], ["x" * 200], ["x", "not an address"], ["x", "127.0.0.1:70000"]:
        program = case.run("advertise", *arguments, status=2)
        check(program.out == "" and len(program.err) > 30, program)


COMMANDS = "list watch advertise send serve news publish info".split()


def help_of_each(case):
    text = case.run("-h").out
    equal(case.run("--help").out, text)
    equal(re.findall(r"^  nw0 (\w+) ", text, re.M), COMMANDS)
    for name in COMMANDS:
        program = case.run(name, "-h")
        check(re.match(rf"usage: nw0 {name}\b.*\n.", program.out) and not program.err, program)
        equal(max(map(len, program.out.split("\n"))) <= 100, True, f"the width of {name} -h")
    version = re.search(r'#define NW0_VERSION "(.*)"', read("nw0.h")).group(1)
    equal(case.run("--version").out, f"nw0 {version}\n")


def read(path):
    with open(os.path.join(ROOT, path)) as f:
        return f.read()


def nobody(case):
    for arguments in ["list"], ["list", "--json"], ["list", "chat"], ["list", "--timeout", "0"]:
        program = case.run(*arguments, status=1)
        equal((program.out, program.err), ("", "nw0: nobody was heard: see nw0 info\n"))
    for arguments in ["send", "nope", "x"], ["news", "nope"]:
        program = case.run(*arguments, "--timeout", "0.2", status=1)
        check(program.out == "" and '"nope"' in program.err, program)
    program = case.run("publish", "nope", "x", "--timeout=0.2", status=1)
    check(program.out == "" and "is at" in program.err, program)


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


def ends_by_itself(case):
    for arguments in ["watch"], ["watch", "--json"], ["advertise", "a"], ["serve", "b"]:
        began = time.monotonic()
        case.run(*arguments, "--timeout", "0.7")
        check(time.monotonic() - began > 0.69, arguments, "ended too early")


def conversation(case):
    server = case.known("serve", "hello", "hi there", tty=True)
    client = case.run("send", "hello", "who is there?")
    equal((client.out, client.err), ("hi there\n", ""))
    equal(case.run("send", "hello", "--", "-5", tty=True).out, "hi there\n")
    address = case.run("list").out.split()[0]
    equal(case.run("send", address, "", "--timeout", "5").out, "hi there\n")
    server.says("who is there\\?\n-5\n\n")
    server.type(b"\x03").ends(0)
    equal(server.out, "who is there?\n-5\n\n")
    check(re.fullmatch(f"nw0: hello is at {ADDRESS}\n", server.err), server.err)


def no_reply(case):
    server = case.known("serve", "silent")
    equal(case.run("send", "silent", "one").out, "")
    equal(case.run("send", "silent", "two\nlines").out, "")
    server.says("one\ntwo\\\\nlines\n")


def name_is_taken(case):
    first = case.known("serve", "unique")
    address = first.says(f"is at ({ADDRESS})", "err").group(1)
    for command in ["serve", "unique"], ["advertise", "unique"], ["publish", "unique", "x"]:
        program = case.run(*command, status=3)
        check(program.out == "" and address in program.err, program)


def nobody_listens(address):
    """Waits for that: a program that another case is about to start has our descriptors until then."""
    end = time.monotonic() + LIMIT_S
    ip, port = address.split(":")
    while time.monotonic() < end:
        try:
            socket.create_connection((ip, int(port))).close()
        except ConnectionRefusedError:
            return
        except OSError:  # the last one let go just now
            pass
    raise Failure(f"somebody still listens at {address}")


def sends_that_fail(case):
    server, address = case.listen()
    program = case.start("send", address, "hello")
    connection, introduction = case.accept(server)
    equal(introduction, b"\0\0\0\4nw0?")
    equal(read_exactly(connection, 9), frame(b"hello"))
    connection.close()
    check("nw0: " in program.ends(3).err, program)  # it hung up
    program = case.start("send", address, "hello", "--timeout", "0.3")
    case.accept(server)
    check("nw0: " in program.ends(1).err, program)  # it does not answer
    program = case.start("send", address, "hello")
    connection, _ = case.accept(server)
    connection.sendall(b"\xff" + b"\0" * 8 + b"\x7f")  # it is NetworkZero
    check("ZeroMQ" in program.ends(3).err, program)
    server.close()
    nobody_listens(address)
    program = case.run("send", address, "hello", "--timeout", "0.3", status=1)
    check(address in program.err, program)


EVIL = "a\x1b[2Jb\x07\x7f\u009b31m\u202ec\u2028\r\t\\"
EVIL_SHOWN = r"a\u001b[2Jb\u0007\u007f\u009b31m\u202ec\u2028\r\t\\"


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


def evil_messages(case):
    evil = EVIL.encode() + b"\xff\xc3("
    shown = EVIL_SHOWN + r"\xff\xc3("
    server = case.known("serve", "victim", tty=True)
    port = int(server.says(r":(\d+)\n", "err").group(1))
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"\0\0\0\4nw0?" + frame(evil))
        equal(read_exactly(connection, 4), b"\0\0\0\0")
    server.says(re.escape(shown) + "\n")
    clean(server)
    listener, address = case.listen()
    client = case.start("send", address, "x", tty=True)
    connection, _ = case.accept(listener)
    connection.sendall(frame(evil))
    equal(client.ends(0).out, shown + "\n")
    clean(client)
    reader = case.start("news", address, tty=True)
    connection, introduction = case.accept(listener)
    equal(introduction, b"\0\0\0\4nw0!")
    connection.sendall(frame(EVIL.encode()) + frame(evil))
    reader.says(re.escape(EVIL_SHOWN + "\t" + shown) + "\n")
    clean(reader)


def news_of_lines(case):
    publisher = case.known("publish", "station", "temperature", stdin=subprocess.PIPE)
    reader = case.start("news", "station", "temp")
    publisher.process.stdin.write(b"20.5\n\n21\n" + b"x" * 70000 + b"\nlast, without its end")
    publisher.process.stdin.close()
    publisher.ends(0)
    equal(publisher.out, "")
    reader.says("last, without its end\n")
    reader.signal(signal.SIGINT).ends(0)
    equal([line.split("\t", 1) for line in reader.out.splitlines()],
          [["temperature", data] for data in ("20.5", "", "21", "x" * 65536, "x" * 4464,
                                              "last, without its end")])


def news_of_long_lines(case):
    """One of 65,536 bytes is one item, of twice as many two, and no empty one follows."""
    publisher = case.known("publish", "station", "t", stdin=subprocess.PIPE)
    reader = case.start("news", "station")
    long = 65536 * b"x"
    publisher.process.stdin.write(long + b"\n" + b"next\n" + 2 * long + b"\n" + b"\n" +
                                  long + b"y\n" + long)  # the last without its end
    publisher.process.stdin.close()
    publisher.ends(0)
    reader.says(r"\ty\nt\tx+\n")
    reader.signal(signal.SIGINT).ends(0)
    equal([(len(line), line[-4:]) for line in reader.out.splitlines()],
          [(2 + 65536, "xxxx"), (6, "next"), (2 + 65536, "xxxx"), (2 + 65536, "xxxx"), (2, "t\t"),
           (2 + 65536, "xxxx"), (3, "t\ty"), (2 + 65536, "xxxx")], "what came")


def news_typed(case):
    """Line by line from a keyboard; Ctrl-D ends it."""
    publisher = case.known("publish", "station", "t", tty=True)
    reader = case.start("news", "station", tty=True)
    for line in "one", "two":
        publisher.type(line.encode() + b"\n")
        reader.says(f"^t\t{line}\n")
    publisher.type(b"\x04").ends(0)
    reader.type(b"\x03").ends(0)
    equal(reader.err, "")


def news_by_topic(case):
    publisher = case.known("publish", "station", "wind", stdin=subprocess.PIPE)
    all_of_it = case.start("news", "station")
    publisher.process.stdin.write(b"strong\n")
    publisher.process.stdin.flush()
    all_of_it.says("wind\tstrong\n")
    other = case.run("news", "station", "rain", "--timeout", "0.5", status=1)
    equal(other.out, "")
    check("nw0: " in other.err, other)
    publisher.signal(signal.SIGTERM).ends(0)
    listener, address = case.listen()  # the publisher is told what is wanted
    case.start("news", address, "rain")
    connection, introduction = case.accept(listener)
    equal(introduction + read_exactly(connection, 8), b"\0\0\0\4nw0!" + frame(b"rain"))


def news_goes_on(case):
    """A publisher that is started again has another port."""
    first = case.known("publish", "station", "t", stdin=subprocess.PIPE)
    reader = case.start("news", "station")
    first.process.stdin.write(b"before\n")
    first.process.stdin.close()
    first.ends(0)
    reader.says("before")
    second = case.known("publish", "station", "t", stdin=subprocess.PIPE)
    second.process.stdin.write(b"after\n")
    second.process.stdin.close()
    second.ends(0)
    reader.says("^t\tafter\n")
    equal(reader.signal(signal.SIGTERM).ends(0).out, "t\tbefore\nt\tafter\n")


def slow_reader_follows(case):
    """One whose output is not read while the publisher is started again: nothing that has arrived
    until then is lost, and it goes on with the next one."""
    out, pipe = os.pipe()
    case.cleanup.callback(os.close, out)
    first = case.known("publish", "station", "t", stdin=subprocess.PIPE)
    reader = case.start("news", "station", stdout=pipe, env={"NW0_DEBUG": "1"})
    os.close(pipe)
    lines = b"".join(b"%0100d\n" % i for i in range(1000))  # more than a pipe holds, by half
    first.process.stdin.write(lines)
    first.process.stdin.close()
    first.ends(0)
    second = case.known("publish", "station", "t", stdin=subprocess.PIPE)
    second.process.stdin.write(b"again\n")
    second.process.stdin.flush()
    address = second.says(rf"is at ({ADDRESS})", "err").group(1)
    reader.says(rf'joined: "station" .*{re.escape(address)}', "err")
    shown = b""
    while b"again\n" not in shown and select.select([out], [], [], LIMIT_S)[0]:
        more = os.read(out, 65536)
        check(more, "it has ended:", reader)
        shown += more
    check(shown == b"".join(b"t\t" + line for line in (lines + b"again\n").splitlines(True)),
          f"{shown.count(10)} lines came, not 1001; the last are {shown[-220:]}")
    reader.signal(signal.SIGTERM).ends(0)


def output_is_full(case):
    server = case.known("serve", "full", stdout=case.cleanup.enter_context(open("/dev/full", "w")))
    for arguments in ["list"], ["list", "--json"], ["-h"], ["--version"], ["info", "--timeout=0"]:
        with open("/dev/full", "w") as full:
            check("cannot be written" in case.run(*arguments, status=3, stdout=full).err, arguments)
    case.run("send", "full", "hello")
    check("cannot be written" in server.ends(3).err, server)


def without(*descriptors):
    """What is put before a program so that it has these from the start: closed."""
    return ["sh", "-c", " ".join(['exec "$@"', *(f"{fd}>&-" for fd in descriptors)]), "sh"]


def check_standard(program, *descriptors):
    """What was closed is not in the library's hands now."""
    for fd in descriptors:
        path = f"/proc/{program.process.pid}/fd/{fd}"
        what = os.readlink(path) if os.path.exists(path) else "closed"
        check(not re.match("socket:|anon_inode:", what), f"descriptor {fd} is {what}: {program}")


def no_input(case):
    """An input that is closed is at its end."""
    publisher = case.known("publish", "station", "t", prefix=without(0))
    check_standard(publisher, 0)
    reader = case.start("news", "station")
    equal(publisher.ends(0).out, "")
    equal(reader.signal(signal.SIGTERM).ends(0).out, "")


def closed_from_the_start(case):
    """What would be written to a closed one does not go to anything that the library has opened."""
    watch = case.start("watch")
    for closed in (0,), (1,), (2,), (0, 1), (0, 1, 2):
        if RUN and 2 in closed:
            continue  # valgrind itself does not start without it
        name = "without-" + "-".join(map(str, closed))
        server = case.start("serve", name, "yes", prefix=without(*closed))
        address = watch.says(f"joined +({ADDRESS}) +{name}\n").group(1)
        check_standard(server, *closed)
        with socket.create_connection(address.split(":"), LIMIT_S) as connection:
            connection.sendall(b"\0\0\0\4nw0?" + frame(b"hello"))
            equal(read_exactly(connection, 7), frame(b"yes"))
            server.signal(signal.SIGTERM).ends()
            with contextlib.suppress(ConnectionResetError):
                equal(connection.recv(100), b"", "what it says besides")
        check(server.process.returncode in (0, 3), "it ended with", server.process.returncode)
    equal(watch.signal(signal.SIGTERM).ends(0).err, "")


def nobody_reads(pipe):
    """Waits for that: a program that another case is about to start has our descriptors until then."""
    poll = select.poll()
    poll.register(pipe, 0)
    check(poll.poll(LIMIT_S * 1000), "somebody still reads")


def reader_is_gone(case):
    watch = case.start("watch", env={"NW0_DEBUG": "1"})
    out, pipe = os.pipe()
    server = case.known("serve", "lonely", stdout=pipe)
    os.close(out)
    nobody_reads(pipe)
    os.close(pipe)
    watch.says("joined .*lonely")
    case.run("send", "lonely", "hello")
    server.ends(3)
    watch.says('left: "lonely": it said goodbye', "err")


def info_here(case):
    advertiser = case.known("advertise", "somebody", "81")
    program = case.run("info", "--timeout", "0.5")
    equal(program.err, "")
    titles = re.findall(r"^\S.*$", program.out, re.M)
    equal(titles, ["interfaces", "address", "ports", "ear", "heard within 0.5 s", "unusual"])
    for pattern in (r"^  lo  127\.0\.0\.1/8, broadcasts to 127\.255\.255\.255$",
                    rf"^  127\.0\.0\.1: .* \(NW0_NETWORK=127\.\*\)$",
                    rf"^  UDP {case.port}: adverts and questions",
                    rf"^  UDP {case.port} is open, together with \S+ "
                    rf"\(process {advertiser.process.pid}\)$",
                    r"^  127\.0\.0\.1:81 +somebody  \(this machine, (adverts and )?answers.*\)$",
                    r"^  NW0_NETWORK=127\.\*: what else there is, is not used$"):
        check(re.search(pattern, program.out, re.M), pattern, "is not in", program.out)


def info_while_sockets_come_and_go(case):
    """The system's list of sockets leaves some out meanwhile, one of ten in this crowd."""
    advertiser = case.known("advertise", "somebody", "81")
    over = threading.Event()

    def crowd():
        crowded = []
        while not over.is_set():
            crowded.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            crowded[-1].bind(("127.0.0.1", 0))
            if len(crowded) > 40:
                crowded.pop(0).close()
        for each in crowded:
            each.close()

    thread = threading.Thread(target=crowd)
    thread.start()
    try:
        for _ in range(15):
            program = case.run("info", "--timeout", "0.1")
            check(f"(process {advertiser.process.pid})" in program.out, program.out)
    finally:
        over.set()
        thread.join()


def manuals(case):
    tool, header = read("examples/nw0.1"), read("examples/nw0.h.3")
    for name in COMMANDS:
        check(re.search(rf"^\.It Cm {name}\b", tool, re.M), "nw0.1 does not have", name)
    for word in "timeout", "json", "version", "NW0_PORT", "NW0_NETWORK", "NW0_DEBUG":
        check(word in tool, "nw0.1 does not have", word)
    declarations = read("nw0.h").split("#endif /* NW0_H */")[0]
    functions = re.findall(r"^NW0_API [^;(]*?\b(nw0_\w+)\(", declarations, re.M)
    check(len(functions) > 20, "the functions were not found:", functions)
    for name in functions:
        check(re.search(rf"^\.F[no] \"?{name}\b", header, re.M), "nw0.h.3 does not have", name)
    for name in re.findall(r"^\.F[no] \"?(\w+)", header, re.M):
        check(name in functions, "nw0.h.3 has", name, "which nw0.h has not")
    options = read("nw0.h").split("BEFORE THE INCLUDE")[1].split("RULES THAT HOLD")[0]
    for word in set(re.findall(r"\bNW0_[A-Z_]+", options)):
        check(word in header, "nw0.h.3 does not have", word)


ON_ONE_MACHINE = [list_listens, evil_names, news_goes_on, slow_reader_follows, goodbyes, usage,
                  help_of_each, nobody, lists, watch_on_a_terminal, watch_as_json, ends_by_itself,
                  conversation, no_reply, name_is_taken, sends_that_fail, evil_messages,
                  news_of_lines, news_of_long_lines, news_typed, news_by_topic, output_is_full,
                  no_input, closed_from_the_start, reader_is_gone, info_here,
                  info_while_sockets_come_and_go, manuals]


# ------------------------------------------------------- cases in a network of their own


def loopback(case):
    case.system("ip", "link", "set", "lo", "up")


def card(case, address, name="eth0"):
    """A network card of this machine, and a second machine at its other end: its PID."""
    loopback(case)
    script = "ip link set lo up && echo ready && exec cat"
    other = Program(case, ["unshare", "-n", "sh", "-c", script], stdin=subprocess.PIPE)
    other.says("ready")
    pid = str(other.process.pid)
    case.system("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", pid)
    case.system("ip", "addr", "add", address, "dev", name)
    case.system("ip", "link", "set", name, "up")
    case.system("nsenter", "-t", pid, "-n", "ip", "link", "set", "eth0", "up")
    return pid


def there(pid, *command):
    return ["nsenter", "-t", pid, "-n", *command]


def set_address(case, pid, address):
    case.system(*there(pid, "ip", "addr", "add", address, "dev", "eth0"))


def nft(case, *rules):
    if not shutil.which("nft"):
        raise Skip("there is no nft to make a firewall with")
    chains = [f"chain {hook} {{ type filter hook {hook} priority 0; {rule}; }}\n"
              for hook, rule in rules]
    text = "table inet t {\n" + "".join(chains) + "}"
    done = subprocess.run(["nft", "-f", "-"], input=text, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise Skip(f"nft makes no firewall here: {done.stdout.splitlines()[:1]}")


def unusual(case, *patterns, seconds="0.5", **more):
    """Runs nw0 info; what it finds unusual is this, and nothing else."""
    program = case.run("info", "--timeout", seconds, **more)
    found = re.sub(r"\n {4}", " ", program.out.split("\nunusual\n")[1]).splitlines()
    check(len(found) == len(patterns) and all(re.search(p, f) for p, f in zip(patterns, found)),
          f"unusual is {found}, but should be like {patterns}")
    return program.out


ALONE = "^  eth0: no other machine was heard"


def no_interface(case):
    out = unusual(case, "^  no network: no interface is up")
    check("address\n  none: " in out and "  lo  down\n" in out, out)


def only_loopback(case):
    loopback(case)
    out = unusual(case, "^  no network: only programs on this machine")
    check("\n  127.0.0.1: there is no other network, " in out, out)


def network_of_nobody(case):
    card(case, "10.1.0.1/24")
    out = unusual(case, ALONE)
    for text in ("  eth0  10.1.0.1/24, broadcasts to 10.1.0.255\n", "  UDP 9999 is open\n",
                 "\n  10.1.0.1: no way leads to the rest of the world", "  nobody\n"):
        check(text in out, text, "is not in", out)
    case.system("ip", "route", "add", "default", "via", "10.1.0.2")
    check("10.1.0.1: the way to the rest of the world" in unusual(case, ALONE), "the default route")
    unusual(case, r"^  NW0_NETWORK=10\.2\.\* fits no address", env={"NW0_NETWORK": "10.2.*"})


def chosen_address(case):
    card(case, "169.254.3.4/16")
    unusual(case, "^  no address was given to this machine", ALONE)


def held_port(case):
    """A program holds UDP 9999 and does not share it; later it lets go."""
    pid = card(case, "10.1.0.1/24")
    holder = Program(case, [sys.executable, "-c", "import socket, sys; s = socket.socket(2, 2);"
                            "s.bind(('', 9999)); print('held', flush=True); sys.stdin.read()"],
                     stdin=subprocess.PIPE)
    holder.says("held")
    name = re.escape(read(f"/proc/{holder.process.pid}/comm").strip())
    who = rf"{name} \(process {holder.process.pid}\)"
    out = unusual(case, "^  UDP 9999 is not shared: ", ALONE)
    check(re.search(rf"^  UDP 9999 cannot be opened \(.*\); it is held by {who}$", out, re.M), out)

    # the rest works: questions, their answers, adverts
    watch = case.start("watch", env={"NW0_DEBUG": "1"})
    watch.says(rf"^nw0: UDP port 9999 is not shared by {who}: only answers are heard", "err")
    set_address(case, pid, "10.1.0.2/24")
    far = case.known("serve", "far", "yes", prefix=there(pid))
    watch.says("joined .*far")
    listed = case.run("list")
    check("far" in listed.out and re.search(who, listed.err), listed)
    equal(case.run("send", "far", "?").out, "yes\n")
    unusual(case, "^  UDP 9999 is not shared: ")
    near = case.known("serve", "near", "yes, too")
    equal(case.run("send", "near", "?", prefix=there(pid)).out, "yes, too\n")
    check("holds the UDP port" in case.run("send", "nope", "?", "--timeout=0.1", status=1).err,
          case.programs[-1])

    holder.process.stdin.close()
    holder.ends(0)
    watch.says("UDP port 9999 is free now", "err")
    watch.says("joined .*near")
    equal(len(re.findall("is not shared", watch.err)), 1, "how often it is said")
    for program in near, far:
        program.signal(signal.SIGTERM).ends(0)
        watch.says("left .*" + program.command[-2])
    watch.signal(signal.SIGTERM).ends(0)
    check("  UDP 9999 is open\n" in unusual(case, ALONE), "the port is free")


def swallowed_coming_in(case):
    card(case, "10.1.0.1/24")
    unusual(case, ALONE)
    nft(case, ("input", 'iifname != "lo" udp dport 9999 drop'))
    unusual(case, "^  eth0: our own broadcasts do not come back: a firewall")


def swallowed_going_out(case):
    card(case, "10.1.0.1/24")
    nft(case, ("output", 'oifname != "lo" udp dport 9999 drop'))
    unusual(case, "^  eth0: a firewall on this machine forbids")


def another_machine(case):
    """Everything works."""
    pid = card(case, "10.1.0.1/24")
    set_address(case, pid, "10.1.0.2/24")
    case.known("serve", "far away", prefix=there(pid))
    out = unusual(case, "^  nothing$", seconds="3")
    check(re.search(r"^  10\.1\.0\.2:\d+ +far away  \(adverts and answers\)$", out, re.M), out)


def no_broadcasts_of_others(case):
    pid = card(case, "10.1.0.1/24")
    set_address(case, pid, "10.1.0.2/24")
    case.known("serve", "far away", prefix=there(pid))
    nft(case, ("input", "ip saddr 10.1.0.2 udp dport 9999 drop"))
    out = unusual(case, "^  eth0: others answer, but their broadcasts do not arrive", seconds="3")
    check("far away  (answers only)" in out, out)


def no_answers(case):
    pid = card(case, "10.1.0.1/24")
    set_address(case, pid, "10.1.0.2/24")
    case.known("serve", "far away", prefix=there(pid))
    nft(case, ("input", "ip saddr 10.1.0.2 udp dport != 9999 drop"))
    out = unusual(case, "^  eth0: adverts arrive, but no answers", seconds="3")
    check("far away  (adverts only)" in out, out)


def talker(case, pid, ip, text, source=0):
    """A program on the other machine that shouts the same thing again and again."""
    code = ("import socket, time; s = socket.socket(2, 2); s.setsockopt(1, 6, 1); "
            f"s.bind(({ip!r}, {source}))\n"
            f"while True: s.sendto({text.encode()!r}, ('255.255.255.255', 9999)); "
            "print('said', flush=True); time.sleep(0.1)")
    program = Program(case, there(pid, sys.executable, "-c", code))
    program.says("said")
    return program


def strange_and_nonsense(case):
    """An address of another network on our cable; another program that uses our port."""
    pid = card(case, "10.1.0.1/24")
    set_address(case, pid, "10.7.0.2/24")
    stranger = talker(case, pid, "10.7.0.2", '["x","10.7.0.2:5",20]')
    unusual(case, ALONE, "^  10.7.0.2 is heard, but on no network of ours")
    stranger.signal(signal.SIGKILL).ends()
    set_address(case, pid, "10.1.0.2/24")
    talker(case, pid, "10.1.0.2", "M-SEARCH * HTTP/1.1")
    unusual(case, ALONE, r"^  \d+ datagrams were no adverts, the last from 10\.1\.0\.2")


def networkzero_is_no_fault(case):
    """It speaks from port 9999 and answers nothing, as it should."""
    pid = card(case, "10.1.0.1/24")
    set_address(case, pid, "10.1.0.2/24")
    talker(case, pid, "10.1.0.2", '["old", "10.1.0.2:5", 20]', source=9999)
    check("old  (NetworkZero)\n" in unusual(case, "^  nothing$"), "how it was heard")


def tunnel(case):
    loopback(case)
    try:
        case.system("ip", "tuntap", "add", "tun0", "mode", "tun")
    except Failure as failure:
        raise Skip("no tunnel can be made here") from failure
    case.system("ip", "addr", "add", "10.1.0.1/24", "dev", "tun0")
    case.system("ip", "link", "set", "tun0", "up")
    unusual(case, "^  tun0: has no broadcasts")


A_NETWORK = [held_port, another_machine, no_broadcasts_of_others, no_answers, network_of_nobody,
             strange_and_nonsense, swallowed_coming_in, swallowed_going_out, no_interface,
             only_loopback, chosen_address, networkzero_is_no_fault, tunnel]


# ---------------------------------------------------------------------------- running them


def verdict(function, case):
    """"ok NAME" or what went wrong."""
    name = function.__name__
    try:
        function(case)
        for program in case.programs:
            check(not re.search(SANITIZERS, program.err, re.M), program.err)
        return f"ok {name}"
    except Skip as reason:
        return f"skipped {name}: {reason}"
    except Failure as failure:
        return f"FAILED {name}: {failure}".replace("\n", "\n    ")
    except Exception as error:  # a case that is wrong itself
        line = error.__traceback__.tb_next.tb_lineno
        return f"FAILED {name}: {type(error).__name__} in line {line}: {error}"
    finally:
        case.close()


def in_a_namespace(function):
    command = ["unshare", "-rn", sys.executable, os.path.abspath(__file__), "--inside", BUILD,
               function.__name__]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=10 * LIMIT_S)
    return done.stdout.rstrip("\n") or f"FAILED {function.__name__}: status {done.returncode}"


def can_unshare():
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return (shutil.which("unshare") is not None and
            subprocess.run(["unshare", "-rn", "ip", "link"], **quiet).returncode == 0)


def one(number, function):
    began = time.monotonic()
    if function in A_NETWORK:
        result = in_a_namespace(function)
    else:
        result = verdict(function, Case(function.__name__, 25100 + os.getpid() % 80 * 30 + number))
    if result.startswith("ok"):
        result += f" ({time.monotonic() - began:.1f} s)"
    print(result, flush=True)
    return result.split(" ", 1)[0]


def main():
    global BUILD, TOOL
    inside = sys.argv[1:2] == ["--inside"]
    BUILD, *names = sys.argv[2 if inside else 1:]
    BUILD = os.path.abspath(BUILD)
    TOOL = os.path.join(BUILD, "examples", "nw0")
    cases = {function.__name__: function for function in A_NETWORK + ON_ONE_MACHINE}
    if inside:
        print(verdict(cases[names[0]], Case(names[0], 0)))
        return 0
    chosen = [cases[name] for name in names or cases]
    results = []
    if not can_unshare() and any(function in A_NETWORK for function in chosen):
        print("skipped the cases with a network of their own: unshare -rn is not possible here")
        results += ["skipped" for function in chosen if function in A_NETWORK]
        chosen = [function for function in chosen if function not in A_NETWORK]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        results += pool.map(one, range(len(chosen)), chosen)
    skipped = results.count("skipped")
    passed, failed = results.count("ok"), len(results) - skipped - results.count("ok")
    print(f"tool: {passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or not passed + skipped else 0


if __name__ == "__main__":
    sys.exit(main())
