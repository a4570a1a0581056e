#!/usr/bin/python3
"""What strangers' TLS handshakes cost deliveries on open TLS connections.

16 kept connections of one address deliver at a moderate pace, with and without
200 new connections a second from another address beside them: half complete a
full handshake, four in ten send a ClientHello and then nothing, one in ten half
of one. Quiet and attacked turns, there and back in each round; the server on one
core, all else on another, the attacker at a lower priority. Meanwhile a third
address completes one handshake after the other. TMPDIR=/dev/shm takes what the
disk costs out of both.

Judged is the median of the rounds' ratios of the 99th percentile of deliveries,
attacked to quiet (goal: at most 2), and that the attack had its rate. Needs two
cores at rest, a release build of klikitd and of test/bench/load, HAProxy, which
speaks TLS for the load, and pytest for the tests' modules. Ends by itself; exit
status 0: the goal was met.

usage: handshakes.py [--klikitd FILE] [--load FILE] [--rounds N] [--seconds N]
"""

import argparse
import asyncio
import contextlib
import json
import math
import os
import pathlib
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import machine
from attack import BODY, ROOT, Server
from attackers import client_hello
from haproxy import Haproxy
from unpacked import free_port

RATE, RATIO_MAX = 200, 2.0
GREEDY, NEW = "127.0.0.2", "127.0.0.3"
LONGEST_S = 120
RAMP_S = 4  # while those that stay become as many as they will be
TO_TLS = """
global
    maxconn 100
defaults
    mode tcp
    timeout connect 5s
    timeout client 60s
    timeout server 60s
listen load
    bind 127.0.0.1:{plain}
    server a 127.0.0.1:{to} ssl verify none
"""


def careless():
    """A client that looks at no certificate, and resumes nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


# -- The attacker, a process of its own --

async def stranger(port, context, first, told):
    """One connection: these bytes and then nothing, or a handshake."""
    try:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=None if first else context,
            local_addr=(GREEDY, 0))
        if first:
            writer.write(first)
            while await reader.read(65536):
                pass  # until the server has had enough of it
        else:
            told["completed"] += 1
        writer.close()
    except OSError:
        told["cut"] += 1


async def attack(port):
    told = {"begun": 0, "completed": 0, "cut": 0}
    context, hello = careless(), client_hello()
    firsts = [b""] * 5 + [hello] * 4 + [hello[:len(hello) // 2]]
    start, tasks = time.monotonic(), set()
    end = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    while not end.done() and time.monotonic() < start + LONGEST_S:
        due = (time.monotonic() - start) * RATE
        while told["begun"] < due:
            task = asyncio.create_task(stranger(
                port, context, firsts[told["begun"] % len(firsts)], told))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            told["begun"] += 1
        await asyncio.sleep(1 / RATE)
    told["seconds"] = time.monotonic() - start
    print(json.dumps(told), flush=True)
    os._exit(0)


# -- The measurement --

@contextlib.contextmanager
def attacked(port, told):
    process = subprocess.Popen(
        ["nice", "-n", "10", sys.executable, __file__, "--attack", str(port)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield
    finally:
        told.update(json.loads(process.communicate("")[0]))


@contextlib.contextmanager
def newcomer(port, took_ms):
    """Handshakes of the third address, ten a second."""
    over = threading.Event()

    context = careless()

    def run():
        while not over.wait(0.1):
            begin = time.monotonic()
            with socket.create_connection(
                    ("127.0.0.1", port), 60, source_address=(NEW, 0)) as sock:
                try:
                    context.wrap_socket(sock).close()
                    took_ms.append((time.monotonic() - begin) * 1000)
                except OSError:
                    took_ms.append(math.inf)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def turn(args, folder, ports, is_attacked, first):
    """Deliver. Returns the p99 in ms, and whether the attack had its rate."""
    told, took_ms = {}, []
    with contextlib.ExitStack() as end:
        if is_attacked:
            end.enter_context(attacked(ports["tls"], told))
            end.enter_context(newcomer(ports["tls"], took_ms))
        done = subprocess.run(
            [args.load, "--body", folder / "body", "--secret-file",
             folder / "secret", "--connections", "16", "--think-ms", "20",
             "--warm-up", str(RAMP_S if is_attacked else 1),
             "--seconds", str(args.seconds),
             "--first-order", str(first), f"127.0.0.1:{ports['load']}"],
            stdout=subprocess.PIPE, text=True, timeout=args.seconds + 60)
    assert done.returncode == 0, done.stdout
    found = json.loads(done.stdout)
    latency = {name: found["latency_us"][name] / 1000
               for name in ("p50", "p99", "max")}
    said = "  {}: {:.0f} a second, p50 {p50:.2f} ms, p99 {p99:.2f}, " \
        "longest {max:.0f}".format("attacked" if is_attacked else "quiet",
                                   found["rate"], **latency)
    rate = RATE
    if is_attacked:
        rate = told["begun"] / told["seconds"]
        said += f"; {rate:.0f} strangers a second, " \
            f"{told['completed'] / told['seconds']:.0f} complete, " \
            f"{told['cut'] / told['seconds']:.0f} cut; new ones of another " \
            f"address {statistics.median(took_ms):.1f} ms, " \
            f"longest {max(took_ms):.0f}"
    print(said, flush=True)
    return latency["p99"], rate > 0.9 * RATE


def measure(args, folder):
    server_core, load_core = machine.cores()
    os.sched_setaffinity(0, {server_core})
    server = Server(args.klikitd, folder / "klikitd")
    os.sched_setaffinity(0, {load_core})
    ports = {"tls": server.secure, "load": free_port()}
    front = Haproxy(TO_TLS.format(plain=ports["load"], to=ports["tls"]))
    ratios, had_rate, first = [], True, 10 ** 9
    try:
        for number in range(args.rounds):
            p99 = {False: 0, True: 0}
            for kind in (False, True, True, False):
                first += 10 ** 6  # bodies of their own, else they are repeats
                ms, enough = turn(args, folder, ports, kind, first)
                p99[kind] += ms
                had_rate = had_rate and enough
            ratios.append(p99[True] / p99[False])
            print(f"round {number + 1}: {ratios[-1]:.2f}", flush=True)
        peak = server.peak_kb()
    finally:
        front.close()
        server.stop()
    ratio = statistics.median(ratios)
    met = ratio <= RATIO_MAX and had_rate
    print(f"p99 attacked to quiet: {ratio:.2f} ({min(ratios):.2f} to "
          f"{max(ratios):.2f}), peak {peak} KB; goal: at most {RATIO_MAX}"
          f"{'' if had_rate else '; the attack was too slow'}: "
          f"{'met' if met else 'missed'}")
    return 0 if met else 1


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--klikitd", default=ROOT / "build-bench/klikitd")
    parser.add_argument("--load", default=ROOT / "build-bench/test/bench/load")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--attack", metavar="PORT", type=int,
                        help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.attack:
        return asyncio.run(attack(args.attack))
    with tempfile.TemporaryDirectory(prefix="klikitd-tls-") as name:
        folder = pathlib.Path(name)
        (folder / "body").write_text(BODY)
        (folder / "secret").write_text("klikit-test-secret")
        return measure(args, folder)


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
