"""Google Pub/Sub: published once each token, key and verdict is right."""

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

import certificates
from brokers import relay, scripted  # noqa: F401
from conftest import CREATED, DEADLINE, STATUS, payload, received, run, sign
from fake_pubsub import PROJECT, TOPIC, Account, FakePubsub
from kill_frame import PLANS, Arrival, Target, stand
from load import order_body
from memory import peak_kb
from unpacked import free_port

SMALL = payload("created-small.json")
SMALL_ORDER = str(json.loads(SMALL)["orders"][0]["id"])
NO_VARIABLES = {"GOOGLE_APPLICATION_CREDENTIALS": "", "GCE_METADATA_HOST": "",
                "PUBSUB_EMULATOR_HOST": ""}


@pytest.fixture(scope="session")
def account(tmp_path_factory):
    return Account(tmp_path_factory.mktemp("account"))


@pytest.fixture(scope="session")
def stranger(tmp_path_factory):
    """One of the same name, whose key is another."""
    return Account(tmp_path_factory.mktemp("stranger"))


@pytest.fixture
def fakes(tmp_path, account):
    """A factory of fakes."""
    made = []

    def make(account=account, **options):
        home = tmp_path / f"pubsub{len(made)}"
        home.mkdir()
        made.append(FakePubsub(home, account, **options))
        return made[-1]

    yield make
    for fake in made:
        fake.stop()


@pytest.fixture
def fake(fakes):
    return fakes()


def section(fake, account=None, more="", name="out"):
    text = (f"[handler {name}]\ntype = pubsub\nevents = *\ntopic = {TOPIC}\n"
            f"retry = 100ms, 200ms, 500ms\nendpoint = {fake.url}\n")
    if account:
        text += f"credentials_file = {account.file}\n"
    return text + more + "\n"


@pytest.fixture
def outlet(klikitd, fake, account):
    """A factory of servers that publish to the fake."""
    def make(more="", account=account, fake=fake, **options):
        options.setdefault("env", NO_VARIABLES)
        return klikitd(config=section(fake, account, more), **options)

    return make


def one(messages):
    (message,) = messages
    return message


def outcome(server):
    return server.query("SELECT outcome FROM attempts ORDER BY number")


# -- What is published --


@pytest.mark.valgrind
def test_an_event_is_a_message(outlet, fake):
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


def test_each_order_is_a_message_of_its_own(outlet, fake):
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


def test_without_ordering_keys_there_are_none(outlet, fake):
    server = outlet("ordering_key = none\n")
    received(server.post(SMALL, "one"))
    server.wait_processed()
    assert "orderingKey" not in one(fake.messages())


def test_a_secret_of_ones_own_signs(outlet, fake, tmp_path):
    (tmp_path / "own").write_text("kitchen")
    server = outlet(f"sign_secret_file = {tmp_path}/own\n")
    received(server.post(SMALL, "one"))
    server.wait_processed()
    assert one(fake.messages())["attributes"]["klikit-signature"] == \
        hmac.new(b"kitchen", SMALL, hashlib.sha256).hexdigest()


def test_long_ids_stay_within_the_limits(outlet, fake):
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
def test_a_backlog_goes_out_in_batches(outlet, fake):
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


def test_big_messages_are_not_put_together(outlet, fake):
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


def test_one_bad_message_kills_no_other(outlet, fake):
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
def test_what_may_pass_is_tried_again(outlet, fake, status, unknown):
    server = outlet()
    server.expect(f"answered {status}")
    fake.do(act=[{"status": status}])
    received(server.post(SMALL, "one"))
    server.wait_processed()
    assert one(fake.messages())["attributes"]["klikitd-attempt"] == "2"
    (first,), (last,) = outcome(server)
    assert first.startswith("unknown: ") == unknown
    assert last == "done"


def test_retry_after_is_obeyed(outlet, fake):
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
def test_done_takes_an_id_for_each_message(outlet, fake, ids):
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
def test_what_must_be_put_right_pauses(outlet, fake, fault, line):
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


def test_what_is_too_large_is_dead(outlet, fake):
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


# -- What goes wrong on the way --


def test_a_cut_answer_is_unknown_and_the_key_the_same(outlet, fake):
    server = outlet()
    server.expect("retry in")
    fake.do(act=[{"cut": 0}])
    received(server.post(SMALL, "one"))
    server.wait_processed()
    keys = [m["attributes"]["idempotency-key"] for m in fake.messages()]
    assert keys == ["one", "one"]
    (first,), (last,) = outcome(server)
    assert first.startswith("unknown: ") and last == "done"


@pytest.mark.parametrize("act", [
    {"raw": "garbage\r\n\r\n"},
    {"raw": "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{\"me"},
    {"raw": "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n"},
    {"raw": "HTTP/1.1 200 OK\r\nX: " + "y" * 200000},
    {"raw": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff"},
    {"raw": "\0" * 5000},
    {"status": 200, "body": "[" * 100000},
    {"status": 200, "body": '{"messageIds":["1"],' * 20000},
    {"raw": "HTTP/1.1 200 OK\r\n\r\n{\"messageIds\":[\"", "endless": True},
    {"raw": "", "endless": True},
    {"cut": 40}],
    ids=lambda act: str(act)[:40])
def test_a_hostile_answer_costs_nothing(outlet, fake, act):
    server = outlet("timeout = 5s\n")
    server.expect("retry in", "answered 200 with 0 ids", "failed in a row")
    before = peak_kb(server)
    fake.do(act=[act] * 3)
    received(server.post(SMALL, "one"))
    server.wait_processed()
    assert fake.messages()[-1]["attributes"]["klikitd-attempt"] == "4"
    assert peak_kb(server) - before < 32 << 10
    # One line each, and no hot loop.
    assert server.log().count("job 1 out: retry") == 3


def test_silence_ends_at_the_timeout(outlet, fake):
    server = outlet("timeout = 1s\n")
    server.expect("retry in")
    fake.do(act=[{"silent": True}])
    received(server.post(SMALL, "one"))
    server.wait_processed()
    assert outcome(server)[0][0].startswith("unknown: ")
    one(fake.messages())


@pytest.mark.once
def test_a_stop_cuts_off_what_is_not_answered(outlet, fake):
    """It is published again after the next start, under the same key."""
    server = outlet("timeout = 50s\n")
    server.expect("its call is cut off", "are under way")
    fake.do(act=[{"silent": True}])
    received(server.post(SMALL, "one"))
    ticks = threading.Event()
    while fake.do()["publish"] == 0:
        ticks.wait(0.02)  # the fake says it to nobody
    server.stop()  # it waits for a while
    assert "its call is cut off" in server.log()
    server.start()
    server.wait_processed()
    assert one(fake.messages())["attributes"]["idempotency-key"] == "one"
    assert outcome(server)[0][0].startswith("unknown")


def test_nobody_there_is_tried_again(outlet, fake):
    server = outlet()
    server.expect("retry in", "failed in a row")
    fake.stop()
    received(server.post(SMALL, "one"))
    server.wait_log("job 1 out: retry in .*: connection refused")
    fake.start()
    server.wait_processed()
    one(fake.messages())


# -- Who we are --


def test_a_wrong_key_pauses_with_what_to_do(outlet, fake, stranger):
    server = outlet(account=stranger)
    server.expect("answered 401", "paused")
    received(server.post(SMALL, "one"))
    server.wait_log(
        "handler out: paused: Pub/Sub answered 401 UNAUTHENTICATED: it does "
        "not accept who we are; see that the key of the service account was "
        "not deleted, and that the clock is right; klikitd resume out")
    assert fake.do()["publish"] == 0
    assert len(fake.do()["refused"]) == 2  # with a new token, once


@pytest.mark.valgrind
@pytest.mark.tsan
@pytest.mark.parametrize("ahead", [3600, -3600, 86400 * 400])
def test_a_wrong_clock_is_corrected_once(outlet, fake, ahead):
    server = outlet()
    fake.do(clock=ahead)
    for number in range(3):
        received(server.post(order_body(number, 1), f"e{number}"))
        server.wait_processed()
    assert len(fake.messages()) == 3
    seen = fake.do()
    assert seen["refused"] == ["time"]
    assert len(seen["tokens"]) == 2
    assert {o for (o,) in outcome(server)} == {"done"}


def test_a_new_key_comes_with_a_reload(outlet, fake, account, tmp_path):
    mine = Account(tmp_path, name="other")
    mine.file.write_text(account.file.read_text().replace(
        account.key_id, "0" * 40))
    server = outlet(account=mine)
    server.expect("answered 401", "paused")
    received(server.post(SMALL, "one"))
    server.wait_log("paused")
    mine.file.write_text(account.file.read_text())
    server.reload()
    server.do("resume", "out")
    server.wait_processed()
    one(fake.messages())


def test_the_file_may_stand_in_the_environment(outlet, fake, account):
    server = outlet(account=None, env={
        **NO_VARIABLES, "GOOGLE_APPLICATION_CREDENTIALS": str(account.file)})
    received(server.post(SMALL, "one"))
    server.wait_processed()
    one(fake.messages())


def metadata(fake):
    return {**NO_VARIABLES, "GCE_METADATA_HOST": f"127.0.0.1:{fake.port}"}


def test_tokens_of_the_metadata_server(outlet, fake):
    server = outlet(f"project = {PROJECT}\n", account=None,
                    env=metadata(fake))
    for number in range(3):
        received(server.post(order_body(number, 1), f"e{number}"))
        server.wait_processed()
    assert fake.do()["metadata"] == 1
    fake.do(forget=True)  # it was withdrawn: another one, once
    received(server.post(SMALL, "one"))
    server.wait_processed()
    assert fake.do()["metadata"] == 2
    assert len(fake.messages()) == 4
    assert {o for (o,) in outcome(server)} == {"done"}


def test_a_token_is_renewed_before_it_ends(outlet, fake):
    """Each is good for two seconds, and none is ever refused."""
    server = outlet(f"project = {PROJECT}\n", account=None,
                    env=metadata(fake))
    fake.do(life=2)
    number = 0
    while fake.do()["metadata"] < 4:
        received(server.post(order_body(number, 1), f"e{number}"))
        server.wait_processed()
        number += 1
        assert number < 10000
    assert number > 4  # not one for each
    assert fake.do()["refused"] == []


@pytest.mark.parametrize("status, line", [
    (404, "the metadata server answered 404; give this machine a service "
          "account, or credentials_file"),
    (500, "the metadata server answered 500")])
def test_a_metadata_server_without_a_token(outlet, fake, status, line):
    server = outlet(f"project = {PROJECT}\n", account=None,
                    env=metadata(fake))
    server.expect("no token from Google", "failed in a row")
    fake.do(metadata=status)
    received(server.post(SMALL, "one"))
    server.wait_log(f"job 1 out: retry in .*: no token from Google: {line}")
    fake.do(metadata=200)
    server.wait_processed()
    one(fake.messages())


def test_no_metadata_server_says_what_to_do(outlet, fake):
    port = free_port()
    server = outlet(f"project = {PROJECT}\n", account=None, env={
        **NO_VARIABLES, "GCE_METADATA_HOST": f"127.0.0.1:{port}"})
    server.expect("no token from Google", "failed in a row")
    received(server.post(SMALL, "one"))
    server.wait_log("no token from Google: metadata server: connection "
                    "refused.*; outside of Google's cloud credentials_file")
    assert fake.do()["publish"] == 0


def test_an_emulator_gets_no_token(klikitd, fakes):
    fake = fakes(account=None)
    server = klikitd(
        config=f"[handler out]\ntype = pubsub\nevents = *\ntopic = {TOPIC}\n"
               f"project = {PROJECT}\n",
        env={**NO_VARIABLES, "PUBSUB_EMULATOR_HOST": f"127.0.0.1:{fake.port}"})
    received(server.post(SMALL, "one"))
    server.wait_processed()
    one(fake.messages())


def test_secrets_are_shown_nowhere(outlet, fake, account):
    server = outlet()
    server.expect("retry in", "dead", "paused", "answered 4")
    fake.do(poison="order", act=[{"status": 503}])
    received(server.post(SMALL, "one"))
    server.wait_processed()
    fake.do(poison=None, denied=["pubsub.topics.publish"])
    received(server.post(order_body(9, 1), "two"))
    server.wait_log("paused")
    shown = server.log() + server.metrics_text()
    shown += server.do("handlers", "--json")
    shown += server.do("jobs", "--json")
    shown += json.dumps(server.ask("GET", "/api/v1/handlers")[2])
    server.stop()
    stored = server.database.read_bytes()
    for wal in server.directory.glob("*.db-wal"):
        stored += wal.read_bytes()
    (token,) = fake.do()["tokens"]
    for secret in [token, token.split(".")[2], *account.key.split("\n")[1:9]]:
        assert secret not in shown
        assert secret.encode() not in stored


# -- TLS --


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    made = certificates.Authority(tmp_path_factory.mktemp("certificates"))
    made.good = made.make("good")
    made.other = made.make("other", sans="DNS:other.example,IP:127.0.0.9")
    return made


def test_by_tls(outlet, fakes, authority):
    fake = fakes(certificate=authority.good)
    server = outlet(f"ca_file = {authority.root.path}\n", fake=fake)
    received(server.post(SMALL, "one"))
    server.wait_processed()
    one(fake.messages())


@pytest.mark.parametrize("cert, trusted, line", [
    ("other", True, "for another name"), ("good", False, "")])
def test_nothing_goes_to_the_wrong_one(outlet, fakes, authority, cert,
                                       trusted, line):
    fake = fakes(certificate=getattr(authority, cert))
    more = f"ca_file = {authority.root.path}\n" if trusted else ""
    server = outlet(more, fake=fake)
    server.expect("retry in", "failed in a row")
    received(server.post(SMALL, "one"))
    server.wait_log(f"job 1 out: retry in .*certificate.*{line}")
    assert fake.do()["tokens"] == []


# -- What the configuration may say --


def check_config(tmp_path, text, env=()):
    (tmp_path / "klikitd.ini").write_text(text)
    return run("check-config", "-c", tmp_path / "klikitd.ini",
               env={"KLIKIT_WEBHOOK_SECRET": "s", **NO_VARIABLES,
                    **dict(env)})


def refused(tmp_path, text, env=()):
    done = check_config(tmp_path, text, env)
    assert done.returncode != 0, done.stdout
    return done.stderr.decode()


def test_a_credentials_file_is_judged(tmp_path, fake, account):
    path = tmp_path / "key.json"
    rows = [
        ("nonsense", "is not a JSON object"),
        ('{"type":"authorized_user","refresh_token":"hush"}',
         "is a person's login (type authorized_user), which ends when that "
         "person leaves: make a key of a service account"),
        ('{"type":"service_account","client_email":"a@b",'
         '"private_key":"hush"}', "its private_key is not one in PEM"),
        ('{"type":"service_account","private_key":"hush"}',
         "has no client_email"),
    ]
    for text, line in rows:
        path.write_text(text)
        said = refused(tmp_path, section(fake, more=(
            f"credentials_file = {path}\nproject = {PROJECT}\n")))
        assert f"handler.credentials_file: {path}: {line}" in said, said
        assert "hush" not in said
        said = refused(tmp_path, section(fake, more=(
            f"project = {PROJECT}\n")), env={
                "GOOGLE_APPLICATION_CREDENTIALS": str(path)})
        assert line in said, said
    said = refused(tmp_path, section(fake), env={
        "GOOGLE_APPLICATION_CREDENTIALS": str(tmp_path / "none")})
    assert "GOOGLE_APPLICATION_CREDENTIALS: " in said
    short = Account(tmp_path, bits=1024, name="short")
    assert "fewer than 2048 bits" in refused(tmp_path, section(fake, short))


@pytest.mark.parametrize("text, line", [
    ("topic = orders\n", "handler.project: is missing"),
    ("topic = or\nproject = abcdef\n", "handler.topic: is no name"),
    ("topic = goog1\nproject = abcdef\n", "handler.topic: begins with goog"),
    ("topic = projects/abcdef/topics/orders\n",
     "handler.topic: is the name alone"),
    ("project = abcdef\n", "handler.topic: is missing"),
    ("topic = orders\nproject = My Project\n", "handler.project: "),
    ("topic = orders\nproject = MyProject\n", "handler.project: is no id"),
    ("topic = orders\nproject = abcdef\nendpoint = http://pubsub.example\n",
     "handler.endpoint: must begin with https://: a token goes with each"),
    ("topic = orders\nproject = abcdef\nendpoint = https://a.example/v1\n",
     "handler.endpoint: must not have a path"),
    ("topic = orders\nproject = abcdef\nordering_key = brand\n",
     "handler.ordering_key: "),
    ("topic = orders\nproject = abcdef\nca_file = /tmp/x.pem\n"
     "endpoint = http://127.0.0.1:1\n", "handler.ca_file: is of no use")])
def test_a_wrong_key_is_named(tmp_path, text, line):
    said = refused(tmp_path,
                   f"[handler out]\ntype = pubsub\nevents = *\n{text}")
    assert line in said, said


def test_a_wrong_emulator_is_named(tmp_path):
    said = refused(tmp_path, "[handler out]\ntype = pubsub\ntopic = orders\n"
                   "project = abcdef\n",
                   env={"PUBSUB_EMULATOR_HOST": "a b c"})
    assert "PUBSUB_EMULATOR_HOST" in said


# -- Doctor --


def try_network(tmp_path, text, env=()):
    (tmp_path / "klikitd.ini").write_text(text)
    done = run("check-config", "--network", "-c", tmp_path / "klikitd.ini",
               env={"KLIKIT_WEBHOOK_SECRET": "s", **NO_VARIABLES,
                    **dict(env)})
    return done.returncode, done.stdout.decode() + done.stderr.decode()


def test_doctor_finds_all_well(tmp_path, fake, account):
    code, said = try_network(tmp_path, section(fake, account))
    assert code == 0, said
    assert "out: topic orders is there" in said
    assert "out: it may publish there" in said
    assert fake.do()["publish"] == 0
    assert fake.messages() == []


@pytest.mark.parametrize("fault, code, line", [
    ({"missing": True}, 1, "there is no topic orders in project "
                           "demo-kitchen; create it, or correct"),
    ({"denied": ["pubsub.topics.publish"]}, 1,
     "no right to publish there; give the service account the role"),
    ({"denied": ["pubsub.topics.get", "pubsub.topics.listSubscriptions"]}, 0,
     "for which the right pubsub.topics.get is missing"),
    ({"subscribed": False}, 0,
     "the topic has no subscription: what is published is lost"),
    ({"clock": 3600}, 0, "it may publish there")])
def test_doctor_finds(tmp_path, fake, account, fault, code, line):
    fake.do(**fault)
    got, said = try_network(tmp_path, section(fake, account))
    assert line in said, said
    assert got == code, said


def test_doctor_finds_who_is_not_let_in(tmp_path, fake, account, stranger):
    code, said = try_network(tmp_path, section(fake, stranger))
    assert code == 1 and "answered 401" in said, said
    fake.stop()
    code, said = try_network(tmp_path, section(fake, account))
    assert code == 1 and "connection refused" in said, said
    fake.start()
    fake.do(metadata=404)
    code, said = try_network(
        tmp_path, section(fake, more=f"project = {PROJECT}\n"),
        env=metadata(fake))
    assert code == 1 and "the metadata server answered 404" in said, said


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
