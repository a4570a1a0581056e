"""What strangers may cost: memory, time, descriptors, connections."""

import concurrent.futures
import random
import re
import resource
import threading

import pytest

from conftest import DEADLINE, payload, received
from memory import OWN_ALLOCATOR, peak_kb
from strangers import Siege
from wire import GET, Wire, delivery

BODY = payload("created-typical.json")
CROWD = 200


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
    with Siege(server, CROWD, "127.0.0.1", opening(server, *extra), more):
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
        while not done.wait(0.02):  # their pace
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
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (40, 40))
    with Siege(server, 60) as siege:
        siege.wait_closed(1)
        server.wait_log("no more files can be opened")
        wait_sleeps(server.pid, 20)  # while there is always one to accept
        received(server.post(BODY))
    received(server.deliver(BODY))
    assert len(re.findall("no more files|accepting nothing",
                          server.log())) <= 3


def sleeps(pid):
    """How often the loop had nothing to do: a listener that spins has."""
    with open(f"/proc/{pid}/task/{pid}/status") as status:
        return int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)",
                             status.read(), re.M)[1])


def wait_sleeps(pid, count):
    before = sleeps(pid)
    ticks = threading.Event()
    for _ in range(DEADLINE * 50):
        if sleeps(pid) >= before + count:
            return
        ticks.wait(0.02)  # nothing reports when another process sleeps
    raise AssertionError(f"{sleeps(pid) - before} sleeps, not {count}")


def test_idle_connections_cost_little(server):
    before = peak_kb(server)
    wires = [Wire(server) for _ in range(500)]
    assert wires[-1].send(GET).answer().status == 200
    assert peak_kb(server) - before < 500 * 4 or not OWN_ALLOCATOR
    for wire in wires:
        wire.sock.close()
