"""What the lists look like, on a terminal of 80 and of 160 columns and in a
pipe; `KLIKITD_GOLDEN=write` makes the files in test/golden anew."""

import os
import re
import subprocess

import pytest

from conftest import BINARY, Klikitd, payload
from sink import Sink
from terminals import ZONE, assert_golden, on_terminal

pytestmark = pytest.mark.once

LISTS = ["events", "jobs", "orders", "rejections", "handlers"]
IDS = ["9fb1a2c3-0d4e-4f5a-8b6c-7d8e9f0a1b2c",
       "9fb1a2c3-1111-4f5a-8b6c-7d8e9f0a1b2c",
       "48d159e2-6af3-4b7c-8159-e26af37bc048"]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store with some of each that no server holds; its configuration."""
    directory = tmp_path_factory.mktemp("tables")
    pos = Sink(directory, "--status", "422")
    server = Klikitd(directory, config=(
        "[handler orders]\ntype = orders\n"
        f"[handler pos]\ntype = forward\nurl = {pos.url}\n"))
    server.start()
    for name, event_id in zip(
            ["created-small.json", "created-batch-5.json",
             "created-unicode.json"], IDS):
        assert server.post(payload(name), event_id)[0] == 200
        server.wait_processed()  # so that jobs are numbered alike
    assert server.post(payload("status-updated-ready.json"), "s1",
                       "klikit.order.status.updated")[0] == 200
    server.wait_processed()
    assert server.post(b"{}", "e9", signature="0" * 64)[0] == 401
    server.wait_query("SELECT count(*) FROM rejections", [(1,)])
    server.stop()
    pos.stop()
    return server.config


def command(store, verb, *args):
    return [BINARY, verb, "-c", str(store), *args]


def environment(**more):
    return {"KLIKIT_WEBHOOK_SECRET": "x" * 20, "PATH": os.environ["PATH"],
            **more}


def piped(store, verb, *args):
    return subprocess.run(command(store, verb, *args), capture_output=True,
                          text=True, env=environment(TZ=ZONE))


@pytest.mark.parametrize("columns", [80, 160])
@pytest.mark.parametrize("verb", LISTS)
def test_a_table_fits_the_terminal(store, verb, columns):
    code, text = on_terminal(command(store, verb), columns,
                             environment(NO_COLOR="1"))
    assert code == 0
    text = text.replace(str(store.parent), "/var/lib/klikitd")
    assert_golden(f"{verb}-{columns}", text)
    for line in text.splitlines()[1:]:
        assert len(line) <= columns


@pytest.mark.parametrize("verb", LISTS)
def test_a_program_gets_all(store, verb):
    answer = piped(store, verb)
    assert answer.returncode == 0
    assert_golden(f"{verb}-piped", answer.stdout)
    assert "\x1b" not in answer.stdout


def test_flags_for_a_terminal_change_nothing_in_a_pipe(store):
    assert_golden("events-piped",
                  piped(store, "events", "--wide", "--utc").stdout)


def test_wide_is_all_of_it(store):
    _, text = on_terminal(command(store, "events", "--wide"), 40,
                          environment(NO_COLOR="1"))
    assert all(event in text for event in IDS)
    for title in ("BRAND", "BRANCH", "DUPLICATES"):
        assert title in text


def test_colours_are_for_terminals_that_want_them(store):
    _, text = on_terminal(command(store, "jobs"), 80, environment())
    assert "\x1b[31mdead\x1b[0m" in text
    assert "\x1b[32mdone\x1b[0m" in text
    for no in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        _, text = on_terminal(command(store, "jobs"), 80, environment(**no))
        assert "\x1b" not in text and "dead" in text


def test_times_are_of_the_machines_zone(store):
    _, local = on_terminal(command(store, "events"), 80, environment())
    _, utc = on_terminal(command(store, "events", "--utc"), 80,
                         environment())
    assert "(WIB)" in local and "(UTC)" in utc
    hours = [int(re.search(r"\d\d:\d\d", t)[0][:2]) for t in (local, utc)]
    assert (hours[0] - hours[1]) % 24 == 7


def test_what_a_table_shows_is_taken_back(store):
    """A type without klikit.; a time as it stands there."""
    _, text = on_terminal(command(store, "events"), 80, environment())
    at = re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", text)[0]
    rows = piped(store, "events", "--json", "--type", "order.created.v2",
                 "--until", at).stdout + piped(
                     store, "events", "--json", "--type", "order.created.v2",
                     "--since", at).stdout
    assert len(rows.splitlines()) == 3


@pytest.mark.parametrize("args, said", [
    (["jobs", "--handler", "pso"],
     'there is no handler "pso"; did you mean pos?'),
    (["jobs", "--state", "daed"], "did you mean dead?"),
    (["events", "--state", "ready"],
     '"ready" is none of pending, done and dead'),
    (["events", "--type", "order.create.v2"],
     'no event of type "order.create.v2" ever came; did you mean '
     "order.created.v2?"),
    (["events", "--since", "yesterday"], '"yesterday" is not a time'),
    (["events", "--since", "1h", "--until", "2h"], "--until: is not after"),
    (["replay", "--handler", "pso"], "did you mean pos?"),
    (["pause", "pso"], "did you mean pos?"),
])
def test_a_slip_is_an_error(store, args, said):
    answer = piped(store, *args)
    assert answer.returncode == 2, answer
    assert answer.stdout == ""
    assert said in answer.stderr


def test_nothing_found_says_what_was_looked_for(store):
    answer = piped(store, "events", "--since", "2100-01-01", "--state",
                   "dead")
    assert answer.returncode == 0
    assert "no events found for --state dead --since 2100-01-01" in (
        answer.stderr)
    code, text = on_terminal(command(store, "jobs", "--event", "none"), 80,
                             environment())
    assert code == 0
    assert "no jobs found for --event none" in text
    assert "HANDLER" not in text


def test_states_and_open_orders(store):
    def count(*args):
        return len(piped(store, *args, "--json").stdout.splitlines())

    assert count("events", "--state", "dead") == count("events") == 4
    assert count("events", "--state", "pending") == 0
    assert count("orders", "--open") > 0
    assert count("orders", "--status", "1") < count("orders")
