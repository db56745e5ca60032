"""harness.py: what the cases use: a program that runs, a case, and what is checked of them.

Nothing waits by the clock: a case waits until a program has said something, or has ended."""
import contextlib
import fcntl
import os
import re
import socket
import struct
import subprocess
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
EVIL = "a\x1b[2Jb\x07\x7f\u009b31m\u202ec\u2028\r\t\\"
EVIL_SHOWN = r"a\u001b[2Jb\u0007\u007f\u009b31m\u202ec\u2028\r\t\\"


class Failure(Exception):
    pass


class Skip(Exception):
    pass


def check(truth, *what):
    if not truth:
        raise Failure(" ".join(w if isinstance(w, str) else repr(w) for w in what))


def equal(is_so, should_be, what=""):
    check(is_so == should_be, f"{what} is {is_so!r}, but should be {should_be!r}")


def read(path):
    with open(os.path.join(ROOT, path)) as f:
        return f.read()


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
    tool = None  # the path, set by tool.py

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
        return Program(self, prefix + RUN + [self.tool, *arguments], **more)

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
