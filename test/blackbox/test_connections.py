"""One address holds as many connections as it can: others are answered."""

import contextlib

import pytest

from conftest import own, payload, received
from https import https, pki  # noqa: F401
from strangers import (GOOD, STRANGER, Siege, allow_files, close_all, idle,
                       metric)
from wire import GET, Wire, delivery

BODY = payload("created-typical.json")
CLOSED = "as many connections are open as may be"


def deliver(server, count, **where):
    """Good deliveries, each on a connection of its own."""
    for _ in range(count):
        received(server.post(BODY, source=GOOD, **where))


def open_fds(server):
    return len(server.open_files())


def test_1100_idle_connections_of_one_address_starve_nobody(klikitd):
    server = klikitd()
    server.expect(CLOSED)
    before = open_fds(server)
    strangers = idle(server, 1100)
    deliver(server, 8)
    assert server.ask("GET", "/readyz")[0] == 200
    assert open_fds(server) <= before + 1024 + 64
    assert metric(server, "klikitd_room_cuts_total", listener="public",
                  limit="connections") >= 1100 - 1024
    server.wait_log(f"http: {CLOSED}: closed one of the 1[0-9]+ that "
                    f"{STRANGER} has.*http.max_connections")
    close_all(strangers)


def test_who_comes_again_when_closed_starves_nobody(klikitd):
    server = klikitd(config="[http]\nmax_connections = 64\n")
    server.expect(CLOSED)
    with Siege(server, 200) as siege:
        deliver(server, 20)
        assert siege.closed > 0
    assert server.final_log().count(CLOSED) in (1, 2)  # a line a minute


def test_a_plain_listener_starves_no_https(https):  # noqa: F811
    server = https(config="[http]\nmax_connections = 64\n"
                          "plain_listen = 127.0.0.1:0\n")
    server.expect(CLOSED)
    server.wait_for(lambda: len(server.urls) == 2, "two listeners")
    plain = int(server.urls[1].rsplit(":", 1)[1])
    with Siege(server, 200, port=plain):
        deliver(server, 8)


def test_idle_tls_connections_starve_nobody(https):  # noqa: F811
    """Their handshakes are done: they are clients like all others."""
    server = https(config="[http]\nmax_connections = 24\n")
    server.expect(CLOSED)
    strangers = [Wire(server, source=STRANGER) for _ in range(40)]
    deliver(server, 8)
    for wire in strangers:
        wire.sock.close()


@pytest.mark.parametrize("opening", [
    GET,  # answered, then idle
    GET * 50,  # pipelined
    b"POST /webhooks/klikit HTTP/1.1\r\n",  # begun
    b"\r\n",  # not even begun
], ids=["idle", "pipelined", "begun", "empty line"])
def test_who_said_something_makes_room_like_the_silent(klikitd, opening):
    """What is said at the beginning buys a stranger nothing from others."""
    server = klikitd(config="[http]\nmax_connections = 64\n")
    server.expect(CLOSED)
    with Siege(server, 200, opening=opening) as siege:
        deliver(server, 20)
        assert siege.closed > 0


def test_the_refused_who_never_close_make_room(klikitd):
    """They have their answer; their connections are held open for its sake."""
    server = klikitd(config="[http]\nmax_connections = 64\n"
                            "request_timeout = 1h\n")
    server.expect(CLOSED)
    strangers = idle(server, 200)
    for sock in strangers:
        with contextlib.suppress(OSError):
            sock.send(b"GET / HTTP/1.1\r\n\r\n")
    deliver(server, 8)
    close_all(strangers)


def test_within_one_address_who_delivered_stays(klikitd):
    """Behind a proxy all have its address, the stranger and the good."""
    server = klikitd(config="[http]\nmax_connections = 64\n")
    server.expect(CLOSED)
    good = Wire(server, source=STRANGER)
    assert good.send(delivery(server, BODY)).answer().status == 200
    with Siege(server, 200) as siege:
        for _ in range(20):
            before = siege.closed
            assert good.send(delivery(server, BODY)).answer().status == 200
            siege.wait_closed(before + 64)  # as many as there may be
    good.sock.close()


@pytest.mark.parametrize("again, answer", [
    ("heard", "duplicate-ignored"), ("heard-{}", "received")])
def test_what_was_overheard_proves_nothing(klikitd, again, answer):
    """Who sends it again, also as a repeat, is a stranger as before."""
    server = klikitd(config="[http]\nmax_connections = 8\n")
    server.expect(CLOSED)
    received(server.post(BODY, "heard", source=GOOD))
    good = [Wire(server, source=GOOD) for _ in range(4)]
    for number, wire in enumerate(good):
        new = f"good-{number}"
        assert wire.send(delivery(server, own(BODY, new), event_id=new)
                         ).answer().json() == {"status": "received"}
    strangers = []
    for number in range(16):
        strangers.append(Wire(server, source=STRANGER).send(
            delivery(server, BODY, event_id=again.format(number))))
        assert strangers[-1].answer().json() == {"status": answer}
    assert all(wire.closed() for wire in strangers[:8])
    for wire in good:
        assert wire.send(GET).answer().status == 200
    for wire in good + strangers:
        wire.sock.close()


@pytest.mark.parametrize("rounds", [
    2, pytest.param(100, marks=pytest.mark.long)])
def test_below_the_limit_one_address_may_have_all(klikitd, rounds):
    """A tunnel, or who measures: 1,000 connections, and each delivers."""
    server = klikitd()
    allow_files(2000)
    wires = [Wire(server, source=GOOD) for _ in range(1000)]
    for _ in range(rounds):
        for wire in wires:
            wire.send(delivery(server, b'{"orders":[]}'))
        for wire in wires:
            assert wire.answer().json() == {"status": "received"}
    for limit in "connections", "descriptors":
        assert metric(server, "klikitd_room_cuts_total", listener="public",
                      limit=limit) == 0
    for wire in wires:
        wire.sock.close()
