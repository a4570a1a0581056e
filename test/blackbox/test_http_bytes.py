"""What strangers have the server hold is charged to their address as it is
allocated, and the address that holds most pays."""

import selectors

import pytest

from conftest import DEADLINE, payload, received, run
from https import https, pki  # noqa: F401: fixtures
from memory import OWN_ALLOCATOR, memory_kb, peak_kb, wait_given_back
from strangers import GOOD, STRANGER, allow_files
from wire import GET, Wire, chunked, delivery

BODY = payload("created-typical.json")
MIB = 1024 * 1024
LIMIT_KB = 64 * 1024
CHUNKED = ("Transfer-Encoding: chunked",)


@pytest.fixture(params=["plain", "tls"])
def either(request):
    """A server, spoken to in both ways."""
    if request.param == "tls":
        return request.getfixturevalue("https")()
    return request.getfixturevalue("server")


def head(server, *extra):
    return delivery(server, b"", length=False, extra=extra)


def get(target=b"/healthz", fields=b""):
    return b"GET %s HTTP/1.1\r\nHost: x\r\n%s" % (target, fields)


def dribble(wires, pieces):
    """One piece to each, then the next one: so that each is read alone."""
    for piece in pieces:
        for wire in wires:
            try:
                wire.sock.sendall(piece)
            except OSError:
                pass  # it was cut


def deliver(server, n=10):
    """Somebody else's deliveries, on connections of their own."""
    for _ in range(n):
        with Wire(server, source=GOOD) as wire:
            wire.send(delivery(server, BODY))
            assert wire.answer().json() == {"status": "received"}


# How many strangers, and what each sends piece by piece. None has an end.
ATTACKS = {
    "chunks that end with a segment": (100, lambda server: [
        head(server, *CHUNKED), b"1\r\nx"] + [b"\r\n1\r\nx"] * 700),
    "fields of a head": (800, lambda server: [
        get(fields=b"a:\r\n" * 3950)]),
    "fields of a trailer": (800, lambda server: [
        head(server, *CHUNKED) + b"0\r\n", b"a:\r\n" * 1000]),
    "a hundred fields": (800, lambda server: [
        get(fields=(b"a:" + b"b" * 140 + b"\r\n") * 95)]),
    "long targets": (800, lambda server: [
        get(b"/" + b"a" * 8000 + b"?" + b"a" * 8000), b"X"]),
    "bodies": (60, lambda server: [
        head(server, f"Content-Length: {MIB}") + b"x" * (MIB - 1)]),
    "bodies byte by byte": (60, lambda server: [
        head(server, f"Content-Length: {MIB}")] + [b"x"] * 500),
    "large chunks": (60, lambda server: [
        head(server, *CHUNKED) + b"%x\r\n" % MIB + b"x" * (MIB - 1)]),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_memory_is_bounded_and_given_back(server, attack):
    strangers, pieces = ATTACKS[attack]
    server.expect("refused")
    deliver(server)
    before = memory_kb(server, "VmRSS")
    allow_files(strangers + 512)
    wires = [Wire(server, source=STRANGER) for _ in range(strangers)]
    dribble(wires, pieces(server))
    deliver(server)
    assert peak_kb(server) < LIMIT_KB or not OWN_ALLOCATOR
    for wire in wires:
        wire.sock.close()
    deliver(server)
    wait_given_back(server, before)


@pytest.mark.parametrize("attack", ["chunks that end with a segment",
                                    "fields of a trailer"])
def test_memory_is_bounded_over_tls(https, attack):  # noqa: F811
    strangers, pieces = ATTACKS[attack]
    server = https()
    server.expect("refused")
    wires = [Wire(server, source=STRANGER) for _ in range(min(strangers, 200))]
    dribble(wires, pieces(server))
    deliver(server)
    assert peak_kb(server) < LIMIT_KB or not OWN_ALLOCATOR
    for wire in wires:
        wire.sock.close()
    deliver(server)


@pytest.mark.parametrize("size", [1, 2, 5000])
def test_a_body_in_small_chunks_is_received(either, size):
    with Wire(either) as wire:
        wire.send(delivery(either, BODY, length=False, extra=CHUNKED)
                  [:-len(BODY)])
        for at in range(0, len(BODY), size):
            part = BODY[at:at + size]
            wire.send(b"%x\r\n%s" % (len(part), part)).send(b"\r\n")
        wire.send(b"0\r\nX: y\r\n\r\n" + GET)
        assert wire.answer().json() == {"status": "received"}
        assert wire.answer().status == 200
    assert either.query("SELECT body FROM bodies") == [(BODY,)]


def test_too_many_chunks_are_refused(server):
    server.expect("refused")
    with Wire(server) as wire:
        wire.send(head(server, *CHUNKED) + b"1\r\nx\r\n" * 70000)
        assert wire.answer().status == 400
    server.wait_log("too many chunks")


def test_a_hundred_fields_are_enough(server):
    server.expect("refused")
    with Wire(server) as wire:
        wire.send(get(fields=b"a: b\r\n" * 99) + b"\r\n")
        assert wire.answer().status == 200
        wire.send(get(fields=b"a: b\r\n" * 100) + b"\r\n")
        assert wire.answer().status == 400
    server.wait_log("too many fields")


def test_fields_of_a_trailer_are_counted_with_the_others(server):
    server.expect("refused")
    body = head(server, *CHUNKED) + chunked(b"{}")[:-2]
    with Wire(server) as wire:
        wire.send(body + b"a: b\r\n" * 93 + b"\r\n")
        assert wire.answer().status == 401
        wire.send(body + b"a: b\r\n" * 96 + b"\r\n")
        assert wire.answer().status == 400


def test_a_trailer_is_no_header(server):
    """Neither to the check of the headers nor to what is kept of them."""
    server.expect("refused")
    with Wire(server) as wire:
        wire.send(delivery(server, length=False, extra=CHUNKED,
                           drop=("Content-Type",))[:-len(b'{"orders":[]}')] +
                  chunked(b'{"orders":[]}')[:-2] +
                  b"Authorization: Bearer x\r\nContent-Type: a/b\r\n\r\n")
        assert wire.answer().json() == {"status": "received"}
        forged = delivery(server, length=False, signature="0" * 64,
                          extra=CHUNKED)[:-len(b'{"orders":[]}')]
        wire.send(forged + chunked(b"{}")[:-2] + b"X-Late: x\r\n\r\n")
        assert wire.answer().status == 401
    server.wait_query("SELECT count(*) FROM rejections", [(1,)])
    assert server.query("SELECT count(*) FROM rejections WHERE "
                        "headers LIKE '%late%'") == [(0,)]


def test_the_largest_of_the_greediest_address_is_answered_503(either):
    either.expect("refused")
    first = Wire(either, source=GOOD)
    first.send(delivery(either, BODY)[:-1])
    assert first.left == b""
    opening = head(either, f"Content-Length: {MIB}")
    wires = []
    for i in range(34):
        wires.append(Wire(either, source=STRANGER))
        wires[-1].send(opening + b"x" * (MIB - 1 - (i != 5) * 1000))
    with selectors.DefaultSelector() as selector:
        selector.register(wires[5].sock, selectors.EVENT_READ)
        assert selector.select(DEADLINE)
    # It may send on, and the answer can be read all the same.
    answer = wires[5].send(b"x" * 1000).answer()
    assert answer.status == 503
    assert answer.headers["retry-after"] == "5"
    assert answer.json() == {"error": "try again later"}
    assert wires[5].closed()
    wires[-1].send(b"x" * 1001)
    assert wires[-1].answer().status == 401
    first.send(BODY[-1:])
    assert first.answer().json() == {"status": "received"}
    for wire in wires:
        wire.sock.close()


def wait_for_cuts(wires, n):
    """Wait until so many of these have been answered or ended."""
    with selectors.DefaultSelector() as selector:
        for wire in wires:
            selector.register(wire.sock, selectors.EVENT_READ)
        for _ in range(n):
            ready = selector.select(DEADLINE)
            assert ready
            selector.unregister(ready[0][0].fileobj)


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_a_slow_client_is_not_cut_for_others(server, framing):
    """Between its head and its body one address begins more bodies than fit,
    all of which are newer."""
    server.expect("refused")
    extra = {"length": (f"Content-Length: {MIB}",), "chunks": CHUNKED}[framing]
    opening = head(server, *extra) + (
        b"%x\r\n" % MIB if framing == "chunks" else b"")
    for _ in range(3):
        whole = delivery(server, BODY)
        with Wire(server, source=GOOD) as wire:
            wire.send(whole[:-len(BODY)])
            wires = []
            for _ in range(66):
                wires.append(Wire(server, source=STRANGER))
                wires[-1].send(opening + b"x" * (MIB - 1))
            wait_for_cuts(wires, 30)
            wire.send(whole[-len(BODY):])
            assert wire.answer().json() == {"status": "received"}
        for one in wires:
            one.sock.close()
    received(server.post(BODY))
    assert peak_kb(server) < LIMIT_KB or not OWN_ALLOCATOR


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_the_largest_body_that_may_be_configured_fits(klikitd, framing):
    server = klikitd(config="[http]\nmax_body = 31m\n")
    server.expect("refused")
    fill = b'{"orders":[],"x":"%s"}'
    body = fill % (b"x" * (31 * MIB - len(fill) + 2))
    with Wire(server, source=GOOD) as wire:
        if framing == "length":
            wire.send(delivery(server, body))
        else:
            wire.send(delivery(server, body, length=False, extra=CHUNKED)
                      [:-len(body)] + chunked(body, MIB))
        assert wire.answer().json() == {"status": "received"}
    done = run("check-config", "-c", server.config, "--http.max_body=32m")
    assert done.returncode == 1
    assert b"from 1k to 31m" in done.stderr
