"""Reload and stop, with deliveries under way."""

import os
import re
import signal
import socket

import pytest

from conftest import CREATED, SECRET, payload, received, sign
from load import Senders

pytestmark = pytest.mark.both

SMALL = payload("created-small.json")


@pytest.mark.valgrind
def test_term_answers_what_is_under_way_and_exits_0(server):
    senders = Senders(server, count=8)
    senders.wait_for(20)
    server.stop(signal.SIGTERM, expect=0)
    senders.stop()
    assert not senders.refused
    ids = {row[0] for row in server.query("SELECT event_id FROM events")}
    assert set(senders.acknowledged) <= ids


def test_idle_connections_do_not_delay_the_stop(server):
    connection = server.connect()
    received(server.post(SMALL, connection=connection))
    fresh = socket.create_connection(("127.0.0.1", server.port))
    server.stop()
    connection.close()
    fresh.close()


def test_a_second_term_leaves_at_once(server):
    """An unfinished request keeps the first one waiting."""
    server.expect("second signal")
    half = socket.create_connection(("127.0.0.1", server.port))
    half.sendall(b"POST /webhooks/klikit HTTP/1.1\r\nHost: x\r\n"
                 b"Content-Length: 10\r\n\r\nabc")
    received(server.post(SMALL))
    os.kill(server.pid, signal.SIGTERM)
    server.wait_log("stopping")
    os.kill(server.pid, signal.SIGTERM)
    server.wait(expect=1)
    half.close()


def test_hup_changes_secrets_and_handlers_live(klikitd, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"first")
    server = klikitd(secret=None,
                     config=f"[klikit]\nsecret_file = {secret}\n")
    server.expect("signature")
    received(server.post(SMALL, "a", signature=sign(SMALL, b"first")))
    secret.write_bytes(b"second")
    server.write_config(f"[klikit]\nsecret_file = {secret}\n"
                        "[handler kitchen]\ntype = orders\n"
                        "events = klikit.order.created.v2\n")
    os.kill(server.pid, signal.SIGHUP)
    server.wait_log("reload: done")
    assert server.post(SMALL, "b", signature=sign(SMALL, b"first"))[0] == 401
    received(server.post(SMALL, "b", signature=sign(SMALL, b"second")))
    received(server.post(SMALL, "c", "klikit.order.status.updated",
                         signature=sign(SMALL, b"second")))
    server.wait_processed()
    assert server.query("""
        SELECT e.event_id, h.name FROM jobs j JOIN events e ON e.id = j.event
        JOIN handlers h ON h.id = j.handler ORDER BY e.id""") == [
            ("a", "orders"), ("b", "kitchen")]


@pytest.mark.parametrize("change, word", [
    ("[http]\nlisten = 127.0.0.1:1\n", "http.listen"),
    ("[store]\nurl = sqlite:other.db\n", "store.url"),
    ("[http]\nmax_body = huge\n", "klikitd.ini:3"),
    ("[handler x]\ntype = none\n", "klikitd.ini"),
])
def test_hup_refuses_a_bad_file_whole(server, change, word):
    server.expect("reload:")
    received(server.post(SMALL, "a"))
    server.write_config(change)
    os.kill(server.pid, signal.SIGHUP)
    server.wait_log("reload: refused")
    server.wait_log(re.escape(word))
    received(server.deliver(SMALL, "b"))


@pytest.mark.tsan
def test_hup_under_load_fails_no_delivery(server):
    senders = Senders(server, count=8)
    for number in range(20):
        os.kill(server.pid, signal.SIGHUP)
        server.wait_log("reload: done", number + 1)
        senders.wait_for(5)
    senders.stop()
    assert not senders.refused


@pytest.mark.valgrind
def test_a_client_gone_before_its_commit_leaves_its_event(server):
    for number in range(50):
        sock = socket.create_connection(("127.0.0.1", server.port))
        sock.sendall(
            b"POST /webhooks/klikit HTTP/1.1\r\nHost: x\r\n"
            b"Content-Length: %d\r\nx-klikit-event-id: gone-%d\r\n"
            b"x-klikit-event-type: %s\r\nx-klikit-signature: %s\r\n\r\n"
            % (len(SMALL), number, CREATED.encode(),
               sign(SMALL, SECRET).encode()) + SMALL)
        if number % 2:  # a reset, not a mere end
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                            b"\1\0\0\0\0\0\0\0")
        sock.close()
    server.wait_query("SELECT count(*) >= 25 FROM events", [(1,)])
    received(server.deliver(SMALL, "after"))
    server.wait_processed()
    assert server.query("SELECT count(*) FROM jobs WHERE state != 'done'") == [
        (0,)]
