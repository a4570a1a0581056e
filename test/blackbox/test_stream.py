"""The stream of the admin listener: what it tells, whom it bears."""

import http.client
import os
import pathlib
import re
import socket
import threading

import pytest

from conftest import DEADLINE, duplicate, payload, received
from sse import Stream

pytestmark = pytest.mark.both

SMALL = payload("created-small.json")
TOKEN = "a-token-of-the-operator"


@pytest.fixture
def lean(klikitd):
    """A server whose memory is its own: a sanitizer keeps nothing freed."""
    return klikitd(env={"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") +
                        ":quarantine_size_mb=0"})


def rss_kb(server):
    status = pathlib.Path(f"/proc/{server.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1])


def readers(server):
    host, port = server.admin[7:].split(":")
    conn = http.client.HTTPConnection(host, int(port), timeout=DEADLINE)
    conn.request("GET", "/metrics")
    text = conn.getresponse().read().decode()
    conn.close()
    return int(re.search(r"^klikitd_stream_readers (\d+)$", text, re.M)[1])


def wait_readers(server, wanted):
    ticks = threading.Event()
    for _ in range(DEADLINE * 20):
        if (n := readers(server)) == wanted:
            return
        ticks.wait(0.05)  # nothing tells when a reader is let go
    raise AssertionError(f"{n} readers, not {wanted}")


def mute(server, path="/api/v1/stream"):
    """A reader that never reads, whose kernel keeps little for it."""
    host, port = server.admin[7:].split(":")
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    sock.connect((host, int(port)))
    sock.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    return sock


def test_what_happens_is_told(server):
    server.expect("refused")
    stream = Stream(server)
    assert stream.answer.getheader("content-type").startswith(
        "text/event-stream")
    assert stream.answer.getheader("cache-control") == "no-store"
    assert stream.first is None and stream.last_id is not None
    received(server.post(SMALL, "e1"))
    seen = stream.until(lambda what, it: what == "job" and
                        it["state"] == "done")
    what, event = seen[0]
    assert (what, event["event_id"]) == ("event", "e1")
    listed = server.ask("GET", "/api/v1/events")[2]["events"][0]
    assert set(event) == set(listed)
    assert seen[-1][1]["event_id"] == "e1"
    server.post(SMALL, "bad", signature="0" * 64)
    what, rejection = stream.next()
    assert (what, rejection["cause"]) == ("rejection", "signature")
    assert server.ask("GET", "/api/v1/rejections")[2]["rejections"] == [
        rejection]
    server.ask("POST", "/api/v1/handlers/orders/pause", {"why": "lunch"})
    what, handler = stream.next()
    assert (what, handler["paused_why"]) == ("handler", "lunch")
    server.ask("POST", "/api/v1/handlers/orders/resume", {})
    what, handler = stream.next()
    assert (what, handler["paused_at"]) == ("handler", None)
    stream.close()


def test_a_duplicate_and_a_replay_are_told(server):
    received(server.post(SMALL, "e1"))
    server.wait_processed()
    stream = Stream(server)
    server.post(SMALL, "e1")
    what, event = stream.next()
    assert (what, event["event_id"], event["duplicates"]) == ("event", "e1", 1)
    answer = server.ask("POST", "/api/v1/jobs/replay", {"ids": [1]})[2]
    new = answer["jobs"][0]["job"]
    seen = stream.until(lambda what, it: what == "job" and it["id"] == new and
                        it["state"] == "done")
    old = [it for what, it in seen if what == "job" and it["id"] == 1]
    assert old[0]["replayed_by"] == new
    stream.close()


@pytest.mark.parametrize("way", ["header", "query"])
def test_who_comes_back_gets_what_was_missed(server, way):
    stream = Stream(server)
    received(server.post(SMALL, "e1"))
    stream.until(lambda what, it: what == "job" and it["state"] == "done")
    last = stream.last_id
    stream.close()
    received(server.deliver(SMALL, "e2"))
    server.wait_processed()
    if way == "header":
        stream = Stream(server, last_id=last)
    else:
        stream = Stream(server, query="?last_event_id=" + last)
    assert stream.first is None
    what, event = stream.next()
    assert (what, event["event_id"]) == ("event", "e2")
    stream.close()


@pytest.mark.parametrize("last", ["1-1", "nonsense", "x-", "0", "-1",
                                  500 * "9"])
def test_an_unknown_id_is_told_to_load_anew(server, last):
    stream = Stream(server, last_id=last)
    assert stream.first == "reset"
    received(server.post(SMALL, "e1"))
    assert stream.next()[0] == "event"
    stream.close()


def test_an_id_of_before_the_restart_is_told_to_load_anew(server):
    stream = Stream(server)
    received(server.post(SMALL, "e1"))
    stream.until(lambda what, it: what == "job" and it["state"] == "done")
    last = stream.last_id
    stream.close()
    server.restart()
    stream = Stream(server, last_id=last)
    assert stream.first == "reset"
    stream.close()
    number = stream.last_id.split("-")[0]
    stream = Stream(server, last_id=number + "-999999")  # of the future
    assert stream.first == "reset"
    stream.close()


def test_a_stop_ends_it(server):
    stream = Stream(server)
    stuck = mute(server)
    wait_readers(server, 2)
    server.stop()
    assert stream.next() is None
    stuck.close()
    server.start()


def test_a_hundred_may_look_on_and_no_more(lean):
    server = lean
    before = rss_kb(server)
    streams = [Stream(server) for _ in range(100)]
    assert {s.status for s in streams} == {200}
    assert Stream(server).status == 503
    received(server.post(SMALL, "e1"))
    for stream in streams:
        what, event = stream.next()
        assert (what, event["event_id"]) == ("event", "e1")
    assert server.ask("GET", "/api/v1/status")[0] == 200
    assert rss_kb(server) - before < 64 * 1024
    for stream in streams:
        stream.close()
    received(server.deliver(SMALL, "e2"))  # by which those that left are missed
    wait_readers(server, 0)
    late = Stream(server)
    assert late.status == 200
    late.close()


@pytest.mark.sqlite("what waits to be read is in no store")
def test_one_that_never_reads_costs_no_memory_and_no_ack(lean):
    """So much is told that the ring passes by them several times."""
    server = lean
    body = SMALL.replace(b'"external_id"', b'"note":"' + 300 * b"x" +
                         b'","external_id"')
    stuck = [mute(server) for _ in range(10)]
    reading = Stream(server)
    wait_readers(server, 11)
    reader = threading.Thread(target=reading.until, args=(
        lambda what, it: what == "event" and it["event_id"] == "last",))
    reader.start()
    conn = server.connect()
    for i in range(300):  # each is told as an event and as a job
        received(server.deliver(body, f"e{i}", connection=conn))
    before = rss_kb(server)
    for i in range(1500):
        received(server.deliver(body, f"f{i}", connection=conn))
    grown = rss_kb(server) - before
    received(server.deliver(body, "last", connection=conn))
    ticks = threading.Event()
    for _ in range(DEADLINE * 5):  # again: after a reset nothing is sent for
        if not reader.is_alive():  # a while
            break
        duplicate(server.deliver(body, "last", connection=conn))
        ticks.wait(0.2)
    assert not reader.is_alive()
    # what ring, chunks, queues and the caches of SQLite may take
    assert grown < 24 * 1024, f"{grown} kB"
    conn.close()
    for sock in stuck:
        sock.close()
    reading.close()


def test_after_a_flood_all_are_told_to_load_anew(server):
    stream = Stream(server)

    def flood(n):
        conn = server.connect()
        for i in range(150):
            received(server.deliver(SMALL, f"{n}-{i}", connection=conn))
        conn.close()

    others = [Stream(server) for _ in range(60)]  # so that less is told
    senders = [threading.Thread(target=flood, args=(n,)) for n in range(4)]
    for sender in senders:
        sender.start()
    stream.until(lambda what, it: what == "reset")
    for sender in senders:
        sender.join()
    server.wait_processed()
    for other in [stream] + others:
        other.close()


def test_what_a_reader_says_is_not_listened_to(server):
    host, port = server.admin[7:].split(":")
    sock = socket.create_connection((host, int(port)), timeout=DEADLINE)
    sock.sendall(b"GET /api/v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert sock.recv(100).startswith(b"HTTP/1.1 200")
    try:
        for _ in range(200):  # more than its guard lets it hold
            sock.sendall(b"GET /x HTTP/1.1\r\nX: " + 16000 * b"y")
    except (ConnectionError, socket.timeout):
        pass
    sock.close()
    wait_readers(server, 0)
    server.expect("admin: refused")


def test_a_client_that_leaves_at_once_is_forgotten(server):
    host, port = server.admin[7:].split(":")
    for _ in range(120):  # more than may look on
        sock = socket.create_connection((host, int(port)))
        sock.sendall(b"GET /api/v1/stream HTTP/1.1\r\nHost: x\r\n\r\n"
                     .replace(b"x", b"127.0.0.1"))
        sock.close()
    wait_readers(server, 0)
    stream = Stream(server)
    assert stream.status == 200
    stream.close()


def test_it_needs_the_token_and_no_foreign_page_gets_it(klikitd):
    server = klikitd(
        start=False, config="[http]\nlisten = 127.0.0.1:0\n[admin]\n"
        "listen = 127.0.0.1:0\ntoken_file = token\n")
    (server.directory / "token").write_text(TOKEN)
    server.start()
    server.expect("admin: refused")
    assert Stream(server).status == 401
    good = {"Authorization": f"Bearer {TOKEN}"}
    assert Stream(server, headers={**good, "Origin": "http://evil.example"}
                  ).status == 403
    stream = Stream(server, headers=good)
    assert stream.status == 200
    received(server.post(SMALL, "e1"))
    assert stream.next()[0] == "event"
    stream.close()
