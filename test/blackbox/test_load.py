"""Floods and backlogs: neither starves the other."""

import contextlib
import sqlite3
import subprocess
import threading

import pytest

from conftest import BINARY, payload, received
from load import Senders, order_body

BACKLOG = 50_000


def test_a_flood_does_not_starve_processing(server):
    """Every event is processed within 2 s of its ack, all through 10 s."""
    senders = Senders(server, count=16, orders=1000)
    senders.stopping.wait(10)
    senders.stop()
    server.wait_processed()
    late = server.query("""
        SELECT count(*) FROM jobs j JOIN events e ON e.id = j.event
        WHERE j.finished_at - e.received_at > 2000""")
    total = server.query("SELECT count(*) FROM events")[0][0]
    assert total >= len(senders.acknowledged) > 1000
    assert late == [(0,)]


def test_a_flood_keeps_nobody_out(server):
    """Not who connects anew, and not who asks on the other listener."""
    senders = Senders(server, count=16, orders=1000)
    try:
        for i in range(20):
            with contextlib.closing(server.connect()) as connection:
                received(server.post(order_body(10 ** 6 + i), f"new-{i}",
                                     connection=connection))
            assert server.ask("GET", "/readyz")[0] == 200
    finally:
        senders.stop()
    assert len(senders.acknowledged) > 0
    server.wait_processed()


def fill(server, count):
    """Leave unfinished events behind, as an outage of a handler would."""
    db = sqlite3.connect(server.database)
    handler = db.execute("SELECT id FROM handlers").fetchone()[0]
    columns = [row[1] for row in db.execute("PRAGMA table_info(events)")]
    first = dict(zip(columns, db.execute("SELECT * FROM events").fetchone()))
    with db:
        for number in range(count):
            row = {**first, "id": first["id"] + 1 + number,
                   "event_id": f"backlog-{number}"}
            db.execute(
                f"INSERT INTO events ({','.join(columns)}) VALUES "
                f"({','.join('?' * len(columns))})",
                [row[c] for c in columns])
            order = str(number % 20_000)
            db.execute("INSERT INTO event_orders (event, place, order_id, "
                       "status, updated_at) VALUES (?, 0, ?, '1', NULL)",
                       (row["id"], order))
            job = db.execute(
                "INSERT INTO jobs (event, place, handler, state, behind, "
                "attempts, due_at, ordered) VALUES (?, -1, ?, 'ready', "
                "(SELECT count(*) > 0 FROM lanes WHERE handler = ? AND "
                "lane = ?), 0, 0, 1)",
                (row["id"], handler, handler, order)).lastrowid
            db.execute("INSERT INTO lanes (handler, lane, job) "
                       "VALUES (?, ?, ?)", (handler, order, job))
    db.close()


@pytest.mark.sqlite("filled, or read, as a file")
def test_a_backlog_at_start_is_processed_beside_new_deliveries(klikitd):
    server = klikitd()
    # Where two processors are busy, the reader may stand in an old state long
    # enough for that.
    server.expect("the log of changes has grown")
    received(server.post(order_body(1), "first"))
    server.wait_processed()
    server.stop()
    fill(server, BACKLOG)
    server.start()
    senders = Senders(server, count=4)
    senders.wait_for(200)  # acks come while the backlog is there
    left = server.query(
        "SELECT count(*) FROM jobs WHERE finished_at IS NULL")[0][0]
    assert left > 0, "the backlog was gone before the acks could be seen"
    senders.stop()
    server.wait_processed()
    assert not senders.refused
    assert server.query("SELECT count(*) FROM jobs WHERE state = 'done'")[
        0][0] >= BACKLOG + 200


@pytest.mark.sqlite("filled, or read, as a file")
def test_a_long_list_delays_no_ack(server):
    """A reader that keeps a snapshot open does not stop the writer."""
    received(server.post(payload("created-small.json")))
    reader = sqlite3.connect(f"file:{server.database}?mode=ro", uri=True,
                             check_same_thread=False)
    stop = threading.Event()

    def read():
        while not stop.is_set():
            reader.execute(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
                "FROM n WHERE i < 200000) SELECT count(*) FROM n, events"
            ).fetchall()

    thread = threading.Thread(target=read)
    thread.start()
    senders = Senders(server, count=4)
    senders.wait_for(200)
    senders.stop()
    stop.set()
    thread.join()
    reader.close()
    assert not senders.refused


@pytest.mark.sqlite("filled, or read, as a file")
@pytest.mark.parametrize("count", [
    10_000, pytest.param(50_000, marks=pytest.mark.long)])
def test_a_list_of_many_events_delays_no_ack(klikitd, count):
    """Acks come while the verb is at work, which nobody has read from yet."""
    server = klikitd()
    received(server.post(order_body(1), "first"))
    server.wait_processed()
    server.stop()
    fill(server, count)
    server.start()
    # Truly so: a verb that nobody reads from keeps its old state of the store.
    server.expect("the log of changes has grown")
    listing = subprocess.Popen(
        [BINARY, "events", "-c", str(server.config), "--json", "--limit",
         "1000000"], cwd=server.directory, env=server.environment(),
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert listing.stdout.readline().startswith(b"{")
    senders = Senders(server, count=4)
    senders.wait_for(200)
    senders.stop()
    assert listing.poll() is None, "the list was over before the acks"
    rows = 1 + sum(1 for _ in listing.stdout)
    listing.stdout.close()
    assert listing.wait(60) == 0
    assert rows > count
    assert not senders.refused
    server.wait_processed()
