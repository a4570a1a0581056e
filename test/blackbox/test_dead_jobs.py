"""Dead jobs: everything that counts or lists them goes by one rule."""

import json
import re
import shlex
import threading

import pytest

from conftest import DEADLINE, ROOT, payload, received
from test_jobs import ids, jobs, lines
from test_metrics import values
from test_migration import old_store

pytestmark = [pytest.mark.once, pytest.mark.both]

ALERTS = (ROOT / "server" / "admin" / "alerts.yml").read_text()
# Of other orders each, so that none waits for another.
BODIES = [payload("created-small.json").replace(b"9100001", b"%d" % (
    9200001 + i)) for i in range(9)]


def commands_of_the_alert(verb):
    """What its text says to run, with the handler's name put in."""
    text, = re.findall(r"alert: KlikitdDeadJobs\n(.*?)- alert:", ALERTS, re.S)
    text = text.replace("{{ $labels.handler }}", "pos")
    found = [shlex.split(c) for c in re.findall(r"`([^`]*)`", text)]
    return [words[1:] for words in found
            if words[0] == "klikitd" and words[1] == verb]


@pytest.fixture
def server(klikitd, tmp_path):
    """A far side that does what there is a file `good' for."""
    server = klikitd(
        config="[http]\nlisten = 127.0.0.1:0\n"
        "[handler pos]\ntype = exec\nevents = *\nretry = 1h\n"
        f"command = /bin/sh -c 'test -e {tmp_path}/good'\n"
        "ordering = none\nonce_per_order = no\n")
    server.good = tmp_path / "good"
    server.expect("dead: event")
    return server


def die(server, *event_ids):
    for i, event_id in enumerate(event_ids):
        received(server.post(BODIES[i], event_id))
    server.wait_query("SELECT count(*) FROM jobs WHERE finished_at IS NULL",
                      [(0,)])


def metric(server, wanted):
    for _ in range(DEADLINE * 10):  # what the store counted is kept a second
        if (got := values(server)['klikitd_jobs_dead{handler="pos"}']
                ) == wanted:
            break
        threading.Event().wait(0.05)
    return got


def doctor(server):
    """What it warns of: how many jobs are dead, and what to do."""
    found = [f for f in lines(server.do("doctor", "--json", "--no-network",
                                        expect=None))
             if f["check"] == "jobs"]
    assert len(found) == 1
    if found[0]["level"] == "ok":
        return 0, None
    return int(re.search(r"pos: (\d+) jobs are dead",
                         found[0]["text"])[1]), found[0]["advice"]


def assert_dead(server, *event_ids):
    """By every way of asking, exactly these events have one dead job each."""
    n = len(event_ids)
    listed = jobs(server, "--state", "dead")
    assert sorted(row["event_id"] for row in listed) == sorted(event_ids)
    handler, = lines(server.do("handlers", "--json"))
    assert handler["dead"] == n
    assert server.do("handlers").splitlines()[1].split()[3] == str(n)
    events = lines(server.do("events", "--json"))
    for found in ([e for e in events if e["dead"] > 0],
                  [e for e in events if e["state"] == "dead"]):
        assert sorted(e["event_id"] for e in found) == sorted(event_ids)
    assert sum(" dead" in line
               for line in server.do("events").splitlines()[1:]) == n
    assert doctor(server)[0] == n
    if server.process is None:
        return
    assert server.ask("GET", "/api/v1/status")[2]["counts"]["dead_jobs"] == n
    got = server.ask("GET", "/api/v1/events?state=dead")[2]["events"]
    assert sorted(e["event_id"] for e in got) == sorted(event_ids)
    assert metric(server, n) == n


# -- The alert's own words --


@pytest.mark.parametrize("verb", ["replay", "discard"])
def test_the_commands_of_the_alert_end_it(server, verb):
    die(server, "e1", "e2", "e3")
    assert_dead(server, "e1", "e2", "e3")
    server.good.touch()
    shown, = commands_of_the_alert("jobs")
    assert len(server.do(*shown).splitlines()) == 4
    command, = commands_of_the_alert(verb)
    assert "of 3 jobs" in server.do(*command)
    server.wait_query("SELECT count(*) FROM jobs WHERE finished_at IS NULL",
                      [(0,)])
    assert_dead(server)
    assert len(server.do(*shown).splitlines()) == 1


def test_doctor_says_the_same_commands(server):
    die(server, "e1", "e2")
    n, advice = doctor(server)
    assert n == 2
    command = re.search(r"klikitd (discard .* --reason) TEXT", advice)[1]
    assert "discarded 2 of 2" in server.do(*shlex.split(command), "by phone")
    assert_dead(server)


# -- What ends it --


def test_a_good_replay_ends_it_everywhere(server):
    die(server, "e1", "e2")
    server.good.touch()
    server.do("replay", "e1")
    server.wait_query("SELECT count(*) FROM jobs WHERE state = 'done'", [(1,)])
    assert_dead(server, "e2")


def test_a_replay_that_dies_is_dead_in_place_of_the_first(server):
    die(server, "e1")
    for _ in range(2):
        server.do("replay", "e1")
        server.wait_query("SELECT count(*) FROM jobs "
                          "WHERE finished_at IS NULL", [(0,)])
        assert_dead(server, "e1")
    assert ids(jobs(server, "--state", "dead")) == [3]
    # The first of the chain is none that could be discarded.
    server.do("discard", "1", "--reason", "x", expect=1)
    assert "discarded or replayed already" in server.said
    server.do("discard", "3", "--reason", "x")
    assert_dead(server)


@pytest.mark.parametrize("alone", [False, True], ids=["served", "alone"])
def test_it_can_be_ended_after_a_purge(server, alone):
    die(server, "e1", "e2")
    if alone:
        server.stop()
    order, = server.query("SELECT order_id FROM event_orders WHERE event = 1")
    server.do("purge", "--order", order[0])
    server.do("replay", "e1", expect=1)
    assert "has been purged" in server.said
    assert_dead(server, "e1", "e2")
    assert server.do("discard", "1", "--reason", "by phone") == (
        "job 1: discarded\n")
    assert_dead(server, "e2")


@pytest.mark.parametrize("alone", [False, True], ids=["served", "alone"])
def test_all_of_a_handler_are_discarded(server, alone):
    die(server, *(f"e{i}" for i in range(9)))
    if alone:
        server.stop()
    flags = ("--state", "dead", "--handler", "pos", "--reason", "by phone")
    assert server.do("discard", *flags, "--dry-run").startswith(
        "9 jobs to discard\n")
    assert_dead(server, *(f"e{i}" for i in range(9)))
    assert server.do("discard", *flags) == (
        "9 jobs to discard\ndiscarded 9 of 9 jobs\n")
    assert_dead(server)
    assert server.do("discard", *flags) == "0 jobs to discard\n"


# -- What is never dead --


def test_what_was_discarded_while_it_waited_is_not_dead(server, tmp_path):
    server.write_config(server.config.read_text().replace(
        f"test -e {tmp_path}/good", "exit 75"))
    server.reload()
    server.expect("retry in")
    received(server.post(BODIES[0], "e1"))
    server.wait_query("SELECT state FROM jobs", [("waiting",)])
    server.do("discard", "--state", "waiting", "--handler", "pos",
              "--reason", "the shop is closed")
    assert_dead(server)
    row, = jobs(server)
    assert (row["state"], row["discarded_at"] is None) == ("discarded",
                                                         False)
    assert "discarded" in server.do("jobs").splitlines()[1]
    # It may be done all the same, and then it is simply done.
    server.write_config(server.config.read_text().replace("exit 75", "exit 0"))
    server.reload()
    server.do("replay", "e1")
    server.wait_query("SELECT count(*) FROM jobs WHERE state = 'done'", [(1,)])
    assert_dead(server)


@pytest.mark.sqlite("files of older versions")
def test_a_store_of_before_knows_what_was_discarded(klikitd):
    server = klikitd(start=False)
    old_store(server.database, 9)
    for outcome in ("exit 1", "discarded", "discarded: by phone",
                    "discarded too late"):
        server.change("INSERT INTO jobs (event, place, handler, state, "
                      "attempts, behind, finished_at, outcome) "
                      "VALUES (7, -1, 1, 'dead', 0, 0, 1, ?)", outcome)
    server.start()
    assert ids(jobs(server, "--state", "dead")) == [5, 2]
    row = jobs(server)[1]
    assert (row["id"], row["discarded_at"]) == (4, row["finished_at"])


# -- What is kept, and what is refused --


def test_the_reason_is_kept_beside_how_it_died(server):
    die(server, "e1")
    server.do("discard", "1", "--reason", "by phone")
    row, = jobs(server)
    assert row["outcome"].startswith("discarded: by phone; it was: ")
    assert "1" in row["outcome"].split("it was: ")[1]
    history = json.loads(server.do("jobs", "1", "--json"))["history"]
    assert [a["code"] for a in history] == [1]
    # What a person wrote goes with the body.
    order, = server.query("SELECT order_id FROM event_orders")
    server.do("purge", "--order", order[0])
    assert jobs(server)[0]["outcome"] == "discarded"


@pytest.mark.parametrize("args, code, reason", [
    (["1", "2"], 2, "needs --reason"),
    (["--reason", "x"], 2, "needs JOB..., or --state"),
    (["--handler", "pos", "--reason", "x"], 2, "needs JOB..., or --state"),
    (["--state", "done", "--reason", "x"], 2, "needs JOB..., or --state"),
    (["--state", "running", "--reason", "x"], 2, "needs JOB..., or --state"),
    (["1", "--state", "dead", "--reason", "x"], 2, "excludes"),
    (["3", "--reason", "x"], 1, "3: a job that is running or done"),
])
def test_what_cannot_be_discarded(server, args, code, reason):
    die(server, "e1", "e2")
    server.good.touch()
    received(server.post(BODIES[2], "e3"))
    server.wait_query("SELECT state FROM jobs WHERE id = 3", [("done",)])
    server.do("discard", *args, expect=code)
    assert reason in server.said
    assert_dead(server, "e1", "e2")


@pytest.mark.parametrize("body", [
    {}, {"ids": [1]}, {"ids": [], "reason": "x"}, {"ids": [1], "reason": ""},
    {"ids": [0], "reason": "x"}, {"ids": [1], "reason": "x", "more": 1},
    {"ids": list(range(1, 502)), "reason": "x"}])
def test_the_api_refuses_what_makes_no_sense(server, body):
    status, _, answer = server.ask("POST", "/api/v1/jobs/discard", body)
    assert status == 400 and "a discard of many" in answer["error"]


def test_the_api_says_which_were_refused(server):
    die(server, "e1", "e2")
    answer = server.ask("POST", "/api/v1/jobs/discard",
                        {"ids": [1, 2, 99, 1], "reason": "x"})[2]
    assert answer["discarded"] == 2
    assert [(j["id"], "error" in j) for j in answer["jobs"]] == [
        (1, False), (2, False), (99, True), (1, True)]
