"""An alarm that rang is shown until somebody has acknowledged it."""

import json

import pytest

from conftest import payload, received
from test_outlets import alarm, sink  # noqa: F401 (a fixture)

pytestmark = pytest.mark.once


@pytest.fixture
def rung(klikitd, sink, tmp_path):
    """A server whose POS is down, with an alarm that rang; and the POS."""
    pos = sink("--status", "422")
    server = klikitd(config=alarm(tmp_path, pos.url, "1s"))
    server.expect("dead", "alarm: bell rings")
    received(server.post(payload("created-small.json"), "e"))
    server.wait_query("SELECT j.state FROM jobs j JOIN handlers h "
                      "ON h.id = j.handler WHERE h.name = 'bell'",
                      [("done",)])
    return server, pos


def get(server, path):
    status, _, answer = server.ask("GET", path)
    assert status == 200, answer
    return answer


def test_until_it_is_acknowledged(rung):
    server, _ = rung
    (alarm,) = get(server, "/api/v1/alarms")["alarms"]
    assert alarm["handler"] == "bell" and alarm["guarded"] == "pos"
    assert alarm["order_id"] == "9100001" and alarm["state"] == "rang"
    status = get(server, "/api/v1/status")
    assert [a["id"] for a in status["alarms"]] == [alarm["id"]]
    assert status["counts"]["alarms"] == 1
    event = get(server, "/api/v1/events/e")
    assert event["alarms"] == 1
    assert "rang" in [m["what"] for m in event["timeline"]]
    assert "klikitd_alarms_unacknowledged 1\n" in server.metrics_text()

    assert "bell" in server.do("alarms")
    assert server.do("acknowledge", str(alarm["id"]), "--by", "Rina") == (
        f"alarm {alarm['id']}: acknowledged\n")
    assert get(server, "/api/v1/alarms")["alarms"] == []
    assert get(server, "/api/v1/status")["alarms"] == []
    event = get(server, "/api/v1/events/e")
    assert event["alarms"] == 0
    assert event["timeline"][-1]["what"] == "acknowledged"
    assert event["timeline"][-1]["detail"] == f"alarm {alarm['id']} by Rina"
    (kept,) = [json.loads(line) for line in
               server.do("alarms", "--all", "--json").splitlines()]
    assert kept["acknowledged_by"] == "Rina"
    assert kept["state"] == "acknowledged"
    status, _, answer = server.ask("POST", "/api/v1/alarms/acknowledge",
                                {"ids": [alarm["id"]], "by": "Budi"})
    assert status == 200
    assert "acknowledged already" in answer["jobs"][0]["error"]
    status, _, _ = server.ask("POST", "/api/v1/alarms/acknowledge",
                           {"ids": [alarm["id"]]})
    assert status == 400
    assert server.do("acknowledge", "--all-of-them") == (
        "no alarm waits to be acknowledged\n")


def test_a_replay_repeats_no_alarm_and_may_have_a_new_key(rung):
    server, pos = rung
    pos.restart()
    assert "replayed 1 of 1 jobs" in server.do(
        "replay", "--handler", "pos", "--state", "dead", "--new-key")
    server.wait_processed()
    assert "replayed 1 of 1 jobs" in server.do("replay", "e")
    server.wait_processed()
    keys = [r["key"] for r in pos.lines()]
    made = server.query("SELECT id, key_of FROM jobs "
                        "WHERE replay_of IS NOT NULL ORDER BY id")
    assert keys == ["e"] + [f"e::replay-{made[0][0]}"] * 2
    assert [key for _, key in made] == [made[0][0]] * 2
    # The alarm rang: that the job was done later changes nothing of that.
    assert len(get(server, "/api/v1/alarms")["alarms"]) == 1


def test_one_that_was_not_needed_says_so(klikitd, sink, tmp_path):
    server = klikitd(config=alarm(tmp_path, sink().url, "20h"))
    received(server.post(payload("created-small.json"), "e"))
    server.wait_processed()
    event = get(server, "/api/v1/events/e")
    assert [j["state"] for j in event["jobs"]] == ["done", "alarm not needed"]
    assert event["timeline"][-1]["what"] == "not_needed"
    assert "alarm not needed" in server.do("jobs")
    assert get(server, "/api/v1/alarms?all=true")["alarms"] == []
