"""One thing to be done is one call under one key, and each call its own."""

import hashlib
import json

import pytest

from conftest import payload, received
from test_outlets import forward, sink  # noqa: F401 (a fixture)

pytestmark = pytest.mark.both


def batch(*orders):
    return json.dumps({"brand_id": 1, "branch_id": 2,
                       "orders": list(orders)}).encode()


def alone(order):
    """The digest of what goes out for one order of a batch."""
    body = (b'{"brand_id":1,"branch_id":2,"orders":[' +
            json.dumps(order).encode() + b"]}")
    return hashlib.sha256(body).hexdigest()


def sent(pos):
    """The digests of what went out, by key."""
    return {line["key"]: line["body_sha256"] for line in pos.lines()}


def test_an_order_twice_in_a_body_is_sent_once(klikitd, sink):
    pos = sink()
    server = klikitd(config=forward(pos.url, "unit = order"))
    new = {"id": 7, "status": 2, "updated_at": "2026-06-25T10:00:00Z"}
    old = {"id": "7", "status": 1, "updated_at": "2026-06-25T09:00:00Z"}
    received(server.post(batch(new, old, {"id": 8}, {"id": 8, "n": 2}), "e"))
    server.wait_processed()
    assert sorted(line["key"] for line in pos.lines()) == ["e:7", "e:8"]
    assert sent(pos) == {"e:7": alone(new), "e:8": alone({"id": 8, "n": 2})}
    assert server.query("SELECT place, state, outcome FROM jobs "
                        "ORDER BY place") == [
        (0, "done", "done"), (1, "done", "superseded by place 0"),
        (2, "done", "superseded by place 3"), (3, "done", "done")]
    # Asked for again, the event's newest records go out, and no other.
    assert server.do("replay", "e").startswith("2 jobs to replay\n")
    server.wait_processed()
    assert sorted(line["key"] for line in pos.lines()) == [
        "e:7", "e:7", "e:8", "e:8"]


def test_an_order_without_id_is_seen_and_can_be_sent(klikitd, sink):
    pos = sink()
    server = klikitd(config=forward(pos.url, "unit = order"))
    server.expect("1 of its orders have no usable id")
    stray = {"id": None, "customer": "who?"}
    received(server.post(batch({"id": 1}, stray, {"id": 2}), "e"))
    server.wait_processed()
    assert sorted(sent(pos)) == ["e:1", "e:2"]
    job, = [json.loads(line) for line in server.do(
        "jobs", "--state", "dead", "--json").splitlines()]
    assert (job["place"], job["outcome"]) == (1, "no usable order id")
    handler, = [json.loads(line)
                for line in server.do("handlers", "--json").splitlines()]
    assert handler["dead"] == 1
    event, = server.ask("GET", "/api/v1/events?state=dead")[2]["events"]
    assert event["event_id"] == "e"

    server.do("replay", "--state", "dead")
    server.wait_processed()
    assert sent(pos)["e::place-1"] == alone(stray)
    assert server.query("SELECT state FROM jobs WHERE replay_of IS NOT NULL"
                        ) == [("done",)]


def test_once_per_order_holds_without_ordering(klikitd, sink):
    pos = sink("--delay", "700ms")
    server = klikitd(config=forward(
        pos.url, "ordering = none\nconcurrency = 8"))
    body = payload("created-small.json")
    for number in range(5):
        received(server.deliver(body, f"e{number}"))
    server.wait_processed()
    assert [line["key"] for line in pos.lines()] == ["e0"]
    assert [outcome for outcome, in server.query(
        "SELECT outcome FROM jobs ORDER BY id")] == [
            "done"] + ["already: job 1"] * 4


def test_the_next_goes_out_when_the_first_is_dead(klikitd, sink):
    """Without ordering too: what is dead was not done."""
    pos = sink("--status", "422")
    server = klikitd(config=forward(
        pos.url, "ordering = none\nconcurrency = 8"))
    server.expect("dead")
    body = payload("created-small.json")
    received(server.post(body, "bad"))
    server.wait_processed()
    pos.restart()
    received(server.deliver(body, "good"))
    server.wait_processed()
    assert [line["key"] for line in pos.lines()] == ["bad", "good"]


def test_alarms_to_one_far_side_have_keys_of_their_own(klikitd, sink):
    """It may be the alarm of two handlers, and take events itself."""
    pos, bell = sink("--status", "503"), sink()
    server = klikitd(config=(
        forward(pos.url, "deadline = 1s\non_deadline = bell") +
        forward(pos.url, "deadline = 1s\non_deadline = bell").replace(
            "[handler pos]", "[handler printer]") +
        f"[handler bell]\ntype = forward\nurl = {bell.url}\nevents = *\n"))
    server.expect("retry in", "alarm: bell rings", "failed in a row")
    received(server.post(payload("created-small.json"), "e"))
    keys = [line["key"] for line in bell.wait_lines(3)]
    guarded = [job for job, in server.query(
        "SELECT guards FROM jobs WHERE guards IS NOT NULL ORDER BY guards")]
    assert sorted(keys) == sorted(
        ["e"] + [f"e::alarm-{job}" for job in guarded])
