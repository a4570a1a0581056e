"""What the tests of the type pubsub share: klikitd, and whom it sends to."""

import json

import pytest

from conftest import payload, run
from fake_pubsub import TOPIC, Account, FakePubsub

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


def try_network(tmp_path, text, env=()):
    (tmp_path / "klikitd.ini").write_text(text)
    done = run("check-config", "--network", "-c", tmp_path / "klikitd.ini",
               env={"KLIKIT_WEBHOOK_SECRET": "s", **NO_VARIABLES,
                    **dict(env)})
    return done.returncode, done.stdout.decode() + done.stderr.decode()


def metadata(fake):
    return {**NO_VARIABLES, "GCE_METADATA_HOST": f"127.0.0.1:{fake.port}"}
