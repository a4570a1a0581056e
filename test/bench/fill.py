"""Databases that hold something already, made by SQL in the real schema.

klikitd makes the schema; the rows are as it would have written them. Event
ids are random, as klikit's are: the index of ids is what their number costs.
"""

import os
import sqlite3

CACHE_KB = 1 << 20

EVENTS = """
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
INSERT INTO events (event_id, type, brand, branch, signature, secret, peer,
    received_at, body_size, purged_at)
SELECT lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-' ||
        hex(randomblob(2)) || '-' || hex(randomblob(2)) || '-' ||
        hex(randomblob(6))),
    'klikit.order.created.v2', '910', '2041', randomblob(32), 'default',
    '127.0.0.1:40000', ?2 + i, ?3, ?4 FROM n
"""

ORDERS = """
INSERT INTO event_orders (event, place, order_id, status, updated_at,
    external_id)
SELECT id, 0, CAST(2000000000 + id AS TEXT), '1', '2026-06-25T09:14:11Z',
    'EXT-1' FROM events
"""

BODIES = """
INSERT INTO bodies (event, body)
SELECT id, CAST(replace(?1, '@ORDER@', 2000000000 + id) AS BLOB) FROM events
"""

JOBS = """
INSERT INTO jobs (event, place, handler, state, attempts, due_at, behind,
    finished_at, outcome, ordered)
SELECT id, -1, ?1, ?2, ?3, 0, 0, ?4, ?5, 1 FROM events
"""

LANES = """
INSERT INTO lanes (handler, lane, job)
SELECT j.handler, eo.order_id, j.id FROM jobs AS j
JOIN event_orders AS eo ON eo.event = j.event
WHERE j.finished_at IS NULL
"""


def _open(path):
    db = sqlite3.connect(path, isolation_level=None)
    for pragma in ("locking_mode = EXCLUSIVE", "journal_mode = OFF",
                   "synchronous = OFF", f"cache_size = -{CACHE_KB}"):
        db.execute(f"PRAGMA {pragma}").fetchall()
    return db


def _close(db, path):
    """To the disk with it, or what is measured next would pay for that."""
    db.execute("PRAGMA journal_mode = WAL").fetchall()
    db.close()
    with open(path, "rb") as file:
        os.fsync(file.fileno())


def schema(bench, server):
    """A folder with an empty database of that server's."""
    running = server.start()
    if running.stop() != 0:
        raise RuntimeError(f"{server.name} failed")
    return running.folder


def events(path, count, body, now_ms, purged=False):
    """So many events that are done; with bodies unless they are purged."""
    db = _open(path)
    db.execute("BEGIN")
    db.execute(EVENTS, (count, now_ms - count - 60000, len(body),
                        now_ms if purged else None))
    db.execute(ORDERS)
    if not purged:
        db.execute(BODIES, (body,))
    handler, = db.execute("SELECT min(id) FROM handlers").fetchone()
    db.execute(JOBS, (handler, "done", 1, now_ms, "done"))
    db.execute("COMMIT")
    _close(db, path)


def backlog(path, count, body, now_ms):
    """So many events whose job is to be done yet."""
    db = _open(path)
    db.execute("BEGIN")
    db.execute(EVENTS, (count, now_ms - count - 60000, len(body), None))
    db.execute(ORDERS)
    db.execute(BODIES, (body,))
    handler, = db.execute("SELECT min(id) FROM handlers").fetchone()
    db.execute(JOBS, (handler, "ready", 0, None, None))
    db.execute(LANES)
    db.execute("COMMIT")
    _close(db, path)
