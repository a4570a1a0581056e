"""Google Pub/Sub: what goes wrong is said, by a job's run and by doctor."""

import threading

import pytest

from conftest import received, run
from fake_pubsub import PROJECT, Account
from memory import peak_kb
from pubsub_case import (NO_VARIABLES, SMALL, metadata, one, outcome, section,
                         try_network)
from pubsub_case import (account,  # noqa: F401 (fixtures)
                         fake, fakes, outlet, stranger)


# -- What goes wrong on the way --


def test_a_cut_answer_is_unknown_and_the_key_the_same(outlet,  # noqa: F811
                                                      fake):
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
def test_a_hostile_answer_costs_nothing(outlet, fake, act):  # noqa: F811
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


def test_silence_ends_at_the_timeout(outlet, fake):  # noqa: F811
    server = outlet("timeout = 1s\n")
    server.expect("retry in")
    fake.do(act=[{"silent": True}])
    received(server.post(SMALL, "one"))
    server.wait_processed()
    assert outcome(server)[0][0].startswith("unknown: ")
    one(fake.messages())


@pytest.mark.once
def test_a_stop_cuts_off_what_is_not_answered(outlet, fake):  # noqa: F811
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


def test_nobody_there_is_tried_again(outlet, fake):  # noqa: F811
    server = outlet()
    server.expect("retry in", "failed in a row")
    fake.stop()
    received(server.post(SMALL, "one"))
    server.wait_log("job 1 out: retry in .*: connection refused")
    fake.start()
    server.wait_processed()
    one(fake.messages())


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


def test_a_credentials_file_is_judged(tmp_path, fake, account):  # noqa: F811
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


def test_doctor_finds_all_well(tmp_path, fake, account):  # noqa: F811
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
def test_doctor_finds(tmp_path, fake, account, fault, code,  # noqa: F811
                      line):
    fake.do(**fault)
    got, said = try_network(tmp_path, section(fake, account))
    assert line in said, said
    assert got == code, said


def test_doctor_finds_who_is_not_let_in(tmp_path, fake, account,  # noqa: F811
                                        stranger):
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
