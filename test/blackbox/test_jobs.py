"""Jobs by hand: lists, replays, pauses, purges, with a server and without."""

import json
import sqlite3
import time

import pytest

from conftest import duplicate, payload, received

pytestmark = [pytest.mark.once, pytest.mark.both]

SMALL = payload("created-small.json")
HOUR = 3600 * 1000  # what waits for one does not come due in a test

TWO = """[http]
listen = 127.0.0.1:0
[admin]
listen = 127.0.0.1:0
[handler a]
type = orders
[handler b]
type = orders
"""


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def jobs(server, *args):
    return lines(server.do("jobs", "--json", *args))


def ids(rows):
    return [row["id"] for row in rows]


def everything(server):
    return server.query("SELECT * FROM jobs ORDER BY id")


def settled(server):
    """Wait until nothing is ready or running."""
    server.wait_query("SELECT count(*) FROM jobs "
                      "WHERE state IN ('ready', 'running')", [(0,)])


@pytest.fixture
def stopped(klikitd):
    """A stopped store: of five jobs 2 and 3 are dead, and 4 waits."""
    server = klikitd()
    for i in range(1, 6):
        received(server.deliver(SMALL, f"e{i}"))
    server.wait_processed()
    server.stop()
    server.change("UPDATE jobs SET state = 'dead', outcome = 'no' "
                  "WHERE id IN (2, 3)")
    server.change("UPDATE jobs SET state = 'waiting', outcome = 'later', "
                  "finished_at = NULL, due_at = ? WHERE id = 4",
                  int(time.time() * 1000) + HOUR)
    return server


@pytest.fixture(params=["served", "alone"])
def store(request, stopped):
    """The same store, with a server at work and without."""
    if request.param == "served":
        stopped.start()
    return stopped


# -- Looking --


def test_lists_choose_jobs(store):
    assert ids(jobs(store)) == [5, 4, 3, 2, 1]
    assert ids(jobs(store, "--limit", "2")) == [5, 4]
    assert ids(jobs(store, "--state", "dead")) == [3, 2]
    assert ids(jobs(store, "--state", "waiting")) == [4]
    assert ids(jobs(store, "--state", "pending")) == [4]
    assert ids(jobs(store, "--event", "e5")) == [5]
    store.do("jobs", "--handler", "nobody", expect=2)
    assert ids(jobs(store, "--since", "2100-01-01T00:00:00Z")) == []
    assert ids(jobs(store, "--until", "2100-01-01T00:00:00Z")) == [
        5, 4, 3, 2, 1]
    assert ids(jobs(store, "--type", "klikit.order.cart.updated")) == []
    order, = store.query("SELECT order_id FROM event_orders WHERE event = 1")
    assert ids(jobs(store, "--order", order[0])) == [5, 4, 3, 2, 1]
    assert ids(jobs(store, "--order", "0")) == []
    assert store.store_name in store.said


def test_a_list_for_people(store):
    heading, *rows = store.do("jobs", "--state", "dead").splitlines()
    assert heading.split()[:3] == ["JOB", "HANDLER", "EVENT"]
    assert [row.split()[:3] for row in rows] == [
        ["3", "orders", "e3"], ["2", "orders", "e2"]]


def test_lists_page_through_everything(stopped):
    stopped.change("""INSERT INTO jobs (id, event, place, handler, state,
        behind, finished_at, outcome)
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL
            SELECT i + 1 FROM n WHERE i < 1200)
        SELECT 5 + i, 1, -1, 1, 'done', 0, 1, 'done' FROM n""")
    assert ids(jobs(stopped, "--limit", "100000")) == list(range(1205, 0, -1))
    assert len(jobs(stopped, "--limit", "501")) == 501
    assert len(jobs(stopped, "--limit", "500")) == 500


def test_one_job_is_shown_with_its_attempts(stopped):
    stopped.change("DELETE FROM attempts WHERE job = 2")
    stopped.change("INSERT INTO attempts (job, number, started_at, duration, "
                   "outcome, code, answer) VALUES "
                   "(2, 1, 1750000000000, 35, 'answered 502', 502, ?)",
                   b"\xffBad\x1b[2JGateway")
    shown = stopped.do("jobs", "2")
    assert "answered 502" in shown and "35 ms" in shown
    assert "Gateway" in shown and "\x1b" not in shown
    job, = lines(stopped.do("jobs", "2", "--json"))
    attempt, = job["history"]
    assert attempt["code"] == 502 and "Bad" in attempt["answer"]
    assert attempt["started_at"] == "2025-06-15T15:06:40.000Z"


def test_handlers_tell_their_backlog(store):
    handler, = lines(store.do("handlers", "--json"))
    assert (handler["name"], handler["state"]) == ("orders", "active")
    assert (handler["pending"], handler["dead"]) == (1, 2)
    assert handler["oldest"] is not None
    assert store.do("handlers").splitlines()[1].split()[:4] == [
        "orders", "active", "1", "2"]


def test_what_the_configuration_has_no_more_is_parked(stopped):
    stopped.write_config(TWO)
    rows = {row["name"]: row["state"]
            for row in lines(stopped.do("handlers", "--json"))}
    assert rows == {"orders": "parked"}


@pytest.mark.parametrize("args, code, reason", [
    (["jobs", "99"], 1, "there is no job 99"),
    (["jobs", "x"], 1, "that is no number of a job"),
    (["jobs", "--state", "asleep"], 2, '--state: "asleep" is none of pending'),
    (["jobs", "--since", "monday"], 2, '--since: "monday" is not a time'),
    (["jobs", "2", "--state", "dead"], 2, "only for the list"),
    (["jobs", "--limit", "0"], 2, "--limit"),
    (["replay"], 2, "needs EVENT-ID"),
    (["replay", "--state", "waiting"], 2, "--state"),
    (["replay", "--order", "\u00e9" * 2000], 1, "too long"),
    (["replay", "nothing"], 1, "event nothing: has no such job"),
    (["replay", "e4"], 1, "event e4: has no such job"),
    (["replay", "--until", "monday"], 2, '--until: "monday" is not a time'),
    (["retry"], 2, "needs JOB"),
    (["retry", "1x"], 1, "1x: that is no number of a job"),
    (["retry", "99"], 1, "99: there is no such job"),
    (["retry", "2"], 1, "2: only a waiting job"),
    (["discard", "4"], 2, "needs --reason"),
    (["discard", "4", "--reason", ""], 2, "needs --reason"),
    (["discard", "1", "--reason", "x"], 1, "1: a job that is running or done"),
    (["discard", "4", "--reason", b"x\xff"], 2, '--reason: "x\\xff" is no UTF'),
    (["pause", "orders", "--why", b"\xff"], 2, '--why: "\\xff" is no UTF-8'),
    (["pause", "nobody"], 2, "there is no handler"),
    (["resume"], 2, "needs HANDLER"),
    (["purge"], 2, "needs --order"),
    (["purge", "--order", "1", "--older-than", "1d"], 2, "one of them"),
    (["purge", "--older-than", "soon"], 2, "--older-than"),
    (["purge", "--older-than", "0"], 2, "--older-than"),
    (["backup"], 2, "needs FILE"),
    (["backup", "nowhere/b.db"], 1, "nowhere/b.db"),
])
def test_what_cannot_be_is_told_and_changes_nothing(stopped, args, code,
                                                    reason):
    before = everything(stopped)
    stopped.do(*args, expect=code)
    if stopped.store and reason == "nowhere/b.db":
        reason = "pg_dump"
    assert reason in stopped.said
    assert everything(stopped) == before


# -- Doing --


def test_a_dry_run_changes_nothing(store):
    before = everything(store)
    out = store.do("replay", "--state", "dead", "--dry-run").splitlines()
    assert out[0] == "2 jobs to replay"
    assert [line.split()[0] for line in out[2:]] == ["3", "2"]
    assert everything(store) == before


def test_the_dead_are_replayed_the_oldest_first(store):
    out = store.do("replay", "--state", "dead")
    assert out == "2 jobs to replay\nreplayed 2 of 2 jobs\n"
    if store.process is None:
        assert ids(jobs(store, "--state", "ready")) == [7, 6]
        store.start()
    settled(store)
    made = jobs(store, "--limit", "2")
    assert [(row["id"], row["replay_of"], row["state"], row["event_id"])
            for row in made] == [(7, 3, "done", "e3"), (6, 2, "done", "e2")]
    assert {row["id"]: row["replayed_by"] for row in jobs(store)} == {
        1: None, 2: 6, 3: 7, 4: None, 5: None, 6: None, 7: None}
    assert [row["state"] for row in jobs(store, "--event", "e2")] == [
        "done", "replayed"]


def test_only_the_newest_of_a_chain_is_replayed(store):
    store.do("replay", "e2")
    if store.process is None:
        store.start()
    settled(store)
    assert store.do("replay", "e2").startswith("1 job to replay\n")
    settled(store)
    newest = jobs(store, "--event", "e2")
    assert [(row["id"], row["replay_of"]) for row in newest] == [
        (7, 6), (6, 2), (2, None)]


def test_a_replay_under_way_is_not_made_twice(stopped):
    stopped.do("replay", "e2")
    stopped.do("replay", "e2", expect=1)
    assert "event e2: has no such job that has ended" in stopped.said
    assert ids(jobs(stopped, "--event", "e2")) == [6, 2]


def test_a_replay_chooses_by_order_and_skips_what_is_unfinished(store):
    order, = store.query("SELECT order_id FROM event_orders WHERE event = 1")
    assert store.do("replay", "--order", order[0], "--handler", "orders",
                      "--type", "klikit.order.created.v2",
                      "--dry-run").startswith("4 jobs to replay\n")
    assert store.do("replay", "--order", "0") == "0 jobs to replay\n"
    assert store.do("replay", "--until", "2000-01-01T00:00:00Z") == (
        "0 jobs to replay\n")


def test_a_word_given_twice_is_one_replay(store):
    assert store.do("replay", "e1", "e1", "e5").startswith(
        "2 jobs to replay\nreplayed 2 of 2")


def test_many_are_replayed(stopped):
    stopped.change("""INSERT INTO jobs (id, event, place, handler, state,
        behind, finished_at, outcome)
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL
            SELECT i + 1 FROM n WHERE i < 1200)
        SELECT 5 + i, 1, -1, 1, 'dead', 0, 1, 'no' FROM n""")
    stopped.start()
    assert stopped.do("replay", "--state", "dead") == (
        "1202 jobs to replay\nreplayed 1202 of 1202 jobs\n")
    settled(stopped)
    assert stopped.query("SELECT count(*) FROM jobs WHERE replay_of IS NOT "
                         "NULL AND state = 'done'") == [(1202,)]


def test_what_waits_is_tried_at_once(store):
    assert store.do("retry", "4") == "job 4: due now\n"
    if store.process is None:
        assert ids(jobs(store, "--state", "done")) == [5, 1]
        store.start()
    store.wait_query("SELECT state FROM jobs WHERE id = 4", [("done",)])


def test_what_waits_is_discarded_with_its_reason(store):
    store.do("discard", "4", "--reason", "the shop is closed")
    job, = lines(store.do("jobs", "4", "--json"))
    assert job["state"] == "discarded"
    assert "the shop is closed" in json.dumps(job)


def test_one_failure_does_not_stop_the_rest(store):
    out = store.do("discard", "99", "4", "--reason", "x", expect=1)
    assert out == "job 4: discarded\n"


# -- Pausing --


@pytest.mark.parametrize("alone", [True, False], ids=["alone", "served"])
def test_a_pause_is_kept_across_restarts(klikitd, alone):
    server = klikitd(config=TWO)
    if alone:
        server.stop()
    server.do("pause", "a", "--why", "the printer burns")
    server.stop()
    server.start()
    received(server.post(SMALL, "e1"))
    done = "SELECT h.name, j.state FROM jobs j JOIN handlers h " \
        "ON h.id = j.handler ORDER BY h.name"
    server.wait_query(done, [("a", "ready"), ("b", "done")])
    rows = {row["name"]: row
            for row in lines(server.do("handlers", "--json"))}
    assert rows["a"]["state"] == "paused"
    assert rows["a"]["paused_why"] == "the printer burns"
    assert rows["a"]["pending"] == 1
    assert rows["b"]["state"] == "active"
    if alone:
        server.stop()
    server.do("resume", "a")
    if alone:
        server.start()
    server.wait_query(done, [("a", "done"), ("b", "done")])


# -- Finding the server --


@pytest.mark.sqlite("the address stands beside the file")
def test_what_a_killed_server_left_does_no_harm(stopped):
    stopped.start()
    stopped.kill()
    assert (stopped.directory / "klikitd.db.admin").exists()
    stopped.do("pause", "orders")
    assert "by way of" not in stopped.said
    stopped.do("resume", "orders")


@pytest.mark.sqlite("the address stands beside the file")
def test_a_server_without_a_listener_leaves_no_old_address(stopped):
    (stopped.directory / "klikitd.db.admin").write_text("http://127.0.0.1:1")
    stopped.write_config("[http]\nlisten = 127.0.0.1:0\n[admin]\nlisten =\n")
    stopped.start()
    stopped.do("pause", "orders", expect=1)
    assert "without an admin listener" in stopped.said


@pytest.mark.sqlite("the address stands beside the file")
def test_a_server_is_asked_and_named(stopped):
    stopped.start()
    stopped.do("pause", "orders")
    assert f"(by way of {stopped.admin})" in stopped.said
    stopped.do("jobs")
    assert "by way of" not in stopped.said


@pytest.mark.sqlite("a file that is not there")
def test_a_store_that_is_not_there_is_not_made(klikitd):
    server = klikitd(start=False)
    for args in (["jobs"], ["handlers"], ["retry", "1"], ["pause", "a"],
                 ["replay", "e"], ["purge", "--order", "1"],
                 ["backup", "b.db"]):
        server.do(*args, expect=1)
        assert "klikitd.db" in server.said
    assert [path.name for path in server.directory.iterdir()
            if not path.name.endswith(".lock")] == ["klikitd.ini"]


# -- Purging and backups --


def test_a_purge_leaves_ids_and_unfinished_events(store):
    assert store.do("purge", "--older-than", "1ms") == "purged 4 events and 0 rejections\n"
    assert store.query("SELECT event FROM bodies") == [(4,)]
    assert store.do("purge", "--older-than", "1ms") == "purged 0 events and 0 rejections\n"
    if store.process is None:
        store.start()
    duplicate(store.deliver(SMALL, "e1"))


def test_a_purge_by_order_takes_all_that_is_finished(store):
    order, = store.query("SELECT order_id FROM event_orders WHERE event = 1")
    assert store.do("purge", "--order", "0") == "purged 0 events and 0 rejections\n"
    assert store.do("purge", "--order", order[0], expect=1) == (
        "purged 4 events and 0 rejections\n")
    assert f"order {order[0]} has pending jobs" in store.said
    assert store.query("SELECT event FROM bodies") == [(4,)]


@pytest.mark.sqlite("a backup is made by pg_dump")
def test_a_backup_is_whole_and_new(store):
    out = store.do("backup", "copy.db")
    copy = store.directory / "copy.db"
    assert f"copy.db: {copy.stat().st_size} bytes, verified" in out
    assert copy.stat().st_mode & 0o777 == 0o600
    conn = sqlite3.connect(copy)
    assert conn.execute("SELECT * FROM jobs ORDER BY id").fetchall() == (
        everything(store))
    conn.close()
    kept = copy.read_bytes()
    store.do("backup", "copy.db", expect=1)
    assert "copy.db" in store.said
    assert copy.read_bytes() == kept
