"""programs.py: the programs that measure, how they are built and run, and the hosts they run on.

Where BASE names another header, each program that is made with nw0.h is made with that one, too:
NAME and NAME_base."""

import os
import re
import resource
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
OUT = os.path.join(os.path.abspath(os.environ.get('BUILD', os.path.join(ROOT, 'build'))), 'bench')
CC = os.environ.get('CC', 'cc').split()
FLAGS = '-std=gnu11 -O2 -Wall -Wextra -Wshadow -pthread'.split()
BASE = os.environ.get('BASE', '')
QUICK = bool(os.environ.get('QUICK'))
ROUNDS = 3 if QUICK else 9
SECONDS = 0.05 if QUICK else 0.15
CPUS = sorted(os.sched_getaffinity(0))
PLACES = [('one processor', CPUS[0], CPUS[0])] + [('two', CPUS[-1], CPUS[0])] * (len(CPUS) > 1)
PEERS = {'bare': [], 'nw0': [], 'base': [], 'zmq': ['-lzmq'], 'nng': ['-lnng']}
if not BASE:
    del PEERS['base']
WITH_HEADER = 'find', 'heap', 'idle'


class Header:
    """Which of the two headers is being measured, where one is measured after the other."""

    name = 'nw0'

    def folder(self, name=None):
        return ROOT if (name or self.name) == 'nw0' else os.path.join(OUT, 'base')


header = Header()


def say(text):
    print(text, flush=True)


# ---- programs ------------------------------------------------------------------------------------


def compile_program(name, sources, options=(), which='nw0', quiet=False):
    paths = [os.path.join(HERE, source) for source in sources]
    command = [*CC, *FLAGS, '-I' + header.folder(which), *paths, '-o', os.path.join(OUT, name)]
    done = subprocess.run([*command, *options], stderr=subprocess.DEVNULL if quiet else None)
    return done.returncode == 0


def must_compile(*arguments, **more):
    if not compile_program(*arguments, **more):
        sys.exit(1)


def build():
    must_compile('load', ['load.c'])
    for name in WITH_HEADER:
        must_compile(name, [name + '.c'])
    if BASE:
        os.makedirs(header.folder('base'), exist_ok=True)
        shutil.copy(BASE, os.path.join(header.folder('base'), 'nw0.h'))
        for name in WITH_HEADER:
            must_compile(name + '_base', [name + '.c'], which='base')
        must_compile('talk_base', ['talk.c', 'talk_nw0.c'], which='base')
    for who, options in PEERS.copy().items():
        sources = ['talk.c', f'talk_{who}.c']
        if who in ('bare', 'nw0'):
            must_compile('talk_' + who, sources)
        elif who != 'base' and not compile_program('talk_' + who, sources, options, quiet=True):
            say(f'no {who} here')
            del PEERS[who]


def program(name, *words):
    if name in WITH_HEADER and header.name == 'base':
        name += '_base'
    return [os.path.join(OUT, name), *map(str, words)]


def numbers(command, limit=60):
    """What a program that ends by itself printed; [] if it failed."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return []
    if done.returncode != 0:
        say(f'    {" ".join(command)}: {done.stderr.strip()[:200]}')
        return []
    return [float(word) for word in done.stdout.split() if re.fullmatch(r'-?[\d.]+', word)]


def run_out(command):
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else None


class Child:
    """A program that stays; ended by its id, whatever happens."""

    all = []

    def __init__(self, command, host=None):
        self.process = subprocess.Popen(
            on(host, command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.pid = self.process.pid
        Child.all.append(self)

    def line(self):
        return self.process.stdout.readline().split()

    def tell(self, text):
        self.process.stdin.write(text + '\n')
        self.process.stdin.flush()

    def end(self, crash=True):
        if self in Child.all:
            Child.all.remove(self)
            if crash:
                self.process.kill()
            self.process.stdin.close()
            self.process.wait()
            self.process.stdout.close()


def in_turn(cases, measure, rounds=None):
    """cases: names. Measures each once a round, and each round begins with another one."""
    values = {case: [] for case in cases}
    for r in range(rounds or ROUNDS):
        first = r % len(cases)
        measured = {case: measure(case) for case in cases[first:] + cases[:first]}
        if all(v is None for v in measured.values()):
            continue
        for case, value in measured.items():
            values[case].append(value)
    return {case: each for case, each in values.items() if each and None not in each}


def end_all():
    for child in Child.all[:]:
        child.end()


def most_connections():
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 100


# ---- hosts: network namespaces at a bridge -------------------------------------------------------


def sh(command):
    subprocess.run(command, shell=True, check=True)


def on(host, command):
    return ['nsenter', '--net=/run/netns/' + host, *command] if host else command


hosts_made = set()


def make_hosts(*names):
    """Each host has a cable to one bridge, and its own address. The bridge is on nobody's host."""
    if not hosts_made:
        sh('ip netns add lan && ip -n lan link add bridge type bridge')
        sh('ip -n lan link set bridge up')
    for name in names:
        if name in hosts_made:
            continue
        hosts_made.add(name)
        sh(f'ip netns add {name} && ip -n {name} link set lo up && '
           f'ip -n lan link add {name}-eth0 type veth peer name eth0 netns {name} && '
           f'ip -n lan link set {name}-eth0 master bridge up && '
           f'ip -n {name} addr add 10.77.0.{len(hosts_made)}/24 dev eth0')
        # what IPv6 says by itself would be counted as traffic
        quiet = 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6'
        subprocess.run(on(name, ['sh', '-c', quiet]), stderr=subprocess.DEVNULL)
        sh(f'ip -n {name} link set eth0 up')
    time.sleep(0.3)


def advertiser(host, prefix, count):
    child = Child(program('find', 'advertise', prefix, count), host)
    child.times = [float(word) for word in child.line()]
    return child
