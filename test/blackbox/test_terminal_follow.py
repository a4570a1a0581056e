"""Short ids are taken back, and a list that goes on."""

import json
import signal
import subprocess

import pytest

from conftest import BINARY, payload
from terminals import Terminal
from test_terminal_asks import ENV, script
from test_terminal_tables import IDS, store  # noqa: F401 (a fixture)

pytestmark = pytest.mark.once


def test_the_beginning_of_an_id_is_enough(store):  # noqa: F811
    for args in (["events", "48d1"], ["events", IDS[2]],
                 ["jobs", "--event", "48d159e2-6"],
                 ["replay", "48d159e2", "--dry-run"]):
        done = script(store, *args)
        assert done.returncode == 0, done.stderr
        assert IDS[2] in done.stdout, args
    body = script(store, "events", "9fb1a2c3-0", "--body")
    assert body.stdout.encode() == payload("created-small.json")


def test_one_that_begins_several_is_an_error_that_names_them(store):  # noqa: F811,E501
    for args in (["events", "9fb1"], ["jobs", "--event", "9fb1a2c3"],
                 ["replay", "9fb1a2c3", "--dry-run"]):
        done = script(store, *args)
        assert done.returncode != 0
        assert "several events begin with 9fb1" in done.stderr
        assert IDS[0] in done.stderr and IDS[1] in done.stderr
    assert "there is no event abcdef" in script(
        store, "events", "abcdef").stderr


def test_what_comes_is_shown_as_it_comes(klikitd):
    server = klikitd()
    assert server.post(payload("created-small.json"), "first")[0] == 200
    terminal = Terminal([BINARY, "events", "-c", str(server.config),
                         "--follow"], 100, ENV)
    try:
        terminal.wait_for("first ")
        for event in ("second", "third"):
            body = payload("created-small.json").replace(
                b"9100001", b"91%05d" % len(event))
            assert server.post(body, event)[0] == 200
            terminal.wait_for(event)
        assert terminal.text.count("RECEIVED (") == 1
        terminal.type("\x03")
        assert terminal.finish() == 0
        rows = [line.split()[2] for line in terminal.text.splitlines()
                if "order.created" in line]
        assert rows == ["first", "second", "third"]
        assert "Sanitizer" not in terminal.text
    finally:
        terminal.close()


def test_a_program_follows_as_well_and_without_a_server(store):  # noqa: F811
    process = subprocess.Popen(
        [BINARY, "events", "-c", str(store), "--follow", "--json",
         "--state", "dead"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**ENV, "KLIKITD_CONFIG": ""})
    rows = [json.loads(process.stdout.readline()) for _ in range(4)]
    assert [row["event_id"] for row in rows] == [*IDS, "s1"]
    process.send_signal(signal.SIGINT)
    assert process.communicate()[0] == b""
    assert process.returncode == 0
