"""One address that fills up handshakes does not keep others from theirs."""

import concurrent.futures
import contextlib
import socket
import ssl
import threading

import pytest

from conftest import DEADLINE
from https import client, https, pki  # noqa: F401 (fixtures)
from test_tls_abuse import client_hello, open_fds, wait_fds
from wire import delivery

GREEDY, GOOD = "127.0.0.2", "127.0.0.3"
# Only what makes room for others ends a handshake here.
SMALL = b'{"brand_id":1,"branch_id":2,"orders":[]}'
LIMITS = "max_handshakes = 8\nhandshake_timeout = 1h\n"


def connect(server, source, first=b""):
    sock = socket.create_connection(("127.0.0.1", server.port), DEADLINE,
                                    source_address=(source, 0))
    sock.settimeout(DEADLINE)
    sock.sendall(first)
    return sock


def greedy(https):
    """A server that says so when somebody has to make room."""
    server = https(tls=LIMITS)
    server.expect("as many TLS handshakes are under way as may be")
    return server


def deliver(server, source, number):
    """A delivery on a connection of its own, from that address."""
    sock = connect(server, source)
    with server.tls.wrap_socket(sock, server_hostname="localhost") as tls:
        tls.sendall(delivery(server, SMALL, event_id=f"{source}-{number}",
                             extra=["Connection: close"]))
        answer = b""
        while data := tls.recv(65536):
            answer += data
    assert b" 200 " in answer and b'"received"' in answer, answer


class Slow:
    """A client that takes its time within its handshake."""

    def __init__(self, server, source):
        self.sock = connect(server, source)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = server.tls.wrap_bio(self.incoming, self.outgoing,
                                       server_hostname="localhost")

    def step(self):
        """One flight, and what comes for it. Returns whether it is done."""
        try:
            self.tls.do_handshake()
            return True
        except ssl.SSLWantReadError:
            self.sock.sendall(self.outgoing.read())
            data = self.sock.recv(65536)
            assert data, "closed within its handshake"
            self.incoming.write(data)
            return False


def first_bytes(server, kind):
    hello = client_hello(server.tls)
    return {"silent": b"", "one byte": hello[:1], "half": hello[:100],
            "whole": hello}[kind]


@pytest.mark.parametrize("kind", ["silent", "one byte", "half", "whole"])
@pytest.mark.valgrind
def test_handshakes_that_stand_still_keep_nobody_out(https, kind):
    server = greedy(https)
    first = first_bytes(server, kind)
    stuck = [connect(server, GREEDY, first) for _ in range(40)]
    for number in range(3):
        deliver(server, GOOD, number)
    for sock in stuck:
        sock.close()


@pytest.mark.valgrind
def test_handshakes_that_dribble_keep_nobody_out(https):
    server = greedy(https)
    hello = client_hello(server.tls)
    stuck = [connect(server, GREEDY, hello[:1]) for _ in range(40)]
    done = threading.Event()

    def dribble():
        for at in range(1, len(hello)):
            for sock in stuck:
                try:
                    sock.send(hello[at:at + 1])
                except OSError:
                    pass  # made room
            if done.wait(0.05):
                return

    dribbler = threading.Thread(target=dribble)
    dribbler.start()
    try:
        for number in range(10):
            deliver(server, GOOD, number)
    finally:
        done.set()
        dribbler.join()
    for sock in stuck:
        sock.close()


def test_garbage_and_leavers_keep_nobody_out(https):
    server = greedy(https)
    hello = client_hello(server.tls)
    done = threading.Event()

    def bother():
        while not done.is_set():
            for first in (b"\x16\x03\x01\xff\xff", hello[:60], hello, b"x"):
                with connect(server, GREEDY, first) as sock:
                    if len(first) != 60:
                        sock.recv(1)  # an alert, an answer or the end

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        for _ in range(16):
            pool.submit(bother)
        try:
            for number in range(10):
                deliver(server, GOOD, number)
        finally:
            done.set()


@pytest.mark.once
def test_a_stream_of_new_handshakes_keeps_nobody_out(https):
    """200 a second from one address: some complete, most stand still."""
    server = greedy(https)
    hello = client_hello(server.tls)
    done, stuck = threading.Event(), []

    def stand_still():
        while not done.wait(1 / 200):
            first = hello if len(stuck) % 4 else hello[:100]
            stuck.append(connect(server, GREEDY, first))

    def complete():
        while not done.is_set():
            with connect(server, GREEDY) as sock:
                sock.settimeout(0.2)
                with contextlib.suppress(OSError):  # made room, or waits
                    server.tls.wrap_socket(
                        sock, server_hostname="localhost").close()

    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        crowd = [pool.submit(stand_still)]
        crowd += [pool.submit(complete) for _ in range(4)]
        try:
            for number in range(20):
                deliver(server, GOOD, number)
        finally:
            done.set()
        for one in crowd:
            one.result()
    for sock in stuck:
        sock.close()
    assert f"tls: {GOOD}" not in server.final_log()


@pytest.mark.valgrind
def test_an_address_with_many_at_once_loses_none(https):
    """A proxy that connects anew: those beyond the cap wait for a place."""
    server = https(tls="max_handshakes = 2\nhandshake_timeout = 1h\n")
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        for answer in [pool.submit(deliver, server, GOOD, number)
                       for number in range(48)]:
            answer.result()
    assert "tls: " not in server.final_log()


@pytest.mark.valgrind
def test_within_one_address_those_make_room_that_stand_still(https):
    """A tunnel: a stranger and a good client come from one address."""
    server = greedy(https)
    hello = client_hello(server.tls)
    stuck = [connect(server, GOOD, hello) for _ in range(10)]
    deliver(server, GOOD, 1)
    server.wait_log("tls: .*: handshake timed out: the other side kept it "
                    "waiting while others waited")
    for sock in stuck:
        sock.close()


def test_the_one_that_pays_is_of_the_greedy_address(https):
    """Neither the first that came nor the slowest: it takes no place of a
    quiet address."""
    server = greedy(https)
    hello = client_hello(server.tls)
    slow = Slow(server, GOOD)
    assert not slow.step()
    stuck = [connect(server, GREEDY, hello) for _ in range(40)]
    for number in range(5):
        deliver(server, "127.0.0.4", number)
    while not slow.step():
        pass
    for sock in stuck + [slow.sock]:
        sock.close()


def test_all_are_back_when_the_greedy_one_is_gone(https):
    server = greedy(https)
    before = open_fds(server)
    hello = client_hello(server.tls)
    for _ in range(3):
        stuck = [connect(server, GREEDY, hello) for _ in range(40)]
        deliver(server, GOOD, before)
        before += 1
        for sock in stuck:
            sock.close()
    wait_fds(server, before - 3)
