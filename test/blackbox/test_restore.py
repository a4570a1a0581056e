"""klikitd restore: a backup in the place of the store."""

import json
import os
import signal
import sqlite3
import subprocess

import pytest

from conftest import BINARY, duplicate, payload, received, run

pytestmark = [pytest.mark.once,
              pytest.mark.sqlite("a file in the place of another")]

BODY = payload("created-small.json")


def lost_store(klikitd):
    """A stopped server with a backup that lacks the last event, which is in
    the log only, as after a kill."""
    server = klikitd()
    server.expect("sound", "cut short", "is complete now", "unclean")
    received(server.deliver(BODY, "old"))
    server.wait_processed()
    server.do("backup", "copy.db")
    received(server.deliver(BODY, "new"))
    server.kill()
    return server


def restored_by_start(server):
    """Start, and see that the store is the backup, and nothing is doubled."""
    server.start()
    server.wait_ready()
    duplicate(server.deliver(BODY, "old"))
    received(server.deliver(BODY, "new"))
    assert server.query("PRAGMA integrity_check") == [("ok",)]


def test_a_backup_takes_the_place_and_the_store_is_kept(klikitd):
    server = lost_store(klikitd)
    said = server.do("restore", "copy.db")
    assert "1 events" in said and "replay" in said, said
    kept = next(server.directory.glob("klikitd.db.damaged-*[0-9]"))
    assert str(kept) in said
    restored_by_start(server)
    conn = sqlite3.connect(kept)  # with its log
    assert conn.execute("SELECT count(*) FROM events").fetchall() == [(2,)]
    conn.close()


def test_json_says_what_is_kept_and_lost(klikitd):
    server = lost_store(klikitd)
    said = json.loads(server.do("restore", "copy.db", "--json"))
    assert said["store"] == str(server.database)
    assert said["events"] == 1
    assert said["kept"].startswith(f"{server.database}.damaged-")
    assert said["newest_event"].endswith("Z")


def test_exit_codes(klikitd):
    server = lost_store(klikitd)
    server.do("restore", expect=2)
    server.do("restore", "copy.db", "--no-such-flag", expect=2)
    server.do("restore", "missing.db", expect=1)
    assert "missing.db" in server.said
    said = json.loads(server.do("restore", "missing.db", "--json", expect=1))
    assert "missing.db" in said["error"]
    server.start()
    server.do("restore", "copy.db", expect=1)
    assert "another klikitd" in server.said
    duplicate(server.deliver(BODY, "new"))


def cut_short(server, call, number):
    """Run the verb, killed in the place of its n-th call of that name. Was
    there one?"""
    done = subprocess.run(
        ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}",
         "-e", f"inject={call}:error=EIO:signal=KILL:when={number}",
         BINARY, "restore", "copy.db", "-c", str(server.config)],
        cwd=server.directory, capture_output=True,
        env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})
    assert done.returncode in (0, -signal.SIGKILL, 137), done
    return done.returncode != 0


@pytest.mark.parametrize("call,least", [("renameat2", 5), ("fsync", 4),
                                        ("utimensat", 1)])
def test_a_cut_between_two_steps_leaves_no_empty_store(klikitd, tmp_path, call,
                                                       least):
    cut = True
    number = 0
    while cut:
        number += 1
        home = tmp_path / f"cut{number}"
        server = lost_store(lambda: klikitd(directory=home))
        cut = cut_short(server, call, number)
        server.start()
        duplicate(server.deliver(BODY, "old"))  # never an empty store
        status, _, body = server.deliver(BODY, "new")
        whole = json.loads(body)["status"] == "duplicate-ignored"
        kept = list(home.glob("klikitd.db.damaged-*[0-9]"))
        assert status == 200 and whole == (not kept), (number, body, kept)
        server.stop()
        assert not (home / "klikitd.db.restoring").exists()
        if kept:  # all of what was there
            conn = sqlite3.connect(kept[0])
            rows = conn.execute("SELECT count(*) FROM events").fetchall()
            conn.close()
            assert rows == [(2,)], number
    assert number > least


def test_help_names_what_happens(tmp_path):
    done = run("restore", "--help", cwd=tmp_path)
    assert done.returncode == 0 and b"damaged-TIME" in done.stdout


def test_no_message_recommends_to_move_a_database(klikitd):
    """A database apart from its log is what loses events."""
    server = lost_store(klikitd)
    with open(server.database, "r+b") as out:
        out.write(b"\xff" * 200)
    server.expect("klikitd restore BACKUP")
    server.start(wait=False)
    server.wait(expect=None)
    assert "klikitd restore BACKUP" in server.log()
    assert "move it away" not in server.log()
