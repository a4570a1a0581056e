"""GET /api/v1/stats: what happened in each minute and hour, over restarts."""

import datetime

import pytest

from conftest import payload, received

pytestmark = [pytest.mark.both, pytest.mark.once]

SMALL = payload("created-small.json")


def stats(server, query=""):
    code, _, answer = server.ask("GET", f"/api/v1/stats{query}")
    assert code == 200, answer
    return answer


def totals(answer):
    """The sums of what is shown, by name."""
    found = {name: sum(slots) for name, slots in answer["intake"].items()}
    for handler in answer["handlers"]:
        found[handler["name"]] = handler["total"]
    for branch in answer["branches"]:
        found[f"branch {branch['branch']}"] = sum(branch["events"])
    return found


@pytest.fixture
def server(klikitd):
    server = klikitd(
        config="[http]\nlisten = 127.0.0.1:0\n"
        "[handler orders]\ntype = orders\n"
        "[handler pos]\ntype = exec\nevents = *\n"
        "command = /bin/true\nonce_per_order = no\n")
    server.expect("refused")
    return server


def test_counts_are_shown_at_once_and_outlast_restarts(server):
    received(server.deliver(SMALL, "e1"))
    server.deliver(SMALL, "e1")
    assert server.post(SMALL, "e2", signature="0" * 64)[0] == 401
    server.wait_processed()
    server.wait_log("refused")
    before = totals(stats(server))
    assert before["received"] == 1
    assert before["duplicates"] == 1
    assert before["refused"] == 1
    assert before["orders"]["done"] == 1
    assert before["orders"]["p50_ms"] is None  # it calls nobody
    assert before["pos"]["done"] == 1
    assert before["pos"]["p95_ms"] > 0
    assert stats(server)["refused"]["signature"] == 1

    # An orderly stop loses nothing.
    server.restart()
    server.wait_ready()
    received(server.deliver(SMALL, "e3"))
    server.wait_processed()
    after = totals(stats(server))
    assert after["received"] == 2
    assert after["duplicates"] == 1
    assert after["refused"] == 1
    assert after["pos"]["done"] == 2
    handlers = {h["name"]: h for h in
                server.ask("GET", "/api/v1/handlers")[2]["handlers"]}
    for span in "last_hour", "last_day":
        assert handlers["pos"][span]["done"] == 2
        assert handlers["pos"][span]["p50_ms"] > 0
        assert handlers["orders"][span]["p50_ms"] is None
        assert handlers["pos"][span]["from"] < handlers["pos"]["last_seen"]
    by_hour = totals(stats(server, "?step=hour"))
    assert by_hour["received"] == 2
    assert [n for name, n in by_hour.items()
            if name.startswith("branch ")] == [2]


def test_a_range_has_a_slot_for_each_minute_or_hour(server):
    now = datetime.datetime.now(datetime.timezone.utc)

    def ago(**span):
        return (now - datetime.timedelta(**span)).strftime(
            "%Y-%m-%dT%H:%M:%SZ")

    hour = stats(server)
    assert hour["step"] == "minute"
    assert len(hour["intake"]["received"]) in (60, 61)
    day = stats(server, f"?from={ago(hours=23)}")
    assert day["step"] == "minute"
    assert len(day["intake"]["received"]) in range(1380, 1383)
    week = stats(server, f"?from={ago(days=7)}")
    assert week["step"] == "hour"
    assert len(week["intake"]["ran_s"]) in range(168, 170)
    assert week["branches"] == []
    # It did not run a week ago: that is no zero of a server that waits.
    assert week["intake"]["ran_s"][0] == 0
    old = stats(server, f"?from={ago(days=9)}&to={ago(days=8)}&step=auto")
    assert old["step"] == "hour"
    assert set(old["intake"]["ran_s"]) == {0}

    for query, why in (
            (f"?from={ago(days=2)}&step=minute", "a day is shown at most"),
            (f"?from={ago(days=31)}", "30 days are shown at most"),
            (f"?from={ago(hours=1)}&to={ago(hours=2)}",
             "from is not before to"),
            ("?step=week", "step: "), ("?from=yesterday", "from: "),
            ("?limit=5", "limit: ")):
        code, _, answer = server.ask("GET", f"/api/v1/stats{query}")
        assert code == 400 and why in answer["error"], (query, answer)
