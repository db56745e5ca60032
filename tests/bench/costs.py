"""costs.py: the rows of what it costs (time at rest, memory, code) and of how that grows."""

import os
import re
import shutil
import statistics
import subprocess
import time

from programs import (BASE, CC, CPUS, FLAGS, OUT, PEERS, QUICK, ROOT, Child, advertiser, header,
                      in_turn, make_hosts, most_connections, on, program, run_out)
from results import each_of, say
from talking import Server

# ---- rows: what it costs -------------------------------------------------------------------------


def status(pid, field):
    """Summed over the threads of a process."""
    total = 0
    for task in os.listdir(f'/proc/{pid}/task'):
        with open(f'/proc/{pid}/task/{task}/status') as file:
            total += int(re.search(field + r':\s+(\d+)', file.read()).group(1))
    return total


def cpu_seconds(pid):
    total = 0
    for task in os.listdir(f'/proc/{pid}/task'):
        with open(f'/proc/{pid}/task/{task}/schedstat') as file:
            total += int(file.read().split()[0])
    return total / 1e9


def rest(results):
    make_hosts('a', 'b')
    servers = {'one service, nobody else': ['a'], 'two hosts': ['a', 'b']}
    seconds = 4 if QUICK else 10
    for what, hosts in servers.items():
        children = [advertiser(host, 'rest-' + host, 1) for host in hosts]
        time.sleep(3)  # the first adverts, and the start of the process, are over
        pid = children[0].pid
        woke, spent = status(pid, 'voluntary_ctxt_switches'), cpu_seconds(pid)
        time.sleep(seconds)
        woke, spent = status(pid, 'voluntary_ctxt_switches') - woke, cpu_seconds(pid) - spent
        if what == 'one service, nobody else':
            results.figure('rest', 'at rest: threads beside the program\'s own', '',
                           [len(os.listdir(f'/proc/{pid}/task')) - 1], ('<', 1))
        alone = len(hosts) == 1
        results.figure('rest', f'at rest, {what}: wake-ups', '/s', [woke / seconds],
                       ('<', 1.05) if alone else None)
        results.figure('rest', f'at rest, {what}: CPU', '%', [100 * spent / seconds],
                       ('<', 0.1) if alone else None)
        for child in children:
            child.end(crash=False)


def memory(results):
    """Of a server that has answered each of its clients many times, and still has them all."""

    def resident(who, clients):
        server = Server(who, CPUS[0])
        load = Child(server.load(CPUS[0], clients, 0, 0.3) + ['hold'])
        load.line()
        with open(f'/proc/{server.pid}/status') as file:
            kib = int(re.search(r'VmRSS:\s+(\d+)', file.read()).group(1))
        load.end()
        server.end()
        return kib * 1024 / 1e6
    for clients, limit in (1, 2.2), (512, 3):
        values = in_turn(list(PEERS), lambda who: resident(who, clients), 3)
        for who, each in values.items():
            if who != 'nw0':
                results.keep('memory', f'{clients} clients', who, 'MB', each)
        what = f'memory of a server, {clients} client{"s" * (clients > 1)}'
        peers = each_of({who: statistics.median(each) for who, each in values.items()}, '.1f')
        results.figure('memory', what, 'MB', values['nw0'], ('<', limit), peers=peers)
        results.beside_base(what, values)


HEAP = {
    'start': 'after the start',
    'connection': 'for a connection',
    'service': 'for a service',
    'subscriber': 'for a subscriber',
    'left': 'after nw0_shutdown',
}


def heap(results):
    found = dict(line.split('\t') for line in run_out(program('heap')).splitlines())
    for what, name in HEAP.items():
        limit = ('<', 0) if what == 'left' else None
        results.figure('heap', f'heap {name}', 'bytes', [float(found[what])], limit)


def text_bytes(path):
    """.text alone, and what `size` calls text: with the constants, and what else is only read."""
    sections = dict(re.findall(r'^(\.\S+)\s+(\d+)', run_out(['size', '-A', path]), re.M))
    return int(sections['.text']), int(run_out(['size', path]).splitlines()[1].split()[0])


SMALL = [  # functions that are not called are left out: they are static there (NW0_STATIC)
    ('-Os', [], ('<', 28)),
    ('-Os, --gc-sections', ['-ffunction-sections', '-Wl,--gc-sections'], ('<', 28)),
]


def compile_small(source, out, options, compiler=None):
    command = [*(compiler or CC), '-std=gnu11', '-Os', '-I' + header.folder(), *options, source]
    subprocess.run([*command, '-o', out, '-pthread'], check=True)


def size(results):
    server, empty = os.path.join(ROOT, 'examples', 'hello_server.c'), os.path.join(OUT, 'empty.c')
    out = os.path.join(OUT, 'size')
    with open(empty, 'w') as file:
        file.write('int main(void) { return 0; }\n')
    for name, options, limit in SMALL:
        sizes = []
        for source in server, empty:
            compile_small(source, out, options)
            sizes.append(text_bytes(out))
        code, text = ((a - b) / 1024 for a, b in zip(*sizes))
        results.figure('size', f'hello server, {name}: .text', 'KiB', [code], limit)
        results.figure('size', f'hello server, {name}: text of size', 'KiB', [text])
    if shutil.which('musl-gcc'):
        options = ['-static', '-s', '-D_GNU_SOURCE', *SMALL[-1][1]]
        compile_small(server, out, options, ['musl-gcc'])
        what, found = 'hello server, static with musl, stripped', os.path.getsize(out) / 1024
        results.figure('size', what, 'KiB', [found], ('<', 112))


def call_graph():
    """What the compiler says of the header: the bytes of each frame, and who calls whom."""
    out = os.path.join(OUT, 'stack')
    command = [*CC, *FLAGS, '-Os', '-fcallgraph-info=su', '-DNW0_IMPLEMENTATION', '-x', 'c', '-c']
    command += [os.path.join(header.folder(), 'nw0.h'), '-o', out + '.o']
    if run_out(command) is None:
        return None, None
    with open(out + '.ci') as file:
        graph = file.read()
    frames = re.findall(r'node: { title: "([^"]+)".*?(\d+) bytes', graph)
    calls = {}
    for a, b in re.findall(r'edge: { sourcename: "([^"]+)" targetname: "([^"]+)"', graph):
        calls.setdefault(a, set()).add(b)
    return {name: int(size) for name, size in frames}, calls


def stack(results):
    """The deepest chain of calls inside the header: what libc needs below it is not in it, and a
    call through a pointer neither."""
    frames, calls = call_graph()
    if not frames:
        return say('stack: this compiler has no -fcallgraph-info')
    depth = {}

    def deepest(name, above=()):
        if name not in depth:
            above += (name,)
            below = [deepest(n, above) for n in calls.get(name, ()) if n not in above]
            depth[name] = frames.get(name, 0) + max(below, default=0)
        return depth[name]

    for what, size_of in ('deepest', deepest), ('largest frame', frames.get):
        name = max(frames, key=size_of)
        results.figure('stack', f'stack, {what}', 'bytes', [size_of(name)],
                       peers=name.split(':')[-1])


# ---- rows: growth --------------------------------------------------------------------------------


def traffic(host):
    counters = run_out(on('lan', ['cat', '/proc/net/dev']))
    fields = re.search(host + r'-eth0:\s*(.*)', counters).group(1).split()
    return int(fields[0]), int(fields[1])  # what the bridge got from it: bytes, packets


def growth(results):
    make_hosts('a', 'b')
    seconds = 4  # two intervals
    for count in (1, 100, 1000) if QUICK else (1, 10, 100, 500, 1000):
        listener = Child(program('find', 'watch'), 'b')
        crowd = advertiser('a', 'grow/', count)
        time.sleep(3)
        before = *traffic('a'), cpu_seconds(listener.pid)
        time.sleep(seconds)
        after = *traffic('a'), cpu_seconds(listener.pid)
        size, packets, spent = (b - a for a, b in zip(before, after))
        what = f'{count} service{"s" * (count > 1)} of one host'
        results.figure('growth', f'{what}: datagrams/s', '/s', [packets / seconds])
        results.figure('growth', f'{what}: on the network', 'kB/s', [size / seconds / 1000])
        results.figure('growth', f'{what}: CPU of a listener', '%', [100 * spent / seconds])
        crowd.end(crash=False)
        listener.end()
        if count == 1 and not BASE:
            host_arithmetic(results, packets / seconds, size / seconds)


def busy_crowd(results):
    for count in 1, 10, 100, 1000, 5000, 10000:
        if count > most_connections():
            say(f'not more than {most_connections():,} descriptors are allowed here')
            break
        these = [who for who in PEERS if who not in ('zmq', 'nng')]
        values = in_turn(these, lambda who: server_rate(who, count), 1 if QUICK else 3)
        results.compare('growth', f'requests/s, {count:,} connections, all busy', '/s', values)


def host_arithmetic(results, packets, size):
    """Every host says the same at its own times, so the network carries the sum; not measured."""
    for hosts in 2, 20, 200:
        what = f'{hosts} hosts with one service each, by arithmetic'
        say(f'{what:44} {packets * hosts:8.0f} /s, {size * hosts / 1000:.1f} kB/s on the network')
        results.keep('growth', what, 'nw0', 'datagrams/s', [packets * hosts])
        results.keep('growth', what, 'nw0', 'B/s', [size * hosts])


def server_rate(who, count):
    server = Server(who, CPUS[0])
    rate = server.rate(CPUS[0], count, 0, 1 if count > 1000 else 0.3)
    server.end()
    return rate
