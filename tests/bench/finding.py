"""finding.py: the rows of discovery, between hosts that are network namespaces."""

import time

from programs import (QUICK, Child, advertiser, make_hosts, numbers, on, program, sh)
from results import centile99

# ---- rows: discovery -----------------------------------------------------------------------------


def discovery(results):
    make_hosts('a', 'b')
    for count, what, limit in (1, 'nw0_advertise', 0.001), (50, 'nw0_advertise, 50 of them', 0.010):
        children = [advertiser('a', f'time{count}-{i}/', count) for i in range(3 if QUICK else 9)]
        results.figure('discovery', what, 's', [child.times[1] for child in children], ('<', limit))
        for child in children:
            child.end(crash=False)
    server = advertiser('a', 'here', 1)
    look = on('b', program('find', 'name', 'here0'))
    find = [numbers(look)[0] for _ in range(30 if QUICK else 200)]
    what = 'nw0_discover from a new process'
    results.figure('discovery', what + ', median', 's', find, ('<', 0.001))
    results.figure('discovery', what + ', 99 %', 's', find, ('<', 0.020), centile99)
    server.end(crash=False)
    crowds(results)


def crowds(results):
    """Many services of one process, and a program that has just started: its first look, which
    takes half a second, and how long it takes until it knows them all. In between there is time
    for as many answers as will be wanted, because a process gives no more than a thousand a
    second."""
    for count in 50, 500:
        crowd = advertiser('a', f'crowd/{count}-', count)

        def after_a_pause(measure, *words):
            time.sleep(0.1 + count / 500)
            return measure(*words)

        look = on('b', program('find', 'group', 'crowd'))
        looks = [after_a_pause(numbers, look) for _ in range(3 if QUICK else 10)]
        times, seen = [look[0] for look in looks], [look[1] for look in looks]
        each = f'crowd/{count}-', count
        all_known = [after_a_pause(until_all, *each) for _ in range(1 if QUICK else 5)]
        crowd.end(crash=False)
        what, small = f'{count} services, ', count == 50
        results.figure('discovery', what + 'seen by the first look', '', seen,
                       ('>', count) if small else None, min)
        results.figure('discovery', what + 'time of the first look', 's', times,
                       ('<', 0.55) if small else None)
        results.figure('discovery', what + 'until all are known', 's', all_known)


def until_all(prefix, count):
    start, watcher = time.monotonic(), Watcher()
    watcher.until('joined', [f'{prefix}{i}' for i in range(count)])
    watcher.child.end()
    return time.monotonic() - start


class Watcher:
    """Somebody on host b, and what it saw."""

    def __init__(self):
        self.child = Child(program('find', 'watch'), 'b')
        self.left = {}

    def until(self, kind, names):
        waiting = set(names)
        while waiting:
            at, what, name = self.child.line()
            if what == 'left':
                self.left[name] = float(at)
            if what == kind:
                waiting.discard(name)


def leaving(results):
    make_hosts('a', 'b')
    watcher = Watcher()
    count = 5 if QUICK else 20
    for way in 'unadvertise', 'exit':
        services = [advertiser('a', f'{way}{i}-', 1) for i in range(count)]
        watcher.until('joined', [f'{way}{i}-0' for i in range(count)])
        times = []
        for i, service in enumerate(services):
            service.tell(f'bye {way}{i}-0' if way == 'unadvertise' else 'exit')
            began = float(service.line()[0])
            watcher.until('left', [f'{way}{i}-0'])
            times.append(watcher.left[f'{way}{i}-0'] - began)
        results.figure('leaving', f'leaving with a goodbye ({way})', 's', times, ('<', 0.010))
        for service in services:
            service.end(crash=False)
    crash(results, watcher, 10 if QUICK else 40)
    cable(results, watcher, 3 if QUICK else 12)
    watcher.child.end()


def away(results, what, watcher, began):
    watcher.until('left', [name for name in began if name not in watcher.left])
    times = [watcher.left[name] - at for name, at in began.items()]
    results.figure('leaving', f'leaving by {what}, median', 's', times, ('<', 3))
    results.figure('leaving', f'leaving by {what}, longest', 's', times, ('<', 4.5), max)


def crash(results, watcher, count):
    services = []
    for i in range(count):  # spread over an interval, so that each is killed at another point of it
        services.append(advertiser('a', f'crash{i}-', 1))
        time.sleep(2 / count)
    watcher.until('joined', [f'crash{i}-0' for i in range(count)])
    time.sleep(2)
    began = {}
    for i, service in enumerate(services):
        began[f'crash{i}-0'] = time.monotonic()
        service.end()
    away(results, 'kill -9', watcher, began)


def cable(results, watcher, count):
    names = [f'c{i}' for i in range(count)]
    make_hosts(*names)
    services = []
    for name in names:
        services.append(advertiser(name, f'cable-{name}-', 1))
        time.sleep(2 / count)
    watcher.until('joined', [f'cable-{name}-0' for name in names])
    time.sleep(2)
    began = {}
    for name in names:
        began[f'cable-{name}-0'] = time.monotonic()
        sh(f'ip -n lan link set {name}-eth0 down')
    away(results, 'a pulled cable', watcher, began)
    for name in names:  # with a base, all of this comes again
        sh(f'ip -n lan link set {name}-eth0 up')
    for service in services:
        service.end()
