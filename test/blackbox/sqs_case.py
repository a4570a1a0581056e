"""What the tests of the type sqs share: klikitd, and whom it sends to."""

import os
import re
import threading

import pytest

from conftest import DEADLINE, payload
from fake_sqs import FakeSqs

SMALL = payload("created-small.json")
KEYS = {"AWS_ACCESS_KEY_ID": "AKIATEST",
        "AWS_SECRET_ACCESS_KEY": "secret/of+the/test",
        "AWS_EC2_METADATA_DISABLED": "true"}
NOTHING = {"AWS_EC2_METADATA_DISABLED": "true"}
# What whoever runs the tests has set is not for them: empty is not set.
CLEAN = {name: "" for name in os.environ if name.startswith("AWS_")}


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
            env={**CLEAN, "HOME": str(home),
                 **(KEYS if env is None else env)})

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
