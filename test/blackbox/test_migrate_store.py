"""klikitd migrate-store: all of a store to another one, and back."""

import contextlib
import json
import os
import re
import sqlite3
import subprocess

import pytest

from conftest import (BINARY, CART, DEADLINE, STATUS, duplicate, payload,
                      received, run)
from load import order_body
from test_outlets import sink  # noqa: F401 (a fixture)

pytestmark = [pytest.mark.once,
              pytest.mark.sqlite("files; of databases: test_migrate_postgres")]
STORE = 0x6B6C696B  # the application ids of a file: a store
MOVED = 0x6B6C696D  # what was moved away
TARGET = 0x6B6C6974  # not all of it is there
TABLES = ["handlers", "events", "header_sets", "bodies", "event_orders",
          "jobs", "lanes", "attempts", "served", "orders", "carts",
          "rejections", "counts"]
WAITING = 2  # orders of which each has a job that waits for the POS; with more
# failures in a row klikitd would not try all of them


def config(pos):
    return (f"""[handler pos]
type = forward
events = *
url = {pos.url}
retry = 1h
[handler till]
type = exec
events = *
command = /bin/true
[handler book]
type = orders
[handler idle]
type = exec
events =
command = /bin/true
""")


@pytest.fixture
def old(klikitd, sink):
    """A stopped store in which every table has rows. Its POS is there again
    when the next server asks."""
    pos = sink("--status", "503")
    server = klikitd(config=config(pos))
    server.pos = pos
    server.expect("retry in", "failed in a row", "forged", "rejected",
                  "signature", "JSON", "dead", "paused", "discarded")
    for order in range(1, WAITING + 1):
        received(server.post(order_body(order), f"e{order}"))
    received(server.post(order_body(1, status=2), "later", type=STATUS))
    received(server.post(payload("cart-updated.json"), "cart", type=CART))
    received(server.post(payload("created-unicode.json"), "unicode"))
    received(server.post(order_body(1, note="again"), "again"))
    duplicate(server.post(order_body(1), "e1"))
    assert server.post(order_body(9), "forged", signature="0" * 64)[0] == 401
    assert server.post(b"\xff\xfe{", "no JSON")[0] == 400
    server.wait_query("SELECT count(*) FROM jobs WHERE state = 'ready' "
                      "AND behind = 0 OR state = 'running'", [(0,)])
    server.wait_query("SELECT count(*) FROM rejections", [(2,)])
    (job,) = server.query(
        "SELECT j.id FROM jobs j JOIN events e ON e.id = j.event "
        "JOIN handlers h ON h.id = j.handler "
        "WHERE e.event_id = 'unicode' AND h.name = 'pos'")[0]
    server.do("discard", str(job), "--reason", "made by hand: caf\u00e9")
    server.do("pause", "idle", "--why", "the shop is closed")
    server.stop()
    for table in TABLES:
        ((n,),) = server.query(f"SELECT count(*) FROM {table}")
        assert n > 0, table
    return server


def rows(path, without=()):
    """Every row of every table."""
    with contextlib.closing(sqlite3.connect(path)) as conn:
        tables = [name for (name,) in conn.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' "
            "ORDER BY name") if name not in without]
        assert set(TABLES) <= set(tables)
        return {table: sorted(conn.execute(f"SELECT * FROM {table}"),
                              key=repr) for table in tables}


def application(path):
    """What the file says that it is, with its log; None: it is not there."""
    if not path.exists():
        return None
    with contextlib.closing(sqlite3.connect(path)) as conn:
        return conn.execute("PRAGMA application_id").fetchone()[0]


def url(path):
    return f"sqlite:{path}"


def move(source, target, expect=0):
    """Returns what it printed, and what it said."""
    done = run("migrate-store", source, target)
    said = done.stderr.decode()
    assert "Sanitizer" not in said, said
    assert done.returncode == expect, (done.stdout, said)
    return done.stdout.decode(), said


def served(klikitd, old, path):
    """A server on that store, with the configuration of the old one."""
    old.pos.restart()
    server = klikitd(directory=old.directory, start=False,
                     config=config(old.pos), database=path.name)
    server.write_config(config(old.pos) + f"[store]\nurl = {url(path)}\n")
    return server


def delivered(old, server):
    """What waited is delivered, once; what is known is known."""
    before = len(old.pos.lines())
    server.start()
    for order in range(1, WAITING + 1):
        duplicate(server.post(order_body(order), f"e{order}"))
    jobs = [job for (job,) in server.query(
        "SELECT id FROM jobs WHERE finished_at IS NULL ORDER BY id")]
    assert len(jobs) >= WAITING
    for job in jobs:
        server.do("retry", str(job), expect=None)  # behind another: not yet
        server.wait_query("SELECT count(*) FROM jobs WHERE finished_at IS "
                          f"NULL AND id <= {job}", [(0,)])
    keys = [line["key"] for line in old.pos.lines()[before:]]
    assert len(keys) == len(set(keys)), keys
    assert {f"e{order}" for order in range(1, WAITING + 1)} <= set(keys)
    received(server.post(order_body(77), "new"))
    server.wait_processed()


def test_all_of_it_is_moved_and_goes_on(klikitd, old):
    before = rows(old.database)
    new = old.directory / "new.db"
    out, _ = move(url(old.database), url(new))
    assert rows(new) == before
    assert rows(old.database) == before
    for table in TABLES:
        assert re.search(rf"^{table} +{len(before[table])} +[0-9a-f]{{64}}$",
                         out, re.M), out
    server = served(klikitd, old, new)
    delivered(old, server)
    assert server.query("PRAGMA integrity_check") == [("ok",)]
    assert "the shop is closed" in server.do("handlers")


def test_what_was_moved_away_is_served_no_more(klikitd, old):
    new = old.directory / "new.db"
    move(url(old.database), url(new))
    old.start(wait=False)
    old.expect("has moved all of it")
    old.wait(expect=1)
    assert "--reopen" in old.log()
    old.do("events", expect=1)
    assert "has moved all of it" in old.said
    # Nor is it moved again, to be served beside the new one.
    _, said = move(url(old.database), url(old.directory / "third.db"), 1)
    assert "--reopen" in said
    done = run("migrate-store", "--reopen", url(old.database))
    assert done.returncode == 0, done
    assert run("migrate-store", "--reopen", url(old.database)).returncode == 1
    old.start()
    duplicate(old.post(order_body(1), "e1"))


def test_json_has_the_same_digests_for_the_same_rows(old):
    new, third = old.directory / "new.db", old.directory / "third.db"
    done = run("migrate-store", "--json", url(old.database), url(new))
    first = json.loads(done.stdout)
    assert [t["table"] for t in first["tables"]] == TABLES
    assert not first["resumed"] and first["mended"] == 0
    second = json.loads(
        run("migrate-store", "--json", url(new), url(third)).stdout)
    assert second == first
    assert run("migrate-store", "--reopen", url(new)).returncode == 0
    with contextlib.closing(sqlite3.connect(new)) as conn:
        conn.execute("UPDATE bodies SET body = x'7b7d' WHERE event = 2")
        conn.commit()
    other = json.loads(run("migrate-store", "--json", url(new),
                           url(old.directory / "fourth.db")).stdout)
    differ = [a["table"] for a, b in zip(first["tables"], other["tables"])
              if a["sha256"] != b["sha256"]]
    assert differ == ["bodies"]


@pytest.mark.parametrize("which", ["source", "target"])
def test_a_server_on_either_is_in_the_way(klikitd, old, which):
    other = klikitd(config=config(old.pos))
    other.expect("retry in")
    if which == "source":
        new = old.directory / "new.db"
        old.start()
        _, said = move(url(old.database), url(new), 1)
        assert not new.exists()
        old.stop()
    else:
        _, said = move(url(old.database), url(other.database), 1)
        received(other.post(order_body(1), "e1"))
    assert "another klikitd holds" in said
    assert application(old.database) == STORE


def test_a_store_or_file_that_is_there_is_not_overwritten(klikitd, old):
    other = klikitd(config=config(old.pos))
    other.expect("retry in")
    received(other.post(order_body(1), "its own"))
    other.stop()
    _, said = move(url(old.database), url(other.database), 1)
    assert "is there already" in said
    assert len(rows(other.database)["events"]) == 1
    text = old.directory / "notes.txt"
    text.write_text("not a database, but longer than the header of one" * 9)
    before = text.read_bytes()
    move(url(old.database), url(text), 1)
    assert text.read_bytes() == before
    _, said = move(url(old.database), url(old.database), 1)
    assert "the same" in said
    _, said = move(url(old.directory / "no.db"), url(text), 1)
    assert "no such store" in said
    assert application(old.database) == STORE


def test_usage(old):
    for words in ([], [url(old.database)], ["--reopen"],
                  ["--reopen", url(old.database), url(old.database)]):
        assert run("migrate-store", *words).returncode == 2, words
    assert run("migrate-store", "a", "b").returncode == 1


def cut_short(source, target, call, number):
    """A move that is killed in its n-th call of that name. Was it?"""
    done = subprocess.run(
        ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}",
         "-e", f"inject={call}:error=EIO:signal=KILL:when={number}",
         BINARY, "migrate-store", source, target],
        env=os.environ | {"ASAN_OPTIONS": "detect_leaks=0"},  # nor by strace
        capture_output=True, timeout=DEADLINE)
    assert b"Sanitizer" not in done.stderr, done.stderr.decode()
    assert done.returncode in (0, 1, -9), done
    return done.returncode == -9


def one_of_them_is_a_store(old, new):
    """At most one can be served; and the old one until it was marked."""
    which = application(old), application(new)
    assert which in ((STORE, None), (STORE, TARGET), (MOVED, TARGET),
                     (MOVED, STORE)), which
    return which


@pytest.mark.parametrize("call", ["fdatasync", "fsync"])
def test_cut_short_anywhere_it_goes_on(klikitd, old, call):
    before = rows(old.database)
    new = old.directory / "new.db"
    number = 1
    while cut_short(url(old.database), url(new), call, number):
        if one_of_them_is_a_store(old.database, new)[0] == STORE:
            assert rows(old.database) == before
        number += 1
    assert number > 3
    assert one_of_them_is_a_store(old.database, new) == (MOVED, STORE)
    assert rows(new) == before
    delivered(old, served(klikitd, old, new))


@pytest.fixture
def half(klikitd, old):
    """A move that was cut short when some of it was there."""
    new = old.directory / "new.db"
    number = 1
    while True:
        assert cut_short(url(old.database), url(new), "fdatasync", number)
        number += 1
        if not new.exists():
            continue
        with contextlib.closing(sqlite3.connect(new)) as conn:
            ((events,),) = conn.execute("SELECT count(*) FROM events")
        if events > 0:
            break
    assert application(new) == TARGET
    return new


def test_a_half_filled_store_is_served_by_nobody(klikitd, old, half):
    server = served(klikitd, old, half)
    server.expect("was cut short here")
    server.start(wait=False)
    server.wait(expect=1)
    assert "was cut short here" in server.log()
    assert run("migrate-store", "--reopen", url(half)).returncode == 1
    assert application(half) == TARGET
    old.write_config(config(old.pos))
    old.start()  # the old one is as it was
    duplicate(old.post(order_body(1), "e1"))


@pytest.mark.parametrize("where", ["new", "old"])
@pytest.mark.parametrize("change, named", [
    ("UPDATE events SET duplicates = duplicates + 1 WHERE id = 3",
     "events 3:"),
    ("DELETE FROM events WHERE id = 4", "events [45]:"),
    ("UPDATE handlers SET paused_why = 'Paused' WHERE name = 'idle'",
     "handlers [0-9]+:"),
])
def test_what_is_not_the_same_is_noticed(old, half, where, change, named):
    path = half if where == "new" else old.database
    with contextlib.closing(sqlite3.connect(path)) as conn:
        assert conn.execute(change).rowcount == 1
        conn.commit()
    _, said = move(url(old.database), url(half), 1)
    assert re.search(named, said) and "begin anew" in said, said
    assert application(old.database) == STORE
    assert application(half) == TARGET
    half.unlink()
    move(url(old.database), url(half))
    assert rows(half) == rows(old.database)
