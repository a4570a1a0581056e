"""A store of an older version: brought up to date at the start, with a copy
of it kept aside as long as bodies are."""

import os
import re
import sqlite3
import time

import pytest

from conftest import CREATED, ROOT, duplicate, payload, received

pytestmark = pytest.mark.sqlite("files of older versions")

SCHEMA = ROOT / "store" / "sqlite" / "schema"
BODY = payload("created-small.json")


def old_store(path, version=3):
    """A store as an earlier klikitd left it, with one order done."""
    db = sqlite3.connect(path)
    db.create_function("order_key_renew", 5, lambda key, *_: key)
    for file in sorted(SCHEMA.glob("0*.sql"))[:version]:
        db.executescript(file.read_text())
    db.execute("INSERT INTO handlers VALUES (1, 'orders', 1, 1, NULL, NULL, "
               "NULL)")
    db.execute("INSERT INTO events (id, event_id, type, brand, branch, "
               "signature, secret, peer, received_at, body_size) VALUES "
               "(7, 'old', ?, '910', '2041', zeroblob(32), 'default', "
               "'127.0.0.1:1', ?, ?)",
               (CREATED, int(time.time() * 1000) - 60000, len(BODY)))
    db.execute("INSERT INTO bodies VALUES (7, ?)", (BODY,))
    db.execute("INSERT INTO event_orders (event, place, order_id, status, "
               "updated_at, external_id) VALUES "
               "(7, 0, '1', '1', '2026-06-25T09:00:00Z', 'X')")
    db.execute("INSERT INTO orders (order_id, brand, branch, external_id, "
               "status, updated_at, version_key, event, place) VALUES ('1', '910', '2041', 'X', '1', "
               "'2026-06-25T09:00:00Z', zeroblob(47), 7, 0)")
    db.execute("INSERT INTO jobs (event, place, handler, state, behind, "
               "finished_at, outcome) VALUES (7, -1, 1, 'done', 0, 1, 'done')")
    db.execute("PRAGMA application_id = 0x6b6c696b")
    db.execute(f"PRAGMA user_version = {version}")
    db.commit()
    db.close()


def copies(server):
    return sorted(server.directory.glob("klikitd.db.before-v*"))


def test_a_start_brings_the_store_up_to_date(klikitd):
    server = klikitd(start=False)
    old_store(server.database)
    server.start()
    copy, = copies(server)
    server.wait_log(rf"store: .*is of schema 3: it is copied to .*{copy.name}")
    server.wait_log(rf"brought to schema \d+ in \d+ s; the copy .*{copy.name},"
                    " which holds customers' data")
    assert copy.stat().st_mode & 0o777 == 0o600
    db = sqlite3.connect(copy)
    assert db.execute("PRAGMA user_version").fetchone() == (3,)
    assert db.execute("SELECT body FROM bodies").fetchone() == (BODY,)
    db.close()
    received(server.post(BODY, "new"))
    status, _, order = server.ask("GET", "/api/v1/orders/1")
    assert (status, order["status"], order["event_id"]) == (200, "1", "old")
    server.restart()
    assert server.final_log().count("is of schema") == 1
    assert copies(server) == [copy]


def test_a_verb_says_how_it_goes(klikitd):
    server = klikitd(start=False)
    old_store(server.database)
    server.do("pause", "orders")
    assert "brought to schema" in server.said
    assert len(copies(server)) == 1


def test_an_id_of_before_is_a_duplicate(klikitd):
    server = klikitd(start=False)
    old_store(server.database)
    server.expect("came again with another body")  # its signature is made up
    server.start()
    duplicate(server.post(BODY, "old"))
    assert server.query("SELECT id, scope, origin, duplicates FROM events") == [
        (7, "", "klikit", 1)]


def test_the_copy_goes_with_the_bodies(klikitd):
    server = klikitd(start=False)
    old_store(server.database)
    server.start()
    copy, = copies(server)
    server.do("purge", "--older-than", "30d")
    assert copy.exists()
    os.utime(copy, (time.time() - 31 * 86400,) * 2)
    server.do("purge", "--older-than", "30d")
    assert not copy.exists()
    server.wait_log(f"{copy.name}: the copy made before a migration is purged")


def test_the_copy_goes_with_an_order_that_is_purged(klikitd):
    server = klikitd(start=False)
    old_store(server.database)
    server.start()
    server.do("purge", "--order", "1")
    assert copies(server) == []
    assert server.query("SELECT count(*) FROM bodies") == [(0,)]
