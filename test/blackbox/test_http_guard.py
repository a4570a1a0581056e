"""What strangers may cost: memory, time, descriptors, connections."""

import concurrent.futures
import os
import random
import re
import resource
import selectors
import socket
import threading
import time

import pytest

from conftest import DEADLINE, payload, received
from memory import OWN_ALLOCATOR, peak_kb
from wire import GET, Wire, delivery

BODY = payload("created-typical.json")
CROWD = 200


class Crowd:
    """Strangers who send without end, and come again when cut off."""

    def __init__(self, server, opening, more):
        self.server = server
        self.opening = opening
        self.more = more
        self.sent = 0
        self.cut = 0
        self.over = threading.Event()
        self.all_in = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def __enter__(self):
        self.thread.start()
        assert self.all_in.wait(DEADLINE)
        return self

    def __exit__(self, *exc):
        self.over.set()
        self.thread.join(DEADLINE)

    def _join(self, selector):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(("127.0.0.1", self.server.port))
        selector.register(sock, selectors.EVENT_WRITE, self.opening())

    def _run(self):
        selector = selectors.DefaultSelector()
        for _ in range(CROWD):
            self._join(selector)
        served = set()
        while not self.over.is_set():
            for key, _ in selector.select(0.1):
                if self._feed(key, selector):
                    served.add(key.fd)
            if len(served) >= CROWD or self.cut:
                self.all_in.set()
        for key in list(selector.get_map().values()):
            key.fileobj.close()

    def _feed(self, key, selector):
        try:
            n = key.fileobj.send(key.data)
        except BlockingIOError:
            return False
        except OSError:  # cut off
            selector.unregister(key.fileobj)
            key.fileobj.close()
            self.cut += 1
            self._join(selector)
            return False
        self.sent += n
        selector.modify(key.fileobj, selectors.EVENT_WRITE,
                        key.data[n:] or self.more())
        return True


def opening(server, *extra):
    return lambda: delivery(server, b"", length=False, extra=extra)


ATTACKS = {
    "endless chunk lines": (
        ("Transfer-Encoding: chunked",), lambda: b"0" * 65536),
    "endless chunks": (
        ("Transfer-Encoding: chunked",), lambda: b"1\r\nx\r\n" * 8000),
    "large unfinished bodies": (
        (f"Content-Length: {1024 * 1024}",), lambda: b"x" * 65536),
    "bodies beyond the limit": (
        ("Content-Length: 999999999999",), lambda: b"x" * 65536),
    "endless headers": (
        ("X: " + "y" * 200,), lambda: b"Z: " + b"z" * 60000),
    "garbage": (
        ("X: y",), lambda: random.Random(1).randbytes(65536)),
    "bodies never finished": (
        (f"Content-Length: {1024 * 1024}", "X: y\r\n\r\n" + "x" * 1000000),
        lambda: b"x"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_crowd_stays_under_64_mb_and_good_deliveries_go_on(server, attack):
    extra, more = ATTACKS[attack]
    server.expect("refused")
    with Crowd(server, opening(server, *extra), more):
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for answer in pool.map(lambda _: server.deliver(BODY), range(100)):
                received(answer)
    received(server.deliver(BODY))
    assert peak_kb(server) < 64 * 1024 or not OWN_ALLOCATOR
    server.wait_processed()


def test_slow_drips_are_cut_and_cost_little(klikitd):
    server = klikitd(config="[http]\nrequest_timeout = 1s\n")
    wires = [Wire(server) for _ in range(CROWD)]
    done = threading.Event()

    def drip():
        while not done.wait(0.02):
            for wire in wires:
                try:
                    wire.sock.send(b"x")
                except OSError:
                    pass  # already cut

    for wire in wires:
        wire.send(delivery(server, BODY)[:200])
    dripping = threading.Thread(target=drip)
    dripping.start()
    try:
        received(server.deliver(BODY))
        for wire in wires:
            wire.closed()
    finally:
        done.set()
        dripping.join()
    assert peak_kb(server) < 64 * 1024 or not OWN_ALLOCATOR
    received(server.deliver(BODY))


def test_running_out_of_descriptors_neither_spins_nor_floods_the_log(klikitd):
    server = klikitd()
    server.expect("no more files can be opened", "accepting nothing")
    pid = server.pid
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (40, 40))
    wires = [Wire(server) for _ in range(60)]
    server.wait_log("no more files can be opened")
    before = cpu_ticks(pid)
    started = time.monotonic()
    threading.Event().wait(1)  # a spinning listener would burn this second
    used = (cpu_ticks(pid) - before) / os.sysconf("SC_CLK_TCK")
    assert used < 0.3 * (time.monotonic() - started)
    received(server.post(BODY))
    for wire in wires:
        wire.sock.close()
    received(server.deliver(BODY))
    assert len(re.findall("no more files|accepting nothing",
                          server.log())) <= 3


def cpu_ticks(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def test_idle_connections_cost_little(server):
    before = peak_kb(server)
    wires = [Wire(server) for _ in range(500)]
    assert wires[-1].send(GET).answer().status == 200
    assert peak_kb(server) - before < 500 * 4 or not OWN_ALLOCATOR
    for wire in wires:
        wire.sock.close()
