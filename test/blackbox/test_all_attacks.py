"""One address does all that it can at once; another is answered."""

import contextlib
import threading

import pytest

from conftest import payload, received
from https import https, pki  # noqa: F401 (fixtures)
from memory import OWN_ALLOCATOR, memory_kb, peak_kb, wait_given_back
from strangers import GOOD, STRANGER, Siege, allow_files
from test_tls_abuse import client_hello
from wire import Wire, delivery

BODY = payload("created-typical.json")
MIB = 1024 * 1024
LIMIT_KB = 64 * 1024
EXPECTED = ("refused", "as many connections are open as may be",
            "as many TLS handshakes are under way as may be")


class Dribble:
    """Sends one chunk of a byte after the other on each of its connections,
    so that each is read alone; comes again when it is closed."""

    def __init__(self, server, count):
        self.server = server
        self.count = count
        self.head = delivery(server, b"", length=False,
                             extra=("Transfer-Encoding: chunked",))
        self.over = threading.Event()
        self.all_in = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def __enter__(self):
        self.thread.start()
        self.all_in.wait()
        return self

    def __exit__(self, *exc):
        self.over.set()
        self.thread.join()

    def _run(self):
        wires = [None] * self.count
        while not self.over.is_set():
            for at, wire in enumerate(wires):
                with contextlib.suppress(OSError):
                    if wire is None:
                        wires[at] = Wire(self.server, source=STRANGER)
                        wires[at].send(self.head + b"1\r\nx")
                        continue
                    try:
                        wire.send(b"\r\n1\r\nx")
                    except OSError:
                        wire.sock.close()
                        wires[at] = None
            self.all_in.set()
        for wire in wires:
            if wire is not None:
                wire.sock.close()


@pytest.mark.parametrize("deliveries", [
    40, pytest.param(2000, marks=pytest.mark.long)])
def test_one_address_does_all_at_once(https, deliveries):  # noqa: F811
    server = https(config="[http]\nplain_listen = 127.0.0.1:0\n")
    server.expect(*EXPECTED)
    server.wait_for(lambda: len(server.urls) == 2, "two listeners")
    tls, secure = server.tls, server.port
    plain = int(server.urls[1].rsplit(":", 1)[1])

    def good(count):
        """Deliveries by TLS and without, each on its own connection."""
        for number in range(count):
            server.port, server.tls = ((plain, None) if number % 2 else
                                       (secure, tls))
            received(server.post(BODY, source=GOOD))
        server.port, server.tls = plain, None

    allow_files(4096)
    hello = client_hello(tls)
    good(20)
    before = memory_kb(server, "VmRSS")
    fields = (b"GET / HTTP/1.1\r\nHost: x\r\n" +
              (b"a:" + b"b" * 140 + b"\r\n") * 95)
    unfinished = delivery(server, b"", length=False,
                          extra=(f"Content-Length: {MIB}",))
    with contextlib.ExitStack() as attacks:
        for count, port, opening in (
                (600, plain, b""),  # idle
                (150, secure, b""),  # silent, where TLS is spoken
                (50, secure, hello),  # a handshake that is never ended
                (200, plain, fields),
                (60, plain, unfinished + b"x" * (128 * 1024))):
            attacks.enter_context(
                Siege(server, count, opening=opening, port=port))
        attacks.enter_context(Dribble(server, 50))
        good(deliveries)
    good(10)
    assert peak_kb(server) < LIMIT_KB or not OWN_ALLOCATOR
    # Tables by descriptor stay as long as the highest one needs.
    wait_given_back(server, before + 4096)
