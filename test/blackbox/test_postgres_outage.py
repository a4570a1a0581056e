"""What becomes of a receiver when its database is gone, silent, or another one:
503 meanwhile, and no acknowledged event missing afterwards."""

import contextlib
import threading

import pytest

import unpacked
from conftest import DEADLINE, received

SMALL = b'{"a": 1}'
AWAY = "postgres://127"  # every warning about it names it


def store(url):
    return f"[store]\nurl = {url}\n"


def ids(database):
    return [i for i, in database(
        "SELECT event_id FROM klikitd.events ORDER BY id")]


def unready(server, why=None):
    """Wait until it says that it is not ready, and why."""
    ticks = threading.Event()
    for _ in range(DEADLINE * 20):
        code, _, _ = server.ask("GET", "/readyz")
        if code == 503:
            break
        ticks.wait(0.05)  # nothing else says so to another process
    else:
        raise AssertionError(server.log())
    if why:
        server.wait_log(why)


def refused(server, event_id):
    """It is not acknowledged, and the sender is asked to come again."""
    status, headers, _ = server.deliver(SMALL, event_id)
    assert status == 503, status
    assert "retry-after" in headers


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_goes_on_after_a_restart(postgres_server, klikitd, mode):
    database = postgres_server().database()
    server = klikitd(config=store(database.url))
    server.expect(AWAY)
    received(server.deliver(SMALL, "before"))
    database.server.stop(mode)
    refused(server, "meanwhile")
    unready(server)
    database.server.start()
    server.wait_ready()
    received(server.deliver(SMALL, "meanwhile"))
    assert ids(database) == ["before", "meanwhile"]


def test_silence_is_answered(postgres_server, klikitd):
    """It keeps its connections, takes new ones, and answers nothing."""
    database = postgres_server().database()
    server = klikitd(config=store(database.url))
    server.expect(AWAY, "turned away: not committed within")
    received(server.deliver(SMALL, "before"))
    database.server.pause()
    try:
        refused(server, "meanwhile")
        unready(server)
    finally:
        database.server.resume()
    server.wait_ready()
    # Either it was never told, or it has it: a repeat is no new event.
    assert server.deliver(SMALL, "meanwhile")[0] == 200
    assert ids(database) == ["before", "meanwhile"]


def test_starts_while_the_database_is_away(postgres_server, klikitd):
    database = postgres_server().database()
    database.server.stop()
    server = klikitd(config=store(database.url))
    server.expect(AWAY)
    unready(server)
    refused(server, "early")
    database.server.start()
    server.wait_ready()
    received(server.deliver(SMALL, "early"))


def test_follows_to_the_new_primary(postgres_server, klikitd):
    """The standby stands first, and is passed over until it is promoted."""
    database = postgres_server().database()
    standby = database.server.standby()
    with contextlib.closing(standby):
        url = (f"postgres://klikitd@127.0.0.1:{standby.port},"
               f"127.0.0.1:{database.server.port}/{database.name}")
        server = klikitd(config=store(url))
        server.expect(AWAY)
        received(server.deliver(SMALL, "before"))
        database.server.wait_caught_up()
        database.server.stop("immediate")
        unready(server, "standby")
        standby.promote()
        server.wait_ready()
        received(server.deliver(SMALL, "after"))
        there = type(database)(standby, database.name)
        assert ids(there) == ["before", "after"]
        server.stop()


def test_a_primary_that_became_a_standby_is_left(postgres_server, klikitd):
    """Its sessions live on, and refuse to write (25006)."""
    database = postgres_server().database()
    server = klikitd(config=store(database.url))
    server.expect(AWAY)
    received(server.deliver(SMALL, "before"))
    database(f"ALTER DATABASE {database.name} "
             "SET default_transaction_read_only = on")
    database("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
             "WHERE application_name = 'klikitd'")
    refused(server, "meanwhile")
    unready(server, "read-only")
    database.server.master(f"ALTER DATABASE {database.name} "
                           "RESET default_transaction_read_only")
    server.wait_ready()
    received(server.deliver(SMALL, "meanwhile"))


def test_too_many_connections_pass(postgres_server, klikitd):
    database = postgres_server(max_connections=6,
                               superuser_reserved_connections=1
                               ).database().keep()
    server = klikitd(config=store(database.url))
    server.expect(AWAY)
    received(server.deliver(SMALL, "before"))
    database("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
             "WHERE application_name = 'klikitd'")
    ticks = threading.Event()
    with contextlib.ExitStack() as stack:
        while "connection slots" not in server.log():
            with contextlib.suppress(unpacked.module("psycopg2").Error):
                stack.callback(database.connect("klikitd").close)
            database("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                     "WHERE application_name = 'klikitd'")
            server.deliver(SMALL)
            ticks.wait(0.01)
        refused(server, "meanwhile")
    server.wait_ready()
    received(server.deliver(SMALL, "meanwhile"))


def test_a_login_that_is_refused_fails_the_start(postgres_server, klikitd):
    """Later it is an outage: the password may have been changed there first."""
    database = postgres_server().database()
    database.server.add_user("kitchen", "secret-of-kitchen")
    database.server.master(
        f"GRANT CREATE ON DATABASE {database.name} TO kitchen")
    wrong = klikitd(start=False, config=store(
        database.url_of("kitchen", "wrong-for-kitchen")))
    wrong.start(wait=False)
    wrong.wait(expect=1)
    wrong.expect("password authentication failed", "PGPASSFILE")
    assert "password authentication failed" in wrong.log()
    assert "wrong-for-kitchen" not in wrong.log()

    server = klikitd(config=store(
        database.url_of("kitchen", "secret-of-kitchen")))
    server.expect(AWAY, "PGPASSFILE")
    received(server.deliver(SMALL, "before"))
    database.server.master("ALTER ROLE kitchen VALID UNTIL 'yesterday'")
    database("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
             "WHERE usename = 'kitchen'")
    refused(server, "meanwhile")
    unready(server, "password authentication failed")
    database.server.master("ALTER ROLE kitchen VALID UNTIL 'infinity'")
    server.wait_ready()
    received(server.deliver(SMALL, "meanwhile"))
    assert "secret-of-kitchen" not in server.final_log()
