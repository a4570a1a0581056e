"""What is seen of an outlet: where its jobs go, why the last attempt failed;
and one that its far side has paused goes on after a resume, in order."""

import pytest

from conftest import SECRET, payload, received, run
from sink import Sink
from test_jobs import lines
from test_shared import until

ORDER = payload("created-small.json")


def only(server):
    handler, = lines(server.do("handlers", "--json"))
    return handler


@pytest.fixture
def pos(klikitd, tmp_path):
    """klikitd with one outlet, at a far side that is gone (410)."""
    sink = Sink(tmp_path, "--status", "410")
    server = klikitd(config="[handler pos]\ntype = forward\nretry = 1s\n"
                     f"url = {sink.url}/in?token=hush\nconcurrency = 1\n"
                     "once_per_order = no\n")
    server.sink = sink
    server.expect("410", "paused")
    yield server
    sink.stop()


def test_a_far_side_that_pauses_loses_nothing(pos):
    """Three versions of one order, the first of which led to the pause."""
    received(pos.post(ORDER, "first"))
    pos.wait_log("handler pos: paused: ")
    for event in "second", "third":
        received(pos.post(ORDER.replace(b"GF-1001", event.encode()), event))
    # Until a server that shares its store has said where it is to be asked.
    until(lambda: only(pos)["last_error"], "pos answered 410 Gone")
    shown = only(pos)
    assert shown["state"] == "paused"
    assert shown["paused_by"] == "klikitd"
    assert shown["paused_why"] == shown["last_error"] == (
        "pos answered 410 Gone")
    assert shown["pending"] == 3 and shown["dead"] == 0
    pos.sink.restart("--status", "200")
    pos.do("resume", "pos")
    pos.wait_query("SELECT count(*) FROM jobs WHERE finished_at IS NULL",
                   [(0,)])
    assert [line["event_id"] for line in pos.sink.lines()] == [
        "first", "first", "second", "third"]
    shown = only(pos)
    assert shown["state"] == "active"
    assert shown["last_error"] is None and shown["last_error_at"] is None


def test_what_is_shown_has_no_secret(pos):
    shown = only(pos)
    assert shown["target"] == pos.sink.url + "/in"
    assert "connected" not in shown  # it keeps no connection
    assert pos.sink.url + "/in " in pos.do("handlers")
    checked = run("check-config", "-c", pos.config, env={
        "KLIKIT_WEBHOOK_SECRET": SECRET}).stdout.decode()
    assert f"to {pos.sink.url}/in\n" in checked
    assert "hush" not in checked
