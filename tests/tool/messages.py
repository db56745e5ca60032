"""messages.py: the cases of send and serve."""
import re
import socket
import time

from harness import (ADDRESS, EVIL, EVIL_SHOWN, LIMIT_S, Failure, check, clean, equal, frame,
                     read_exactly)


def conversation(case):
    server = case.known("serve", "hello", "hi there", tty=True)
    client = case.run("send", "hello", "who is there?")
    equal((client.out, client.err), ("hi there\n", ""))
    equal(case.run("send", "hello", "--", "-5", tty=True).out, "hi there\n")
    address = case.run("list").out.split()[0]
    equal(case.run("send", address, "", "--timeout", "5").out, "hi there\n")
    server.says("who is there\\?\n-5\n\n")
    server.type(b"\x03").ends(0)
    equal(server.out, "who is there?\n-5\n\n")
    check(re.fullmatch(f"nw0: hello is at {ADDRESS}\n", server.err), server.err)


def no_reply(case):
    server = case.known("serve", "silent")
    equal(case.run("send", "silent", "one").out, "")
    equal(case.run("send", "silent", "two\nlines").out, "")
    server.says("one\ntwo\\\\nlines\n")


def nobody_listens(address):
    """Waits for that: a program that another case is about to start has our descriptors, too."""
    end = time.monotonic() + LIMIT_S
    ip, port = address.split(":")
    while time.monotonic() < end:
        try:
            socket.create_connection((ip, int(port))).close()
        except ConnectionRefusedError:
            return
        except OSError:  # the last one let go just now
            pass
    raise Failure(f"somebody still listens at {address}")


def sends_that_fail(case):
    server, address = case.listen()
    program = case.start("send", address, "hello")
    connection, introduction = case.accept(server)
    equal(introduction, b"\0\0\0\4nw0?")
    equal(read_exactly(connection, 9), frame(b"hello"))
    connection.close()
    check("nw0: " in program.ends(3).err, program)  # it hung up
    program = case.start("send", address, "hello", "--timeout", "0.3")
    case.accept(server)
    check("nw0: " in program.ends(1).err, program)  # it does not answer
    program = case.start("send", address, "hello")
    connection, _ = case.accept(server)
    connection.sendall(b"\xff" + b"\0" * 8 + b"\x7f")  # it is NetworkZero
    check("ZeroMQ" in program.ends(3).err, program)
    server.close()
    nobody_listens(address)
    program = case.run("send", address, "hello", "--timeout", "0.3", status=1)
    check(address in program.err, program)


def evil_messages(case):
    evil = EVIL.encode() + b"\xff\xc3("
    shown = EVIL_SHOWN + r"\xff\xc3("
    server = case.known("serve", "victim", tty=True)
    port = int(server.says(r":(\d+)\n", "err").group(1))
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"\0\0\0\4nw0?" + frame(evil))
        equal(read_exactly(connection, 4), b"\0\0\0\0")
    server.says(re.escape(shown) + "\n")
    clean(server)
    listener, address = case.listen()
    client = case.start("send", address, "x", tty=True)
    connection, _ = case.accept(listener)
    connection.sendall(frame(evil))
    equal(client.ends(0).out, shown + "\n")
    clean(client)
    reader = case.start("news", address, tty=True)
    connection, introduction = case.accept(listener)
    equal(introduction, b"\0\0\0\4nw0!")
    connection.sendall(frame(EVIL.encode()) + frame(evil))
    reader.says(re.escape(EVIL_SHOWN + "\t" + shown) + "\n")
    clean(reader)
