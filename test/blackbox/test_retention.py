"""Customers' data goes when it should, wholly, and not before."""

import contextlib
import http.server
import json
import sqlite3
import threading

import pytest

from conftest import duplicate, received

pytestmark = [pytest.mark.once, pytest.mark.both]

NAME, PHONE = b"Zora-Canary-Quill", b"+62-811-555-0199-77"
CONFIG = """[http]
listen = 127.0.0.1:0
[handler echo]
type = exec
command = /bin/cat
[handler orders]
type = orders
"""


def body(order):
    return json.dumps({"brand_id": 1, "branch_id": 2, "orders": [
        {"id": order, "status": 1, "customer": {
            "name": NAME.decode(), "phone": PHONE.decode()}}]}).encode()


def traces(server):
    """The files around the store, and the log, that hold a canary."""
    found = [path.name for path in server.directory.iterdir()
             if path.is_file() and any(
                 canary in path.read_bytes() for canary in (NAME, PHONE))]
    if any(c.decode() in server.log() for c in (NAME, PHONE)):
        found.append("log")
    if server.store and server.store.says(NAME, PHONE):
        found.append("database")
    return found


def stranger(server):
    """A refused delivery whose beginning is kept as a rejection."""
    assert server.post(body(9), "refused", signature="0" * 64)[0] == 401
    server.wait_query("SELECT count(*) FROM rejections", [(1,)])


@pytest.mark.sqlite("bytes of the files")
def test_a_purge_leaves_no_trace(klikitd):
    server = klikitd(config=CONFIG)
    server.expect("signature")
    received(server.post(body(1), "one"))
    stranger(server)
    server.wait_processed()
    assert NAME in server.query("SELECT answer FROM attempts")[0][0]
    assert traces(server)

    server.do("purge", "--older-than", "1ms")
    assert traces(server) == []
    assert server.query("SELECT purged_at IS NOT NULL FROM events") == [(1,)]
    duplicate(server.post(body(1), "one"))
    assert server.query("SELECT document FROM order_documents") == [(None,)]

    server.do("backup", str(server.directory / "later.db"))
    assert traces(server) == []
    server.restart()
    assert traces(server) == []


class Leaky(http.server.BaseHTTPRequestHandler):
    """A POS that repeats what it got, wherever an answer has room."""

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(int(self.path[1:]),
                           f"Refused for {NAME.decode()}")
        self.send_header("location", f"/order?customer={NAME.decode()}")
        self.send_header("x-customer", PHONE.decode())
        self.send_header("retry-after", PHONE.decode())
        self.send_header("content-length", str(len(NAME)))
        self.end_headers()
        self.wfile.write(NAME)

    def log_message(self, *args):
        pass


@pytest.fixture
def leaky():
    pos = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Leaky)
    thread = threading.Thread(target=pos.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{pos.server_address[1]}"
    pos.shutdown()
    thread.join()
    pos.server_close()


def handler(name, keys, waits="retry = 50ms\nmax_age = 1s"):
    return f"[handler {name}]\n{waits}\n{keys}\n"


def every_way_in(url):
    """Handlers through which a customer's data come back to us."""
    ends = {"says": "exit 0", "dies": "exit 3", "later": "exit 75",
            "killed": "kill -9 $$", "slow": "exec sleep 60"}
    return "[http]\nlisten = 127.0.0.1:0\n" + "".join([
        handler(name, "type = exec\ntimeout = 2s\n"  # cat: the event's body
                f"command = /bin/sh -c 'cat; echo; {end}'")
        for name, end in ends.items()] + [
        handler("moved", f"type = forward\nurl = {url}/302"),
        handler("refused", f"type = forward\nurl = {url}/422"),
        handler("gone", f"type = forward\nurl = {url}/410"),
        handler("busy", f"type = forward\nurl = {url}/503"),
        handler("pos", f"type = forward\nurl = {url}/503\n"
                "unit = order", "retry = 1h"),
    ])


@pytest.mark.parametrize("how", [["--older-than", "1ms"], ["--order", "1"]])
def test_no_way_in_outlives_a_purge(klikitd, leaky, how):
    server = klikitd(config=every_way_in(leaky))
    server.expect(".")
    received(server.post(body(1), "one"))
    server.post(body(1), "refused", signature="0" * 64,
                headers={"x-customer": PHONE.decode()})
    server.wait_query("SELECT count(*) FROM rejections", [(1,)])
    server.wait_query(
        "SELECT count(*) FROM jobs j JOIN handlers h ON h.id = j.handler "
        "WHERE j.finished_at IS NULL AND j.attempts > 0 AND j.state = "
        "'waiting' AND h.name IN ('gone', 'pos')", [(2,)])
    server.wait_query("SELECT count(*) FROM jobs WHERE finished_at IS NULL",
                      [(2,)])
    for job, in server.query("SELECT id FROM jobs WHERE finished_at IS NULL"):
        server.do("discard", str(job), "--reason",
                  f"{NAME.decode()} has called")
    shown = server.do("jobs")
    assert "exit 3: {" in shown and NAME.decode() in shown
    assert f"to /order?customer={NAME.decode()}" in shown
    assert any(NAME.decode() in line for line in shown.splitlines()
               if "discarded" in line)
    # At the time all is to be seen, but for the log, which nobody purges.
    assert set(traces(server)) <= {"klikitd.db", "klikitd.db-wal",
                                   "database"}
    assert traces(server)

    server.do("purge", *how)
    assert "backups made before" in server.said
    assert traces(server) == []
    shown = server.do("jobs")
    for own in ("exit 3", "too old: exit 75", "redirects are not followed",
                "discarded", "422"):
        assert own in shown
    if not server.store:
        server.do("backup", "later.db")
    server.restart()
    assert traces(server) == []


def test_a_purge_by_order_takes_the_rejections_too(klikitd):
    server = klikitd(config=CONFIG)
    server.expect("signature", "its id came again")
    received(server.post(body(4001), "one"))
    assert server.post(body(4002), "one")[0] == 200  # kept: an id conflict
    assert server.post(body(4002), "x", signature="0" * 64)[0] == 401
    assert server.post(body(4003), "y", signature="0" * 64)[0] == 401
    server.wait_query("SELECT count(*) FROM rejections", [(3,)])
    server.wait_processed()
    said = json.loads(server.do("purge", "--order", "4002", "--json"))
    assert said == {"events": 0, "rejections": 2, "files": 0,
                    "files_left": 0, "pending": False,
                    "log_busy": False}
    [(kept,)] = server.query("SELECT body FROM rejections")
    assert json.loads(kept)["orders"][0]["id"] == 4003
    assert server.do("purge", "--order", "4001") == (
        "purged 1 events and 0 rejections\n")


def reader(server):
    """Somebody who has begun to read the store, and holds its log."""
    holder = sqlite3.connect(server.database, isolation_level=None,
                             check_same_thread=False)
    holder.execute("BEGIN")
    holder.execute("SELECT count(*) FROM events").fetchone()
    return holder


@pytest.mark.sqlite("the log of the file")
@pytest.mark.parametrize("running", [True, False])
def test_a_purge_waits_for_who_reads_the_log(klikitd, running):
    server = klikitd(config=CONFIG)
    received(server.post(body(1), "one"))
    server.wait_processed()
    if not running:
        server.stop()
    with contextlib.closing(reader(server)) as holder:
        ends = threading.Timer(1, holder.rollback)
        ends.start()
        server.do("purge", "--order", "1")
        ends.join()
    assert "stood in the way" not in server.said


@pytest.mark.sqlite("the log of the file")
@pytest.mark.once
def test_a_purge_says_that_somebody_reads_on(klikitd):
    server = klikitd(config=CONFIG)
    received(server.post(body(1), "one"))
    server.wait_processed()
    with contextlib.closing(reader(server)):
        assert server.do("purge", "--order", "1", expect=1) == (
            "purged 1 events and 0 rejections\n")
    assert "a list or a backup stood in the way; purge again" in server.said
    server.do("purge", "--order", "1")


def test_one_order_can_be_purged_alone(klikitd):
    server = klikitd(config=CONFIG)
    received(server.post(body(1), "one"))
    received(server.post(body(2), "two"))
    server.wait_processed()
    server.do("purge", "--order", "1")
    assert server.query("SELECT e.event_id FROM bodies b JOIN events e ON "
                        "e.id = b.event") == [("two",)]
    assert server.query(
        "SELECT e.event_id FROM attempts a JOIN jobs j ON j.id = a.job JOIN "
        "events e ON e.id = j.event WHERE a.answer IS NOT NULL") == [("two",)]


def test_what_is_not_finished_is_not_purged(klikitd):
    server = klikitd(config=CONFIG.replace("/bin/cat",
                                           "/bin/sh -c \"exit 75\""))
    server.expect("retry in")
    received(server.post(body(1), "one"))
    server.wait_query("SELECT count(*) FROM jobs WHERE state = 'waiting'",
                      [(1,)])
    server.do("purge", "--older-than", "1ms")
    assert server.query("SELECT count(*) FROM bodies") == [(1,)]
    server.do("purge", "--order", "1", expect=1)
    assert "order 1 has pending jobs" in server.said
    assert server.query("SELECT count(*) FROM bodies") == [(1,)]
    server.do("discard", "1", "--reason", "the customer wants it gone")
    server.do("purge", "--order", "1")
    assert server.query("SELECT count(*) FROM bodies") == [(0,)]


@pytest.mark.sqlite("a backup is made by pg_dump")
def test_a_backup_while_serving_is_a_store_of_its_own(klikitd, tmp_path):
    server = klikitd(config=CONFIG)
    for number in range(20):
        received(server.post(body(number), f"e{number}"))
    server.wait_processed()
    home = tmp_path / "copy"
    home.mkdir()
    server.do("backup", str(home / "klikitd.db"))
    assert (home / "klikitd.db").stat().st_mode & 0o777 == 0o600
    received(server.post(body(99), "after"))
    server.wait_processed()
    other = klikitd(directory=home, config=CONFIG)
    for number in range(20):
        duplicate(other.post(body(number), f"e{number}"))
    received(other.post(body(99), "after"))
    other.wait_processed()
