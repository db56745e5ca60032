"""networks.py: the cases of nw0 info; most are in a network of their own (see tool.py)."""
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading

from harness import Failure, Program, Skip, check, equal, read


def info_here(case):
    advertiser = case.known("advertise", "somebody", "81")
    program = case.run("info", "--timeout", "0.5")
    equal(program.err, "")
    titles = re.findall(r"^\S.*$", program.out, re.M)
    equal(titles, ["interfaces", "address", "ports", "ear", "heard within 0.5 s", "unusual"])
    for pattern in (r"^  lo  127\.0\.0\.1/8, broadcasts to 127\.255\.255\.255$",
                    rf"^  127\.0\.0\.1: .* \(NW0_NETWORK=127\.\*\)$",
                    rf"^  UDP {case.port}: adverts and questions",
                    rf"^  UDP {case.port} is open, together with \S+ "
                    rf"\(process {advertiser.process.pid}\)$",
                    r"^  127\.0\.0\.1:81 +somebody  \(this machine, (adverts and )?answers.*\)$",
                    r"^  NW0_NETWORK=127\.\*: what else there is, is not used$"):
        check(re.search(pattern, program.out, re.M), pattern, "is not in", program.out)


def info_while_sockets_come_and_go(case):
    """The system's list of sockets leaves some out meanwhile, one of ten in this crowd."""
    advertiser = case.known("advertise", "somebody", "81")
    over = threading.Event()

    def crowd():
        crowded = []
        while not over.is_set():
            crowded.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            crowded[-1].bind(("127.0.0.1", 0))
            if len(crowded) > 40:
                crowded.pop(0).close()
        for each in crowded:
            each.close()

    thread = threading.Thread(target=crowd)
    thread.start()
    try:
        for _ in range(15):
            program = case.run("info", "--timeout", "0.1")
            check(f"(process {advertiser.process.pid})" in program.out, program.out)
    finally:
        over.set()
        thread.join()


# ------------------------------------------------------- cases in a network of their own


def loopback(case):
    case.system("ip", "link", "set", "lo", "up")


def card(case, address, name="eth0"):
    """A network card of this machine, and a second machine at its other end: its PID."""
    loopback(case)
    script = "ip link set lo up && echo ready && exec cat"
    other = Program(case, ["unshare", "-n", "sh", "-c", script], stdin=subprocess.PIPE)
    other.says("ready")
    pid = str(other.process.pid)
    case.system("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", pid)
    case.system("ip", "addr", "add", address, "dev", name)
    case.system("ip", "link", "set", name, "up")
    case.system("nsenter", "-t", pid, "-n", "ip", "link", "set", "eth0", "up")
    return pid


def there(pid, *command):
    return ["nsenter", "-t", pid, "-n", *command]


def set_address(case, pid, address):
    case.system(*there(pid, "ip", "addr", "add", address, "dev", "eth0"))


def nft(case, *rules):
    if not shutil.which("nft"):
        raise Skip("there is no nft to make a firewall with")
    chains = [f"chain {hook} {{ type filter hook {hook} priority 0; {rule}; }}\n"
              for hook, rule in rules]
    text = "table inet t {\n" + "".join(chains) + "}"
    done = subprocess.run(["nft", "-f", "-"], input=text, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise Skip(f"nft makes no firewall here: {done.stdout.splitlines()[:1]}")


def unusual(case, *patterns, seconds="0.5", **more):
    """Runs nw0 info; what it finds unusual is this, and nothing else."""
    program = case.run("info", "--timeout", seconds, **more)
    found = re.sub(r"\n {4}", " ", program.out.split("\nunusual\n")[1]).splitlines()
    check(len(found) == len(patterns) and all(re.search(p, f) for p, f in zip(patterns, found)),
          f"unusual is {found}, but should be like {patterns}")
    return program.out


ALONE = "^  eth0: no other machine was heard"


def no_interface(case):
    out = unusual(case, "^  no network: no interface is up")
    check("address\n  none: " in out and "  lo  down\n" in out, out)


def only_loopback(case):
    loopback(case)
    out = unusual(case, "^  no network: only programs on this machine")
    check("\n  127.0.0.1: there is no other network, " in out, out)


def network_of_nobody(case):
    card(case, "10.1.0.1/24")
    out = unusual(case, ALONE)
    for text in ("  eth0  10.1.0.1/24, broadcasts to 10.1.0.255\n", "  UDP 9999 is open\n",
                 "\n  10.1.0.1: no way leads to the rest of the world", "  nobody\n"):
        check(text in out, text, "is not in", out)
    case.system("ip", "route", "add", "default", "via", "10.1.0.2")
    check("10.1.0.1: the way to the rest of the world" in unusual(case, ALONE), "the default route")
    unusual(case, r"^  NW0_NETWORK=10\.2\.\* fits no address", env={"NW0_NETWORK": "10.2.*"})


def chosen_address(case):
    card(case, "169.254.3.4/16")
    unusual(case, "^  no address was given to this machine", ALONE)


def held_port(case):
    """A program holds UDP 9999 and does not share it; later it lets go."""
    pid = card(case, "10.1.0.1/24")
    holder = Program(case, [sys.executable, "-c", "import socket, sys; s = socket.socket(2, 2);"
                            "s.bind(('', 9999)); print('held', flush=True); sys.stdin.read()"],
                     stdin=subprocess.PIPE)
    holder.says("held")
    name = re.escape(read(f"/proc/{holder.process.pid}/comm").strip())
    who = rf"{name} \(process {holder.process.pid}\)"
    out = unusual(case, "^  UDP 9999 is not shared: ", ALONE)
    check(re.search(rf"^  UDP 9999 cannot be opened \(.*\); it is held by {who}$", out, re.M), out)

    # the rest works: questions, their answers, adverts
    watch = case.start("watch", env={"NW0_DEBUG": "1"})
    watch.says(rf"^nw0: UDP port 9999 is not shared by {who}: only answers are heard", "err")
    set_address(case, pid, "10.1.0.2/24")
    far = case.known("serve", "far", "yes", prefix=there(pid))
    watch.says("joined .*far")
    listed = case.run("list")
    check("far" in listed.out and re.search(who, listed.err), listed)
    equal(case.run("send", "far", "?").out, "yes\n")
    unusual(case, "^  UDP 9999 is not shared: ")
    near = case.known("serve", "near", "yes, too")
    equal(case.run("send", "near", "?", prefix=there(pid)).out, "yes, too\n")
    check("holds the UDP port" in case.run("send", "nope", "?", "--timeout=0.1", status=1).err,
          case.programs[-1])

    holder.process.stdin.close()
    holder.ends(0)
    watch.says("UDP port 9999 is free now", "err")
    watch.says("joined .*near")
    equal(len(re.findall("is not shared", watch.err)), 1, "how often it is said")
    for program in near, far:
        program.signal(signal.SIGTERM).ends(0)
        watch.says("left .*" + program.command[-2])
    watch.signal(signal.SIGTERM).ends(0)
    check("  UDP 9999 is open\n" in unusual(case, ALONE), "the port is free")


def swallowed_coming_in(case):
    card(case, "10.1.0.1/24")
    unusual(case, ALONE)
    nft(case, ("input", 'iifname != "lo" udp dport 9999 drop'))
    unusual(case, "^  eth0: our own broadcasts do not come back: a firewall")


def swallowed_going_out(case):
    card(case, "10.1.0.1/24")
    nft(case, ("output", 'oifname != "lo" udp dport 9999 drop'))
    unusual(case, "^  eth0: a firewall on this machine forbids")


def another_machine(case):
    """Everything works."""
    pid = card(case, "10.1.0.1/24")
    set_address(case, pid, "10.1.0.2/24")
    case.known("serve", "far away", prefix=there(pid))
    out = unusual(case, "^  nothing$", seconds="3")
    check(re.search(r"^  10\.1\.0\.2:\d+ +far away  \(adverts and answers\)$", out, re.M), out)


def no_broadcasts_of_others(case):
    pid = card(case, "10.1.0.1/24")
    set_address(case, pid, "10.1.0.2/24")
    case.known("serve", "far away", prefix=there(pid))
    nft(case, ("input", "ip saddr 10.1.0.2 udp dport 9999 drop"))
    out = unusual(case, "^  eth0: others answer, but their broadcasts do not arrive", seconds="3")
    check("far away  (answers only)" in out, out)


def no_answers(case):
    pid = card(case, "10.1.0.1/24")
    set_address(case, pid, "10.1.0.2/24")
    case.known("serve", "far away", prefix=there(pid))
    nft(case, ("input", "ip saddr 10.1.0.2 udp dport != 9999 drop"))
    out = unusual(case, "^  eth0: adverts arrive, but no answers", seconds="3")
    check("far away  (adverts only)" in out, out)


def talker(case, pid, ip, text, source=0):
    """A program on the other machine that shouts the same thing again and again."""
    code = ("import socket, time; s = socket.socket(2, 2); s.setsockopt(1, 6, 1); "
            f"s.bind(({ip!r}, {source}))\n"
            f"while True: s.sendto({text.encode()!r}, ('255.255.255.255', 9999)); "
            "print('said', flush=True); time.sleep(0.1)")
    program = Program(case, there(pid, sys.executable, "-c", code))
    program.says("said")
    return program


def strange_and_nonsense(case):
    """An address of another network on our cable; another program that uses our port."""
    pid = card(case, "10.1.0.1/24")
    set_address(case, pid, "10.7.0.2/24")
    stranger = talker(case, pid, "10.7.0.2", '["x","10.7.0.2:5",20]')
    unusual(case, ALONE, "^  10.7.0.2 is heard, but on no network of ours")
    stranger.signal(signal.SIGKILL).ends()
    set_address(case, pid, "10.1.0.2/24")
    talker(case, pid, "10.1.0.2", "M-SEARCH * HTTP/1.1")
    unusual(case, ALONE, r"^  \d+ datagrams were no adverts, the last from 10\.1\.0\.2")


def networkzero_is_no_fault(case):
    """It speaks from port 9999 and answers nothing, as it should."""
    pid = card(case, "10.1.0.1/24")
    set_address(case, pid, "10.1.0.2/24")
    talker(case, pid, "10.1.0.2", '["old", "10.1.0.2:5", 20]', source=9999)
    check("old  (NetworkZero)\n" in unusual(case, "^  nothing$"), "how it was heard")


def tunnel(case):
    loopback(case)
    try:
        case.system("ip", "tuntap", "add", "tun0", "mode", "tun")
    except Failure as failure:
        raise Skip("no tunnel can be made here") from failure
    case.system("ip", "addr", "add", "10.1.0.1/24", "dev", "tun0")
    case.system("ip", "link", "set", "tun0", "up")
    unusual(case, "^  tun0: has no broadcasts")
