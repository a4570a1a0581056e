"""The files of the store: other names of it, files beside it, its lock."""

import fcntl
import os
import pathlib
import time

import pytest

from conftest import DEADLINE, duplicate, payload, received, run
from root import mounted, needs_mounts, needs_root

pytestmark = [pytest.mark.once,
              pytest.mark.sqlite("names of the file, and its lock")]

BODY = payload("created-small.json")


def named(first, path):
    """A second server on the first one's store, by another name."""
    home = first.directory / "second"
    return dict(directory=home, start=False,
                config=f"[store]\nurl = sqlite:{path}\n")


def kept_out(klikitd, first, path):
    second = klikitd(**named(first, path))
    second.expect("another klikitd")
    second.start(wait=False)
    assert second.wait(expect=None) == 1
    assert "another klikitd" in second.log()
    received(first.deliver(BODY, f"after-{path.name}"))


def test_no_second_server_by_a_symbolic_link(klikitd, server):
    link = server.directory / "link.db"
    link.symlink_to(server.database)
    kept_out(klikitd, server, link)


def test_no_second_server_by_a_hard_link(klikitd, server):
    link = server.directory / "hard.db"
    os.link(server.database, link)
    kept_out(klikitd, server, link)


@needs_mounts
def test_no_second_server_by_a_bind_mount_of_the_file(klikitd, server):
    place = server.directory / "mounted.db"
    place.touch()
    with mounted(place, "--bind", server.database):
        kept_out(klikitd, server, place)


def test_verbs_find_the_server_by_a_symbolic_link(klikitd, server):
    received(server.deliver(BODY, "one"))
    server.wait_processed()
    link = server.directory / "link.db"
    link.symlink_to(server.database)
    done = run("pause", "orders", "-c", server.config,
               f"--store.url=sqlite:{link}", cwd=server.directory)
    assert done.returncode == 0, done
    assert b"by way of" in done.stderr


def test_a_new_store_is_not_given_an_old_log(klikitd):
    """As our own message suggested: only klikitd.db was moved away."""
    server = klikitd()
    server.expect("acknowledged events")
    for number in range(5):
        received(server.deliver(BODY, f"e{number}"))
    server.kill()
    away = server.directory / "away.db"
    server.database.rename(away)
    server.start()
    server.wait_log("may hold acknowledged events")
    assert server.query("PRAGMA integrity_check") == [("ok",)]
    server.wait_ready()
    received(server.deliver(BODY, "e0"))  # it is new here
    kept = next(server.directory.glob("klikitd.db.aside-*-wal"))
    server.stop()

    # Put back together, the old ones are all there.
    server.database.rename(server.directory / "new.db")
    away.rename(server.database)
    kept.rename(f"{server.database}-wal")
    server.expect("sound")
    server.start()
    server.wait_ready()
    for number in range(5):
        duplicate(server.deliver(BODY, f"e{number}"))


def test_reading_an_emptied_store_keeps_its_log(klikitd):
    server = klikitd()
    received(server.deliver(BODY, "one"))
    server.kill()
    os.truncate(server.database, 0)
    log = pathlib.Path(f"{server.database}-wal")
    before = log.read_bytes()
    server.do("events", expect=1)
    assert log.read_bytes() == before


def test_the_next_start_waits_for_the_lock(klikitd):
    """A child that was being started when klikitd was killed has it still."""
    server = klikitd()
    server.open_files()  # where they cannot be seen, this is skipped
    server.stop()
    lock = os.open(f"{server.database}.lock", os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    inode = os.fstat(lock).st_ino
    server.start(wait=False)

    def tries():
        for fd in server.open_files():
            try:
                if os.stat(fd).st_ino == inode:
                    return True
            except OSError:
                pass
        return False

    end = time.monotonic() + DEADLINE
    while not tries():
        assert server.process.poll() is None and time.monotonic() < end
    os.close(lock)
    server.wait_for(lambda: server.urls and server.admin, "a listener")
    server.wait_log("held the lock")


@needs_root
def test_a_verb_of_roots_does_not_keep_the_service_out(klikitd):
    server = klikitd()
    server.stop()
    for path in [server.directory, *server.directory.iterdir()]:
        os.chown(path, 65534, 65534)
    os.unlink(f"{server.database}.lock")
    server.do("pause", "orders")
    copy = server.directory / "copy.db"
    server.do("backup", copy)
    for path in server.directory.iterdir():
        assert path.stat().st_uid == 65534, path
