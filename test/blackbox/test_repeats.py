"""Repeats: the bytes of an event again, under another id.

Only the body is signed, so anybody who has seen a delivery can send it again,
and klikit's operator does, for what has failed.
"""

import json
import re

import pytest

from conftest import CART, CREATED, STATUS, duplicate, payload, received
from load import order_body
from sink import Sink

pytestmark = [pytest.mark.once, pytest.mark.both]

SMALL = payload("created-small.json")
POS = """[handler rows]
type = orders
[handler pos]
type = forward
events = *
url = {url}
retry = 50ms
"""


@pytest.fixture
def sink(tmp_path):
    """A factory of far sides; all are ended at the end."""
    made = []

    def make(*args):
        home = tmp_path / f"sink{len(made)}"
        home.mkdir()
        made.append(Sink(home, *args))
        return made[-1]

    yield make
    for far in made:
        far.stop()


def repeats(server):
    """event_id of each repeat -> event_id of what it repeats."""
    return dict(server.query(
        "SELECT r.event_id, e.event_id FROM events r "
        "JOIN events e ON e.id = r.repeat_of"))


def jobs(server, event_id):
    """What became of an event's jobs, by handler."""
    return dict(server.query(
        "SELECT h.name, j.state || ': ' || coalesce(j.outcome, '') FROM jobs j "
        "JOIN handlers h ON h.id = j.handler "
        "JOIN events e ON e.id = j.event WHERE e.event_id = ?", event_id))


def test_a_captured_pair_is_stored_and_called_once(klikitd, sink):
    """120 times under new ids: no more bytes, no more calls."""
    pos = sink()
    server = klikitd(config=POS.format(url=pos.url))
    body = order_body(7, status=2, pad=50_000)
    received(server.post(body, "e", type=STATUS))
    for n in range(120):
        received(server.post(body, f"again{n}", type=STATUS))
    server.wait_processed()
    assert set(repeats(server).values()) == {"e"}
    assert len(repeats(server)) == 120
    assert server.query("SELECT count(*), sum(length(body)) FROM bodies"
                        ) == [(1, len(body))]
    assert [line["key"] for line in pos.lines()] == ["e"]
    assert jobs(server, "again7") == {
        "rows": "done: already: a repeat of event 1 writes nothing",
        "pos": "done: already: job 2"}
    duplicate(server.post(body, "again7", type=STATUS))


def test_what_failed_is_sent_again(klikitd, sink):
    """klikit's operator replays a dead order: once, under the key it had."""
    pos = sink("--status", "400")
    server = klikitd(config=POS.format(url=pos.url))
    server.expect("dead: event")
    received(server.post(SMALL, "e"))
    server.wait_processed()
    assert jobs(server, "e")["pos"].startswith("dead")
    server.restart()
    pos.restart()
    received(server.post(SMALL, "again"))
    received(server.post(SMALL, "third"))
    server.wait_processed()
    assert repeats(server) == {"again": "e", "third": "e"}
    assert jobs(server, "again")["pos"] == "done: done"
    assert jobs(server, "third")["pos"] == "done: already: job 4"
    first, again = pos.lines()
    assert (first["key"], again["key"]) == ("e", "e")
    assert again["body_sha256"] == first["body_sha256"]


def test_it_stands_behind_the_original_over_a_restart(klikitd, sink):
    pos = sink()
    server = klikitd(config=POS.format(url=pos.url))
    server.do("pause", "pos")
    received(server.post(SMALL, "e"))
    received(server.post(SMALL, "again"))
    server.wait_query("SELECT count(*) FROM jobs WHERE finished_at IS NULL",
                      [(2,)])
    server.kill()
    server.start()
    server.do("resume", "pos")
    server.wait_processed()
    assert [line["key"] for line in pos.lines()] == ["e"]
    assert jobs(server, "again")["pos"] == "done: already: job 2"


def test_an_order_in_it_is_sent_by_itself(klikitd, sink):
    """unit = order: a call for each, none of them twice."""
    pos = sink()
    server = klikitd(config=POS.format(url=pos.url) + "unit = order\n")
    batch = payload("created-batch-5.json")
    received(server.post(batch, "e"))
    received(server.post(batch, "again"))
    server.wait_processed()
    assert len(pos.lines()) == 5
    assert server.query("SELECT count(*) FROM jobs WHERE event = 2 AND "
                        "outcome LIKE 'already: job %'") == [(5,)]


def cart(*items):
    """A cart without any time in it."""
    return json.dumps({"brand_id": 1, "branch_id": 2, "orders": [
        {"id": 7, "cart": [{"title": item} for item in items]}]}).encode()


def test_a_cart_that_is_changed_back_is_no_repeat(klikitd, sink):
    pos = sink()
    server = klikitd(config=POS.format(url=pos.url))
    bodies = [cart("tea"), cart("tea", "rice"), cart("tea")]
    for n, body in enumerate(bodies):
        received(server.post(body, f"e{n}", type=CART))
        server.wait_processed()
    received(server.post(bodies[2], "again", type=CART))
    server.wait_processed()
    assert repeats(server) == {"again": "e2"}
    assert [line["key"] for line in pos.lines()] == ["e0", "e1", "e2"]
    assert server.query("SELECT e.event_id FROM carts c JOIN events e "
                        "ON e.id = c.event") == [("e2",)]


@pytest.mark.parametrize("at", ["2026-06-25T09:14:11Z", None])
def test_it_writes_no_row(server, at):
    """Nor when the rows were lost: who replays the original has them back."""
    body = order_body(7, updated_at=at)
    received(server.post(body, "e"))
    server.wait_processed()
    before = server.query("SELECT * FROM orders"), server.query(
        "SELECT * FROM carts")
    received(server.post(body, "again"))
    server.wait_processed()
    assert (server.query("SELECT * FROM orders"),
            server.query("SELECT * FROM carts")) == before
    assert server.do("replay", "again").startswith("1 job to replay")
    server.wait_processed()
    assert server.query("SELECT * FROM orders") == before[0]


def test_a_replay_of_it_by_hand_is_a_call(klikitd, sink):
    pos = sink()
    server = klikitd(config=POS.format(url=pos.url))
    received(server.post(SMALL, "e"))
    received(server.post(SMALL, "again"))
    server.wait_processed()
    server.do("replay", "again", "--handler", "pos")
    server.wait_processed()
    first, again = pos.lines()
    assert again["key"] == first["key"] == "e"
    assert again["body_sha256"] == first["body_sha256"]


def test_a_handler_may_have_each(klikitd, sink):
    pos = sink()
    config = POS.format(url=pos.url) + "once_per_order = no\n"
    server = klikitd(config=config + "repeats = send\n")
    for n in range(3):
        received(server.post(SMALL, f"e{n}"))
    server.wait_processed()
    assert len(pos.lines()) == 3
    assert len(repeats(server)) == 2
    server.write_config(config)
    server.reload()
    received(server.post(SMALL, "e3"))
    server.wait_processed()
    assert len(pos.lines()) == 3


def test_it_can_be_turned_off_and_on(klikitd):
    server = klikitd(config="[retention]\nrepeat_window = 0\n")
    received(server.post(SMALL, "e"))
    received(server.post(SMALL, "again"))
    server.write_config("[retention]\nrepeat_window = 1h\n")
    server.reload()
    received(server.post(SMALL, "third"))
    assert repeats(server) == {"third": "again"}
    assert server.query("SELECT count(*) FROM bodies") == [(2,)]


def test_it_is_shown_and_counted(server):
    received(server.post(SMALL, "e"))
    received(server.post(SMALL, "again"))
    server.wait_processed()
    assert "repeat" in server.do("events").splitlines()[1]
    assert re.search(r"orders=\d+ event=again \(a repeat\)$", server.log(), re.M)
    assert re.search(r"orders=\d+ event=e$", server.log(), re.M)
    assert re.search("^repeat_of +e$", server.do("events", "again"), re.M)
    rows = {e["event_id"]: e for e in map(
        json.loads, server.do("events", "--json").splitlines())}
    assert rows["again"]["repeat_of"] == "e"
    assert [o["order_id"] for o in rows["again"]["orders"]] == ["9100001"]
    assert "repeat_of" not in rows["e"]
    _, _, event = server.ask("GET", "/api/v1/events/again")
    assert event["repeat_of"] == "e" and event["purged_at"] is None
    assert event["orders_total"] == 1
    assert SMALL == server.do("events", "again", "--body").encode()
    _, _, status = server.ask("GET", "/api/v1/status")
    assert status["counts"]["repeats"] == 1
    assert status["counts"]["received"] == 2
    _, _, history = server.ask("GET", "/api/v1/events?order=9100001")
    assert [e["event_id"] for e in history["events"]] == ["again", "e"]


def test_the_bytes_stay_as_long_as_a_repeat_needs_them(klikitd, sink):
    """The original is dead and old enough to go, the repeat waits."""
    pos = sink("--status", "400")
    server = klikitd(config=POS.format(url=pos.url))
    server.expect("dead: event")
    received(server.post(SMALL, "e"))
    server.wait_processed()
    server.do("pause", "pos")
    received(server.post(SMALL, "again"))
    server.do("purge", "--order", "9100001", expect=None)
    assert server.query("SELECT count(*) FROM bodies") == [(1,)]
    server.kill()
    server.start()
    pos.restart()
    server.do("resume", "pos")
    server.wait_processed()
    assert jobs(server, "again")["pos"] == "done: done"
    first, again = pos.lines()
    assert again["body_sha256"] == first["body_sha256"]
    server.do("purge", "--order", "9100001")
    assert server.query("SELECT count(*) FROM bodies") == [(0,)]
    _, _, event = server.ask("GET", "/api/v1/events/again")
    assert event["purged_at"] is not None
