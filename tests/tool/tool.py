#!/usr/bin/env python3
"""tool.py BUILD_DIR [CASE...]: drives BUILD_DIR/examples/nw0 through pipes and pseudo-terminals.

The cases are functions in the files beside this: command_line, discovery, messages, networks, news.
Those in ON_ONE_MACHINE use 127.* and a port of their own; those in A_NETWORK run in a network
namespace of their own (unshare -rn), where nothing real can be reached. They run side by side.
NW0_RUN is put before each program that is tested (NW0_RUN='valgrind -q').
"""
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True  # nothing is left beside the sources

from harness import LIMIT_S, SANITIZERS, Case, Failure, Skip, check
from command_line import (closed_from_the_start, ends_by_itself, help_of_each, manuals, no_input,
                          nobody, output_is_full, reader_is_gone, usage)
from discovery import (evil_names, goodbyes, list_listens, lists, name_is_taken, watch_as_json,
                       watch_on_a_terminal)
from messages import conversation, evil_messages, no_reply, sends_that_fail
from networks import (another_machine, chosen_address, held_port, info_here,
                      info_while_sockets_come_and_go, network_of_nobody, networkzero_is_no_fault,
                      no_answers, no_broadcasts_of_others, no_interface, only_loopback,
                      strange_and_nonsense, swallowed_coming_in, swallowed_going_out, tunnel)
from news import (news_by_topic, news_goes_on, news_of_lines, news_of_long_lines, news_typed,
                  slow_reader_follows)

ON_ONE_MACHINE = [list_listens, evil_names, news_goes_on, slow_reader_follows, goodbyes, usage,
                  help_of_each, nobody, lists, watch_on_a_terminal, watch_as_json, ends_by_itself,
                  conversation, no_reply, name_is_taken, sends_that_fail, evil_messages,
                  news_of_lines, news_of_long_lines, news_typed, news_by_topic, output_is_full,
                  no_input, closed_from_the_start, reader_is_gone, info_here,
                  info_while_sockets_come_and_go, manuals]

A_NETWORK = [held_port, another_machine, no_broadcasts_of_others, no_answers, network_of_nobody,
             strange_and_nonsense, swallowed_coming_in, swallowed_going_out, no_interface,
             only_loopback, chosen_address, networkzero_is_no_fault, tunnel]


# ---------------------------------------------------------------------------- running them


def verdict(function, case):
    """"ok NAME" or what went wrong."""
    name = function.__name__
    try:
        function(case)
        for program in case.programs:
            check(not re.search(SANITIZERS, program.err, re.M), program.err)
        return f"ok {name}"
    except Skip as reason:
        return f"skipped {name}: {reason}"
    except Failure as failure:
        return f"FAILED {name}: {failure}".replace("\n", "\n    ")
    except Exception as error:  # a case that is wrong itself
        line = error.__traceback__.tb_next.tb_lineno
        return f"FAILED {name}: {type(error).__name__} in line {line}: {error}"
    finally:
        case.close()


def in_a_namespace(function):
    command = ["unshare", "-rn", sys.executable, os.path.abspath(__file__), "--inside", BUILD,
               function.__name__]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=10 * LIMIT_S)
    return done.stdout.rstrip("\n") or f"FAILED {function.__name__}: status {done.returncode}"


def can_unshare():
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return (shutil.which("unshare") is not None and
            subprocess.run(["unshare", "-rn", "ip", "link"], **quiet).returncode == 0)


def one(number, function):
    began = time.monotonic()
    if function in A_NETWORK:
        result = in_a_namespace(function)
    else:
        result = verdict(function, Case(function.__name__, 25100 + os.getpid() % 80 * 30 + number))
    if result.startswith("ok"):
        result += f" ({time.monotonic() - began:.1f} s)"
    print(result, flush=True)
    return result.split(" ", 1)[0]


def main():
    global BUILD
    inside = sys.argv[1:2] == ["--inside"]
    BUILD, *names = sys.argv[2 if inside else 1:]
    BUILD = os.path.abspath(BUILD)
    Case.tool = os.path.join(BUILD, "examples", "nw0")
    cases = {function.__name__: function for function in A_NETWORK + ON_ONE_MACHINE}
    if inside:
        print(verdict(cases[names[0]], Case(names[0], 0)))
        return 0
    chosen = [cases[name] for name in names or cases]
    results = []
    if not can_unshare() and any(function in A_NETWORK for function in chosen):
        print("skipped the cases with a network of their own: unshare -rn is not possible here")
        results += ["skipped" for function in chosen if function in A_NETWORK]
        chosen = [function for function in chosen if function not in A_NETWORK]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        results += pool.map(one, range(len(chosen)), chosen)
    skipped = results.count("skipped")
    passed, failed = results.count("ok"), len(results) - skipped - results.count("ok")
    print(f"tool: {passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or not passed + skipped else 0


if __name__ == "__main__":
    sys.exit(main())
