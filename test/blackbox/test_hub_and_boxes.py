"""A hub and two boxes, each a klikitd, and a relay before each box that cuts;
all three are killed: each event is at its own box's POS, order per order, and
the stores agree."""

import json
import random
import threading

import pytest

from conftest import CREATED, SEED, STATUS, received
from relay import Relay
from sink import Sink

pytestmark = [pytest.mark.once, pytest.mark.sqlite("the stores are not meant")]

TOKEN = "a-token-of-the-box-"


def body(branch, order, number):
    return json.dumps({"brand_id": 1, "branch_id": branch, "orders": [
        {"id": order, "status": 1, "number": number,
         "updated_at": "2026-06-25T09:14:11Z"}]}).encode()


class Box:
    """A klikitd behind a relay that leads to the hub, and its POS."""

    def __init__(self, klikitd, tmp_path, branch, hub):
        self.branch = branch
        self.relay = Relay(hub.port)
        self.pos = Sink(tmp_path / str(branch))
        (tmp_path / str(branch) / "token").write_text(f"{TOKEN}{branch}")
        self.server = klikitd(config=f"""[upstream hub]
url = http://127.0.0.1:{self.relay.port}/pull/box-{branch}
token_file = {tmp_path}/{branch}/token
[handler pos]
type = forward
url = {self.pos.url}/orders
once_per_order = no
retry = 100ms
""")
        self.server.expect("upstream hub: cut", "store: ", "job ",
                           "handler pos: ")

    def close(self):
        self.relay.close()
        self.pos.stop()


@pytest.fixture
def three(klikitd, tmp_path):
    """The hub, and a box for each of two branches."""
    branches = (2041, 2042)
    sections = ""
    for branch in branches:
        (tmp_path / str(branch)).mkdir()
        (tmp_path / f"hub-{branch}").write_text(f"{TOKEN}{branch}\n")
        sections += (f"[handler box-{branch}]\ntype = pull\n"
                     f"branches = {branch}\nlease = 2s\nretry = 100ms\n"
                     f"token_file = {tmp_path}/hub-{branch}\n")
    hub = klikitd(config=sections)
    hub.expect("job ", "handler box-", "store: ")
    boxes = [Box(klikitd, tmp_path, branch, hub) for branch in branches]
    yield hub, boxes
    for box in boxes:
        box.close()


def deliver(hub, branch, order, number):
    event_id = f"{branch}-{order}-{number:03}"
    received(hub.post(body(branch, order, number), event_id,
                      type=CREATED if number == 0 else STATUS))
    return event_id


def test_a_box_shows_what_klikit_sent(three):
    hub, [box, _] = three
    received(hub.post(body(2041, 1, 0), "came", headers={
        "User-Agent": "klikit-webhooks/3", "X-Nobody-Named": "this",
        "X-Request-Id": "req-81", "X-Own-Token": "canary-of-the-test"}))
    box.server.wait_query("SELECT count(*) FROM events", [(1,)])
    shown = {name.lower(): value for name, value in box.server.ask(
        "GET", "/api/v1/events/came")[2]["headers"]}
    assert shown["user-agent"] == "klikit-webhooks/3", shown
    assert shown["x-nobody-named"] == "this" and (
        shown["x-request-id"] == "req-81"), shown
    assert not [name for name in shown if name.startswith("x-klikitd-") or
                name in ("idempotency-key", "x-own-token", "host")], shown
    # Its POS gets what a direct delivery would have brought there.
    [call] = box.pos.wait_lines(1)
    assert call["key"] == "came"


def check(hub, boxes, sent):
    """What was sent to each branch is at its POS, and nothing else."""
    hub.wait_query("SELECT count(*) FROM jobs WHERE state <> 'done'", [(0,)])
    for box in boxes:
        ids = sent[box.branch]
        box.server.wait_query("SELECT count(*) FROM events WHERE origin = "
                              "'hub'", [(len(ids),)])
        box.server.wait_query("SELECT count(*) FROM jobs WHERE state <> "
                              "'done'", [(0,)])
        seen = []
        for line in box.pos.lines():
            # A call that a kill has cut is made again, under the same key.
            if line["key"] not in seen:
                seen.append(line["key"])
        assert sorted(seen) == sorted(ids)
        for order in {i.rsplit("-", 1)[0] for i in ids}:
            of = [i for i in seen if i.startswith(order + "-")]
            assert of == sorted(of)
        theirs = box.server.query("SELECT event_id FROM events")
        assert sorted(theirs) == sorted((i,) for i in ids)


def run_through(hub, boxes, orders, numbers, trouble):
    """Deliver in order, with trouble between: what was sent, by branch."""
    sent = {box.branch: [] for box in boxes}
    for number in range(numbers):
        for order in range(orders):
            for box in boxes:
                sent[box.branch].append(
                    deliver(hub, box.branch, order, number))
        trouble(number)
    return sent


def again(server):
    """As a power switch would, and on."""
    server.kill()
    server.start()


def test_each_event_is_at_its_box(three):
    hub, boxes = three

    def trouble(number):
        for box in boxes:
            if number == 1:
                box.relay.cut_after(700, up=False)  # in an answer
            elif number == 2:
                box.relay.cut()
            elif number == 3:
                box.relay.cut_after(150)  # in a question, or a report
        if number == 2:
            again(boxes[0].server)
        if number == 3:
            again(hub)
            for box in boxes:
                box.relay.target = hub.port

    sent = run_through(hub, boxes, 5, 6, trouble)
    check(hub, boxes, sent)


def test_a_box_that_was_off_fetches_what_it_missed(three):
    hub, boxes = three
    boxes[0].server.stop()
    sent = run_through(hub, boxes, 20, 3, lambda number: None)
    boxes[1].server.wait_query("SELECT count(*) FROM events", [(60,)])
    boxes[0].server.start()
    check(hub, boxes, sent)


def test_a_token_opens_its_own_branch_only(three, tmp_path):
    hub, boxes = three
    (tmp_path / "2041" / "token").write_text(f"{TOKEN}2042")
    boxes[0].server.reload()
    boxes[0].server.wait_log("cut: answered 401")
    deliver(hub, 2041, 1, 0)
    run_through(hub, boxes[1:], 3, 1, lambda number: None)
    boxes[1].server.wait_query("SELECT count(*) FROM events", [(3,)])
    assert boxes[0].server.query("SELECT count(*) FROM events") == [(0,)]


@pytest.mark.long
def test_five_thousand_events_while_all_three_are_killed(three):
    hub, boxes = three
    draw = random.Random(SEED)
    over = threading.Event()

    def cuts():
        """The relays cut, stall and refuse, at random, until all is sent."""
        while not over.wait(0.2):
            relay = draw.choice(boxes).relay
            draw.choice((relay.cut, lambda: relay.cut_after(
                draw.randrange(20000), up=draw.random() < 0.5),
                relay.stall, relay.refuse))()
            over.wait(0.1)
            relay.flow()
            relay.accept()

    thread = threading.Thread(target=cuts)
    thread.start()

    def trouble(number):
        if number % 5 == 4:
            again(draw.choice(boxes).server)
        if number % 10 == 9:
            again(hub)
            for box in boxes:
                box.relay.target = hub.port

    try:
        sent = run_through(hub, boxes, 100, 25, trouble)
    finally:
        over.set()
        thread.join()
    for box in boxes:
        box.relay.left = {True: None, False: None}
    check(hub, boxes, sent)
