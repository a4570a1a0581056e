"""Scheduled backups: verified before they count, and nobody else's files."""

import fcntl
import json
import os
import re
import signal
import sqlite3
import subprocess
import threading
import time

import pytest

from conftest import BINARY, DEADLINE, duplicate, payload, received, run
from root import small_disk
from test_clock import clock  # noqa: F401 (a fixture)

pytestmark = [pytest.mark.once,
              pytest.mark.sqlite("a backup is made by pg_dump")]

BODY = payload("created-small.json")
NAME = re.compile(r"klikitd-\d{8}T\d{6}Z-[0-9a-f]{8}\.db")


def config(place, keys="every = 1s\nkeep = 2", more=""):
    return f"""[http]
listen = 127.0.0.1:0
[backup]
dir = {place}
{keys}
[handler orders]
type = orders
{more}"""


@pytest.fixture
def place(tmp_path):
    """Where backups are made."""
    home = tmp_path / "backups"
    home.mkdir()
    return home


def whole(place):
    """The names of the verified backups there, oldest first."""
    return sorted(p.name for p in place.iterdir() if NAME.fullmatch(p.name))


def wait_for(condition, what, server):
    ticks = threading.Event()
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        if condition():
            return
        ticks.wait(0.05)  # nothing tells when another process writes
    raise AssertionError(f"no {what}\n{server.log()}")


def made(server, count=1):
    server.wait_log(r"backup: .* events, verified", count)


def status(server):
    return server.ask("GET", "/api/v1/status")[2]["backup"]


def count(path):
    conn = sqlite3.connect(f"file:{path}?immutable=1", uri=True)
    try:
        assert conn.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return conn.execute("SELECT count(*) FROM events").fetchone()[0]
    finally:
        conn.close()


def test_a_backup_is_made_soon_after_the_start_and_is_shown(klikitd, place):
    server = klikitd(config=config(place, "every = 24h"))
    received(server.deliver(BODY, "one"))
    made(server)
    name, = whole(place)
    assert [p.name for p in place.iterdir()] == [name]
    assert os.stat(place / name).st_mode & 0o777 == 0o600
    assert count(place / name) == 1
    shown = status(server)
    assert (shown["newest"], shown["backups"], shown["error"]) == (
        name, 1, None)
    assert shown["bytes"] == shown["newest_bytes"] == os.stat(
        place / name).st_size
    numbers = server.metrics()
    assert numbers["klikitd_backup_interval_seconds"] == 86400
    assert numbers["klikitd_backup_last_success_timestamp_seconds"] > 0
    assert numbers["klikitd_backup_failures_total"] == 0


def test_without_every_or_dir_none_is_made_or_shown(klikitd, place):
    server = klikitd(config=config(place, ""))
    server.expect("backup.dir: none are made without backup.every")
    received(server.deliver(BODY))
    assert "backup" not in server.ask("GET", "/api/v1/status")[2]
    assert server.metrics()["klikitd_backup_interval_seconds"] == 0
    assert "backup.every" in server.final_log()


def test_so_many_are_kept_and_other_files_are_let_alone(klikitd, place):
    others = ["klikitd-20200101T000000Z-00000000.db", "mine.db", "notes.new"]
    for name in others:
        (place / name).write_text("somebody's")
    server = klikitd(config=config(place))
    made(server, 4)
    server.stop()
    names = whole(place)
    assert len(names) == 2 + 1  # one has another store's name
    own = next(n for n in names if n not in others)
    # What only looks like one of ours was not made here either.
    copy = place / f"{own}.keep"
    copy.write_bytes((place / own).read_bytes())
    link = place / own.replace("-2", "-1", 1)
    link.symlink_to(copy)
    server.start()
    made(server, 7)
    server.stop()
    assert copy.exists() and link.is_symlink()
    assert all((place / name).read_text() == "somebody's" for name in others)


def test_the_newest_ones_age_decides_after_a_restart(klikitd, place):
    server = klikitd(config=config(place, "every = 1h"))
    made(server)
    names = whole(place)
    server.restart()
    wait_for(lambda: (status(server) or {}).get("newest") == names[0], "look",
             server)
    assert whole(place) == names
    # A machine that was off for long enough.
    old = place / re.sub(r"\d{8}T\d{6}Z", "20250101T000000Z", names[0])
    server.stop()
    (place / names[0]).rename(old)
    server.start()
    made(server, 2)


def test_a_scheduled_backup_can_be_restored(klikitd, place):
    server = klikitd(config=config(place, "every = 24h"))
    received(server.deliver(BODY, "one"))
    made(server)
    received(server.deliver(BODY, "two"))
    server.stop()
    said = server.do("restore", str(place / whole(place)[0]))
    assert "1 events" in said
    server.start()
    duplicate(server.deliver(BODY, "one"))
    received(server.deliver(BODY, "two"))


def children(server):
    proc = f"/proc/{server.pid}/task/{server.pid}/children"
    return [int(pid) for pid in open(proc).read().split()]


def stopped_child(server, place):
    """The program that makes a backup, stopped before it is done: it waits for
    the lock on the directory until it is found."""
    found = []

    def stop_it():
        for pid in children(server):
            try:
                with open(f"/proc/{pid}/cmdline") as words:
                    if "--scheduled" in words.read():
                        os.kill(pid, signal.SIGSTOP)
                        found.append(pid)
            except (FileNotFoundError, ProcessLookupError):
                pass
        return found

    held = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        wait_for(stop_it, "program that makes a backup", server)
    finally:
        os.close(held)
    return found[0]


def half_made(place):
    """What a copy that was cut short leaves behind."""
    name = f"{whole(place)[-1]}"
    for end in (".new", ".new.tmp", ".new.tmp-journal"):
        (place / (name + end)).write_text("half")


def test_what_a_killed_server_left_half_made_goes(klikitd, place):
    server = klikitd(config=config(place, "every = 1h"))
    server.expect("unclean", "sound", "not closed")
    made(server)
    half_made(place)
    server.kill()
    server.start()
    wait_for(lambda: [p.name for p in place.iterdir()] == whole(place),
             "sweep", server)
    assert len(whole(place)) == 1


def test_a_backup_that_is_killed_is_made_anew(klikitd, place):
    server = klikitd(config=config(place))
    server.expect("backup: none was made: signal 9")
    os.kill(stopped_child(server, place), signal.SIGKILL)
    server.wait_log("backup: none was made")
    received(server.deliver(BODY, "meanwhile"))
    made(server)
    assert status(server)["error"] is None
    assert server.metrics()["klikitd_backup_failures_total"] >= 1


def test_a_stop_does_not_wait_for_a_backup(klikitd, place):
    server = klikitd(config=config(place))
    child = stopped_child(server, place)
    received(server.deliver(BODY))
    server.stop()
    assert not os.path.exists(f"/proc/{child}")
    assert whole(place) == []


def test_a_hanging_backup_holds_up_nothing(klikitd, place):
    """As with a network disk that is gone: lists and deliveries go on."""
    server = klikitd(config=config(place))
    stopped_child(server, place)
    received(server.deliver(BODY, "one"))
    server.wait_processed()
    assert server.ask("GET", "/api/v1/events")[2]["events"]
    assert status(server)["running"] is True


def test_a_directory_that_cannot_be_written_is_told_and_mended(klikitd,
                                                               tmp_path):
    place = tmp_path / "later"
    server = klikitd(config=config(place))
    server.expect("backup: none was made: .*later: No such file")
    server.wait_log("none was made")
    received(server.deliver(BODY))
    assert "No such file" in status(server)["error"]
    assert server.metrics()["klikitd_backup_failures_total"] >= 1
    place.mkdir()
    made(server)
    assert len(re.findall("none was made", server.final_log())) == 1


def test_a_full_disk_costs_no_ack_and_no_older_backup(klikitd, tmp_path):
    with small_disk(tmp_path / "disk", "size=1m") as disk:
        server = klikitd(config=config(disk))
        server.expect("backup: none was made: .*space")
        made(server)
        with open(disk / "ballast", "wb", buffering=0) as out:
            try:
                while out.write(b"\xff" * 4096):
                    pass
            except OSError:
                pass
        server.wait_log("none was made")
        names = whole(disk)
        assert names
        received(server.deliver(BODY))
        (disk / "ballast").unlink()
        before = len(re.findall("verified", server.log()))
        made(server, before + 1)
        server.stop()


def test_the_stores_own_disk_is_not_filled(klikitd, tmp_path):
    """A copy that would leave less than deliveries need is not begun."""
    with small_disk(tmp_path / "disk", "size=6m") as disk:
        (disk / "backups").mkdir()
        server = klikitd(config=config(disk / "backups") +
                         f"[store]\nurl = sqlite:{disk}/k.db\n")
        server.database = disk / "k.db"
        server.expect("backup: none was made: .*no space", "store", "full",
                      "not stored")
        for number in range(60):
            server.deliver(BODY[:-1] + b',"pad":"%s"}' % (b"x" * 50000))
        server.wait_log("none was made: .*no space")
        assert server.deliver(BODY)[0] == 200
        server.stop()


def test_a_damaged_copy_never_counts(klikitd, place, tmp_path):
    """Disks lie: what is on it is read again before it has its name."""
    server = klikitd(config=config(place, "every = 1h"))
    server.stop()
    done = subprocess.run(
        ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync",
         "-e", "inject=fsync:error=EIO", BINARY, "backup", "--scheduled",
         "-c", server.config], capture_output=True, text=True,
        env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})
    assert done.returncode == 1
    assert list(place.iterdir()) == []


def test_what_is_older_than_the_bodies_goes_but_for_the_newest(
        klikitd, place, clock):  # noqa: F811
    server = klikitd(config=config(
        place, "every = 20d\nkeep = 9", "[retention]\nbodies = 30d\n"),
        env=clock.env)
    server.expect("backup.keep: some would be older", "clock")
    made(server)
    first, = whole(place)
    server.stop()

    def back(days):
        """As if it had been made so long ago."""
        old = time.strftime("%Y%m%dT%H%M%SZ",
                            time.gmtime(time.time() - 86400 * days))
        path = place / re.sub(r"\d{8}T\d{6}Z", old, first)
        path.write_bytes((place / first).read_bytes())
        return path

    young, old = back(25), back(31)
    server.do("backup", "--scheduled")
    assert young.exists() and not old.exists()
    older = young.rename(back(400))
    for path in place.iterdir():
        path.unlink() if path != older else None
    server.do("backup", "--scheduled", "--if-due", "--backup.every", "30d",
              expect=0)
    assert not older.exists() and len(whole(place)) == 1


def hand_on(place, script, retry="100ms"):
    return config(place, f"every = 24h\nretry = {retry}\n"
                  f"command = /bin/sh -c '{script}' hand-on first")


def test_it_is_handed_on_once(klikitd, place, tmp_path):
    out = tmp_path / "out"
    server = klikitd(config=hand_on(
        place, f'[ "$2" = "$KLIKITD_BACKUP" ] && echo "$1 $2" >> {out}'))
    server.wait_log("was handed on")
    name, = whole(place)
    assert out.read_text() == f"first {place}/{name}\n"
    note = place / f"{name}.sent"
    wait_for(note.exists, "note that it was handed on", server)
    assert status(server)["pushed_at"]
    server.restart()
    wait_for(lambda: (status(server) or {}).get("newest") == name, "look",
             server)
    server.stop()
    assert len(out.read_text().splitlines()) == 1


def test_it_is_handed_on_again_until_that_works(klikitd, place, tmp_path):
    out = tmp_path / "out"
    server = klikitd(config=hand_on(
        place, f"echo x >> {out}; [ $(wc -l < {out}) -gt 2 ] && exit 0; "
        "echo the office is closed; exit 75"))
    server.expect("was not handed on: exit 75: the office is closed; tried")
    server.wait_log("was handed on")
    assert len(out.read_text().splitlines()) == 3
    assert server.metrics()["klikitd_backup_push_failures_total"] == 2
    shown = status(server)
    assert (shown["push_error"], shown["error"]) == (None, None)


def test_a_failure_for_good_waits_for_the_next_one(klikitd, place, tmp_path):
    server = klikitd(config=hand_on(place, "exit 3"))
    server.expect("was not handed on: exit 3; given up until the next one",
                  "alert: backup backup.command: .* is not handed on: exit 3")
    server.wait_log("alert: backup")
    assert status(server)["push_error"] == "exit 3"
    up, = server.ask("GET", "/api/v1/status")[2]["alerts"]
    assert (up["kind"], up["subject"]) == ("backup", "backup.command")


def test_the_secret_is_in_no_programs_environment(klikitd, place, tmp_path):
    out = tmp_path / "out"
    server = klikitd(config=hand_on(place, f"env > {out}"))
    server.wait_log("was handed on")
    assert "KLIKITD_BACKUP=" in out.read_text()
    assert server.secret.decode() not in out.read_text()
    assert "KLIKIT_WEBHOOK" not in out.read_text()


def test_a_reload_changes_the_directory(klikitd, place, tmp_path):
    server = klikitd(config=config(place, "every = 24h"))
    made(server)
    other = tmp_path / "other"
    other.mkdir()
    server.write_config(config(other, "every = 24h"))
    server.reload()
    made(server, 2)
    assert len(whole(other)) == 1
    server.write_config(config(other, ""))
    server.expect("backup.dir: none are made without")
    server.reload()
    assert "backup" not in server.ask("GET", "/api/v1/status")[2]


def test_by_hand_and_what_the_verb_says(klikitd, place):
    server = klikitd(config=config(place, "every = 24h"))
    made(server)
    assert "verified" in server.do("backup", "--scheduled")
    assert "not due" in server.do("backup", "--scheduled", "--if-due")
    said = json.loads(server.do("backup", "--scheduled", "--json"))
    assert said["made"] is True and said["newest"] in whole(place)
    server.do("backup", expect=2)
    server.do("backup", "--scheduled", "file.db", expect=2)
    server.do("backup", "--json", "file.db", expect=2)
    server.do("backup", "--scheduled", "--at", "noon", expect=2)
    server.do("backup", "--scheduled", "--backup.dir", "", expect=1)
    assert "backup.every and backup.dir" in server.said


def doctor(server):
    """What doctor finds about backups: level and text."""
    done = run("doctor", "--no-network", "--json", "-c", server.config,
               env={"KLIKIT_WEBHOOK_SECRET": "klikit-test-secret"})
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return [(f["level"], f["text"]) for f in found if f["check"] == "backups"]


def test_doctor_says_how_old_the_newest_is(klikitd, place):
    server = klikitd(config=config(place, "every = 24h"))
    made(server)
    server.stop()
    (same, disk), (level, text) = doctor(server)
    assert same == "warning" and "own disk" in disk
    assert level == "ok" and "1 verified backups" in text
    name, = whole(place)
    old = place / re.sub(r"\d{8}T\d{6}Z", "20250101T000000Z", name)
    (place / name).rename(old)
    level, text = doctor(server)[1]
    assert level == "failure" and "2025-01-01" in text
    old.unlink()
    assert doctor(server)[1][0] == "warning"
    place.rmdir()
    (level, text), = doctor(server)
    assert level == "failure" and "No such file" in text


def test_of_postgresql_the_right_tool_is_named(tmp_path):
    file = tmp_path / "k.ini"
    file.write_text(config(tmp_path) + "[store]\nurl = postgres://h/d\n")
    done = run("check-config", "-c", file,
               env={"KLIKIT_WEBHOOK_SECRET": "klikit-test-secret"})
    if b"is not built in" in done.stderr:
        pytest.skip("a build without PostgreSQL")
    assert b"backup.every: none are made of this store" in done.stderr
    assert b"pg_dump" in done.stderr
    done = run("backup", "--scheduled", "-c", file)
    assert done.returncode == 1 and b"pg_dump" in done.stderr
