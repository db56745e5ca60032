"""news.py: the cases of publish and news."""
import os
import re
import select
import signal
import subprocess

from harness import ADDRESS, LIMIT_S, check, equal, frame, read_exactly


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
