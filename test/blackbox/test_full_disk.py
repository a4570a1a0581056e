"""A full disk has a way out: a purge works, and a start is no failure."""

import os
import uuid

import pytest

from conftest import duplicate, received
from load import order_body
from root import small_disk
from test_migration import old_store

pytestmark = pytest.mark.sqlite("a disk that is full")

BODY = order_body(1, pad=50_000)


@pytest.fixture
def disk(tmp_path):
    """A file system of 4 MB."""
    with small_disk(tmp_path / "disk", "size=4m") as place:
        yield place


def ballast(disk, name="ballast"):
    """A file that takes all that is left."""
    with open(disk / name, "wb", buffering=0) as out:
        try:
            while out.write(b"\xff" * 4096):
                pass
        except OSError:
            pass
    return disk / name


def serving(klikitd, disk):
    server = klikitd(config=f"[store]\nurl = sqlite:{disk}/k.db\n")
    server.database = disk / "k.db"
    server.expect("space", "full", "not stored", "store:", "sound")
    return server


def fill(server):
    """Deliver until the disk is full. Returns the ids that were taken."""
    taken = []
    refused = number = 0
    while refused < 5:
        number += 1
        if server.deliver(BODY, f"e{number}")[0] == 200:
            taken.append(f"e{number}")
            refused = 0
        else:
            refused += 1
            ballast(server.database.parent, f"ballast{number}")
    assert number < 400, "the disk is too large"
    return taken


def use_up(server):
    """Deliver until there is no space: the log, cut, may have left some, and
    a small commit may find room where a delivery does not."""
    while (server.deliver(BODY, f"{uuid.uuid4()}")[0] == 200 or
           server.ask("GET", "/readyz")[0] == 200):
        pass


def start_shut(server):
    """Start one that cannot take deliveries yet."""
    server.start(wait=False)
    server.wait_for(lambda: server.urls and server.admin, "a listener")
    server.url = server.urls[0]
    server.port = int(server.url.rsplit(":", 1)[1])


def bodies(server):
    return server.query("SELECT count(*) FROM bodies")[0][0]


def test_the_reserve_is_there_and_is_shown(klikitd, disk):
    server = serving(klikitd, disk)
    reserve = disk / "k.db.reserve"
    size = reserve.stat().st_size
    assert 64 * 1024 <= size <= 4 * 1024 * 1024 / 16
    assert reserve.stat().st_blocks * 512 >= size
    assert reserve.stat().st_mode & 0o777 == 0o600
    _, _, status = server.ask("GET", "/api/v1/status")
    assert status["store"]["reserve_bytes"] == size
    assert "reserve" in server.do("doctor", "--no-network", expect=None)


def test_a_purge_works_on_a_full_disk_and_makes_room(klikitd, disk):
    server = serving(klikitd, disk)
    taken = fill(server)
    before = bodies(server)
    server.do("purge", "--older-than", "1ms")
    assert bodies(server) < before
    for number in range(5):  # without a restart
        server.wait_ready()
        received(server.deliver(BODY, f"after{number}"))
    for event_id in taken:
        duplicate(server.deliver(BODY, event_id))
    assert server.query("PRAGMA integrity_check") == [("ok",)]
    assert (disk / "k.db.reserve").exists()


def test_a_purge_works_without_a_server(klikitd, disk):
    server = serving(klikitd, disk)
    taken = fill(server)
    server.kill()
    server.do("purge", "--older-than", "1ms")
    server.start()
    server.wait_ready()
    received(server.deliver(BODY, "after"))
    for event_id in taken:
        duplicate(server.deliver(BODY, event_id))


def test_deliveries_do_not_use_the_reserve_up(klikitd, disk):
    server = serving(klikitd, disk)
    fill(server)
    for _ in range(30):
        assert server.deliver(BODY, f"{uuid.uuid4()}")[0] == 503
    assert (disk / "k.db.reserve").stat().st_size >= 64 * 1024


def test_events_are_refused_before_the_disk_is_full(klikitd, disk):
    """What is left is for others, and for the work that is there."""
    server = serving(klikitd, disk)
    number = 0
    while server.deliver(BODY, f"e{number}")[0] == 200:
        number += 1
    _, _, status = server.ask("GET", "/api/v1/status")
    floor = status["store"]["floor_bytes"]
    assert floor == 256 * 1024 and status["store"]["health"] == "no space"
    assert os.statvfs(disk).f_bavail * 4096 >= floor / 2
    assert server.ask("GET", "/readyz")[0] == 503
    server.wait_processed()
    status, fields, _ = server.deliver(BODY, "later")
    assert status == 503 and int(fields["retry-after"]) > 0
    server.wait_log("no event is taken below 256 KiB")
    server.do("replay", "e0")  # all else goes on
    server.wait_query("SELECT count(*) FROM jobs WHERE replay_of IS NOT NULL "
                      "AND state = 'done'", [(1,)])
    assert server.ask("GET", "/readyz")[0] == 503
    server.do("purge", "--older-than", "1ms")
    server.wait_ready()
    received(server.deliver(BODY, "later"))


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_start_on_a_full_disk_waits_for_space(klikitd, disk, how):
    server = serving(klikitd, disk)
    taken = [f"e{number}" for number in range(5)]
    for event_id in taken:
        received(server.deliver(BODY, event_id))
    getattr(server, how)()
    plug = ballast(disk)
    server.start()
    use_up(server)
    assert server.get("/healthz")[0] == 200
    _, _, page = server.ask("GET", "/api/v1/events?limit=1")
    assert len(page["events"]) == 1
    plug.unlink()
    server.wait_ready()
    received(server.deliver(BODY, "after"))
    for event_id in taken:
        duplicate(server.deliver(BODY, event_id))


def test_a_start_without_space_or_reserve_answers_503(klikitd, disk):
    """As after an upgrade: no reserve was ever made."""
    server = serving(klikitd, disk)
    received(server.deliver(BODY, "one"))
    server.kill()
    (disk / "k.db.reserve").unlink()
    (disk / "k.db-shm").unlink()
    plug = ballast(disk)
    start_shut(server)
    use_up(server)
    assert server.get("/healthz")[0] == 200
    server.expect("verbs will not find", "could not be read")
    plug.unlink()
    server.wait_ready()
    duplicate(server.deliver(BODY, "one"))
    received(server.deliver(BODY, "after"))
    server.wait_processed()


def test_a_migration_without_space_waits_for_it(klikitd, disk):
    """It needs room for a copy of what is there."""
    server = serving(klikitd, disk)
    server.stop()
    for path in disk.glob("k.db*"):
        path.unlink()
    old_store(server.database)
    plug = ballast(disk)
    start_shut(server)
    assert server.deliver(BODY, "full")[0] == 503
    server.wait_log("no space")
    server.expect("verbs will not find", "could not be read")
    plug.unlink()
    server.wait_ready()
    received(server.deliver(BODY, "after"))
