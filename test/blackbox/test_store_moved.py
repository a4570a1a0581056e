"""The store's files are deleted, moved or replaced while klikitd serves."""

import pathlib
import shutil

import pytest

from conftest import duplicate, payload, received
from root import small_disk

pytestmark = pytest.mark.sqlite("a file that is moved or replaced")

BODY = payload("created-small.json")


def serving(klikitd, **options):
    server = klikitd(**options)
    if "config" in options:
        server.database = pathlib.Path(
            options["config"].split("sqlite:")[1].strip())
    server.expect("file lost", "not stored", "lost file", "sound", "removed",
                  "unclean")
    received(server.deliver(BODY, "before"))
    server.wait_processed()
    return server


def refused(server):
    """Deliver until one is refused. Returns the ids that were taken."""
    taken = ["before"]
    for number in range(100_000):
        status = server.deliver(BODY, f"e{number}")[0]
        if status != 200:
            assert status == 503
            return taken
        taken.append(f"e{number}")
    raise AssertionError("acknowledged for ever")


def saved(server):
    server.wait_log("is saved as")
    return next(server.database.parent.glob("*.rescued-*[0-9]"))


def test_a_deleted_store_is_noticed_and_nothing_is_lost(klikitd):
    server = serving(klikitd)
    for name in server.directory.glob("klikitd.db*"):
        name.unlink()
    taken = refused(server)
    code, _, ready = server.ask("GET", "/readyz")
    assert (code, ready) == (503, {"status": "store file lost"})
    copy = saved(server)
    server.kill()
    server.do("restore", copy)
    server.start()
    server.wait_ready()
    for event_id in taken:
        duplicate(server.deliver(BODY, event_id))


def test_an_idle_server_notices(klikitd):
    server = serving(klikitd)
    server.database.unlink()
    server.wait_log("store: file lost")
    assert server.deliver(BODY, "after")[0] == 503


def test_a_store_that_comes_back_goes_on(klikitd):
    server = serving(klikitd)
    away = server.directory / "away.db"
    server.database.rename(away)
    taken = refused(server)
    away.rename(server.database)
    server.wait_log("store: works again")
    received(server.deliver(BODY, "again"))
    server.kill()
    server.start()
    server.wait_ready()
    for event_id in taken + ["again"]:
        duplicate(server.deliver(BODY, event_id))


def test_a_stop_waits_for_the_rescue_and_harms_nothing(klikitd):
    server = serving(klikitd)
    other = server.directory / "other.db"
    shutil.copy(server.database, other)
    log = pathlib.Path(f"{server.database}-wal")
    server.database.unlink()
    log.unlink()
    other.rename(server.database)
    log.write_bytes(b"the other one's log")
    server.wait_log("store: file lost")
    server.stop()
    assert log.read_bytes() == b"the other one's log"
    assert saved(server)


def test_a_mount_over_the_folder_is_noticed(klikitd, tmp_path):
    home = tmp_path / "store"
    other = small_disk(home, "size=16m")
    server = serving(klikitd, config=f"[store]\nurl = sqlite:{home}/k.db\n")
    with other:
        refused(server)
    server.wait_log("store: works again")
    received(server.deliver(BODY, "after"))
