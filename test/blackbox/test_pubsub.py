"""Google Pub/Sub: what is published, its verdicts, and that nothing is lost."""

import base64
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import threading

import pytest

from brokers import relay  # noqa: F401 (fixtures)
from conftest import CREATED, DEADLINE, STATUS, payload, received, sign
from fake_pubsub import PROJECT, TOPIC
from kill_frame import PLANS, Arrival, Target, stand
from load import order_body
from pubsub_case import (NO_VARIABLES, SMALL, SMALL_ORDER, one, outcome,
                         section, try_network)
from pubsub_case import account, fake, fakes, outlet  # noqa: F401 (fixtures)
from unpacked import free_port


# -- What is published --


@pytest.mark.valgrind
def test_an_event_is_a_message(outlet, fake):  # noqa: F811
    server = outlet()
    received(server.post(SMALL, "one"))
    server.wait_processed()
    message = one(fake.messages())
    assert message["data"] == SMALL
    assert message["orderingKey"] == SMALL_ORDER
    attributes = message["attributes"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
                        attributes.pop("received-at"))
    body = json.loads(SMALL)
    assert attributes == {
        "klikit-event-id": "one", "klikit-event-type": CREATED,
        "klikit-brand-id": str(body["brand_id"]),
        "klikit-branch-id": str(body["branch_id"]),
        "klikit-signature": sign(SMALL), "idempotency-key": "one",
        "klikitd-attempt": "1"}
    assert server.query("SELECT outcome, code, answer FROM attempts") == [
        ("done", 200, message["messageId"].encode())]


def test_each_order_is_a_message_of_its_own(outlet, fake):  # noqa: F811
    orders = [str(o["id"]) for o in
              json.loads(payload("created-batch-5.json"))["orders"]]
    server = outlet("unit = order\n")
    received(server.post(payload("created-batch-5.json"), "batch"))
    server.wait_processed()
    messages = fake.messages()
    assert sorted(m["orderingKey"] for m in messages) == sorted(orders)
    for message in messages:
        order = message["orderingKey"]
        assert [str(o["id"]) for o in
                json.loads(message["data"])["orders"]] == [order]
        assert message["attributes"]["klikit-order-id"] == order
        assert message["attributes"]["idempotency-key"] == f"batch:{order}"


def test_without_ordering_keys_there_are_none(outlet, fake):  # noqa: F811
    server = outlet("ordering_key = none\n")
    received(server.post(SMALL, "one"))
    server.wait_processed()
    assert "orderingKey" not in one(fake.messages())


def test_a_secret_of_ones_own_signs(outlet, fake, tmp_path):  # noqa: F811
    (tmp_path / "own").write_text("kitchen")
    server = outlet(f"sign_secret_file = {tmp_path}/own\n")
    received(server.post(SMALL, "one"))
    server.wait_processed()
    assert one(fake.messages())["attributes"]["klikit-signature"] == \
        hmac.new(b"kitchen", SMALL, hashlib.sha256).hexdigest()


def test_long_ids_stay_within_the_limits(outlet, fake):  # noqa: F811
    """A key of more than 1,024 bytes is its digest, in each attempt."""
    order = "é" * 127
    body = json.dumps({"brand_id": 1, "branch_id": 2, "orders": [
        {"id": order, "status": 1}]}, ensure_ascii=False).encode()
    event = "e" * 255
    server = outlet("unit = order\n")
    server.expect("retry in")
    fake.do(act=[{"status": 503}])
    received(server.post(body, event))
    server.wait_processed()
    message = one(fake.messages())
    key = f"{event}:{order}".replace("é", "%C3%A9")
    assert len(key) > 1024 - 10
    assert message["orderingKey"] == order
    wanted = (key if len(key) <= 1024 else
              "sha256:" + hashlib.sha256(key.encode()).hexdigest())
    assert message["attributes"]["idempotency-key"] == wanted
    assert message["attributes"]["klikitd-attempt"] == "2"


def backlog(server, count):
    """So many events of as many orders, held back, then let go at once."""
    server.do("pause", "out")
    for number in range(count):
        received(server.post(order_body(number, 1), f"e{number}"))
    server.do("resume", "out")


@pytest.mark.tsan
def test_a_backlog_goes_out_in_batches(outlet, fake):  # noqa: F811
    server = outlet("concurrency = 64\n")
    server.expect("paused")
    backlog(server, 250)
    server.wait_processed()
    seen = fake.do()
    assert len(fake.messages()) == 250
    assert len({m["attributes"]["idempotency-key"]
                for m in fake.messages()}) == 250
    assert sum(seen["batches"]) == 250
    assert 1 < max(seen["batches"]) <= 64
    assert len(seen["batches"]) < 250
    assert len(seen["tokens"]) == 1
    ids = {m["messageId"].encode() for m in fake.messages()}
    assert {answer for (answer,) in
            server.query("SELECT answer FROM attempts")} == ids


def test_big_messages_are_not_put_together(outlet, fake):  # noqa: F811
    """Of more than 1 MiB of JSON a batch has one message."""
    server = outlet("concurrency = 64\n")
    server.expect("paused")
    server.do("pause", "out")
    for number in range(4):
        received(server.post(order_body(number, 1, pad=900_000),
                             f"e{number}"))
    server.do("resume", "out")
    server.wait_processed()
    assert fake.do()["batches"] == [1, 1, 1, 1]


# -- Verdicts --


def test_one_bad_message_kills_no_other(outlet, fake):  # noqa: F811
    """A publish is all or nothing: the guilty one is found."""
    server = outlet("concurrency = 64\n")
    server.expect("dead: event e7: Pub/Sub answered 400 INVALID_ARGUMENT: it "
                  "does not take this message", "paused")
    fake.do(poison='"id": 7,')
    backlog(server, 40)
    server.wait_processed()
    assert server.query("SELECT e.event_id FROM jobs j JOIN events e "
                        "ON e.id = j.event WHERE state = 'dead'") == [("e7",)]
    keys = [m["attributes"]["idempotency-key"] for m in fake.messages()]
    assert sorted(keys) == sorted(f"e{n}" for n in range(40) if n != 7)
    # The words of the far side are shown, and not logged.
    log = server.log()
    assert "klikitd jobs" in log and "poison" not in log
    (job,) = server.query("SELECT id FROM jobs WHERE state = 'dead'")
    assert "poison?of a body" in server.do("jobs", str(job[0]))


@pytest.mark.parametrize("status, unknown", [
    (408, False), (409, False), (429, False), (500, False), (502, False),
    (503, False), (499, True), (504, True), (204, True)])
def test_what_may_pass_is_tried_again(outlet, fake, status,  # noqa: F811
                                      unknown):
    server = outlet()
    server.expect(f"answered {status}")
    fake.do(act=[{"status": status}])
    received(server.post(SMALL, "one"))
    server.wait_processed()
    assert one(fake.messages())["attributes"]["klikitd-attempt"] == "2"
    (first,), (last,) = outcome(server)
    assert first.startswith("unknown: ") == unknown
    assert last == "done"


def test_retry_after_is_obeyed(outlet, fake):  # noqa: F811
    server = outlet()
    server.expect("retry in 3 s: event one: Pub/Sub answered 429 "
                  "RESOURCE_EXHAUSTED: the project's quota")
    fake.do(act=[{"status": 429, "headers": {"Retry-After": "3"},
                  "body": json.dumps({"error": {
                      "code": 429, "status": "RESOURCE_EXHAUSTED"}})}])
    received(server.post(SMALL, "one"))
    server.wait_log("retry in 3 s")
    server.wait_processed()


@pytest.mark.parametrize("ids", [
    [], ["1", "2"], [""], [7], None, "1"])
def test_done_takes_an_id_for_each_message(outlet, fake, ids):  # noqa: F811
    server = outlet()
    server.expect("answered 200 with [02] ids for 1 messages")
    fake.do(act=[{"status": 200, "body": json.dumps({"messageIds": ids})}])
    received(server.post(SMALL, "one"))
    server.wait_processed()
    one(fake.messages())
    (first,), (last,) = outcome(server)
    assert first.startswith("unknown: ") and last == "done"


@pytest.mark.parametrize("fault, line", [
    ({"denied": ["pubsub.topics.publish"]},
     "paused: Pub/Sub answered 403 PERMISSION_DENIED: no right to publish; "
     "give the service account the role roles/pubsub.publisher"),
    ({"missing": True},
     "paused: Pub/Sub answered 404 NOT_FOUND: there is no such topic; create "
     "it, or correct project and topic")])
def test_what_must_be_put_right_pauses(outlet, fake, fault,  # noqa: F811
                                       line):
    server = outlet()
    server.expect("answered 40[34]", "paused")
    fake.do(**fault)
    received(server.post(SMALL, "one"))
    server.wait_log(f"handler out: {re.escape(line)}")
    asked = fake.do()["publish"]
    received(server.post(order_body(5, 1), "two"))
    assert fake.do()["publish"] == asked  # nothing more is sent
    fake.do(denied=[], missing=False)
    server.do("resume", "out")
    server.wait_processed()
    assert len(fake.messages()) == 2


def test_what_is_too_large_is_dead(outlet, fake):  # noqa: F811
    server = outlet("[http]\nlisten = 127.0.0.1:0\nmax_body = 31m\n")
    server.expect("dead: event big: the message is too large for Pub/Sub: "
                  r"\d+ bytes, and it takes 10000000; unit = order",
                  "dead: event refused: Pub/Sub answered 413")
    received(server.post(order_body(1, 1, pad=10_000_000), "big"))
    server.wait_processed()
    assert fake.do()["publish"] == 0
    fake.do(act=[{"status": 413}])
    received(server.post(order_body(2, 1), "refused"))
    server.wait_processed()
    assert fake.messages() == []


# -- Killed, cut, full --


class Orders(Target):
    expected = ("answered 429",)

    def __init__(self, fake, account):
        self.fake = fake
        self.account = account
        self.port = fake.port

    def section(self, port):
        text = section(self.fake, self.account, "concurrency = 16\n")
        return text.replace(f":{self.port}\n", f":{port}\n")

    def start(self):
        self.fake.start()

    def kill(self):
        self.fake.kill()

    def fill(self):
        self.fake.do(full=True)

    def empty(self):
        self.fake.do(full=False)

    def arrivals(self):
        return [Arrival(m["attributes"]["klikit-event-id"],
                        m["attributes"]["idempotency-key"], m["data"])
                for m in self.fake.messages()]


@pytest.mark.parametrize("plan", PLANS)
def test_nothing_is_lost(klikitd, rng, relay, fake, account,  # noqa: F811
                         plan):
    stand(klikitd, rng, relay, plan, Orders(fake, account))


# -- Google's own --


@pytest.fixture
def emulator(tmp_path):
    """Google's emulator, where this machine has it."""
    home = pathlib.Path("/usr/lib/google-cloud-sdk/platform/pubsub-emulator")
    program = home / "bin/cloud-pubsub-emulator"
    if not program.exists() or shutil.which("java") is None:
        pytest.skip("Google's emulator of Pub/Sub is not on this machine")
    port = free_port()
    with open(tmp_path / "emulator.log", "wb") as log:
        process = subprocess.Popen(
            [program, "--host=127.0.0.1", f"--port={port}"], stdout=log,
            stderr=log, start_new_session=True, cwd=tmp_path)
    yield port
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(DEADLINE)


def rest(port, method, path, value=None):
    conn = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
    conn.request(method, f"/v1/projects/{PROJECT}/{path}",
                 json.dumps(value or {}),
                 {"Content-Type": "application/json"})
    answer = conn.getresponse()
    said = json.loads(answer.read())
    conn.close()
    assert answer.status == 200, said
    return said


def wait_for_emulator(port, home):
    ticks = threading.Event()
    for _ in range(DEADLINE * 20):
        try:
            return rest(port, "PUT", f"topics/{TOPIC}")
        except OSError:
            ticks.wait(0.05)  # nothing else says that it listens
    raise AssertionError((home / "emulator.log").read_text())


def test_googles_own_emulator_takes_it(klikitd, emulator, tmp_path):
    wait_for_emulator(emulator, tmp_path)
    rest(emulator, "PUT", f"subscriptions/{TOPIC}-sub",
         {"topic": f"projects/{PROJECT}/topics/{TOPIC}",
          "enableMessageOrdering": True})
    text = (f"[handler out]\ntype = pubsub\nevents = *\ntopic = {TOPIC}\n"
            f"project = {PROJECT}\n")
    env = {**NO_VARIABLES, "PUBSUB_EMULATOR_HOST": f"127.0.0.1:{emulator}"}
    code, said = try_network(tmp_path, text, env)
    assert code == 0 and "out: topic orders is there" in said, said
    server = klikitd(config=text, env=env)
    bodies = {f"e{n}": order_body(n % 3, 1 + n // 3, note=str(n))
              for n in range(9)}
    for number, (event_id, body) in enumerate(bodies.items()):
        received(server.post(body, event_id,
                             type=CREATED if number < 3 else STATUS))
    server.wait_processed()
    got, ticks = [], threading.Event()
    for _ in range(DEADLINE * 20):
        said = rest(emulator, "POST", f"subscriptions/{TOPIC}-sub:pull",
                    {"maxMessages": 10, "returnImmediately": True})
        items = said.get("receivedMessages", [])
        if items:
            rest(emulator, "POST", f"subscriptions/{TOPIC}-sub:acknowledge",
                 {"ackIds": [item["ackId"] for item in items]})
        got += [item["message"] for item in items]
        if len(got) >= len(bodies):
            break
        ticks.wait(0.05)  # a call that waits keeps what comes too late
    assert {m["attributes"]["klikit-event-id"]: base64.b64decode(m["data"])
            for m in got} == bodies
    for order in range(3):
        ids = [m["attributes"]["klikit-event-id"] for m in got
               if m["orderingKey"] == str(order)]
        assert ids == [f"e{order}", f"e{order + 3}", f"e{order + 6}"]
