"""A disk that is full, fails, or hangs."""

import os
import re
import shutil
import sqlite3
import threading
import time

import pytest

from conftest import duplicate, payload, received
from load import order_body
import root

pytestmark = pytest.mark.sqlite("a disk that is full, fails or hangs")

ASAN = {"ASAN_OPTIONS": "detect_leaks=0"}  # no leak check under ptrace


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 2 MB."""
    with root.small_disk(tmp_path / "disk", "size=2m") as place:
        yield place


def test_a_full_disk_answers_503_and_recovers_by_itself(klikitd, small_disk):
    server = klikitd(config=f"[store]\nurl = sqlite:{small_disk}/k.db\n")
    server.database = small_disk / "k.db"
    server.expect("space", "full", "not stored", "store:")
    body = order_body(1, pad=50_000)
    acknowledged = []
    for number in range(200):
        status, fields, answer = server.deliver(body, f"e{number}")
        if status != 200:
            break
        acknowledged.append(f"e{number}")
    assert (status, answer) == (503, b'{"error":"try again later"}')
    assert int(fields["retry-after"]) > 0
    assert acknowledged
    assert server.deliver(body, "still-full")[0] == 503
    code, _, ready = server.ask("GET", "/readyz")
    assert (code, ready) == (503, {"status": "store full"})
    assert server.get("/healthz")[0] == 200  # and reads go on:
    ids = {row[0] for row in server.query("SELECT event_id FROM events")}
    assert set(acknowledged) <= ids

    root.as_root("mount", "-o", "remount,size=64m", small_disk)
    received(server.deliver(body, "after"))
    assert server.ask("GET", "/readyz")[0] == 200
    for event_id in acknowledged:
        duplicate(server.deliver(body, event_id))
    server.wait_processed()
    ids = [row[0] for row in server.query("SELECT event_id FROM events")]
    assert len(ids) == len(set(ids))
    assert set(acknowledged) | {"after"} <= set(ids)
    assert server.query("PRAGMA integrity_check") == [("ok",)]


def strace(*faults):
    return ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync",
            *[arg for fault in faults for arg in ("-e", f"inject={fault}")]]


def test_a_failed_fsync_is_no_ack_and_the_store_is_reopened(klikitd):
    """One commit under way meets EIO.

    strace counts per thread: on a store that exists the start takes fewer
    than eight calls, so the eighth is a commit of the writer's; without a
    handler for the events all of those are commits of deliveries.
    """
    config = "[handler none]\ntype = orders\nevents = klikit.none\n"
    made = klikitd(config=config)
    body = payload("created-small.json")
    made.stop()
    server = klikitd(directory=made.directory, env=ASAN, config=config,
                     wrapper=strace("fdatasync:error=EIO:when=8"))
    server.expect("store", "not stored", "sound")
    answers = []
    for number in range(30):
        status = server.deliver(body, f"e{number}")[0]
        answers.append((status, f"e{number}"))
        if len(answers) > 5 and status == 200 and any(
                s == 503 for s, _ in answers):
            break
    assert any(status == 503 for status, _ in answers), answers
    assert answers[-1][0] == 200, answers
    server.wait_log("works again")
    server.wait_processed()
    ids = [row[0] for row in server.query("SELECT event_id FROM events")]
    assert len(ids) == len(set(ids))
    assert {e for s, e in answers if s == 200} <= set(ids)


def test_a_disk_that_fails_for_good_is_answered_for(klikitd):
    """Nobody starts it again where nobody watches: it stays, and says 503."""
    server = klikitd(wrapper=strace("fdatasync:error=EIO:when=40+"), env=ASAN)
    server.expect("store", "not stored", "event")
    body = payload("created-small.json")
    number = 0
    while server.deliver(body, f"e{number}")[0] == 200:
        number += 1
    server.wait_log("store: recovering")
    for late in range(20):
        status, fields, _ = server.deliver(body, f"late{late}")
        assert status == 503 and int(fields["retry-after"]) > 0
    assert server.get("/healthz")[0] == 200
    status, _, ready = server.ask("GET", "/readyz")
    assert (status, ready["status"]) == (503, "store recovering")
    server.stop()
    server.wrapper = []
    server.start()
    stored = {row[0] for row in server.query("SELECT event_id FROM events")}
    assert {f"e{n}" for n in range(number)} <= stored


@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
def test_a_failed_fsync_is_healed_before_the_next_ack(klikitd, tmp_path,
                                                      error):
    """The log is copied and truncated, whatever the failure is called."""
    config = "[handler none]\ntype = orders\nevents = klikit.none\n"
    made = klikitd(config=config)
    made.stop()
    trace = tmp_path / "trace"
    server = klikitd(directory=made.directory, env=ASAN, config=config,
                     wrapper=["strace", "-f", "-qq", "-y", "-o", str(trace),
                              "-e", "trace=fdatasync,ftruncate", "-e",
                              f"inject=fdatasync:error={error}:when=8"])
    server.expect("store", "not stored")
    body = payload("created-small.json")
    answers = []
    while len(answers) < 30 or answers[-1][0] == 503:
        answers.append((server.deliver(body, f"e{len(answers)}")[0],
                        f"e{len(answers)}"))
    assert {status for status, _ in answers} == {200, 503}
    server.wait_log("works again")
    server.kill()
    lines = trace.read_text().splitlines()
    failed = next(i for i, line in enumerate(lines) if "INJECTED" in line)
    # A release shows the names of its files to root only.
    assert any(re.search(r"ftruncate\(\d+(<[^>]*klikitd\.db-wal>)?, 0\)", line)
               for line in lines[failed:]), "\n".join(lines[failed:])
    server.wrapper = []
    server.start()
    ids = [row[0] for row in server.query("SELECT event_id FROM events")]
    assert len(ids) == len(set(ids))
    assert {e for status, e in answers if status == 200} <= set(ids)


def test_a_reader_in_the_way_of_recovery_is_named(klikitd):
    """Whoever has the file open would go on reading a log that is gone."""
    server = klikitd()
    received(server.deliver(payload("created-small.json"), "one"))
    server.wait_processed()
    server.kill()
    shell = sqlite3.connect(server.database, isolation_level=None)
    shell.execute("SELECT count(*) FROM events").fetchall()
    server.expect("its log cannot be copied while process")
    server.start(wait=False)
    server.wait_for(lambda: server.urls and server.admin, "a listener")
    server.port = int(server.urls[0].rsplit(":", 1)[1])
    server.wait_log(rf"while process {os.getpid()} \(")
    assert server.deliver(payload("created-small.json"), "two")[0] == 503
    assert server.ask("GET", "/readyz")[0] == 503
    shell.close()
    server.wait_log("deliveries are taken")
    received(server.deliver(payload("created-small.json"), "two"))
    duplicate(server.deliver(payload("created-small.json"), "one"))


def test_a_reader_does_not_make_an_orderly_stop_unclean(klikitd):
    """A shell that is left open: the log is empty all the same."""
    server = klikitd()
    received(server.deliver(payload("created-small.json"), "one"))
    server.wait_processed()
    shell = sqlite3.connect(server.database, isolation_level=None)
    shell.execute("SELECT count(*) FROM events").fetchall()
    server.stop()
    server.start()
    server.wait_ready()
    duplicate(server.deliver(payload("created-small.json"), "one"))
    received(server.deliver(payload("created-small.json"), "two"))
    assert "recovering" not in server.final_log()
    assert shell.execute("SELECT count(*) FROM events").fetchone() == (2,)
    shell.close()


@pytest.mark.once
def test_a_hanging_disk_gives_503_after_5_s_and_health_at_once(klikitd):
    """Every fdatasync after the first acks takes 10 s."""
    server = klikitd(wrapper=strace(
        "fdatasync:delay_enter=10000000:when=30+1000"), env=ASAN)
    server.expect("turned away", "store")
    body = payload("created-small.json")
    number = 0
    answers = {}

    def deliver(event_id):
        start = time.monotonic()
        answers[event_id] = (server.deliver(body, event_id)[0],
                             time.monotonic() - start)

    while "hung" not in answers:
        number += 1
        event_id = f"e{number}"
        thread = threading.Thread(target=deliver, args=(event_id,))
        thread.start()
        thread.join(2)
        if thread.is_alive():
            assert server.get("/healthz")[0] == 200
            assert thread.is_alive()  # health was answered meanwhile
            thread.join()
            answers["hung"] = answers[event_id]
    status, seconds = answers["hung"]
    assert status == 503
    assert seconds > 4.9
    # What was turned away may be stored after all; then it is a duplicate.
    server.wait_query("SELECT count(*) FROM events", [(number,)])
    duplicate(server.deliver(body, event_id))
    server.wait_processed()


def test_the_commit_is_synced_before_the_reply_is_written(klikitd, tmp_path):
    trace = tmp_path / "trace"
    server = klikitd(wrapper=["strace", "-f", "-qq", "-o", str(trace), "-e",
                              "trace=fdatasync,fsync,writev,sendmsg,write"],
                     env=ASAN)
    server.open_files()  # where they are hidden, so is what it writes
    received(server.post(payload("created-small.json")))
    server.stop()
    lines = trace.read_text().splitlines()
    reply = next(i for i, line in enumerate(lines) if "HTTP/1.1 200" in line)
    synced = [i for i, line in enumerate(lines[:reply])
              if "fdatasync" in line and "= 0" in line]
    listening = next(i for i, line in enumerate(lines) if "listening" in line)
    assert synced and synced[-1] > listening, "\n".join(lines[listening:])


@pytest.mark.once
def test_a_foreign_write_lock_gives_503_not_a_hang(klikitd):
    """An operator's sqlite3 shell holds a write transaction open."""
    server = klikitd()
    server.expect("turned away", "not stored", "locked", "store")
    body = payload("created-small.json")
    received(server.deliver(body, "before"))
    server.wait_processed()
    shell = sqlite3.connect(server.database, isolation_level=None)
    shell.execute("BEGIN IMMEDIATE")
    assert server.deliver(body, "during")[0] == 503
    assert server.get("/healthz")[0] == 200
    shell.execute("ROLLBACK")
    shell.close()
    status = server.deliver(body, "after")[0]
    if status == 503:  # the batch before was still waiting for the lock
        status = server.deliver(body, "after")[0]
    assert status == 200
    server.wait_processed()


def test_a_copy_of_the_store_opens_elsewhere(klikitd, tmp_path):
    """The file is all there is: copied while stopped, it serves again."""
    first = klikitd()
    received(first.deliver(payload("created-small.json"), "one"))
    first.stop()
    home = tmp_path / "elsewhere"
    home.mkdir()
    shutil.copy(first.database, home)
    second = klikitd(directory=home)
    duplicate(second.deliver(payload("created-small.json"), "one"))
