"""The guide to many receivers, server/docs/postgres.md, as it is written."""

import http.client
import json
import re
import shlex
import shutil

import pytest

import unpacked
from certificates import Authority
from conftest import DEADLINE, ROOT, SECRET, duplicate, payload, received
from haproxy import Haproxy
from load import Senders
from postgres_server import HOST, MASTER, Database
from sink import Sink
from unpacked import free_port

GUIDE = (ROOT / "server" / "docs" / "postgres.md").read_text()
SMALL = payload("created-small.json")
NAMES = ("a", "b", "c")
# What a newer version's only adds: this one knows nothing of it.
NEXT_MIGRATION = """
    ALTER TABLE events ADD COLUMN next_year text NOT NULL DEFAULT 'new';
    CREATE INDEX events_next_year ON events (next_year);
    INSERT INTO migrations (number, taken_by, usable_from)
    SELECT max(number) + 1, '9.9.9', 1 FROM migrations"""


def blocks(language):
    """The blocks of that language in the guide, in their order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDE, re.M | re.S)


def put(text, old, new):
    """What the guide says of its machines, said of this one."""
    assert old in text, f"the guide does not have: {old}"
    return text.replace(old, new)


def statements(text):
    return [part for part in text.split(";\n") if part.strip()]


@pytest.fixture
def database(postgres_server, tmp_path):
    """As the guide makes it: its role has to give the password, and TLS is
    there for who asks."""
    server = postgres_server(tls=Authority(tmp_path / "pki").make("db"))
    server.master("DROP ROLE klikitd")
    for each in statements(blocks("sql")[0]):
        server.master(each)
    server.master("GRANT guarded TO klikitd")
    return Database(server, "klikitd")


@pytest.fixture
def pos(tmp_path):
    far = Sink(tmp_path)
    yield far
    far.stop()


@pytest.fixture
def receive(database, klikitd, pos, tmp_path, monkeypatch):
    """Start a receiver with the configuration of the guide."""
    ini, = blocks("ini")
    (tmp_path / "secret").write_bytes(SECRET)
    (tmp_path / "admin-token").write_text("a-token-for-this-test")
    (tmp_path / "pgpass").write_text(put(
        re.search(r"^ +(db1\.\S+)$", GUIDE, re.M)[1],
        "db1.example.net:5432", f"localhost:{database.server.port}"))
    for name in ("secret", "admin-token", "pgpass"):
        (tmp_path / name).chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "pgpass"))
    ini = put(ini, "db1.example.net", f"localhost:{database.server.port}")
    ini = put(ini, "/etc/klikitd/db-ca.pem", str(database.server.ca))
    ini = put(ini, "https://pos.example.net/orders", pos.url)
    ini = put(ini, "/etc/klikitd/", f"{tmp_path}/")

    def make(name):
        text = put(ini, "10.0.0.11:8080", f"127.0.0.1:{free_port()}")
        text = put(text, "10.0.0.11:8081", f"127.0.0.1:{free_port()}")
        server = klikitd(directory=tmp_path / name, config=text)
        server.store = database
        return server

    return make


@pytest.fixture
def balancer():
    """Start one with the configuration of the guide."""
    made = []

    def make(receivers):
        text, = blocks("haproxy")
        port = free_port()
        text = put(text, "0.0.0.0:8000", f"127.0.0.1:{port}")
        for number, server in enumerate(receivers):
            admin = server.admin.rsplit(":", 1)[1]
            text = put(text, f"10.0.0.1{1 + number}:8080 port 8081",
                       f"127.0.0.1:{server.port} port {admin}")
        made.append(Haproxy(text))
        made[-1].port = port
        wait_up(made[-1])
        return made[-1]

    yield make
    for each in made:
        each.close()


def wait_up(balancer):
    balancer.wait_for(lambda: balancer.states("klikitd") == {
        name: "UP" for name in NAMES}, "three receivers that are up")


class Front:
    """What Senders deliver to."""

    def __init__(self, balancer):
        self.port = balancer.port

    def connect(self, timeout=DEADLINE):
        return http.client.HTTPConnection("127.0.0.1", self.port,
                                          timeout=timeout)


@pytest.mark.once
def test_a_rolling_restart_refuses_nothing(database, receive, balancer, pos):
    receivers = [receive(name) for name in NAMES]
    front = balancer(receivers)
    senders = Senders(Front(front), orders=200)
    senders.wait_for(50)
    for server in receivers:
        server.restart()
        wait_up(front)
        senders.wait_for(50)
    senders.stop()
    assert not senders.refused and not senders.broken
    receivers[0].wait_processed()
    stored = [row[0] for row in database("SELECT event_id FROM events")]
    assert len(stored) == len(set(stored))
    assert set(senders.acknowledged) <= set(stored)
    assert database("SELECT DISTINCT state FROM jobs") == [("done",)]
    # Each receiver has had some of them, and the kitchen each order once.
    assert all(int(row["hrsp_2xx"]) > 0
               for row in front.servers("klikitd").values())
    calls = [json.loads(line) for line in pos.log.read_text().splitlines()]
    orders = [order for call in calls for order in call["orders"]]
    assert len(orders) == len(set(orders)) > 0
    assert database("SELECT count(*) FROM attempts") == [(len(calls),)]


@pytest.mark.once
def test_a_rolling_upgrade_refuses_nothing(database, receive, balancer):
    """The first of the newer ones runs a migration that only adds, beside two
    that do not know it; then the others follow."""
    receivers = [receive(name) for name in NAMES]
    front = balancer(receivers)
    senders = Senders(Front(front), orders=200)
    senders.wait_for(50)
    for number, server in enumerate(receivers):
        server.stop()
        if number == 0:
            database(NEXT_MIGRATION)
        senders.wait_for(50)
        server.start()
        wait_up(front)
        senders.wait_for(50)
    senders.stop()
    assert not senders.refused and not senders.broken
    receivers[0].wait_processed()
    stored = [row[0] for row in database("SELECT event_id FROM events")]
    assert len(stored) == len(set(stored))
    assert set(senders.acknowledged) <= set(stored)
    assert database("SELECT DISTINCT state FROM jobs") == [("done",)]
    assert database("SELECT count(next_year) FROM events") == [(len(stored),)]


@pytest.mark.once
def test_a_receiver_that_is_killed_refuses_nothing(database, receive,
                                                   balancer):
    receivers = [receive(name) for name in NAMES]
    front = balancer(receivers)
    senders = Senders(Front(front), orders=200)
    senders.wait_for(50)
    receivers[1].kill()
    senders.wait_for(200)
    receivers[1].start()
    wait_up(front)
    senders.stop()
    assert not senders.refused and not senders.broken
    receivers[0].wait_processed()
    stored = {row[0] for row in database("SELECT event_id FROM events")}
    assert set(senders.acknowledged) <= stored


def as_role(database, name, password):
    return database.url_of(name, password, host="localhost",
                           sslmode="verify-full",
                           sslrootcert=database.server.ca)


def test_who_only_works_with_the_tables(database, receive, klikitd):
    owner = receive("a")
    received(owner.post(SMALL, "one"))
    owner.wait_processed()
    owner.stop()
    for name in ("klikitd_work", "klikitd_read"):
        database.server.add_user(name, name)
    work = klikitd(start=False, directory=owner.directory.parent / "work",
                   config="[store]\nurl = " + as_role(
                       database, "klikitd_work", "klikitd_work") + "\n")
    work.expect("the password is better kept", "may not write there")
    _, grants, reads = blocks("sql")
    connect, *more = statements(grants)
    database(connect)
    # It says what it lacks, in the words of the guide.
    work.start(wait=False)
    work.wait(expect=1)
    assert "GRANT USAGE ON SCHEMA klikitd TO" in work.log()
    for each in more + statements(reads):
        database("SET ROLE klikitd; " + each)
    work.start()
    duplicate(work.post(SMALL, "one"))
    received(work.deliver(SMALL, "two"))
    work.store = database
    work.wait_processed()
    work.stop()
    reader = Database(database.server, "klikitd")
    conn = reader.connect("klikitd_read", password="klikitd_read")
    with conn.cursor() as cursor:
        cursor.execute("SELECT count(document) FROM order_documents")
        assert cursor.fetchall()[0][0] > 0
        with pytest.raises(
                unpacked.module("psycopg2").errors.InsufficientPrivilege):
            cursor.execute("DELETE FROM events")
    conn.close()


def test_a_dump_is_a_backup(database, receive):
    server = receive("a")
    received(server.post(SMALL, "one"))
    server.wait_processed()
    server.do("backup", "copy", expect=1)
    assert "pg_dump" in server.said
    url = database.url_of("klikitd", "change-me", sslmode="require")
    for command in re.findall(r"^(pg_(?:dump|restore) .*)$", GUIDE, re.M):
        if command.startswith("pg_restore"):
            server.stop()
            database.server.master("DROP DATABASE klikitd")
            for each in statements(blocks("sql")[0])[1:]:
                database.server.master(each)
        database.server.run(*shlex.split(put(command, "$URL", url)))
    server.start()
    duplicate(server.post(SMALL, "one"))
    received(server.deliver(SMALL, "two"))
    server.wait_processed()
    assert database("SELECT count(*) FROM bodies") == [(2,)]



def settings(text, folder):
    """What a block of postgresql.conf sets, its folders below that one."""
    return {name: value.strip("'").replace("/srv/", f"{folder}/")
            for name, value in re.findall(r"^(\w+) = (.*)$", text, re.M)}


def test_an_archive_is_a_backup(database, receive):
    server = database.server
    archive, recovery = (settings(each, server.home.path)
                         for each in blocks("conf"))
    wal = server.home.path / "wal"
    wal.mkdir()
    server.home.give(wal)
    server.configure(**archive)
    server.restart()
    receiver = receive("a")
    received(receiver.post(SMALL, "one"))
    command, = re.findall(r"^(pg_basebackup .*)$", GUIDE, re.M)
    server.run(*shlex.split(put(command, "/srv/", f"{server.home.path}/")),
               "-h", HOST, "-p", server.port, "-U", MASTER)
    received(receiver.post(SMALL, "two"))
    receiver.wait_processed()
    receiver.stop()
    server.stop()  # archives what it has
    shutil.rmtree(server.data)
    (server.home.path / "base").rename(server.data)
    server.write("recovery.signal", "")
    server.configure(**recovery)
    server.start()
    server.wait_primary()
    receiver.start()
    for each in ("one", "two"):
        duplicate(receiver.post(SMALL, each))
    received(receiver.deliver(SMALL, "three"))
    receiver.wait_processed()
    assert database("SELECT count(*) FROM events") == [(3,)]
