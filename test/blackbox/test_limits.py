"""Each limit on a connection is counted, and named by one line a minute."""

import contextlib

import pytest

from conftest import received
from strangers import GOOD, STRANGER, Siege, metric
from wire import Wire, delivery

MIB = 1024 * 1024


def cuts(server, limit, listener="public"):
    return metric(server, "klikitd_guard_cuts_total", listener=listener,
                  limit=limit)


def slow(server):
    with Wire(server, source=STRANGER) as wire:
        wire.send(delivery(server)[:-3])
        assert wire.answer().status == 408


def large(server):
    with Wire(server, source=STRANGER) as wire:
        wire.send(delivery(server, b"", length=False,
                           extra=(f"Content-Length: {2 * MIB}",)))
        assert wire.answer().status == 413


@pytest.mark.parametrize("limit,attack,reason", [
    ("request_timeout", slow, "request took too long"),
    ("body", large, "body")])
def test_a_limit_is_counted_and_said_once_a_minute(klikitd, limit, attack,
                                                    reason):
    server = klikitd(config="[http]\nrequest_timeout = 200ms\n")
    for _ in range(5):
        attack(server)
    assert cuts(server, limit) == 5
    assert cuts(server, limit, "admin") == 0
    assert metric(server, "klikitd_bad_requests_total", listener="public") == 0
    received(server.deliver(b'{"orders":[]}', source=GOOD))
    said = [line for line in server.final_log().splitlines()
            if f"http: refused {STRANGER}" in line]
    assert len(said) in (1, 2), said
    assert all(reason in line for line in said)


def test_one_limit_does_not_hide_another(klikitd):
    """Bad requests fill the log's allowance; what is slow is still named."""
    server = klikitd(config="[http]\nrequest_timeout = 200ms\n")
    for _ in range(100):
        with Wire(server, source=STRANGER) as wire:
            assert wire.send(b"nonsense\r\n\r\n").answer().status == 400
    slow(server)
    server.wait_log(f"http: refused {STRANGER}.*request took too long")


def test_memory_of_strangers_is_counted_and_said_once_a_minute(klikitd):
    server = klikitd()
    unfinished = delivery(server, b"", length=False,
                          extra=(f"Content-Length: {MIB}",))
    with Siege(server, 60, opening=unfinished + b"x" * (MIB - 1)):
        server.wait_log("too many bytes of unfinished requests")
        received(server.deliver(b'{"orders":[]}', source=GOOD))
        assert cuts(server, "unverified_bytes") > 0
    said = server.final_log().count(
        "too many bytes of unfinished requests, and its address has most")
    assert said in (1, 2)


def test_the_admin_listener_counts_and_names_its_own(server):
    host, port = server.admin[7:].split(":")
    server.port, public = int(port), server.port
    with contextlib.suppress(OSError):
        large(server)
    server.port = public
    assert cuts(server, "body", "admin") == 1
    assert cuts(server, "body") == 0
    server.wait_log(f"admin: refused {STRANGER}.*body")
