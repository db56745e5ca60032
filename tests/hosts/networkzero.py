"""networkzero.py NAME ADDRESS TTL: a program that behaves on the wire as Python's NetworkZero does.

It speaks from port 9999, by broadcast, and nothing else; it answers no question. It dies of any
datagram that is not one JSON array of three, or that is longer than 256 bytes, as NetworkZero does.
Lines on its standard input: "quiet" (stop to advertise) and "goodbye" (that, with a last ttl of 0).
"""
import json
import select
import socket
import sys
import time

INTERVAL_S = 2
LONGEST = 256
DESTINATION = ("10.77.0.255", 9999)


def say(*words):
    print("%.6f" % time.monotonic(), *words, flush=True)


def parse(datagram):
    assert len(datagram) <= LONGEST, "%d bytes" % len(datagram)
    advert = json.loads(datagram.decode("utf-8"))
    assert isinstance(advert, list) and len(advert) == 3, "not an array of three"
    name, address, ttl = advert
    assert isinstance(name, str) and isinstance(address, str), "not two strings"
    assert isinstance(ttl, (int, float)) and not isinstance(ttl, bool), "no ttl"
    return name, address, ttl


def main(name, address, ttl):
    known = {}
    advertising = True
    advertise_at = time.monotonic()
    beacon = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    beacon.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    beacon.bind(("", 9999))

    def speak(ttl):
        beacon.sendto(json.dumps([name, address, ttl]).encode("utf-8"), DESTINATION)

    while True:
        if advertising and time.monotonic() >= advertise_at:
            speak(ttl)
            say("spoke")
            advertise_at = time.monotonic() + INTERVAL_S
        ready = select.select([beacon, sys.stdin], [], [], 0.05)[0]
        if sys.stdin in ready:
            command = sys.stdin.readline().strip()
            if not command:
                return
            say(command)
            advertising = False
            if command == "goodbye":
                speak(0)
        if beacon in ready:
            datagram, source = beacon.recvfrom(65536)
            try:
                found, where, its_ttl = parse(datagram)
            except (AssertionError, ValueError) as error:
                say("died of", repr(datagram), "from", source[0], "because", error)
                sys.exit(1)
            if found.startswith("?"):
                say("question", found, where, its_ttl)
            elif found not in known or known[found][0] != where:
                say("joined", found, where)
            known[found] = where, time.monotonic() + its_ttl
        for gone in [n for n, (_, until) in known.items() if until <= time.monotonic()]:
            if not gone.startswith("?"):
                say("left", gone)
            del known[gone]


main(sys.argv[1], sys.argv[2], float(sys.argv[3]) if "." in sys.argv[3] else int(sys.argv[3]))
