"""news.py: the frames of news with plain sockets, and nothing of nw0.h.

    python3 news.py subscribe HOST:PORT PREFIX COUNT
        prints the first COUNT items whose topics begin with PREFIX, a line for each: topic, space, data in hexadecimal
    python3 news.py publish PORT COUNT
        prints "listening at HOST:PORT" (PORT 0: any that is free), waits for one subscriber, sends it those of COUNT
        items that it wants, in pieces of 1 to 7 bytes, and hangs up. Item i is called "item/i" and has i * 97 bytes

It ends with 1 and a sentence if the other side says what it must not say.
"""
import socket
import sys

LIMIT = 20.0
INTRODUCTION = b"nw0!"
MOST_PREFIX = 199
MOST_PREFIXES = 64
MOST_DATA = 0xFFFFFF


class WireError(Exception):
    pass


def frame(data):
    if len(data) > MOST_DATA:
        raise WireError("a frame of %d bytes" % len(data))
    return len(data).to_bytes(4, "big") + data


def read_exactly(connection, size):
    """So many bytes; b"" only for the end in front of the first of them."""
    data = b""
    while len(data) < size:
        piece = connection.recv(min(size - len(data), 1 << 20))
        if not piece and not data:
            return b""
        if not piece:
            raise WireError("the connection ended within a frame, after %r" % data[:40])
        data += piece
    return data


def read_frame(connection, most):
    """A frame, or None where the connection ends."""
    head = read_exactly(connection, 4)
    if not head:
        return None
    size = int.from_bytes(head, "big")
    if size > most:
        raise WireError("a frame of %d bytes, where %d are the most: %r" % (size, most, head))
    data = read_exactly(connection, size) if size else b""
    if len(data) < size:
        raise WireError("the connection ended after a length")
    return data


def demand(value, what):
    if value is None:
        raise WireError("the connection ended where %s was to come" % what)
    return value


def item_of(number):
    return b"item/%d" % number, bytes((number + i) % 256 for i in range(number * 97))


# ---- subscribing ----

def subscribe(address, prefix, count):
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), LIMIT) as connection:
        connection.sendall(frame(INTRODUCTION) + frame(prefix.encode()))
        for _ in range(count):
            topic = demand(read_frame(connection, MOST_PREFIX), "a topic").decode()
            data = demand(read_frame(connection, MOST_DATA), "data")
            if not topic.startswith(prefix):
                raise WireError("news on %r, which was not wanted" % topic)
            print(topic, data.hex(), flush=True)


# ---- publishing ----

class Subscriber:
    def __init__(self, connection):
        self.connection = connection
        connection.settimeout(LIMIT)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        introduction = read_frame(connection, len(INTRODUCTION))
        if introduction != INTRODUCTION:
            raise WireError("the introduction was %r" % introduction)
        self.prefixes = [demand(read_frame(connection, MOST_PREFIX), "a prefix")]

    def hear(self):
        """More prefixes, if there are some."""
        while len(self.prefixes) < MOST_PREFIXES:
            self.connection.setblocking(False)
            try:
                waiting = self.connection.recv(1, socket.MSG_PEEK)
            except BlockingIOError:
                waiting = b""
            finally:
                self.connection.settimeout(LIMIT)
            if not waiting:
                return
            self.prefixes.append(demand(read_frame(self.connection, MOST_PREFIX), "a prefix"))

    def tell(self, topic, data):
        self.hear()
        if not any(topic.startswith(prefix) for prefix in self.prefixes):
            return
        stream, size = frame(topic) + frame(data), 0
        while stream:
            size = size % 7 + 1
            self.connection.sendall(stream[:size])
            stream = stream[size:]


def publish(port, count):
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()
        listener.settimeout(LIMIT)
        print("listening at %s:%d" % listener.getsockname(), flush=True)
        connection, _ = listener.accept()
        with connection:
            subscriber = Subscriber(connection)
            for number in range(count):
                subscriber.tell(*item_of(number))


def main(words):
    try:
        if len(words) == 5 and words[1] == "subscribe":
            subscribe(words[2], words[3], int(words[4]))
        elif len(words) == 4 and words[1] == "publish":
            publish(int(words[2]), int(words[3]))
        else:
            sys.exit(__doc__)
    except (WireError, OSError) as error:
        sys.exit("news.py: %s" % error)


if __name__ == "__main__":
    main(sys.argv)
