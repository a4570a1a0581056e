"""Google Pub/Sub: credentials, tokens, the clock, TLS."""

import json

import pytest

import certificates
from conftest import received
from fake_pubsub import PROJECT, TOPIC, Account
from load import order_body
from pubsub_case import NO_VARIABLES, SMALL, metadata, one, outcome
from pubsub_case import (account,  # noqa: F401 (fixtures)
                         fake, fakes, outlet, stranger)
from unpacked import free_port

pytestmark = pytest.mark.once


# -- Who we are --


def test_a_wrong_key_pauses_with_what_to_do(outlet, fake,  # noqa: F811
                                            stranger):
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
def test_a_wrong_clock_is_corrected_once(outlet, fake, ahead):  # noqa: F811
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


def test_a_new_key_comes_with_a_reload(outlet, fake, account,  # noqa: F811
                                       tmp_path):
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


def test_the_file_may_stand_in_the_environment(outlet, fake,  # noqa: F811
                                               account):
    server = outlet(account=None, env={
        **NO_VARIABLES, "GOOGLE_APPLICATION_CREDENTIALS": str(account.file)})
    received(server.post(SMALL, "one"))
    server.wait_processed()
    one(fake.messages())


def test_tokens_of_the_metadata_server(outlet, fake):  # noqa: F811
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


def test_a_token_is_renewed_before_it_ends(outlet, fake):  # noqa: F811
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
def test_a_metadata_server_without_a_token(outlet, fake, status,  # noqa: F811
                                           line):
    server = outlet(f"project = {PROJECT}\n", account=None,
                    env=metadata(fake))
    server.expect("no token from Google", "failed in a row")
    fake.do(metadata=status)
    received(server.post(SMALL, "one"))
    server.wait_log(f"job 1 out: retry in .*: no token from Google: {line}")
    fake.do(metadata=200)
    server.wait_processed()
    one(fake.messages())


def test_no_metadata_server_says_what_to_do(outlet, fake):  # noqa: F811
    port = free_port()
    server = outlet(f"project = {PROJECT}\n", account=None, env={
        **NO_VARIABLES, "GCE_METADATA_HOST": f"127.0.0.1:{port}"})
    server.expect("no token from Google", "failed in a row")
    received(server.post(SMALL, "one"))
    server.wait_log("no token from Google: metadata server: connection "
                    "refused.*; outside of Google's cloud credentials_file")
    assert fake.do()["publish"] == 0


def test_an_emulator_gets_no_token(klikitd, fakes):  # noqa: F811
    fake = fakes(account=None)
    server = klikitd(
        config=f"[handler out]\ntype = pubsub\nevents = *\ntopic = {TOPIC}\n"
               f"project = {PROJECT}\n",
        env={**NO_VARIABLES, "PUBSUB_EMULATOR_HOST": f"127.0.0.1:{fake.port}"})
    received(server.post(SMALL, "one"))
    server.wait_processed()
    one(fake.messages())


@pytest.mark.sqlite("its file is searched")
def test_secrets_are_shown_nowhere(outlet, fake, account):  # noqa: F811
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


def test_by_tls(outlet, fakes, authority):  # noqa: F811
    fake = fakes(certificate=authority.good)
    server = outlet(f"ca_file = {authority.root.path}\n", fake=fake)
    received(server.post(SMALL, "one"))
    server.wait_processed()
    one(fake.messages())


@pytest.mark.parametrize("cert, trusted, line", [
    ("other", True, "for another name"), ("good", False, "")])
def test_nothing_goes_to_the_wrong_one(outlet, fakes, authority,  # noqa: F811
                                       cert, trusted, line):
    fake = fakes(certificate=getattr(authority, cert))
    more = f"ca_file = {authority.root.path}\n" if trusted else ""
    server = outlet(more, fake=fake)
    server.expect("retry in", "failed in a row")
    received(server.post(SMALL, "one"))
    server.wait_log(f"job 1 out: retry in .*certificate.*{line}")
    assert fake.do()["tokens"] == []
