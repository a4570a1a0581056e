"""klikitd migrate-store between a file and a database of PostgreSQL."""

import contextlib
import json
import os
import re
import sqlite3
import subprocess

import pytest

from conftest import BINARY, DEADLINE, duplicate, received, run
from load import order_body
from memory import OWN_ALLOCATOR
from test_migrate_store import (MOVED, STORE, TABLES, TARGET, WAITING,
                                application, config, cut_short, delivered,
                                move, rows, served, url)
from test_migrate_store import old  # noqa: F401 (a fixture)
from test_outlets import sink  # noqa: F401 (a fixture)

pytestmark = pytest.mark.sqlite("from a file into a database of the test's")
# Which column of a row.
STEADY = {"events": 16, "header_sets": 3, "jobs": 6, "rejections": 9}


def change(path, *statements):
    """Change a stopped store, which may hold what is no UTF-8."""
    with contextlib.closing(sqlite3.connect(path)) as conn:
        for sql in statements:
            assert conn.execute(sql).rowcount == 1, sql
        conn.commit()


def json_of(source, target):
    done = run("migrate-store", "--json", source, target)
    assert done.returncode == 0, done
    assert b"Sanitizer" not in done.stderr, done.stderr
    return json.loads(done.stdout)


def shifted(table, all_rows, shift):
    """The rows with another steady clock; 0 is no time."""
    at = STEADY.get(table)
    return sorted([row if at is None or not row[at] else
                   (*row[:at], row[at] + shift, *row[at + 1:])
                   for row in all_rows], key=repr)


def number(postgres, table):
    ((n,),) = postgres(f"SELECT count(*) FROM {table}")
    return n


def marks(postgres):
    """What the database says of moves: [], or whether it was moved away."""
    if not postgres("SELECT 1 FROM pg_tables WHERE tablename = 'moving'"):
        return None
    return [away for (away,) in postgres("SELECT away FROM moving")]


def test_there_and_back_everything_is_the_same(klikitd, old, postgres):
    before = rows(old.database)
    new = old.directory / "new.db"
    there = json_of(url(old.database), postgres.url)
    assert {t["table"]: t["rows"] for t in there["tables"]} == {
        table: len(before[table]) for table in TABLES}
    assert marks(postgres) == []
    assert application(old.database) == MOVED
    back = json_of(postgres.url, url(new))
    assert marks(postgres) == [True]
    assert back == there  # all digests as well
    after = rows(new)
    shifts = {b[16] - a[16] for a, b in zip(before["events"],
                                           after["events"])}
    assert len(shifts) == 1
    (shift,) = shifts
    for table in TABLES:
        assert after[table] == shifted(table, before[table], shift), table
    assert after["store"][0][2] == before["store"][0][2]  # rejected_bytes
    ((_, steady, wall, believed, *_, boot),) = after["clock"]
    assert boot == before["clock"][0][-1]
    assert steady >= max(row[16] for row in after["events"])
    assert believed == wall
    delivered(old, served(klikitd, old, new))


def test_the_next_numbers_follow_the_last(old, postgres):
    before = rows(old.database)
    move(url(old.database), postgres.url)
    for table, sequence in (("events", "event_numbers"),
                            ("jobs", "job_numbers"),
                            ("handlers", "handlers_id_seq"),
                            ("rejections", "rejections_id_seq")):
        assert postgres(f"SELECT nextval('{sequence}')") == [
            (1 + max(row[0] for row in before[table]),)], table
    assert postgres("SELECT find_fault()") == [(None,)]


def test_bad_text_is_mended_and_a_bad_name_refused(old, postgres):
    change(old.database,
           "UPDATE rejections SET headers = CAST(x'41ff42' AS TEXT), "
           "peer = CAST(x'43' AS TEXT) WHERE id = 1",
           "UPDATE attempts SET detail = CAST(x'e9' AS TEXT) "
           "WHERE job = 1 AND number = 1")
    there = json_of(url(old.database), postgres.url)
    assert there["mended"] == 2
    assert postgres("SELECT headers FROM rejections WHERE id = 1") == [
        ("A\ufffdB",)]
    out = run("migrate-store", "--reopen", url(old.database))
    assert out.returncode == 0
    postgres("DROP SCHEMA klikitd CASCADE")
    change(old.database,
           "UPDATE events SET brand = CAST(x'ff' AS TEXT) WHERE id = 2")
    _, said = move(url(old.database), postgres.url, 1)
    assert "events 2: its brand" in said
    assert application(old.database) == STORE
    assert marks(postgres) == [False]


def serving(klikitd, old, postgres, **options):
    """A server on the database, not started."""
    server = klikitd(start=False, **options)
    server.write_config(config(old.pos) +
                        f"[store]\nurl = {postgres.url}\n")
    return server


def refused(server, why):
    server.expect(why)
    server.start(wait=False)
    server.wait(expect=1)
    assert re.search(why, server.log()), server.log()


def test_nobody_serves_what_was_moved_away_or_is_half_there(klikitd, old,
                                                            postgres):
    new = old.directory / "new.db"
    move(url(old.database), postgres.url)
    move(postgres.url, url(new))
    refused(serving(klikitd, old, postgres), "has moved all of it")
    assert run("events", "--store.url", postgres.url).returncode == 1
    _, said = move(postgres.url, url(old.directory / "third.db"), 1)
    assert "--reopen" in said
    assert run("migrate-store", "--reopen", postgres.url).returncode == 0
    assert marks(postgres) == []
    done = run("migrate-store", "--reopen", postgres.url)
    assert done.returncode == 1 and b"not moved away" in done.stderr
    postgres("INSERT INTO moving (id, away) VALUES (1, false)")
    refused(serving(klikitd, old, postgres), "or was cut short here")
    assert run("migrate-store", "--reopen", postgres.url).returncode == 1
    # Not even one that looked before the mark was there.
    with pytest.raises(Exception, match="cut short here"):
        postgres("SELECT register_receiver('late', '1', 15000)")


LIVING = ("INSERT INTO receivers (name, version, started_at, lease_ms, "
          "alive_until) VALUES ('kitchen', '1', 1, 15000, "
          "clock_timestamp() + interval '%s s') RETURNING id")


def test_a_receiver_that_lives_is_in_the_way(old, postgres):
    new, third = old.directory / "new.db", old.directory / "third.db"
    move(url(old.database), postgres.url)
    ((receiver,),) = postgres(LIVING % 15)
    _, said = move(postgres.url, url(new), 1)
    assert "receiver kitchen serves it" in said
    assert marks(postgres) == [] and not new.exists()
    # What one has left that is gone is taken from it first, as by a restart.
    postgres("UPDATE receivers SET alive_until = clock_timestamp() - "
             "interval '1 s'")
    ((job, attempts),) = postgres(
        "UPDATE jobs SET state = 'running', owner = %s WHERE id = (SELECT "
        "min(id) FROM jobs WHERE state = 'waiting' AND behind = 0) "
        "RETURNING id, attempts", receiver)
    postgres("UPDATE attempts SET outcome = NULL "
             "WHERE job = %s AND number = %s", job, attempts)
    move(postgres.url, url(new))
    with contextlib.closing(sqlite3.connect(new)) as conn:
        assert conn.execute("SELECT j.state, a.outcome FROM jobs AS j JOIN "
                            "attempts AS a ON a.job = j.id AND a.number = "
                            "j.attempts WHERE j.id = ?", (job,)).fetchall(
                            ) == [("waiting", "unknown")]
    with pytest.raises(Exception, match="taken over"):
        postgres("SELECT beat(%s, 1)", receiver)
    # Nor does one begin on a database that is to be filled.
    postgres("DROP SCHEMA klikitd CASCADE")
    assert run("migrate-store", "--reopen", url(old.database)).returncode == 0
    move(url(old.database), postgres.url)
    postgres("TRUNCATE " + ", ".join(TABLES))
    postgres(LIVING % 15)
    _, said = move(url(new), postgres.url, 1)
    assert "receiver kitchen serves it" in said
    assert not third.exists()


def test_nobody_begins_while_it_is_moved_away(klikitd, old, postgres):
    new = old.directory / "new.db"
    move(url(old.database), postgres.url)
    with contextlib.closing(postgres.connect()) as conn:
        conn.autocommit = False
        conn.cursor().execute("SELECT move_from()")
        refused(serving(klikitd, old, postgres), "is at work in it")
        _, said = move(postgres.url, url(new), 1)
        assert "somebody else is at work in it" in said
        conn.rollback()
    move(postgres.url, url(new))


def test_what_is_needed_at_the_end_is_asked_for_at_once(old, postgres):
    move(url(old.database), postgres.url)
    assert run("migrate-store", "--reopen", url(old.database)).returncode == 0
    postgres("TRUNCATE " + ", ".join(TABLES))
    role = f"waiter_{postgres.name}"
    postgres.server.master(f"CREATE ROLE {role} LOGIN")
    postgres(f"GRANT USAGE ON SCHEMA klikitd TO {role}")
    postgres("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "
             f"klikitd TO {role}")
    postgres(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA klikitd TO {role}")
    _, said = move(url(old.database), postgres.url_of(role), 1)
    grant, = re.findall("GRANT UPDATE ON ALL SEQUENCES IN SCHEMA klikitd TO "
                        r"\w+", said)
    assert marks(postgres) == []
    postgres(grant)
    move(url(old.database), postgres.url_of(role))
    postgres(f"DROP OWNED BY {role}")
    postgres(f"DROP ROLE {role}")


def test_a_database_with_a_store_is_not_overwritten(old, postgres):
    new = old.directory / "new.db"
    move(url(old.database), postgres.url)
    before = number(postgres, "events")
    assert run("migrate-store", "--reopen", url(old.database)).returncode == 0
    _, said = move(url(old.database), postgres.url, 1)
    assert "a store is there already" in said
    assert number(postgres, "events") == before
    assert application(old.database) == STORE
    _, said = move(postgres.url, postgres.url, 1)
    assert "the same store" in said
    _, said = move(postgres.url.replace("klikitd@", "klikitd:hush@"),
                   url(new), 1)
    assert "PGPASSFILE" in said and "hush" not in said


def idle(postgres):
    """Wait until the server has seen that who was killed is gone."""
    for _ in range(DEADLINE * 20):
        if not postgres("SELECT 1 FROM pg_stat_activity WHERE datname = "
                        "current_database() AND pid <> pg_backend_pid()"):
            return
        postgres("SELECT pg_sleep(0.05)")  # nothing else says so
    raise AssertionError("it still has connections")


@pytest.mark.parametrize("step", [
    9, pytest.param(1, marks=pytest.mark.long)])
def test_cut_short_anywhere_it_goes_on(klikitd, old, postgres, step):
    """There and back, each killed in one call to the server after another."""
    before = rows(old.database)
    at = 1
    while cut_short(url(old.database), postgres.url, "sendto", at):
        idle(postgres)
        which = application(old.database), marks(postgres)
        assert which in ((STORE, None), (STORE, []), (STORE, [False]),
                         (MOVED, [False]), (MOVED, [])), which
        if which == (STORE, []):  # made, but not begun: no store but a shell
            assert number(postgres, "events") == 0
        at += step
    assert at > 5 * step
    assert (application(old.database), marks(postgres)) == (MOVED, [])
    new = old.directory / "new.db"
    for table in TABLES:
        assert number(postgres, table) == len(before[table])
    at = 1
    while cut_short(postgres.url, url(new), "sendto", at):
        idle(postgres)
        which = marks(postgres), application(new)
        assert which in (([], None), ([], TARGET), ([True], TARGET),
                         ([True], STORE)), which
        at += step
    assert (marks(postgres), application(new)) == ([True], STORE)
    for table in TABLES:
        assert len(rows(new)[table]) == len(before[table])
    delivered(old, served(klikitd, old, new))


@pytest.mark.parametrize("at", [20, 35, 50])
def test_a_connection_that_is_lost_is_said_and_it_goes_on(old, postgres, at):
    before = {table: len(them) for table, them in rows(old.database).items()}
    done = subprocess.run(
        ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=recvfrom", "-e",
         f"inject=recvfrom:error=ECONNRESET:when={at}+", BINARY,
         "migrate-store", url(old.database), postgres.url],
        env=os.environ | {"ASAN_OPTIONS": "detect_leaks=0"},  # nor by strace
        capture_output=True, timeout=DEADLINE)
    said = done.stderr.decode()
    assert "Sanitizer" not in said, said
    assert done.returncode == 1 and "postgres://127.0.0.1" in said, said
    assert application(old.database) == STORE
    idle(postgres)
    move(url(old.database), postgres.url)
    for table in TABLES:
        assert number(postgres, table) == before[table]


@pytest.fixture
def half(old, postgres):
    """A move that was cut short when some of it was there."""
    at = 1
    while marks(postgres) is None or number(postgres, "events") == 0:
        assert cut_short(url(old.database), postgres.url, "sendto", at)
        idle(postgres)
        at += 3
    assert marks(postgres) == [False]
    return postgres


def test_what_was_changed_in_between_is_noticed(old, half):
    half("UPDATE events SET peer = 'x' || peer WHERE id = 3")
    _, said = move(url(old.database), half.url, 1)
    assert "events 3:" in said and "begin anew" in said
    assert application(old.database) == STORE and marks(half) == [False]
    half("UPDATE events SET peer = substr(peer, 2) WHERE id = 3")
    done = json_of(url(old.database), half.url)
    assert done["resumed"]
    assert application(old.database) == MOVED and marks(half) == []


def test_two_moves_into_one_database(old, half):
    """The one that is late writes nothing into what is a store by then."""
    with pytest.raises(Exception, match="cut short here"):
        half("SELECT refuse_moved()")
    move(url(old.database), half.url)
    before = number(half, "events")
    assert run("migrate-store", "--reopen", url(old.database)).returncode == 0
    _, said = move(url(old.database), half.url, 1)
    assert "a store is there already" in said
    assert number(half, "events") == before
    with pytest.raises(Exception, match="has ended"):
        half("SELECT move_done(0)")


def test_what_was_pending_is_delivered_by_who_serves_the_database(
        klikitd, old, postgres):
    done_before = len(old.pos.lines())
    move(url(old.database), postgres.url)
    old.pos.restart()
    server = serving(klikitd, old, postgres)
    server.start()
    server.wait_ready()
    for order in range(1, WAITING + 1):
        duplicate(server.post(order_body(order), f"e{order}"))
    received(server.post(order_body(77), "new"))
    jobs = [job for (job,) in postgres(
        "SELECT id FROM jobs WHERE finished_at IS NULL ORDER BY id")]
    assert len(jobs) >= WAITING
    for job in jobs:
        server.do("retry", str(job), expect=None)  # behind another: not yet
        for _ in range(DEADLINE * 20):
            if postgres("SELECT 1 FROM jobs WHERE id = %s "
                        "AND finished_at IS NOT NULL", job):
                break
            postgres("SELECT pg_sleep(0.05)")  # nothing else says so
    assert postgres("SELECT count(*) FROM jobs WHERE finished_at IS NULL "
                    ) == [(0,)]
    keys = [line["key"] for line in old.pos.lines()[done_before:]]
    assert len(keys) == len(set(keys)), keys
    assert {"new", *(f"e{order}" for order in range(1, WAITING + 1))} <= set(
        keys)
    assert "the shop is closed" in server.do("handlers")
    server.stop()  # before its database goes


def fill(path, count):
    """So many events with their jobs, done, in a stopped store."""
    body = b'{"orders":[{"id":%d}]}' + b" " * 5000
    with contextlib.closing(sqlite3.connect(path)) as conn:
        ((first,),) = conn.execute("SELECT max(id) + 1 FROM events")
        numbers = range(first, first + count)
        conn.executemany(
            "INSERT INTO events (id, event_id, type, peer, received_at, "
            "body_size) VALUES (?, ?, 'klikit.order.created.v2', 'p', 1, ?)",
            ((i, f"{first}-{i * 7919 % count}", len(body))
             for i in numbers))
        conn.executemany("INSERT INTO bodies VALUES (?, ?)",
                         ((i, body % i) for i in numbers))
        conn.executemany(
            "INSERT INTO jobs (event, place, handler, state, attempts, "
            "behind, finished_at, outcome) VALUES (?, -1, 1, 'done', 0, 0, "
            "1, 'done')", ((i,) for i in numbers))
        conn.commit()


def bodies(path):
    """How many there are."""
    with contextlib.closing(sqlite3.connect(path)) as conn:
        return conn.execute("SELECT count(*) FROM bodies").fetchone()[0]


def peak_of(source, target):
    """Move it. Returns the most memory that it had, in KB."""
    with subprocess.Popen([BINARY, "migrate-store", source, target],
                          stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE) as process:
        said = process.stderr.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, said
    assert b"Sanitizer" not in said, said
    return used.ru_maxrss


@pytest.mark.parametrize("count", [
    4000, pytest.param(100_000, marks=pytest.mark.long)])
def test_memory_does_not_grow_with_the_store(old, postgres, count):
    few, many = old.directory / "few.db", old.directory / "many.db"
    fill(old.database, 2000)
    there = peak_of(url(old.database), postgres.url)
    back = peak_of(postgres.url, url(few))
    fill(few, count)
    postgres("DROP SCHEMA klikitd CASCADE")
    there_many = peak_of(url(few), postgres.url)
    back_many = peak_of(postgres.url, url(many))
    assert bodies(few) == bodies(many) > count
    if OWN_ALLOCATOR:
        assert there_many < there + 8192 and back_many < back + 8192, (
            there, there_many, back, back_many)
