"""converse.py WIRE_PEER: a conversation between nw0.h, in a C program, and plain sockets; every byte of it is checked.

The C program is told by lines what to do (see peer.c); all that it says on the discovery port is kept by an Ear, and
read in the end once more by decode.py. Waiting is waiting for an event; LIMIT only ends what will not happen.
"""
import base64
import errno
import os
import re
import select
import socket
import subprocess
import sys
import threading
import time
import traceback

import decode
from decode import WireError, encode_frame

LIMIT = 240.0  # 16 MiB in base64 take their time with ThreadSanitizer on busy processors
IP = "127.0.0.1"
HELLO = b"\x00\x00\x00\x04nw0?"


def free_discovery_port():
    """One that nobody has, below those which the system hands out."""
    for port in range(30000 + os.getpid() % 2000, 32768):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            try:
                s.bind(("", port))
                return port
            except OSError:
                pass
    sys.exit("no free port")


PORT = free_discovery_port()


def word(data):
    """As peer.c wants what may be anything."""
    return "." + base64.b64encode(data if isinstance(data, bytes) else data.encode()).decode()


def unword(text):
    assert text[0] == "."
    return base64.b64decode(text[1:], validate=True)


# ---- the partners ---------------------------------------------------------------------------------

class Peer:
    """The C program."""

    def __init__(self, path):
        environment = dict(os.environ, NW0_PORT=str(PORT), NW0_NETWORK="127.*")
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)

    def order(self, *words):
        self.process.stdin.write((" ".join(str(w) for w in words) + "\n").encode())
        self.process.stdin.flush()

    def answer(self):
        line = self.process.stdout.readline().decode("utf-8", "replace")
        assert line.endswith("\n"), "the C program has ended, after %r" % line
        return line[:-1]

    def tell(self, *words):
        self.order(*words)
        return self.answer()

    def advertise(self, name, address=IP, ttl=20):
        """Its address."""
        said, its_name, address = self.tell("advertise", word(name), address, ttl).split(" ")
        assert said == "advertised" and unword(its_name) == name.encode()
        return address

    def unadvertise(self, name):
        assert self.tell("unadvertise", word(name)) == "gone"

    def end(self):
        self.process.stdin.close()
        return self.process.wait(LIMIT)


class Ear(threading.Thread):
    """Hears all that is broadcast on the discovery port, and keeps it."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("", PORT))
        self.heard, self.news = [], threading.Condition()
        self.start()

    def run(self):
        while True:
            data, source = self.socket.recvfrom(65536)
            with self.news:
                self.heard.append((data, source))
                self.news.notify_all()

    def wait_for(self, condition, since=0):
        """The first datagram and its source, of those heard since then, for which the condition holds."""
        found = []

        def look():
            found[:] = [h for h in self.heard[since:] if condition(*h)][:1]
            return found

        with self.news:
            assert self.news.wait_for(look, LIMIT), "it was not heard; but: %r" % self.heard[since:]
            return found[0]

    def wait_for_bytes(self, data, since=0):
        return self.wait_for(lambda d, _: d == data, since)[1]

    def now(self):
        with self.news:
            return len(self.heard)


class Mouth:
    """A UDP socket at a port of its own, as every program has for speaking."""

    def __init__(self, ip=IP, port=0):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        if port:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((ip, port))
        self.socket.settimeout(LIMIT)
        self.source = self.socket.getsockname()
        ours.add(self.source)

    def shout(self, data):
        self.socket.sendto(data, ("127.255.255.255", PORT))

    def say(self, data, to):
        self.socket.sendto(data, to)

    def listen(self):
        return self.socket.recvfrom(65536)

    def question(self, name):
        return '["?%s","%s:%d",0]'.encode() % (name.encode(), self.source[0].encode(), self.source[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def advert(name, address, ttl=20):
    return ('["%s","%s",%d]' % (name, address, ttl)).encode()


class Stream:
    """A TCP connection."""

    def __init__(self, connected):
        self.socket = connected
        self.socket.settimeout(LIMIT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.came = b""

    @classmethod
    def to(cls, address):
        ip, port = address.split(":")
        return cls(socket.create_connection((ip, int(port)), LIMIT))

    def send(self, data):
        self.socket.sendall(data)

    def take(self, size):
        """Exactly so many bytes."""
        while len(self.came) < size:
            data = self.socket.recv(1 << 20)
            assert data, "it was closed, after %r" % self.came[:100]
            self.came += data
        data, self.came = self.came[:size], self.came[size:]
        return data

    def take_all(self):
        """All until it is closed; closing may be a reset too."""
        while True:
            try:
                data = self.socket.recv(1 << 20)
            except ConnectionResetError:
                data = b""
            if not data:
                return self.came
            self.came += data

    def silent(self):
        """Whether nothing waits to be read."""
        return not self.came and not select.select([self.socket], [], [], 0)[0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


class Server:
    """A server of plain sockets."""

    def __enter__(self):
        self.socket = socket.socket()
        self.socket.bind((IP, 0))
        self.socket.listen(8)
        self.socket.settimeout(LIMIT)
        self.address = "%s:%d" % self.socket.getsockname()
        return self

    def accept(self):
        return Stream(self.socket.accept()[0])

    def __exit__(self, *_):
        self.socket.close()


# ---- the decoder itself ---------------------------------------------------------------------------

def refused(reader, *arguments):
    try:
        reader(*arguments)
        return False
    except WireError:
        return True


def decoder_reads_what_the_specification_shows():
    assert decode.datagram(b'["chat/alice","192.168.1.5:41234",20]') == ("advert", "chat/alice", "192.168.1.5:41234", 20)
    assert decode.datagram(b'["chat/alice","192.168.1.5:41234",0]').kind == "goodbye"
    assert decode.datagram(b'["?chat/alice","192.168.1.5:41234",0]') == ("question", "chat/alice", "192.168.1.5:41234", 0)
    assert decode.datagram(b'["?","192.168.1.5:41234",0]') == ("question", "", "192.168.1.5:41234", 0)
    assert decode.datagram(b' [ "\\ud83d\\ude00" , "1.2.3.4:5" , 2.5e1 ]\n') == ("advert", "\U0001f600", "1.2.3.4:5", 25)
    assert decode.question_side(HELLO + b"\0\0\0\2hi\0\0\0\0") == [b"hi", b""]
    assert decode.conversation(HELLO + b"\0\0\0\2hi\0\0\0\0", b"\0\0\0\1x") == [(b"hi", b"x"), (b"", None)]
    assert decode.subscriber_side(b"\0\0\0\4nw0!\0\0\0\0\0\0\0\2ab") == [b"", b"ab"]
    assert decode.publisher_side(b"\0\0\0\2ab\0\0\0\1!\0\0\0\0\0\0\0\0") == [(b"ab", b"!"), (b"", b"")]
    assert decode.frames(b"\0\0\0\1x\0\0\0\2y") == ([b"x"], 5)


def decoder_refuses_what_the_specification_forbids():
    at = b',"127.0.0.1:7000",'
    for data in (b"", b"[]", b"null", b'["x"' + at + b"20,1]", b'["x"' + at[:-1] + b"]", b'["x"' + at + b"20]x", b'["x"' + at + b"20",
                 b'["x"' + at + b"-1]", b'["x"' + at + b"NaN]", b'["x"' + at + b"Infinity]", b'["x"' + at + b'"20"]', b'["x"' + at + b"true]",
                 b'["x"' + at + b"020]", b"[1" + at + b"20]", b'["x",1,20]', b'[""' + at + b"20]", b'["?x"' + at + b"20]",
                 b'["x\0"' + at + b"20]", b'["\\u0000"' + at + b"20]", b'["\\ud800"' + at + b"20]", b'["\xed\xa0\x80"' + at + b"20]",
                 b'["\xc0\xaf"' + at + b"20]", b'["\xff"' + at + b"20]", b'["x\n"' + at + b"20]", b'["' + b"n" * 200 + b'"' + at + b"20]",
                 b'["x"' + at + b"20]" + b" " * 240, b'["x","127.0.0.1:0",20]', b'["x","127.0.0.1:65536",20]', b'["x","127.0.0.1",20]',
                 b'["x","127.0.0.01:7000",20]', b'["x","127.0.0.256:7000",20]', b'["x","localhost:7000",20]', b"[" * 200,
                 b'\xef\xbb\xbf["x"' + at + b"20]", b'["x","127.0.0.1:7000\\n",20]'):
        assert refused(decode.datagram, data), data
    assert refused(decode.sent_datagram, b'["x", "127.0.0.1:7000", 20]')
    for stream in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\xff\0\0\0", b"\0\0\0\4nw0", b"\0\0\0\4nw0!", b"\0\0\0\5nw0??", HELLO + b"\1\0\0\0", HELLO + b"\0"):
        assert refused(decode.question_side, stream), stream
    assert refused(decode.subscriber_side, b"\0\0\0\4nw0!")
    assert refused(decode.subscriber_side, b"\0\0\0\4nw0!" + b"\0\0\0\0" * 65)
    assert refused(decode.subscriber_side, b"\0\0\0\4nw0!" + encode_frame(b"p" * 200))
    assert refused(decode.publisher_side, b"\0\0\0\1t")
    assert refused(decode.publisher_side, encode_frame(b"\xff") * 2)
    assert refused(decode.publisher_side, encode_frame(b"other") * 2, [b"wanted"])
    assert refused(decode.conversation, HELLO, b"\0\0\0\0")


# ---- discovery ------------------------------------------------------------------------------------

def advert_has_these_bytes():
    address = peer.advertise("wire/peer")
    assert re.fullmatch(r"127\.0\.0\.1:[0-9]+", address)
    source = ear.wait_for_bytes(b'["wire/peer","' + address.encode() + b'",20]')
    assert source[0] == IP and source[1] != PORT
    peer.unadvertise("wire/peer")


def goodbye_has_these_bytes():
    start = ear.now()
    address = peer.advertise("wire/leaver", "7001")
    assert address == "127.0.0.1:7001"
    source = ear.wait_for_bytes(b'["wire/leaver","127.0.0.1:7001",20]', start)
    peer.unadvertise("wire/leaver")
    assert ear.wait_for_bytes(b'["wire/leaver","127.0.0.1:7001",0]', start) == source


def advert_says_its_ttl():
    peer.advertise("wire/minute", "7001", 60)
    ear.wait_for_bytes(b'["wire/minute","127.0.0.1:7001",60]')
    peer.unadvertise("wire/minute")


def names_survive_in_both_directions():
    for name in ("k\u00f6ln", "\u2603 \U0001f600", 'q"\\/b', "tab\tnewline\n\x01\x7f", "[,]", "\U0010ffff"):
        since = ear.now()
        peer.advertise(name, "7001")
        data, _ = ear.wait_for(lambda d, s: s not in ours and b'7001",20]' in d, since)
        assert decode.sent_datagram(data) == ("advert", name, "127.0.0.1:7001", 20)
        peer.unadvertise(name)
        with Mouth() as mouth:
            escaped = "".join("\\u%04x" % int.from_bytes(name.encode("utf-16-be")[i:i + 2], "big")
                              for i in range(0, len(name.encode("utf-16-be")), 2))
            if len(advert(escaped, "127.0.0.1:7002")) <= decode.MAX_DATAGRAM:
                mouth.shout(advert(escaped, "127.0.0.1:7002"))
                assert peer.tell("discover", word(name), LIMIT) == "found %s 127.0.0.1:7002" % word(name)
                mouth.shout(advert(escaped, "127.0.0.1:7002", 0))


def discover_asks_this_question():
    since = ear.now()
    with Mouth() as mouth:
        peer.order("discover", word("wire/python"), LIMIT)
        data, source = ear.wait_for(lambda d, s: d.startswith(b'["?wire/python"'), since)
        assert data == ('["?wire/python","%s:%d",0]' % source).encode()
        mouth.say(advert("wire/python", "127.0.0.1:7003"), source)  # an answer goes straight to its mouth
        assert peer.answer() == "found %s 127.0.0.1:7003" % word("wire/python")
        mouth.say(advert("wire/python", "127.0.0.1:7003", 0), source)


def question_is_answered_by_its_mouth():
    peer.advertise("wire/asked", "7001")
    its_mouth = ear.wait_for_bytes(advert("wire/asked", "127.0.0.1:7001"))
    with Mouth() as mouth:
        mouth.shout(mouth.question("wire/asked"))
        assert mouth.listen() == (advert("wire/asked", "127.0.0.1:7001"), its_mouth)
        mouth.say(mouth.question("wire/asked"), its_mouth)
        assert mouth.listen() == (advert("wire/asked", "127.0.0.1:7001"), its_mouth)
    peer.unadvertise("wire/asked")


def question_to_everybody_brings_every_advert():
    names = ["wire/%d" % i for i in range(10)]
    for name in names:
        peer.advertise(name, "7001")
    with Mouth() as mouth:
        mouth.shout(mouth.question(""))
        missing = set(names)
        while missing:
            data, _ = mouth.listen()
            missing.discard(decode.sent_datagram(data).name)
    for name in names:
        peer.unadvertise(name)


def networkzero_program_is_known_by_its_ttl():
    with Mouth(IP, PORT) as python:
        python.shout(b'["wire/zero", "127.0.0.1:7004", 1]')  # as json.dumps() writes it
        assert peer.tell("discover", word("wire/zero"), LIMIT) == "found %s 127.0.0.1:7004" % word("wire/zero")
        end = time.monotonic() + LIMIT
        while not peer.tell("discover", word("wire/zero"), 0).startswith("error %d " % errno.ETIMEDOUT):
            assert time.monotonic() < end, "it outlives its ttl"
            time.sleep(0.05)


def all_that_was_heard_is_valid():
    with ear.news:
        said = [(data, source) for data, source in ear.heard if source not in ours]
    assert len(said) > 20
    for data, source in said:
        heard = decode.sent_datagram(data)
        assert source[0] == IP and source[1] != PORT
        if heard.kind == "question":
            assert heard.address == "%s:%d" % source


# ---- messages: the C program is the server --------------------------------------------------------

SIZES = (0, 1, 3, 4, 5, 255, 256, 65535, 65536, 1 << 20, decode.MAX_FRAME)


def some_bytes(size):
    return (bytes(range(256)) * (size // 256 + 1))[:size]


def served(stream, address, message, reply):
    """One message and its reply, over plain sockets; what came."""
    peer.order("wait", address, LIMIT)
    threading.Thread(target=stream.send, args=(encode_frame(message),), daemon=True).start()
    assert unword(peer.answer().split(" ")[1]) == message
    peer.order("reply", address, word(reply))
    came = stream.take(4 + len(reply))
    assert peer.answer() == "replied"
    return came


def server_answers_in_frames():
    address = peer.advertise("wire/server")
    with Stream.to(address) as stream:
        stream.send(HELLO)
        for size in SIZES:
            assert served(stream, address, some_bytes(size), some_bytes(size)[::-1]) == encode_frame(some_bytes(size)[::-1]), size
        assert stream.silent()
    peer.unadvertise("wire/server")


def server_puts_single_bytes_together():
    address = peer.advertise("wire/server")
    with Stream.to(address) as stream:
        peer.order("wait", address, LIMIT)
        for byte in HELLO + encode_frame(b"piece by piece"):
            stream.send(bytes([byte]))
        assert peer.answer() == "message " + word("piece by piece")
        peer.tell("reply", address, word("thanks"))
        assert stream.take(10) == b"\0\0\0\6thanks"
    peer.unadvertise("wire/server")


def autoreply_is_an_empty_frame():
    address = peer.advertise("wire/server")
    with Stream.to(address) as stream:
        stream.send(HELLO + encode_frame(b"hello"))
        assert peer.tell("wait", address, LIMIT, "auto") == "message " + word("hello")
        assert stream.take(4) == b"\0\0\0\0" and stream.silent()
    peer.unadvertise("wire/server")


def waiting_again_hangs_up():
    address = peer.advertise("wire/server")
    with Stream.to(address) as first, Stream.to(address) as second:
        first.send(HELLO + encode_frame(b"first"))
        assert peer.tell("wait", address, LIMIT) == "message " + word("first")
        second.send(HELLO + encode_frame(b"second"))
        assert peer.tell("wait", address, LIMIT) == "message " + word("second")
        assert first.take_all() == b""
        peer.tell("reply", address, word("yes"))
        assert second.take(7) == b"\0\0\0\3yes"
    peer.unadvertise("wire/server")


def strangers_are_closed_without_an_answer():
    address = peer.advertise("wire/server")
    for start in (b"GET / HTTP/1.1\r\n\r\n", b"\xff\0\0\0\0\0\0\0\1\x7f", b"\x01\0\0\4nw0?", b"\0\0\0\4nw0x", b"\0\0\0\4NW0?",
                  b"\0\0\0\5nw0??", b"\0\0\0\3nw0", b"\0\0\0\0", b"\0\xff\xff\xffnw0?", HELLO + b"\1\0\0\0"):
        with Stream.to(address) as stranger, Stream.to(address) as friend:
            stranger.send(start)
            friend.send(HELLO + encode_frame(b"friend"))
            assert peer.tell("wait", address, LIMIT) == "message " + word("friend")
            peer.order("wait", address, LIMIT)  # it reads on while it waits
            assert stranger.take_all() == b"", start
            with Stream.to(address) as next_one:
                next_one.send(HELLO + encode_frame(b"next"))
                assert peer.answer() == "message " + word("next")
    peer.unadvertise("wire/server")


# ---- messages: the C program is the client --------------------------------------------------------

def client_asks_in_frames():
    with Server() as server:
        peer.order("ask", server.address, LIMIT, word("hello"))
        with server.accept() as stream:
            assert stream.take(17) == b"\0\0\0\4nw0?\0\0\0\5hello" and stream.silent()
            stream.send(b"\0\0\0\5world")
            assert peer.answer() == "reply " + word("world")
            peer.order("ask", server.address, LIMIT, word(""))  # the conversation goes on
            assert stream.take(4) == b"\0\0\0\0" and stream.silent()
            stream.send(b"\0\0\0\0")
            assert peer.answer() == "reply " + word("")


def client_sends_every_size():
    with Server() as server:
        peer.order("ask", server.address, LIMIT, word("open"))
        with server.accept() as stream:
            assert stream.take(16) == HELLO + encode_frame(b"open")
            stream.send(encode_frame(b""))
            assert peer.answer() == "reply ."
            for size in SIZES:
                peer.order("ask", server.address, LIMIT, word(some_bytes(size)))
                assert stream.take(4 + size) == encode_frame(some_bytes(size)), size
                assert stream.silent()
                threading.Thread(target=stream.send, args=(encode_frame(some_bytes(size)[::-1]),), daemon=True).start()
                assert unword(peer.answer().split(" ")[1]) == some_bytes(size)[::-1], size


def client_puts_single_bytes_together():
    with Server() as server:
        peer.order("ask", server.address, LIMIT, word("hello"))
        with server.accept() as stream:
            stream.take(17)
            for byte in encode_frame(b"piece by piece"):
                stream.send(bytes([byte]))
            assert peer.answer() == "reply " + word("piece by piece")


def client_error(name, *answer):
    """What the C program says when its question is answered by these bytes and the end."""
    with Server() as server:
        peer.order("ask", server.address, LIMIT, word("hello"))
        with server.accept() as stream:
            stream.take(17)
            stream.send(b"".join(answer))
            if not answer:
                stream.socket.shutdown(socket.SHUT_WR)
            said = peer.answer()
        assert said.startswith("error %d " % getattr(errno, name)), said
        assert len(said.split(" ", 2)[2]) > 20, said
        return said


def client_knows_zeromq():
    said = client_error("EPROTONOSUPPORT", b"\xff\0\0\0\0\0\0\0\1\x7f")
    assert "ZeroMQ" in said, said


def client_knows_strangers():
    client_error("EPROTO", b"HTTP/1.1 400 Bad Request\r\n\r\n")
    client_error("EPROTO", b"\1\0\0\0")
    client_error("EPROTO", b"\xfe")


def client_knows_who_hangs_up():
    start = time.monotonic()
    client_error("ECONNRESET")
    with Server() as server:
        peer.order("ask", server.address, LIMIT, word("hello"))
        with server.accept() as stream:
            stream.take(17)
            stream.send(b"\0\0\0\5wor")  # and no more
        assert peer.answer().startswith("error %d " % errno.ECONNRESET)
    assert time.monotonic() - start < LIMIT / 2


TESTS = [
    decoder_reads_what_the_specification_shows, decoder_refuses_what_the_specification_forbids,
    advert_has_these_bytes, goodbye_has_these_bytes, advert_says_its_ttl, names_survive_in_both_directions,
    discover_asks_this_question, question_is_answered_by_its_mouth, question_to_everybody_brings_every_advert,
    networkzero_program_is_known_by_its_ttl,
    server_answers_in_frames, server_puts_single_bytes_together, autoreply_is_an_empty_frame, waiting_again_hangs_up,
    strangers_are_closed_without_an_answer,
    client_asks_in_frames, client_sends_every_size, client_puts_single_bytes_together, client_knows_zeromq,
    client_knows_strangers, client_knows_who_hangs_up,
    all_that_was_heard_is_valid,
]


def too_long():
    print("TOO LONG: the conversation hangs", flush=True)
    peer.process.kill()
    os._exit(99)


def run(test):
    """A test that goes wrong leaves a C program in the middle of something: the next one gets another."""
    global peer
    watch = threading.Timer(3 * LIMIT, too_long)
    watch.daemon = True
    watch.start()
    try:
        test()
        print("ok %s" % test.__name__, flush=True)
        return True
    except Exception:
        print("    " + traceback.format_exc().replace("\n", "\n    ").rstrip())
        print("FAILED %s" % test.__name__, flush=True)
        peer.process.kill()
        peer.process.wait()
        peer = Peer(sys.argv[1])
        return False
    finally:
        watch.cancel()


def ends_well():
    assert peer.end() == 0


ours = set()  # the addresses from which this program itself speaks
ear = Ear()
peer = Peer(sys.argv[1])
wanted = [t for t in TESTS if t.__name__ in sys.argv[2:] or not sys.argv[2:]]
results = [run(test) for test in wanted + [ends_well]]
print("wire: %d passed, %d failed" % (results.count(True), results.count(False)))
sys.exit(not all(results))
