"""Events as entries of a Redis stream: whole, once, and none is lost."""

import json
import threading

import pytest

from brokers import redis_server, relay  # noqa: F401 (fixtures)
from conftest import CREATED, STATUS, payload, received, sign
from kill_frame import PLANS, Arrival, Target, stand
from load import order_body
from redis_case import outcomes, section, send, via, wait_done
from relay import Relay


# -- What is sent --

def test_an_event_is_an_entry(klikitd, redis_server):  # noqa: F811
    redis = redis_server()
    server = klikitd(config=section(redis.url(db=3)))
    body = payload("created-typical.json")
    received(server.post(body, "one"))
    wait_done(server, 1)
    assert redis("EXISTS", "orders") == 0  # another database
    client = redis.client()
    client("SELECT", 3)
    ((number, fields),) = client("XRANGE", "orders", "-", "+")
    names = [name.decode() for name in fields[::2]]
    entry = dict(zip(names, fields[1::2]))
    order = json.loads(body)
    assert names == ["body", "klikit-event-id", "klikit-event-type",
                     "klikit-brand-id", "klikit-branch-id",
                     "klikit-signature", "idempotency-key",
                     "klikitd-attempt", "received-at"]
    assert entry.pop("body") == body
    assert entry.pop("received-at").endswith(b"Z")
    assert entry == {
        "klikit-event-id": b"one", "klikit-event-type": CREATED.encode(),
        "klikit-brand-id": str(order["brand_id"]).encode(),
        "klikit-branch-id": str(order["branch_id"]).encode(),
        "klikit-signature": sign(body).encode(), "idempotency-key": b"one",
        "klikitd-attempt": b"1"}
    # The attempt shows the entry's id, and who looks at Redis sees us.
    assert number.decode() in server.do("jobs", "1")
    assert b"name=klikitd:kitchen" in client("CLIENT", "LIST")
    assert 0 < client("PTTL", "{orders}:d:one") <= 86400000
    client.close()


def test_each_order_is_an_entry(klikitd, redis_server):  # noqa: F811
    redis = redis_server()
    server = klikitd(config=section(redis.url(), "unit = order"))
    body = payload("created-batch-5.json")
    orders = [str(o["id"]) for o in json.loads(body)["orders"]]
    received(server.post(body, "batch"))
    wait_done(server, 5)
    entries = dict(fields["klikit-order-id"].decode() and
                   (fields["klikit-order-id"].decode(), fields)
                   for _, fields in redis.entries("orders"))
    assert sorted(entries) == sorted(orders)
    for order, fields in entries.items():
        (sent,) = json.loads(fields["body"])["orders"]
        assert str(sent["id"]) == order
        assert fields["idempotency-key"] == f"batch:{order}".encode()
        assert "klikit-signature" not in fields  # it fits the whole body only


def test_what_is_sent_can_be_signed_anew(klikitd, redis_server,  # noqa: F811
                                         tmp_path):
    (tmp_path / "sign").write_text("another")
    redis = redis_server()
    server = klikitd(config=section(
        redis.url(),
        f"unit = order\nsign_secret_file = {tmp_path / 'sign'}"))
    received(server.post(payload("created-small.json"), "one"))
    wait_done(server, 1)
    ((_, fields),) = redis.entries("orders")
    assert fields["klikit-signature"] == sign(
        fields["body"], b"another").encode()


def test_a_stream_may_be_kept_short(klikitd, redis_server):  # noqa: F811
    redis = redis_server(stream_node_max_entries=10)
    server = klikitd(config=section(redis.url(), "maxlen = 20\ndedup = 0"))
    for number in range(60):
        send(server, f"e{number}")
    wait_done(server, 60)
    assert 20 <= redis("XLEN", "orders") < 40
    assert redis("KEYS", "*") == [b"orders"]  # no dedup, no keys


# -- Once --

class DeafRelay(Relay):
    """Holds back what the server says, while it is told to."""

    holding = False

    def _until_cut(self, data, up):
        if not up:
            self.changed.wait_for(lambda: not self.holding or self.closing)
        return super()._until_cut(data, up)

    def hold(self, holding):
        with self.changed:
            self.holding = holding
            self.changed.notify_all()


@pytest.fixture
def deaf_relay():
    made = []

    def make(port):
        made.append(DeafRelay(port))
        return made[-1]

    yield make
    for each in made:
        each.close()


def wait_length(redis, count):
    ticks = threading.Event()
    for _ in range(3000):
        if redis("XLEN", "orders") == count:
            return
        ticks.wait(0.02)  # Redis does not say when
    raise AssertionError(redis.entries("orders"))


def test_killed_before_it_was_recorded(klikitd, redis_server,  # noqa: F811
                                       deaf_relay):
    """Redis has it, klikitd does not know: after its restart it does."""
    redis = redis_server()
    between = deaf_relay(redis.port)
    server = klikitd(config=section(via(between), "timeout = 50s"))
    server.expect("unclean stop", "not closed properly")
    send(server, "first")
    wait_done(server, 1)
    between.hold(True)
    send(server, "second")
    wait_length(redis, 2)
    server.kill()
    between.hold(False)
    server.start()
    wait_done(server, 2)
    assert redis("XLEN", "orders") == 2
    number = redis.entries("orders")[-1][0]
    assert f"{number}, added before" in server.do("jobs", "2")


def test_an_answer_that_was_lost(klikitd, redis_server, relay):  # noqa: F811
    redis = redis_server()
    between = relay(redis.port)
    server = klikitd(config=section(via(between)))
    server.expect("retry in")
    send(server, "first")
    wait_done(server, 1)
    between.cut_after(9, up=False)
    send(server, "second")
    wait_done(server, 2)
    assert redis("XLEN", "orders") == 2
    one, unknown, done = outcomes(server)
    assert unknown.startswith("unknown: ") and done == "done"


def test_without_dedup_it_is_added_again(klikitd, redis_server,  # noqa: F811
                                         relay):
    """At least once: what the key is for, unless workers do it."""
    redis = redis_server()
    between = relay(redis.port)
    server = klikitd(config=section(via(between), "dedup = 0"))
    server.expect("retry in")
    send(server, "first")
    wait_done(server, 1)
    between.cut_after(9, up=False)
    send(server, "second")
    wait_done(server, 2)
    assert [fields["idempotency-key"] for _, fields in
            redis.entries("orders")] == [b"first", b"second", b"second"]


def test_a_command_cut_in_its_midst(klikitd, redis_server,  # noqa: F811
                                    relay):
    redis = redis_server()
    between = relay(redis.port)
    server = klikitd(config=section(via(between)))
    server.expect("retry in")
    send(server, "first", pad=60000)
    wait_done(server, 1)
    between.cut_after(30000)
    send(server, "second", pad=60000)
    wait_done(server, 2)
    assert redis("XLEN", "orders") == 2
    assert outcomes(server)[1].startswith("unknown: ")


def test_scripts_are_forgotten(klikitd, redis_server):  # noqa: F811
    """Nothing was done then; so it costs no attempt."""
    redis = redis_server()
    server = klikitd(config=section(redis.url()))
    for number in range(3):
        send(server, f"e{number}")
        wait_done(server, number + 1)
        redis("SCRIPT", "FLUSH")
    assert outcomes(server) == ["done"] * 3
    assert redis("XLEN", "orders") == 3


# -- All of it --

class Orders(Target):
    exactly_once = True
    expected = ["kitchen answered", "handler kitchen: "]

    def __init__(self, redis):
        self.redis = redis
        self.port = redis.port
        self.start = redis.start
        self.kill = redis.kill

    def section(self, port):
        return section(f"redis://127.0.0.1:{port}", "timeout = 2s")

    def fill(self):
        self.redis.set("maxmemory", 1)

    def empty(self):
        self.redis.set("maxmemory", 0)

    def arrivals(self):
        return [Arrival(fields["klikit-event-id"].decode(),
                        fields["idempotency-key"].decode(), fields["body"])
                for _, fields in self.redis.entries("orders")]


@pytest.mark.parametrize("plan", PLANS)
def test_nothing_is_lost(klikitd, rng, relay, redis_server,  # noqa: F811
                         plan):
    stand(klikitd, rng, relay, plan, Orders(redis_server(
        maxmemory_policy="noeviction")))


def test_orders_stay_in_order(klikitd, redis_server):  # noqa: F811
    """With many calls under way at once."""
    redis = redis_server()
    server = klikitd(config=section(redis.url(), "concurrency = 64"))
    for version in range(10):
        for order in range(20):
            received(server.post(
                order_body(order, version, note=f"{order}-{version}"),
                f"e{order}-{version}",
                type=STATUS if version else CREATED))
    wait_done(server, 200)
    seen = {}
    for _, fields in redis.entries("orders"):
        order, version = fields["klikit-event-id"].decode()[1:].split("-")
        assert int(version) == seen.get(order, -1) + 1
        seen[order] = int(version)
    assert len(seen) == 20
