"""The PostgreSQL of the tests: what they rely on."""

import os
import pathlib
import select
import shutil
import signal
import subprocess
import sys

import pytest

import unpacked
from certificates import Authority
from conftest import DEADLINE
from postgres_server import HOST, PostgresServer


def errors():
    return unpacked.module("psycopg2").OperationalError


def make_table(database):
    database("CREATE SCHEMA klikitd AUTHORIZATION klikitd")
    database("CREATE TABLE klikitd.kept (n int)", user="klikitd")


def test_it_keeps_what_it_promises(postgres):
    """klikitd refuses a server that would lose what it acknowledged."""
    server = postgres.server.process.pid
    assert pathlib.Path(f"/proc/{server}").stat().st_uid != 0
    for name, wanted in (("fsync", "on"), ("full_page_writes", "on"),
                         ("synchronous_commit", "on"),
                         ("server_encoding", "UTF8"), ("lc_collate", "C")):
        assert postgres(f"SHOW {name}") == [(wanted,)], name
    assert postgres("SHOW listen_addresses") == [(HOST,)]


def test_each_test_has_a_database_of_its_own(postgres):
    other = postgres.server.database()
    make_table(postgres)
    make_table(other)
    postgres("INSERT INTO kept VALUES (%s)", 1, user="klikitd")
    assert postgres("SELECT n FROM kept") == [(1,)]
    assert other("SELECT n FROM kept") == []
    copy = postgres.server.database(template=postgres.name)
    assert copy("SELECT n FROM kept", user="klikitd") == [(1,)]
    copy.close()
    conn = other.connect()  # is no obstacle
    other.close()
    conn.close()
    with pytest.raises(errors(), match="does not exist"):
        other("SELECT 1")


def test_the_owner_of_a_database_is_no_master(postgres):
    assert postgres("SELECT rolsuper, rolcreaterole FROM pg_roles "
                    "WHERE rolname = 'klikitd'") == [(False, False)]


@pytest.mark.parametrize("end", ["fast", "immediate", "kill"])
def test_a_commit_outlives_the_server(postgres_server, end):
    server = postgres_server()
    database = server.database()
    make_table(database)
    conn = database.connect("klikitd", application_name="klikitd")
    assert server.backends("klikitd") == [conn.info.backend_pid]
    conn.cursor().execute("INSERT INTO kept VALUES (7)")
    port = server.port
    if end == "kill":
        server.kill()
    else:
        server.stop(end)
    with pytest.raises(errors()):
        conn.cursor().execute("SELECT 1")
    with pytest.raises(errors(), match="refused"):
        database("SELECT 1")
    server.start()
    assert server.port == port
    assert database("SELECT n FROM kept") == [(7,)]


def test_a_paused_server_takes_connections_and_says_nothing(postgres_server):
    server = postgres_server()
    server.pause()
    module = unpacked.module("psycopg2")
    with pytest.raises(module.OperationalError, match="timeout expired"):
        module.connect(host=HOST, port=server.port, user="klikitd",
                       dbname="postgres", connect_timeout=2)
    server.resume()
    assert server.master("SELECT 1") == [(1,)]


def test_passwords_are_asked_for_and_expire(postgres):
    secret = "pot/luck@4711"
    name = f"kitchen_{postgres.name}"
    late = f"late_{postgres.name}"
    postgres.server.add_user(name, secret)
    postgres.server.add_user(late, secret, valid_until="2020-01-01")
    connect = unpacked.module("psycopg2").connect
    connect(postgres.url_of(name, secret)).close()
    for url in (postgres.url_of(name), postgres.url_of(name, "wrong"),
                postgres.url_of(late, secret)):
        with pytest.raises(errors(), match="password"):
            connect(url)
    for user in (name, late):
        postgres.server.master(f"DROP ROLE {user}")


def test_tls_is_there_if_asked_for(postgres_server, tmp_path):
    server = postgres_server(tls=Authority(tmp_path / "pki").make("postgres"))
    connect = unpacked.module("psycopg2").connect
    for host, parameters in (
            ("localhost", {"sslmode": "verify-full",
                           "sslrootcert": server.ca}),
            (HOST, {"sslmode": "disable"})):
        conn = connect(server.master.url_of(host=host, **parameters))
        cursor = conn.cursor()
        cursor.execute("SELECT ssl FROM pg_stat_ssl "
                       "WHERE pid = pg_backend_pid()")
        assert cursor.fetchall() == [(host == "localhost",)]
        conn.close()


def test_a_standby_reads_and_can_take_over(postgres_server):
    server = postgres_server()
    database = server.database()
    make_table(database)
    standby = server.standby()
    try:
        database("INSERT INTO kept VALUES (1)")
        server.wait_caught_up()
        there = type(database)(standby, database.name)
        assert there("SELECT n FROM kept") == [(1,)]
        with pytest.raises(unpacked.module("psycopg2").Error) as refused:
            there("INSERT INTO kept VALUES (2)")
        assert refused.value.pgcode == "25006"
        server.stop("immediate")
        standby.promote()
        there("INSERT INTO kept VALUES (2)")
        assert not standby.is_standby()
    finally:
        standby.close()


def test_settings_of_ones_own(postgres_server):
    server = postgres_server(max_connections=5,
                             superuser_reserved_connections=1)
    taken = [server.master.connect("klikitd") for _ in range(4)]
    with pytest.raises(errors(), match="remaining connection slots"):
        server.master.connect("klikitd")
    for conn in taken:
        conn.close()


def test_it_ends_with_who_started_it():
    """However that ends: `./run test` may be killed."""
    script = ("import os, signal\n"
              "from postgres_server import PostgresServer\n"
              "server = PostgresServer().start()\n"
              "print(server.process.pid, server.home.path, flush=True)\n"
              "os.kill(os.getpid(), signal.SIGKILL)\n")
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=pathlib.Path(__file__).parent,
        text=True, stdout=subprocess.PIPE, timeout=DEADLINE)
    assert done.returncode == -signal.SIGKILL
    pid, home = done.stdout.split()
    fd = None
    try:
        fd = os.pidfd_open(int(pid))
        ended, _, _ = select.select([fd], [], [], DEADLINE)
        assert ended, "it goes on"
    except ProcessLookupError:
        pass  # it has ended already
    finally:
        if fd is not None:
            os.close(fd)
        shutil.rmtree(home)


def test_the_clients_programs_run(postgres):
    for name in ("pg_dump", "pg_restore", "psql"):
        postgres.server.run(name, "--version")
    with pytest.raises(AssertionError, match="psql failed"):
        postgres.server.run("psql", "--no-such-option")


def test_files_go_when_it_is_closed():
    server = PostgresServer().start()
    process = server.process
    server.close()
    assert process.returncode is not None
    assert not server.home.path.exists()
