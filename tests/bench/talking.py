"""talking.py: the rows of messages and news, beside bare sockets and others."""

import itertools
import os
import shutil
import statistics

from programs import (CPUS, OUT, PEERS, PLACES, QUICK, ROUNDS, SECONDS, Child, in_turn,
                      most_connections, numbers, program)
from results import each_of, quartiles, ratios_of, value_text

ALIGNED, MALLOC, PAGE = 64, 16, 0  # where a message lies in its page: as most, as malloc's, exactly
KIB64, MIB, LONGEST = 1 << 16, 1 << 20, (1 << 24) - 1


def size_text(size):
    if size == LONGEST:
        return '16 MiB - 1'
    if size >= MIB:
        return f'{size // MIB} MiB'
    return f'{size // 1024} KiB' if size >= 1024 else f'{size} B'


# ---- rows: messages ------------------------------------------------------------------------------


def talk(who, what, server, client, *words):
    found = numbers(program('talk_' + who, what, server, client, *words))
    return found[0] if found else None


def round_trip(results):
    limits = {64: ('<', 1.15), KIB64: ('<', 1.15), MIB: ('<', 1.10)}
    for (place, server, client), size in itertools.product(PLACES, (1, 64, 1024, KIB64, MIB)):

        def measure(who):
            return talk(who, 'round-trip', server, client, SECONDS, size, ALIGNED)

        limit = limits.get(size) if place == PLACES[0][0] else None
        what = f'round trip, {size_text(size)}, {place}'
        results.compare('round-trip', what, 's', in_turn(list(PEERS), measure), limit=limit)
    unlucky_buffers(results)


def unlucky_buffers(results):
    """Large blocks of malloc begin 16 bytes after a page: there some processors copy three times
    slower. All who send and receive have their memory there, but for bare sockets, which for this
    comparison have theirs where it does not matter."""
    places = ('as of malloc', MALLOC, 1.25), ('page aligned', PAGE, 1.9)
    for (place, offset, most), size in itertools.product(places, (KIB64, MIB)):

        def measure(who):
            at = ALIGNED if who == 'bare' else offset
            return talk(who, 'round-trip', CPUS[0], CPUS[0], SECONDS, size, at)

        what = f'round trip, {size_text(size)}, buffers {place}'
        values = in_turn(list(PEERS), measure)
        results.compare('round-trip', what, 's', values, limit=('<', most))


def throughput(results):
    for (place, server, client), size in itertools.product(PLACES, (MIB, LONGEST)):
        seconds = max(SECONDS, 0.15) * (1 if size == MIB else 2)

        def measure(who):
            return talk(who, 'throughput', server, client, seconds, size, ALIGNED)

        limit = ('>', 0.92) if place == PLACES[0][0] else None
        what = f'throughput, {size_text(size)}, {place}'
        results.compare('throughput', what, 'B/s', in_turn(list(PEERS), measure), limit=limit)


class Server(Child):
    def __init__(self, who, cpu):
        super().__init__(program('talk_' + who, 'answer', cpu))
        self.protocol = who if who in ('zmq', 'nng') else 'frames'
        self.port = ''.join(self.line()[:1])
        if not self.port:
            raise RuntimeError(f'no server with {who}')

    def load(self, cpu, busy, idle=0, seconds=None):
        return program('load', self.protocol, self.port, cpu, busy, idle, seconds or 2 * SECONDS)

    def rate(self, *words):
        found = numbers(self.load(*words))
        return found[0] if found else None


def connections(results):
    for place, server, client in PLACES:
        together = place == PLACES[0][0]
        servers = {who: Server(who, server) for who in PEERS}
        for busy in (1, 8, 64, 512) if together else (8, 512):

            def measure(who):
                return servers[who].rate(client, busy)

            limit = ('>', 0.90) if busy == 512 and together else None
            what = f'requests/s, {busy} busy, {place}'
            values = in_turn(list(PEERS), measure, min(ROUNDS, 7))
            results.compare('connections', what, '/s', values, limit=limit)
        if together:
            idle_connections(results, servers, client)
        for each in servers.values():
            each.end()


def idle_connections(results, servers, client):
    """The same server with and without idle connections: everybody is compared with himself."""
    idle = min(1000, most_connections())
    cases = [(who, n) for who in PEERS for n in (0, idle)]
    values = in_turn(cases, lambda case: servers[case[0]].rate(client, 8, case[1]), min(ROUNDS, 5))
    for (who, n), each in values.items():
        results.keep('connections', f'8 busy, {n} idle', who, '/s', each)

    def ratio(who):
        return ratios_of(values[who, idle], values[who, 0])

    low, middle, high = quartiles(ratio('nw0'))
    peers = {who: statistics.median(ratio(who)) for who in PEERS if who not in ('nw0', 'base')}
    what, rate = f'requests/s, 8 busy beside {idle:,} idle', statistics.median(values['nw0', idle])
    results.line(
        'connections', what, value_text(rate, '/s'), middle, '> 0.9 x', middle >= 0.9, peers,
        'none idle', low, high
    )
    results.beside_base(what, {who: values[who, idle] for who in PEERS if (who, idle) in values})


# ---- rows: news ----------------------------------------------------------------------------------


NEWS_COUNTS = {  # by bytes and subscribers: about as many deliveries as take half a second
    (64, 1): 500000,
    (64, 8): 150000,
    (64, 64): 20000,
    (KIB64, 1): 2000,
    (KIB64, 8): 400,
    (KIB64, 64): 60,
}


def news(results):
    for place, (size, subscribers) in itertools.product(PLACES, NEWS_COUNTS):
        flood(results, place, size, subscribers)


def flood(results, place, size, subscribers):
    place, publisher, listeners = place
    together = place == PLACES[0][0]
    count = NEWS_COUNTS[size, subscribers]

    def measure(who):
        # where each item costs a call, fewer show the same
        n = count // 10 if who in ('bare', 'nng') and size == 64 else count
        flood = program('talk_' + who, 'flood', publisher, listeners, subscribers, size, n)
        return numbers(flood) or None

    both = in_turn(list(PEERS), measure, 5 if together and not QUICK else 3)
    rates = {who: [v[0] for v in each] for who, each in both.items()}
    lost = {who: [v[1] for v in each] for who, each in both.items()}
    what, small = f'news, {size_text(size)} to {subscribers}, {place}', size == 64 and together
    base = 'zmq' if 'zmq' in both else 'bare'
    limit = ('>', 1.5) if small and base == 'zmq' else None
    results.compare('news', what, '/s', rates, base, limit)
    # "hardly any" is at most one in a hundred, where all of them share a processor
    loss(results, 'news', '    of these lost', lost, ('<', 1) if small else None)


def loss(results, row, what, lost, limit):
    for who in lost.keys() - {'nw0'}:
        results.keep(row, what, who, '%', lost[who])
    peers = each_of({who: max(each) for who, each in lost.items()}, '.0f')
    results.figure(row, what, '%', lost['nw0'], limit, max, peers)


def paced(results):
    words = 'paced', CPUS[0], CPUS[-1], 64, 64, 1000 if QUICK else 3000
    both = in_turn(list(PEERS), lambda who: numbers(program('talk_' + who, *words)) or None, 2)
    lost = {who: [v[1] for v in each] for who, each in both.items()}
    loss(results, 'paced', 'news, 1,000 items/s to 64 subscribers: lost', lost, ('<', 0))


# ---- rows: beside idle connections ---------------------------------------------------------------


CALLS = {
    'answer': 'taking a question, answering it',
    'ask': 'asking, getting the answer',
    'message': 'nw0_wait_for_message_from, 0 s',
    'publish': 'nw0_send_news_to',
    'news': 'nw0_wait_for_news_from, 0 s',
    'close': 'nw0_close',
    'discover': 'nw0_discover, a known name',
    'change': 'nw0_wait_for_change, 0 s',
}


def beside_idle(call, kind, rounds):
    """Seconds of a call with and without so many idle connections: {(who, how many): [...]}."""
    count = min(1000, most_connections())
    cases = [(who, n) for who in ('nw0', 'base') if who in PEERS for n in (0, count)]

    def measure(case):
        name = 'idle' if case[0] == 'nw0' else 'idle_base'
        found = numbers(program(name, call, kind, case[1], CPUS[0], SECONDS))
        return found[0] if found else None

    return count, in_turn(cases, measure, rounds)


def idle(results):
    """With a thousand of them, and with none. No limit: this is to see whether any call falls off a
    cliff."""
    for kind, (call, name) in itertools.product(('askers', 'subscribers'), CALLS.items()):
        count, values = beside_idle(call, kind, 3)
        line_beside(results, 'idle', f'{name} ({kind})', values, count, 's')


def news_beside(results):
    count, times = beside_idle('publish', 'askers', min(ROUNDS, 5))
    rates = {case: [1 / t for t in each] for case, each in times.items()}
    what = f'news items/s beside {count:,} idle askers'
    line_beside(results, 'news-beside', what, rates, count, '/s', 0.9)


def line_beside(results, row, what, values, count, unit, least=None):
    for (who, n), each in values.items():
        results.keep(row, f'{what}, {n} idle', who, unit, each)
    low, middle, high = quartiles(ratios_of(values['nw0', count], values['nw0', 0]))
    value = value_text(statistics.median(values['nw0', count]), unit)
    wanted, reached = (f'> {least} x', middle >= least) if least else ('', None)
    results.line(row, what, value, middle, wanted, reached, '', 'none idle', low, high)
    results.beside_base(what, {who: values[who, count] for who, n in values if n == count})


# ---- rows: noise ---------------------------------------------------------------------------------


def noise(results):
    """One program under two names, measured as two: whatever is not 1.00 is noise."""
    shutil.copy(os.path.join(OUT, 'talk_nw0'), os.path.join(OUT, 'talk_same'))
    both, here = ['nw0', 'same'], (CPUS[0], CPUS[0])

    def compare(what, unit, measure, rounds=None):
        results.compare('noise', what, unit, in_turn(both, measure, rounds), 'same')

    for size in 64, KIB64:
        compare(f'round trip, {size_text(size)}', 's',
                lambda who: talk(who, 'round-trip', *here, SECONDS, size, ALIGNED))
    compare(f'throughput, {size_text(MIB)}', 'B/s',
            lambda who: talk(who, 'throughput', *here, max(SECONDS, 0.15), MIB, ALIGNED))
    compare('news, 64 B to 8', '/s',
            lambda who: talk(who, 'flood', *here, 8, 64, NEWS_COUNTS[64, 8]), 5)
