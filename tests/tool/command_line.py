"""command_line.py: the cases of usage, help, the manual pages, and the standard descriptors."""
import contextlib
import os
import re
import select
import signal
import socket
import time

from harness import ADDRESS, LIMIT_S, RUN, check, equal, frame, read, read_exactly

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


def nobody(case):
    for arguments in ["list"], ["list", "--json"], ["list", "chat"], ["list", "--timeout", "0"]:
        program = case.run(*arguments, status=1)
        equal((program.out, program.err), ("", "nw0: nobody was heard: see nw0 info\n"))
    for arguments in ["send", "nope", "x"], ["news", "nope"]:
        program = case.run(*arguments, "--timeout", "0.2", status=1)
        check(program.out == "" and '"nope"' in program.err, program)
    program = case.run("publish", "nope", "x", "--timeout=0.2", status=1)
    check(program.out == "" and "is at" in program.err, program)


def ends_by_itself(case):
    for arguments in ["watch"], ["watch", "--json"], ["advertise", "a"], ["serve", "b"]:
        began = time.monotonic()
        case.run(*arguments, "--timeout", "0.7")
        check(time.monotonic() - began > 0.69, arguments, "ended too early")


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
    """Waits for that: a program that another case is about to start has our descriptors, too."""
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
