"""A second reading of what nw0 says on the wire, written from its specification and not from its code.

As a library: datagram(), question_side(), answer_side(), subscriber_side(), publisher_side().
As a program: decode.py datagram|questions|answers|subscriber|publisher FILE...
    says for each file what is in it, or why it is not what it should be; ends with 1 if one is not.

Discovery (UDP): one JSON array of exactly three in at most 256 bytes, ["name","ip:port",ttl].
    ttl > 0: an advert. ttl 0: a goodbye, or, if the name starts with '?', a question.
Messages and news (TCP): frames, each being its length in four bytes, big-endian, and then that many bytes.
    The client speaks first: "nw0?" and then messages, each answered by one reply,
    or "nw0!" and then the prefixes it wants, answered by pairs of topic and data.
"""
import json
import math
import re
import sys
from collections import namedtuple

MAX_DATAGRAM = 256
MAX_NAME = 199          # bytes of UTF-8
MAX_FRAME = 0xFFFFFF    # the first byte of a length is always 0
MAX_PREFIXES = 64
QUESTIONS, NEWS = b"nw0?", b"nw0!"

Datagram = namedtuple("Datagram", "kind name address ttl")  # kind: "advert", "goodbye" or "question"


class WireError(ValueError):
    """These bytes are not what the specification allows."""


def _require(condition, complaint, *details):
    if not condition:
        raise WireError(complaint % details if details else complaint)


# ---- discovery ------------------------------------------------------------------------------------

def _no_constant(text):
    raise WireError("%s is not JSON" % text)


def _json(data):
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as e:
        raise WireError("not UTF-8: %s" % e) from None
    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise WireError("nested without end") from None
    except ValueError as e:
        if isinstance(e, WireError):
            raise
        raise WireError("not JSON: %s" % e) from None


def _utf8(text, what):
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise WireError("%s has half a surrogate pair in it" % what) from None


def _check_name(text, what="the name"):
    _require("\0" not in text, "%s has a NUL in it", what)
    _require(len(_utf8(text, what)) <= MAX_NAME, "%s is longer than %d bytes", what, MAX_NAME)


def _check_address(text):
    found = re.fullmatch(r"([0-9]+)\.([0-9]+)\.([0-9]+)\.([0-9]+):([0-9]+)", text, re.ASCII)
    _require(found, "%r is not ip:port", text)
    numbers = [int(n) for n in found.groups()]
    _require(all(str(n) == g for n, g in zip(numbers, found.groups())), "%r has superfluous zeros", text)
    _require(all(n <= 255 for n in numbers[:4]), "%r is not an IP address", text)
    _require(1 <= numbers[4] <= 65535, "%r has no port", text)


def datagram(data):
    """What a datagram says, as a Datagram; WireError if it says nothing."""
    _require(len(data) <= MAX_DATAGRAM, "%d bytes are more than %d", len(data), MAX_DATAGRAM)
    value = _json(data)
    _require(isinstance(value, list) and len(value) == 3, "not an array of three")
    name, address, ttl = value
    _require(isinstance(name, str), "the name is no string")
    _require(isinstance(address, str), "the address is no string")
    _require(isinstance(ttl, (int, float)) and not isinstance(ttl, bool), "the ttl is no number")
    _require(not math.isnan(ttl) and ttl >= 0, "the ttl is no time")
    _check_address(address)
    _require(name != "", "the name is empty")
    if not name.startswith("?"):
        _check_name(name)
        return Datagram("advert" if ttl > 0 else "goodbye", name, address, ttl)
    _require(ttl == 0, "a question has no ttl")
    _check_name(name[1:], "the name that is asked for")
    return Datagram("question", name[1:], address, ttl)


def sent_datagram(data):
    """The same, for what nw0 itself has sent: it writes without a blank, and its ttl as short as can be."""
    d = datagram(data)
    rest = re.sub(rb'"(?:[^"\\]|\\.)*"', b'""', data)
    _require(re.fullmatch(rb'\["","",[0-9]+(\.[0-9]+)?\]', rest), "not written as nw0 writes: %r", data)
    return d


# ---- frames ---------------------------------------------------------------------------------------

def encode_frame(data):
    assert len(data) <= MAX_FRAME
    return len(data).to_bytes(4, "big") + data


def frames(stream):
    """The frames in a stream, and how many bytes of another one are there already."""
    found, at = [], 0
    while at < len(stream):
        _require(stream[at] == 0, "a length starts with %02x at byte %d", stream[at], at)
        if at + 4 > len(stream):
            break
        end = at + 4 + int.from_bytes(stream[at:at + 4], "big")
        if end > len(stream):
            break
        found.append(bytes(stream[at + 4:end]))
        at = end
    return found, len(stream) - at


def _whole(stream):
    found, rest = frames(stream)
    _require(rest == 0, "the last frame is cut short: %d bytes of it", rest)
    return found


def _client(stream, greeting):
    found = _whole(stream)
    _require(found and found[0] == greeting, "it does not start with %r", greeting)
    return found[1:]


def question_side(stream):
    """The messages of one who asks."""
    return _client(stream, QUESTIONS)


def answer_side(stream):
    """The replies of the one who is asked."""
    return _whole(stream)


def conversation(asked, answered):
    """Pairs of message and reply; a message that was not answered has None."""
    messages, replies = question_side(asked), answer_side(answered)
    _require(len(replies) <= len(messages), "%d replies to %d messages", len(replies), len(messages))
    return list(zip(messages, replies + [None] * (len(messages) - len(replies))))


def subscriber_side(stream):
    """The prefixes of one who wants news."""
    prefixes = _client(stream, NEWS)
    _require(1 <= len(prefixes) <= MAX_PREFIXES, "%d prefixes", len(prefixes))
    _require(all(len(p) <= MAX_NAME for p in prefixes), "a prefix is longer than %d bytes", MAX_NAME)
    return prefixes


def publisher_side(stream, prefixes=(b"",)):
    """Pairs of topic and data."""
    found = _whole(stream)
    _require(len(found) % 2 == 0, "a topic without data")
    items = list(zip(found[::2], found[1::2]))
    for topic, _ in items:
        try:
            _check_name(topic.decode("utf-8"), "a topic")
        except UnicodeDecodeError:
            raise WireError("a topic is not UTF-8") from None
        _require(any(topic.startswith(p) for p in prefixes), "nobody wanted %r", topic)
    return items


# ---- as a program ---------------------------------------------------------------------------------

READERS = {"datagram": datagram, "questions": question_side, "answers": answer_side,
           "subscriber": subscriber_side, "publisher": publisher_side}


def main(arguments):
    if len(arguments) < 2 or arguments[0] not in READERS:
        print(__doc__, file=sys.stderr)
        return 2
    wrong = 0
    for path in arguments[1:]:
        with open(path, "rb") as file:
            data = file.read()
        try:
            print("%s: %s" % (path, READERS[arguments[0]](data)))
        except WireError as e:
            print("%s: WRONG: %s" % (path, e))
            wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
