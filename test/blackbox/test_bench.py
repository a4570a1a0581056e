"""The benchmark's own parts: its arithmetic, its verdicts, its generator."""

import json
import os
import pathlib
import subprocess
import sys
import types

import pytest

from conftest import SECRET
from sink import Sink

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test" / "bench"))

import bodies  # noqa: E402
import goals  # noqa: E402
import outlets  # noqa: E402
import report  # noqa: E402
import stats  # noqa: E402


def result(rate, cpu_us=1000, requests=100):
    return {"rate": rate, "requests": requests, "idle_kb": 1, "start_ms": 1,
            "latency_us": {"p50": 1000, "p99": 2000},
            "server": {"cpu_us": cpu_us, "peak_kb": 2048, "written": 2048}}


def series(**rates):
    found = stats.Series()
    for name, values in rates.items():
        for number, rate in enumerate(values):
            if rate is not None:
                found.add(name.replace("_", "-"), number, result(rate))
    return found


def test_ratios_compare_values_of_one_round_only():
    found = series(klikitd=[100, 400, 90], node=[50, 100, None])
    assert found.ratio("klikitd", "node", stats.rate) == (2, 3, 4)
    assert found.ratio("klikitd", "webhook", stats.rate) is None


def test_the_median_decides():
    def verdict(values, sense, limit):
        return goals.Goal("P", "", sense, limit, values).verdict()

    assert verdict((1, 2.6, 3), goals.AT_LEAST, 2.6) == "reached"
    assert verdict((2, 2.5, 9), goals.AT_LEAST, 2.6) == "NOT REACHED"
    assert verdict((0.1, 0.35, 9), goals.AT_MOST, 0.35) == "reached"
    assert verdict(51, goals.AT_MOST, 50) == "NOT REACHED"
    assert verdict(None, goals.AT_LEAST, 1) == "not measured"
    assert verdict((1, 2, 3), goals.REPORTED, None) == "reported"
    assert verdict(None, goals.REPORTED, None) == "not measured"


def test_every_goal_has_a_verdict():
    names = {goal.name for goal in goals.all_goals({}, {})}
    assert names == {f"P{n}" for n in range(1, 11)}
    assert all(goal.verdict() == "not measured"
               for goal in goals.all_goals({}, {}))
    found = goals.all_goals(
        {"5k/64": series(klikitd=[40, 40], node=[10, 10])}, {"idle_mb": 12})
    assert found[0].found == (4, 4, 4) and found[0].verdict() == "reached"


def test_the_table_names_who_is_missing():
    class Server:
        def __init__(self, text, missing=None):
            self.text, self.missing = text, missing

    everyone = {"klikitd": Server("us"), "node": Server("them", "no node")}
    lines = "\n".join(report.workload_lines(
        "5k/64", series(klikitd=[123]), everyone))
    assert "us" in lines and "123" in lines and "them" not in lines
    assert any("them: NOT MEASURED: no node" in line
               for line in report.missing_lines(everyone))


@pytest.mark.parametrize("name", bodies.SIZES)
def test_bodies_have_their_size(name):
    text = bodies.make(bodies.SIZES[name])
    assert text.endswith(bodies.MARK + "}]}")
    sent = text.replace(bodies.MARK, "1234567890")
    assert len(sent) == bodies.SIZES[name]
    assert json.loads(sent)["orders"][0]["id"] == 1234567890


@pytest.fixture
def load(server, tmp_path):
    """Run the generator against the server: exit status, what it printed."""
    binary = pathlib.Path(os.environ["KLIKITD"]).parent / "test/bench/load"
    if not binary.exists():
        pytest.skip("this build has no load generator")
    (tmp_path / "secret").write_bytes(SECRET)
    (tmp_path / "body").write_text(bodies.make(300))

    def run(*options, post=True, port=server.port):
        command = [binary, "--connections", "4", "--seconds", "60", *options]
        if post:
            command += ["--body", tmp_path / "body", "--secret-file",
                        tmp_path / "secret"]
        run = subprocess.run([*command, f"127.0.0.1:{port}"], text=True,
                             capture_output=True, timeout=120)
        return run.returncode, json.loads(run.stdout), run.stderr

    return run


def test_load_delivers_and_counts(load, server, tmp_path):
    """Each delivery has a body of its own."""
    code, found, _ = load("--requests", "50", "--ids", str(tmp_path / "ids"),
                          "--expect-text", "received")
    assert code == 0
    assert found["answered"] == found["requests"] == 50
    assert found["unexpected"] == found["cut"] == found["unanswered"] == 0
    ids = (tmp_path / "ids").read_text().split()
    assert sorted(ids) == sorted(row[0] for row in server.query(
        "SELECT event_id FROM events"))
    assert server.query(
        "SELECT count(DISTINCT order_id), min(order_id), max(order_id) "
        "FROM event_orders") == [(50, "1000000000", "1000000049")]
    assert server.query("SELECT count(DISTINCT body) FROM bodies") == [(50,)]


def test_load_repeats_bodies_only_when_asked(load, server):
    code, found, _ = load("--requests", "50", "--bodies", "5",
                          "--first-order", "2000000000")
    assert code == 0 and found["answered"] == 50
    assert server.query("SELECT DISTINCT order_id FROM event_orders "
                        "ORDER BY 1") == [(f"200000000{n}",)
                                          for n in range(5)]


def test_load_has_enough_bodies_for_a_run_by_time(load, server):
    code, found, _ = load("--seconds", "0.3", "--warm-up", "0.1",
                          "--expect-text", "received")
    assert code == 0
    assert server.query("SELECT count(DISTINCT order_id) FROM event_orders"
                        ) == [(found["answered"],)]


def test_load_fails_on_any_other_answer(load):
    assert load("--requests", "5", "--seed", "7")[0] == 0
    code, found, said = load("--requests", "5", "--seed", "7",
                             "--expect-text", "received")
    assert code == 1 and found["unexpected"] == 5
    assert "duplicate-ignored" in said
    code, found, said = load("--requests", "3", "--path", "/nowhere",
                             post=False)
    assert code == 1 and found["unexpected"] == 3 and "404" in said


def test_load_takes_a_server_that_starts_for_no_failure(load, tmp_path):
    """It answers 503 until it has copied its log."""
    starting = Sink(tmp_path, "--status", "503")
    code, found, said = load("--requests", "3", "--reopen", post=False,
                             port=starting.port)
    assert (code, found["later"], found["unexpected"]) == (0, 3, 0), said
    code, found, said = load("--requests", "3", post=False, port=starting.port)
    assert (code, found["later"], found["unexpected"]) == (1, 0, 3)
    assert "503" in said
    starting.stop()


def test_load_holds_idle_connections(load):
    code, found, _ = load("--idle-connections", "20", "--requests", "3",
                          "--path", "/healthz", post=False)
    assert code == 0 and found["idle_open"] == 20


def test_outlets_have_goals_of_their_own():
    wanted = [goal.name for goal in goals.outlet_goals("redis", {})]
    assert wanted == ["P11"] * 8
    found = {goal.text: goal.verdict() for goal in goals.outlet_goals(
        "redis", {"rate-redis": (1.9, 2.0, 9), "cpu_us-redis": (0, 0.6, 1),
                  "order-redis": (2000, 2500, 2600),
                  "beside-redis": (0.1, 0.89, 2)})}
    assert list(found.values()) == [
        "reached", "NOT REACHED", "not measured", "not measured",
        "not measured", "not measured", "reached", "NOT REACHED"]


def test_a_shared_store_has_goals_of_its_own():
    found = {"shared-ack": (0.4, 0.6, 0.7), "shared-handlers": (0.1, 0.2, 0.9)}
    assert [(goal.name, goal.verdict()) for goal in goals.shared_goals(found)
            ] == [("P12", "reached"), ("P12", "NOT REACHED")]


def test_outlets_have_a_step_each():
    plan = types.SimpleNamespace(rounds=1, outlet_events=1, outlet_drains=1,
                                 outlet_backlog=1, outlet_order=1, seconds=1)
    assert list(outlets.steps(None, plan)) == [
        prefix + kind for prefix in ("", "drain-", "order-", "beside-")
        for kind in goals.OUTLETS]
