#!/usr/bin/python3
"""Twenty addresses of the loopback that do all they can, for tests and bench.

    with Attack({"heads": port, "handshakes": tls_port, ...}) as attack:
        ...             # all connections of all attackers have begun
    attack.told         # what each kind did: {"heads": {"opened": 240, ...}}

Each kind is a process of its own with four addresses, so that it takes nothing
from the one that delivers beside it:

    heads       heads that never end, a byte every half second
    bodies      bodies of 1 MiB of which little comes
    handshakes  a new TLS handshake as soon as the last one has cost something
    forgeries   deliveries with a wrong signature, 5,000 a second
    streams     200 readers of the admin listener's stream

A connection that is closed is opened again. Loads are bounded, and end with the
process that made them.

usage: attackers.py KIND PORT ADDRESS...
"""

import collections
import heapq
import json
import os
import pathlib
import re
import resource
import selectors
import signal
import socket
import ssl
import subprocess
import sys
import time

HEAD = ("POST /webhooks/klikit HTTP/1.1\r\nHost: x\r\n"
        "x-klikit-event-id: forged\r\n"
        "x-klikit-event-type: klikit.order.created.v2\r\n"
        f"x-klikit-signature: {'0' * 64}\r\n")
FORGED_BODY = b'{"orders":[{"id":1,"note":"' + b"x" * 4900 + b'"}]}'
FORGERY = (HEAD + f"Content-Length: {len(FORGED_BODY)}\r\n\r\n").encode() + \
    FORGED_BODY
BATCH = 5  # forgeries in a row
RATE = 5000  # of them a second
STATUS = re.compile(rb"HTTP/1\.1 (\d{3})")
MIB = 1024 * 1024
ADDRESSES = 4  # of each kind
LONGEST_S = 600


def client_hello():
    context = ssl.create_default_context()
    tls = context.wrap_bio(ssl.MemoryBIO(), out := ssl.MemoryBIO(),
                           server_hostname="localhost")
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()


# What a kind does. Connections of each address; the first bytes; then `more'
# every `pause' seconds; what is done when something comes back: nothing, the
# next bytes at once (of this many answers), or a new connection.
Kind = collections.namedtuple(
    "Kind", "connections opening more pause answers renews reopens_per_s",
    defaults=(b"", 0, 0, False, 500))


def kinds():
    return {
        "heads": Kind(60, HEAD.encode() + b"x-slow: ", b"y", 0.5),
        "bodies": Kind(40, (HEAD + f"Content-Length: {MIB}\r\n\r\n").encode() +
                       b"x" * 65536, b"x" * 1024, 0.2),
        "handshakes": Kind(10, client_hello(), renews=True,
                           reopens_per_s=200),
        "forgeries": Kind(5, FORGERY * BATCH, FORGERY * BATCH,
                          BATCH * 5 * ADDRESSES / RATE, answers=BATCH),
        "streams": Kind(50, b"GET /api/v1/stream HTTP/1.1\r\n"
                        b"Host: 127.0.0.1\r\n\r\n"),
    }


class Conn:
    """One connection of an attacker."""

    def __init__(self, source, to):
        self.source = source
        self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind((source, 0))
        self.sock.setblocking(False)
        self.sock.connect_ex(to)
        self.left = b""
        self.begun = False
        self.answers = 0  # that are still to come
        self.tail = b""  # of what came, shorter than a status line
        self.next_s = 0  # when the next bytes may go


class Crowd:
    """All connections of one kind."""

    def __init__(self, kind, port, sources):
        self.kind, self.to = kind, ("127.0.0.1", port)
        self.selector = selectors.DefaultSelector()
        self.timers = []  # (when, number, what)
        self.told = collections.Counter()
        self.missing = 0  # connections that have not begun yet, at the start
        self.reopen_s = 0
        for source in sources:
            for _ in range(kind.connections):
                self.missing += 1
                self.open(source)

    def at(self, when, what):
        self.told["timers"] += 1
        heapq.heappush(self.timers, (when, self.told["timers"], what))

    def open(self, source):
        conn = Conn(source, self.to)
        conn.left = self.kind.opening
        conn.answers = self.kind.answers
        self.told["opened"] += 1
        self.selector.register(
            conn.sock, selectors.EVENT_READ | selectors.EVENT_WRITE, conn)

    def replace(self, conn):
        """Close it, and open another as soon as that is allowed."""
        self.selector.unregister(conn.sock)
        conn.sock.close()
        conn.sock = None
        self.told["closed"] += 1
        self.reopen_s = max(self.reopen_s + 1 / self.kind.reopens_per_s,
                            time.monotonic())
        self.at(self.reopen_s, lambda: self.open(conn.source))

    def more(self, conn):
        if conn.sock is not None:
            conn.left, conn.answers = self.kind.more, self.kind.answers
            self.selector.modify(
                conn.sock, selectors.EVENT_READ | selectors.EVENT_WRITE, conn)

    def later(self, conn):
        conn.next_s = max(conn.next_s + self.kind.pause, time.monotonic())
        self.at(conn.next_s, lambda: self.more(conn))

    def write(self, conn):
        conn.left = conn.left[conn.sock.send(conn.left):]
        if not conn.begun:
            conn.begun = True
            self.missing -= 1
        if conn.left:
            return
        self.selector.modify(conn.sock, selectors.EVENT_READ, conn)
        if self.kind.more and not self.kind.answers:
            self.later(conn)

    def read(self, conn):
        data = conn.sock.recv(65536)
        if not data or self.kind.renews:
            self.replace(conn)
            return
        data = conn.tail + data
        conn.tail = data[-11:]
        codes = STATUS.findall(data)
        self.told.update(code.decode() for code in codes)
        if conn.answers > 0:
            conn.answers -= len(codes)
            if conn.answers <= 0:
                self.later(conn)

    def serve(self, conn, mask):
        try:
            if mask & selectors.EVENT_WRITE and conn.left:
                self.write(conn)
            if mask & selectors.EVENT_READ:
                self.read(conn)
        except BlockingIOError:
            pass
        except OSError:
            self.replace(conn)

    def turn(self):
        now = time.monotonic()
        while self.timers and self.timers[0][0] <= now:
            heapq.heappop(self.timers)[2]()
        wait = self.timers[0][0] - now if self.timers else 0.1
        for key, mask in self.selector.select(max(0, min(wait, 0.1))):
            if key.data.sock is not None:
                self.serve(key.data, mask)


def main(name, port, *sources):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    over = []
    signal.signal(signal.SIGTERM, lambda *_: over.append(True))
    signal.alarm(LONGEST_S)
    crowd = Crowd(kinds()[name], int(port), sources)
    said = False
    while not over and os.getppid() != 1:
        crowd.turn()
        if not said and crowd.missing <= 0:
            print("ready", flush=True)
            said = True
    print(json.dumps(crowd.told))


class Attack:
    """Those kinds against those ports, at once. `first' is where the last byte
    of the addresses begins."""

    def __init__(self, ports, net="127.0.9.", prefix=()):
        self.ports, self.net, self.prefix = ports, net, prefix
        self.told = {}

    def __enter__(self):
        self.processes = {}
        for at, (name, port) in enumerate(self.ports.items()):
            sources = [f"{self.net}{at * ADDRESSES + i + 1}"
                       for i in range(ADDRESSES)]
            self.processes[name] = subprocess.Popen(
                [*self.prefix, sys.executable, pathlib.Path(__file__), name,
                 str(port), *sources],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        for name, process in self.processes.items():
            line = process.stdout.readline()
            assert line == "ready\n", (name, line)
        return self

    def __exit__(self, *exc):
        for process in self.processes.values():
            process.terminate()
        for name, process in self.processes.items():
            self.told[name] = json.loads(process.communicate(timeout=60)[0])
            assert process.returncode == 0, name


if __name__ == "__main__":
    main(*sys.argv[1:])
