"""A network that is cut, a disk that is full, a password that expires: the
deliveries are answered 503 and come again, what was acknowledged is there,
/readyz says it, and nobody has to do anything to klikitd. A server that is gone
or silent: test_postgres_outage.py."""

import contextlib
import pathlib
import subprocess
import tempfile
import threading

import pytest

from conftest import DEADLINE, received
from load import order_body
from relay import Relay

SAYS = ("not stored", "turned away", "store: ", "database", "could not be read")
CONFIG = "[store]\nurl = {url}\n"


class Shop:
    """A receiver, and what it has acknowledged."""

    def __init__(self, server, database):
        self.server = server
        self.database = database
        self.acknowledged = set()
        self.sent = 0
        self.pid = server.process.pid
        self.ticks = threading.Event()

    def send(self):
        """One delivery. Whatever becomes of it, it is one of two answers."""
        self.sent += 1
        event = f"e{self.sent}"
        answer = self.server.post(order_body(self.sent, note=event), event)
        status, fields, _ = answer
        if status == 503:
            assert int(fields["retry-after"]) > 0
        else:
            received(answer)
            self.acknowledged.add(event)
        return status

    def wait_for(self, condition, what):
        for _ in range(DEADLINE * 20):
            if condition():
                return
            self.ticks.wait(0.05)  # nothing tells what another process does
        raise AssertionError(f"{what}\n{self.server.log()}")

    def fails(self, status="store unreachable"):
        """Until it takes nothing, and says so; None: by whatever words."""
        self.wait_for(lambda: self.send() == 503, "it is acknowledged")
        self.wait_for(lambda: self.readyz()[0] == 503, "/readyz is silent")
        if status:
            self.wait_for(lambda: self.readyz() == (
                503, {"status": status}), "/readyz says something else")
        assert self.send() == 503

    def readyz(self):
        code, _, said = self.server.ask("GET", "/readyz")
        return code, said

    def recovers(self):
        """By itself, and nothing is missing."""
        self.wait_for(lambda: self.send() == 200, "it does not recover")
        self.wait_for(lambda: self.readyz()[0] == 200, "/readyz stays")
        assert self.server.process.pid == self.pid
        assert self.server.process.poll() is None
        self.wait_for(lambda: self.database(
            "SELECT count(*) FROM jobs WHERE finished_at IS NULL") == [(0,)],
            "jobs stay")
        stored = [row[0] for row in self.database(
            "SELECT event_id FROM events")]
        assert len(stored) == len(set(stored))
        assert self.acknowledged <= set(stored)


@pytest.fixture
def shop(klikitd):
    def make(database, url=None, says=()):
        server = klikitd(config=CONFIG.format(url=url or database.url))
        server.expect(*SAYS, *says)
        opened = Shop(server, database)
        opened.wait_for(lambda: opened.send() == 200, "it is never ready")
        return opened

    return make


def test_its_sessions_are_ended(shop, postgres):
    opened = shop(postgres)
    for _ in range(3):
        postgres("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                 "WHERE datname = current_database() "
                 "AND pid <> pg_backend_pid()")
        opened.recovers()


def test_the_network_is_cut(shop, postgres):
    relay = Relay(postgres.server.port)
    opened = shop(postgres, postgres.url_of(port=relay.port))
    relay.refuse()
    relay.cut()
    opened.fails()
    relay.accept()
    opened.recovers()
    relay.cut()
    opened.recovers()
    opened.server.stop()
    relay.close()


def test_the_network_swallows_all(shop, postgres):
    relay = Relay(postgres.server.port)
    opened = shop(postgres, postgres.url_of(port=relay.port))
    relay.stall()
    opened.fails()
    relay.flow()
    opened.recovers()
    opened.server.stop()
    relay.close()


def test_it_becomes_read_only(shop, postgres):
    opened = shop(postgres)
    postgres(f"ALTER DATABASE {postgres.name} "
             "SET default_transaction_read_only = on")
    postgres("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
             "WHERE datname = current_database() AND pid <> pg_backend_pid()")
    opened.fails()
    postgres.server.master(f"ALTER DATABASE {postgres.name} "
                           "RESET default_transaction_read_only")
    opened.recovers()


def test_its_password_expires(shop, postgres):
    name = f"cook_{postgres.name}"
    postgres.server.add_user(name, "hush-hush")
    postgres(f"GRANT klikitd TO {name}")
    opened = shop(postgres, postgres.url_of(name, "hush-hush"),
                  says=("password",))
    try:
        postgres(f"ALTER ROLE {name} VALID UNTIL '2000-01-01'")
        postgres("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                 "WHERE datname = current_database() "
                 "AND pid <> pg_backend_pid()")
        opened.fails()
        postgres(f"ALTER ROLE {name} VALID UNTIL 'infinity'")
        opened.recovers()
        assert "hush-hush" not in opened.server.final_log()
    finally:
        opened.server.stop()
        postgres(f"DROP OWNED BY {name} CASCADE")
        postgres(f"DROP ROLE {name}")


@pytest.fixture
def small_disk():
    """A file system that is soon full, for the user of PostgreSQL."""
    folder = pathlib.Path(tempfile.mkdtemp())
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=70m,mode=777",
                           "tmpfs", folder], capture_output=True)
    if done.returncode != 0:
        folder.rmdir()
        pytest.skip("only root mounts a file system")
    folder.chmod(0o777)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)
    folder.rmdir()


def test_its_disk_is_full(small_disk, postgres_server, shop):
    server = postgres_server(folder=small_disk, max_wal_size="4MB",
                             min_wal_size="2MB")
    opened = shop(server.database())
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as out, contextlib.suppress(OSError):
        while True:
            out.write(bytes(65536))
    opened.fails(status=None)  # it ends, or refuses what needs more
    filler.unlink()
    if not server.alive():  # it ends when its log finds no room
        server.start()
    opened.recovers()
