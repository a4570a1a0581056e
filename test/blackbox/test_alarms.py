"""The kitchen alarm rings at its time, and only while it is wanted."""

import pytest

from conftest import payload, received
from load import order_body
from test_outlets import alarm, forward, sink  # noqa: F401 (a fixture)

pytestmark = [pytest.mark.once, pytest.mark.both]

BELL = """SELECT e.event_id, j.state, j.outcome FROM jobs j
    JOIN handlers h ON h.id = j.handler JOIN events e ON e.id = j.event
    WHERE h.name = 'bell' ORDER BY e.id"""
REMOVED = "cancelled: there is no deadline any more"


@pytest.fixture(params=["reload", "restart"])
def change(request):
    """Give a running server another configuration."""

    def make(server, config):
        server.write_config(config)
        if request.param == "reload":
            server.reload()
        else:
            server.restart()

    return make


def test_a_shorter_deadline_is_for_later_events(klikitd, sink, tmp_path,
                                                change):
    pos = sink("--status", "503")
    server = klikitd(config=alarm(tmp_path, pos.url, "20h"))
    server.expect("retry in", "failed in a row", "alarm: bell rings.*second")
    received(server.post(order_body(1), "first"))
    change(server, alarm(tmp_path, pos.url, "1s"))
    received(server.post(order_body(2), "second"))
    server.wait_query(BELL, [("first", "waiting", None),
                             ("second", "done", "done")])
    assert (tmp_path / "rang").read_text() == "rang\n"


def test_without_a_deadline_nothing_rings(klikitd, sink, tmp_path, change):
    pos = sink("--status", "503")
    server = klikitd(config=alarm(tmp_path, pos.url, "20h"))
    server.expect("retry in", "failed in a row")
    received(server.post(payload("created-small.json"), "e"))
    bell = alarm(tmp_path, pos.url, "20h").split("[handler bell]")[1]
    change(server, forward(pos.url) + "[handler bell]" + bell)
    server.wait_query(BELL, [("e", "done", REMOVED)])
    pos.restart()
    server.wait_processed()
    assert not (tmp_path / "rang").exists()


@pytest.mark.once
def test_a_bell_that_is_gone_is_parked(klikitd, sink, tmp_path, change):
    """Its alarms wait for it, as all jobs of a handler do."""
    pos = sink("--status", "503")
    with_bell = alarm(tmp_path, pos.url, "1s")
    other = with_bell.replace("bell", "gong").replace("1s", "20h")
    server = klikitd(config=with_bell.replace("1s", "3s"))
    server.expect("retry in", "failed in a row", "alarm: bell rings")
    received(server.post(order_body(1), "first"))
    change(server, other)
    assert "parked" in server.do("handlers")
    assert server.query(BELL) == [("first", "waiting", None)]
    change(server, with_bell)
    server.wait_query(BELL, [("first", "done", "done")])


def test_a_replay_done_in_time_is_enough(klikitd, sink, tmp_path):
    pos = sink("--status", "422")
    server = klikitd(config=alarm(tmp_path, pos.url, "20h"))
    server.expect("dead")
    received(server.post(payload("created-small.json"), "e"))
    server.wait_query("SELECT count(*) FROM jobs WHERE state = 'dead'",
                      [(1,)])
    assert server.query(BELL) == [("e", "waiting", None)]
    server.do("replay", "--state", "dead")
    server.wait_query("SELECT count(*) FROM jobs WHERE state = 'dead'",
                      [(2,)])
    assert server.query(BELL) == [("e", "waiting", None)]
    pos.restart()
    server.do("replay", "--state", "dead")
    server.wait_processed()
    assert server.query(BELL) == [("e", "done", "cancelled")]
    assert not (tmp_path / "rang").exists()


@pytest.mark.parametrize("what", ["discard", "pause"])
def test_what_is_not_done_rings_whatever_the_cause(klikitd, sink, tmp_path,
                                                   what):
    pos = sink("--status", "503")
    server = klikitd(config=alarm(tmp_path, pos.url, "2s"))
    server.expect("retry in", "failed in a row", "alarm: bell rings")
    if what == "pause":
        server.do("pause", "pos")
    received(server.post(payload("created-small.json"), "e"))
    if what == "discard":
        server.wait_query("SELECT count(*) FROM jobs j JOIN handlers h ON "
                          "h.id = j.handler WHERE h.name = 'pos' AND "
                          "j.outcome LIKE '%503%'", [(1,)])
        server.do("discard", "1", "--reason", "made by hand", expect=None)
    server.wait_query(BELL, [("e", "done", "done")])
    assert (tmp_path / "rang").read_text() == "rang\n"
