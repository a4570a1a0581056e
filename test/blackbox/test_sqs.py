"""The type sqs: what arrives, in batches, and that nothing is lost."""

import json
import os
import re
import signal

import pytest

from brokers import relay  # noqa: F401 (fixtures)
from conftest import CREATED, STATUS, received
from kill_frame import PLANS, Arrival, Target, stand
from load import order_body
from sqs_case import KEYS, SMALL, outcomes, wait_for
from sqs_case import aws, sqs  # noqa: F401 (fixtures)
from sqs_service import SIZE_MAX


# -- It works --


@pytest.mark.valgrind
def test_an_event_arrives_whole(aws, sqs):  # noqa: F811
    far = sqs()
    server = aws(far)
    received(server.post(SMALL, "one"))
    server.wait_processed()
    [message] = far.messages()
    assert far.body(message) == SMALL
    found = {name: far.attribute(message, name)
             for name in message["attributes"]}
    received_at = found.pop("received-at")
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
                        received_at)
    assert found == {
        "klikit-event-id": "one", "klikit-event-type": CREATED,
        "klikit-brand-id": "910", "klikit-branch-id": "2041",
        "klikit-signature": server.headers(SMALL)["x-klikit-signature"],
        "idempotency-key": "one", "klikitd-attempt": "1"}
    assert server.query("SELECT outcome, code, answer FROM attempts") == [
        ("done", 200, message["id"].encode())]


def test_orders_go_out_one_by_one(aws, sqs):  # noqa: F811
    far = sqs()
    server = aws(far, "unit = order\n")
    body = json.dumps({"brand_id": 1, "branch_id": 2, "orders": [
        {"id": 7, "status": 1}, {"id": "a b", "status": 1}]}).encode()
    received(server.post(body, "two"))
    server.wait_processed()
    found = {far.attribute(m, "klikit-order-id"):
             far.attribute(m, "idempotency-key") for m in far.messages()}
    assert found == {"7": "two:7", "a b": "two:a%20b"}
    assert all(len(json.loads(far.body(m))["orders"]) == 1
               for m in far.messages())


def test_a_fifo_queue_has_groups_and_ids(aws, sqs):  # noqa: F811
    far = sqs(queue="orders.fifo")
    server = aws(far)
    received(server.post(order_body(5, 1), "first"))
    received(server.post(order_body(5, 2), "x" * 200, type=STATUS))
    server.wait_processed()
    first, second = far.messages()
    assert (first["group"], first["dedup"]) == ("5", "first")
    assert second["group"] == "5"
    assert re.fullmatch("[0-9a-f]{64}", second["dedup"])


def test_a_repeat_within_five_minutes_is_one_message(aws, sqs):  # noqa: F811
    """SQS has taken it, and nobody heard: the retry has the same id."""
    far = sqs(queue="orders.fifo", next=["stored"])
    server = aws(far)
    server.expect("retry in")
    received(server.post(SMALL, "one"))
    server.wait_processed()
    assert len(far.messages()) == 1
    assert len(far.messages(repeats=True)) == 2
    assert outcomes(server) == [
        "unknown: the connection was lost before the answer", "done"]


def test_what_sqs_refuses_goes_as_base64(aws, sqs):  # noqa: F811
    far = sqs()
    server = aws(far)
    body = SMALL.replace(b"{", b'{"odd":"\xef\xbf\xbe\x7f",', 1)
    received(server.post(body, "odd"))
    # An order's id may hold anything; an attribute of it is binary then.
    server.wait_processed()
    [message] = far.messages()
    assert far.attribute(message, "klikitd-encoding") == "base64"
    assert far.body(message) == body


def test_an_odd_order_id_is_binary(aws, sqs):  # noqa: F811
    far = sqs()
    server = aws(far, "unit = order\n")
    body = json.dumps({"brand_id": 1, "orders": [
        {"id": "a\u0007b", "status": 1}]}).encode()
    received(server.post(body, "odd"))
    server.wait_processed()
    [message] = far.messages()
    assert far.attribute(message, "klikit-order-id") == b"a\x07b"
    assert far.attribute(message, "idempotency-key") == "odd:a%07b"


def gather(server, far, bodies):
    """Four calls are held; what comes then gathers until they end."""
    far.set(hold=True)
    for n in range(4):
        received(server.post(order_body(1000 + n, 1), f"held{n}"))
        wait_for(lambda: far.state()["held"] == n + 1, "call")
    for n, body in enumerate(bodies):
        received(server.post(body, f"e{n}"))
    server.wait_query("SELECT count(*) FROM attempts", [(4 + len(bodies),)])
    far.set(hold=False)
    server.wait_processed()


def test_what_gathers_goes_out_in_batches(aws, sqs):  # noqa: F811
    far = sqs()
    server = aws(far)
    gather(server, far, [order_body(n, 1) for n in range(25)])
    assert len(far.messages()) == 29
    assert sorted(far.calls("")) == [1, 1, 1, 1, 5, 10, 10]


def test_a_batch_stays_below_its_size(aws, sqs):  # noqa: F811
    far = sqs()
    server = aws(far)
    gather(server, far, [order_body(n, 1, pad=400_000) for n in range(8)])
    assert sorted(far.calls("")) == [1, 1, 1, 1, 2, 2, 2, 2]  # and the fake counts


def test_what_is_refused_as_a_whole_is_divided(aws, sqs):  # noqa: F811
    """A batch is refused for one of its messages: which, shows alone."""
    far = sqs(size_max=2000, refuse_batches=(
        "AWS.SimpleQueueService.BatchRequestTooLong"))
    server = aws(far)
    server.expect("dead: event e2")
    gather(server, far, [order_body(n, 1, pad=3000 if n == 2 else 0)
                         for n in range(5)])
    assert sorted(far.calls()) == [1] * 9 + [5]
    assert server.query("SELECT e.event_id FROM jobs j JOIN events e ON "
                        "e.id = j.event WHERE j.state = 'dead'") == [("e2",)]
    assert len(far.messages()) == 8


def test_by_an_endpoint(aws, sqs):  # noqa: F811
    far = sqs()
    server = aws(far, f"endpoint = {far.url}\nregion = eu-west-1\n",
                 url="https://sqs.eu-west-1.amazonaws.com/123456789012/orders")
    received(server.post(SMALL, "one"))
    server.wait_processed()
    assert len(far.messages()) == 1


# -- Each entry by itself --


def test_entries_fail_by_themselves(aws, sqs):  # noqa: F811
    far = sqs(queue="orders.fifo", fail_every=3)
    server = aws(far)
    server.expect("retry in", "failed in a row")
    for n in range(40):
        received(server.post(order_body(n % 4, 1 + n // 4), f"e{n}",
                             type=CREATED if n < 4 else STATUS))
    server.wait_processed()
    found = [far.attribute(m, "klikit-event-id") for m in far.messages()]
    assert sorted(found) == sorted(f"e{n}" for n in range(40))
    for order in range(4):  # none has overtaken
        of_order = [int(e[1:]) for e in found if int(e[1:]) % 4 == order]
        assert of_order == sorted(of_order)
    assert any("SQS has trouble of its own" in o for o in outcomes(server))


@pytest.mark.parametrize("way, said", [
    ("missing", "the answer of SQS says nothing of this message"),
    ("twice", "the answer of SQS says nothing of this message"),
    ("strangers", "the answer of SQS says nothing of this message"),
])
def test_an_answer_that_leaves_out_an_entry(aws, sqs, way, said):  # noqa: F811
    far = sqs(next=[way])
    server = aws(far)
    server.expect("retry in")
    received(server.post(SMALL, "one"))
    server.wait_processed()
    assert outcomes(server) == [f"unknown: {said}", "done"]
    keys = {far.attribute(m, "idempotency-key") for m in far.messages()}
    assert keys == {"one"}


def test_a_wrong_digest_is_not_done(aws, sqs):  # noqa: F811
    far = sqs(wrong_md5=True)
    server = aws(far)
    server.expect("retry in", "failed in a row")
    received(server.post(SMALL, "one"))
    server.wait_log("retry in .*the MD5 that it answers is another")
    far.set(wrong_md5=False)
    server.wait_processed()
    assert outcomes(server)[0].startswith("unknown: SQS has stored something")


def test_too_large_is_dead(aws, sqs):  # noqa: F811
    """Where ours is the limit, and where the queue's is."""
    far = sqs(size_max=2000)
    server = aws(far)
    server.expect("dead: event")
    bare = len(order_body(1, 1))
    received(server.post(order_body(1, 1, pad=SIZE_MAX - bare - 100), "huge"))
    server.wait_log(r"dead: event huge: too large for SQS: \d+ bytes with "
                    "its attributes; it takes 1048576")
    received(server.post(order_body(2, 1, pad=3000), "large"))
    server.wait_log("dead: event large: SQS refuses what the message holds")
    received(server.post(order_body(3, 1), "small"))
    server.wait_processed()
    assert [far.attribute(m, "klikit-event-id") for m in far.messages()] == [
        "small"]
    assert server.query("SELECT detail FROM attempts WHERE outcome LIKE "
                        "'SQS refuses%'") == [
        ("InvalidParameterValue: Reason: Message must be shorter than 2000 "
         "bytes.",)]


# -- Its life --


def test_it_is_stopped_in_the_middle(aws, sqs):  # noqa: F811
    """At once by the second TERM; the next start sends it again."""
    far = sqs(queue="orders.fifo")
    server = aws(far)
    server.expect("retry in", "is cut off", "unclean stop", "second signal")
    far.set(hold=True)
    for n in range(8):
        received(server.post(order_body(n, 1), f"e{n}"))
    wait_for(lambda: far.state()["held"] == 4, "calls")
    os.kill(server.pid, signal.SIGTERM)
    server.wait_log("stopping: finishing what is under way")
    server.stop(expect=None)
    far.set(hold=False)
    server.start()
    server.wait_processed()
    assert {far.attribute(m, "klikit-event-id") for m in far.messages()} == {
        f"e{n}" for n in range(8)}


def test_a_reload_takes_new_settings(aws, sqs):  # noqa: F811
    """What is under way ends where it went; the rest goes elsewhere."""
    far, other = sqs(), sqs()
    server = aws(far)
    far.set(hold=True)
    received(server.post(order_body(1, 1), "one"))
    wait_for(lambda: far.state()["held"] == 1, "call")
    server.write_config(server.config.read_text().replace(
        far.queue_url, other.queue_url))
    server.reload()
    received(server.post(order_body(2, 1), "two"))
    wait_for(other.messages, "message")
    far.set(hold=False)
    server.wait_processed()
    assert [[f.attribute(m, "klikit-event-id") for m in f.messages()]
            for f in (far, other)] == [["one"], ["two"]]


# -- Nothing is lost --


class Queue(Target):
    expected = ["no AWS credentials"]

    def __init__(self, far):
        self.far = far
        self.port = far.port

    def section(self, port):
        return ("[handler out]\ntype = sqs\nevents = *\n"
                f"queue_url = http://127.0.0.1:{port}/123456789012/"
                f"{self.far.queue}\nregion = eu-west-1\n"
                "timeout = 5s\nretry = 50ms, 100ms, 200ms\n")

    def start(self):
        self.far.start()

    def kill(self):
        self.far.kill()

    def fill(self):
        self.far.set(full=True)

    def empty(self):
        self.far.set(full=False)

    def arrivals(self):
        return [Arrival(self.far.attribute(m, "klikit-event-id"),
                        self.far.attribute(m, "idempotency-key"),
                        self.far.body(m))
                for m in self.far.messages(repeats=True)]


@pytest.mark.parametrize("queue", ["orders.fifo", "orders"])
@pytest.mark.parametrize("plan", PLANS)
def test_nothing_is_lost(klikitd, rng, relay, sqs, plan, queue,  # noqa: F811
                         monkeypatch):
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    far = sqs(queue=queue, fail_every=17)
    stand(klikitd, rng, relay, plan, Queue(far))
    if queue.endswith(".fifo"):  # what was repeated soon was one message
        ids = [far.attribute(m, "klikit-event-id") for m in far.messages()]
        assert len(ids) == len(set(ids))
