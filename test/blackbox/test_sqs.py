"""The type sqs, against a fake that checks signatures, limits and digests."""

import json
import re
import threading

import pytest

from brokers import relay  # noqa: F401 (fixture)
from certificates import Authority
from conftest import CREATED, DEADLINE, STATUS, payload, received, run
from fake_sqs import SIZE_MAX, FakeSqs
from kill_frame import PLANS, Arrival, Target, stand
from load import order_body

SMALL = payload("created-small.json")
KEYS = {"AWS_ACCESS_KEY_ID": "AKIATEST",
        "AWS_SECRET_ACCESS_KEY": "secret/of+the/test",
        "AWS_EC2_METADATA_DISABLED": "true"}
NOTHING = {"AWS_EC2_METADATA_DISABLED": "true"}


@pytest.fixture
def sqs(tmp_path):
    """A factory of fakes."""
    made = []

    def make(**options):
        made.append(FakeSqs(tmp_path / f"sqs{len(made)}", **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def aws(klikitd, tmp_path):
    """A klikitd that hands over to a fake; env in place of KEYS."""

    def make(far, more="", env=None, url=None, start=True):
        if "region" not in more:
            more += "region = eu-west-1\n"
        if "timeout" not in more:
            more += "timeout = 60s\n"
        if "retry" not in more:
            more += "retry = 100ms\n"
        home = tmp_path / "home"
        home.mkdir(exist_ok=True)
        return klikitd(
            start=start,
            config="[handler aws]\ntype = sqs\nevents = *\n"
                   f"queue_url = {url or far.queue_url}\n{more}",
            env={"HOME": str(home), **(KEYS if env is None else env)})

    return make


def wait_for(condition, what):
    ticks = threading.Event()
    for _ in range(DEADLINE * 20):
        if condition():
            return
        ticks.wait(0.05)  # nothing tells what goes on in another process
    raise AssertionError(f"no {what}")


def outcomes(server):
    return [row[0] for row in server.query(
        "SELECT outcome FROM attempts ORDER BY job, number")]


def wait_paused(server):
    server.expect("paused", "retry in", "failed in a row")
    server.wait_log("handler aws: paused: ")
    return re.search("handler aws: paused: (.*)", server.log())[1]


# -- It works --


@pytest.mark.valgrind
def test_an_event_arrives_whole(aws, sqs):
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


def test_orders_go_out_one_by_one(aws, sqs):
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


def test_a_fifo_queue_has_groups_and_ids(aws, sqs):
    far = sqs(queue="orders.fifo")
    server = aws(far)
    received(server.post(order_body(5, 1), "first"))
    received(server.post(order_body(5, 2), "x" * 200, type=STATUS))
    server.wait_processed()
    first, second = far.messages()
    assert (first["group"], first["dedup"]) == ("5", "first")
    assert second["group"] == "5"
    assert re.fullmatch("[0-9a-f]{64}", second["dedup"])


def test_a_repeat_within_five_minutes_is_one_message(aws, sqs):
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


def test_what_sqs_refuses_goes_as_base64(aws, sqs):
    far = sqs()
    server = aws(far)
    body = SMALL.replace(b"{", b'{"odd":"\xef\xbf\xbe\x7f",', 1)
    received(server.post(body, "odd"))
    # An order's id may hold anything; an attribute of it is binary then.
    server.wait_processed()
    [message] = far.messages()
    assert far.attribute(message, "klikitd-encoding") == "base64"
    assert far.body(message) == body


def test_an_odd_order_id_is_binary(aws, sqs):
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


def test_what_gathers_goes_out_in_batches(aws, sqs):
    far = sqs()
    server = aws(far)
    gather(server, far, [order_body(n, 1) for n in range(25)])
    assert len(far.messages()) == 29
    assert sorted(far.calls("")) == [1, 1, 1, 1, 5, 10, 10]


def test_a_batch_stays_below_its_size(aws, sqs):
    far = sqs()
    server = aws(far)
    gather(server, far, [order_body(n, 1, pad=400_000) for n in range(8)])
    assert sorted(far.calls("")) == [1, 1, 1, 1, 2, 2, 2, 2]  # and the fake counts


def test_what_is_refused_as_a_whole_is_divided(aws, sqs):
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


def test_by_an_endpoint(aws, sqs):
    far = sqs()
    server = aws(far, f"endpoint = {far.url}\nregion = eu-west-1\n",
                 url="https://sqs.eu-west-1.amazonaws.com/123456789012/orders")
    received(server.post(SMALL, "one"))
    server.wait_processed()
    assert len(far.messages()) == 1


# -- Each entry by itself --


def test_entries_fail_by_themselves(aws, sqs):
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
def test_an_answer_that_leaves_out_an_entry(aws, sqs, way, said):
    far = sqs(next=[way])
    server = aws(far)
    server.expect("retry in")
    received(server.post(SMALL, "one"))
    server.wait_processed()
    assert outcomes(server) == [f"unknown: {said}", "done"]
    keys = {far.attribute(m, "idempotency-key") for m in far.messages()}
    assert keys == {"one"}


def test_a_wrong_digest_is_not_done(aws, sqs):
    far = sqs(wrong_md5=True)
    server = aws(far)
    server.expect("retry in", "failed in a row")
    received(server.post(SMALL, "one"))
    server.wait_log("retry in .*the MD5 that it answers is another")
    far.set(wrong_md5=False)
    server.wait_processed()
    assert outcomes(server)[0].startswith("unknown: SQS has stored something")


def test_too_large_is_dead(aws, sqs):
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


