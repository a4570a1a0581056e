"""[reconcile]: what klikit's list of orders has and the store has not is filled
in. The list is klikitd's own fake of klikit's API, in both dialects."""

import datetime
import json
import threading

import pytest

from conftest import CREATED, DEADLINE, received, run
from sink import Sink
from test_clock import Clock, FAKETIME

pytestmark = pytest.mark.once

STATUS = "klikit.order.status.updated"
HOUR = 3600
KEYS = {"page": ("basic", "test-key:test-secret"),
        "cursor": ("bearer", "test-token")}
FILLED = "reconcile: filled"


def at(seconds):
    """So many seconds from now, as klikit writes times."""
    when = datetime.datetime.now(datetime.timezone.utc)
    when += datetime.timedelta(seconds=seconds)
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def order(number, changed=-HOUR, status=2, **more):
    return {"id": number, "branch_id": 2041, "brands": [{"id": 12}],
            "status": status, "created_at": at(-HOUR - 60),
            "updated_at": at(changed), "total": "84.50", **more}


def body(one):
    return json.dumps({"brand_id": 12, "branch_id": 2041,
                       "orders": [one]}).encode()


@pytest.fixture
def api(tmp_path):
    (tmp_path / "api").mkdir()
    sink = FakeApi(tmp_path / "api", "--klikit-api")
    yield sink
    sink.stop()


@pytest.fixture
def pos(tmp_path):
    (tmp_path / "pos").mkdir()
    sink = Sink(tmp_path / "pos")
    yield sink
    sink.stop()


class FakeApi(Sink):
    """klikit's API, and what is done to it."""

    def tell(self, method, path, what=None):
        client = self.connect()
        client.request(method, path, None if what is None
                       else json.dumps(what))
        answer = client.getresponse()
        said = answer.read()
        client.close()
        assert answer.status in (200, 204), (path, answer.status, said)
        return json.loads(said) if said else None

    def orders(self, *orders):
        self.tell("PUT", "/fake/orders", list(orders))

    def faults(self, *faults):
        self.tell("PUT", "/fake/faults",
                  [{"on": "list", **fault} for fault in faults])


def section(tmp_path, api, dialect="page", **more):
    auth, credentials = KEYS[dialect]
    (tmp_path / "credentials").write_text(credentials + "\n")
    keys = {"url": f"{api.url}/v1/partner/orders", "auth": auth,
            "credentials_file": tmp_path / "credentials", "paging": dialect,
            "every": "1s", "branches": "2041"}
    keys.update(more)
    return "[reconcile]\n" + "".join(f"{k} = {v}\n" for k, v in keys.items())


def handlers(pos):
    return ("[handler orders]\ntype = orders\n"
            f"[handler pos]\ntype = forward\nurl = {pos.url}\n")


def stored(server):
    """Order and type of what was filled."""
    return server.query(
        "SELECT o.order_id, e.type FROM events e JOIN event_orders o "
        "ON o.event = e.id WHERE e.origin = 'reconcile' ORDER BY e.id")


def passed(server, since=0):
    """Wait until one more comparison has gone through; how many by then."""
    return until(lambda: (n := runs(server)) > since and n, server)


def until(condition, server):
    """Wait for what no line of the log says; what it gives then."""
    ticks = threading.Event()
    for _ in range(DEADLINE * 20):
        if found := condition():
            return found
        ticks.wait(0.05)
    raise AssertionError(server.log())


def runs(server):
    _, _, status = server.ask("GET", "/api/v1/status")
    one = status["reconcile"]
    return one["runs"] - one["failures"]


@pytest.mark.sqlite("the clock of this machine")
@pytest.mark.parametrize("dialect", ["page", "cursor"])
def test_a_box_that_was_off_gets_what_it_lacks(klikitd, api, pos, tmp_path,
                                               dialect):
    """Five orders, three delivered, and then two hours without power, in which
    klikit's retries have ended."""
    clock = Clock(tmp_path)
    assert FAKETIME, "libfaketime is not installed"
    delivered = [order(i, changed=-60) for i in (1, 2, 3)]
    missing = [order(i, changed=600, created_at=at(500), note="{\"a\":1}")
               for i in (4, 5)]
    api.orders(*delivered, *missing)
    server = klikitd(config=handlers(pos), env=clock.env)
    server.expect(".")
    for i, one in enumerate(delivered):
        received(server.post(body(one), f"webhook-{i}"))
    server.wait_processed()
    server.stop()
    assert len(pos.lines()) == 3

    clock.set(2 * HOUR)
    server.write_config(handlers(pos) + section(tmp_path, api, dialect))
    server.start()
    server.wait_log(FILLED + " 2 orders that klikit lists: 2 were not here")
    server.wait_processed()
    assert sorted(stored(server)) == [("4", CREATED), ("5", CREATED)]
    assert server.query(
        "SELECT DISTINCT secret, peer, brand, branch FROM events "
        "WHERE origin = 'reconcile'") == [(None, "reconcile", "12", "2041")]
    filled = pos.wait_lines(5)[3:]
    assert {one["signature"] for one in filled} == {None}
    assert sorted(one["event_id"] for one in filled) == [
        f"reconcile-{one['id']}-{one['updated_at'][:-1]}.000Z-2"
        for one in missing]

    # Their late deliveries change nothing, and are not cooked again.
    for i, one in enumerate(missing):
        received(server.post(body(one), f"late-{i}"))
    server.wait_processed()
    before = server.query("SELECT order_id, status, updated_at FROM orders "
                          "ORDER BY order_id")
    assert [row[0] for row in before] == ["1", "2", "3", "4", "5"]
    passed(server, passed(server))
    assert len(pos.lines()) == 5
    assert len(stored(server)) == 2
    numbers = server.metrics()
    assert numbers['klikitd_reconcile_filled_total{kind="unknown"}'] == 2
    assert numbers['klikitd_reconcile_filled_total{kind="newer"}'] == 0
    assert numbers['klikitd_reconcile_runs_total{end="failed"}'] == 0


@pytest.mark.both
def test_missing_and_newer_orders_of_ours_are_filled(klikitd, api, pos,
                                                     tmp_path):
    delivered = order(1, changed=-600, status=1)
    api.orders(order(1, changed=-300), order(2), order(3, branch_id=7),
               order(4, changed=0), order("späti"), order(5, status=3))
    choosy = handlers(pos) + (
        f"[handler klikit]\ntype = forward\nurl = {pos.url}/klikit\n"
        "origins = klikit, hub\n")
    server = klikitd(config=choosy)
    received(server.post(body(delivered), "delivered"))
    received(server.post(body(order(5, status=3)), "ended", type=STATUS))
    server.write_config(choosy + section(tmp_path, api, size=2, every="1h"))
    server.reload()
    server.wait_log(FILLED + " 3 orders that klikit lists: 2 were not here, "
                    "1 are newer")
    server.wait_processed()
    assert sorted(stored(server)) == [("1", STATUS), ("2", CREATED),
                                      ("späti", CREATED)]
    called = [(one["path"], one["event_id"]) for one in pos.lines()]
    assert sorted(id for path, id in called if path == "/klikit") == [
        "delivered", "ended"]
    assert sum(path == "/" for path, _ in called) == 5
    assert server.query("SELECT status FROM orders WHERE order_id = '1'") == [
        ("2",)]
    # The delivery of the newer version comes after all.
    received(server.post(body(order(1, changed=-300)), "late", type=STATUS))
    server.wait_processed()
    since = server.metrics()['klikitd_reconcile_runs_total{end="passed"}']
    server.reload()
    passed(server, since)
    assert len(stored(server)) == 3


@pytest.mark.parametrize("dialect", ["page", "cursor"])
def test_what_the_api_answers_delays_and_never_misleads(klikitd, api, pos,
                                                        tmp_path, dialect):
    faults = [[{"what": "status", "status": 429, "retry_after": 1}],
              [{"what": "status", "status": 500}, {"what": "html"},
               {"what": "drop"}],
              [{"what": "size", "size": 1}]]
    if dialect == "page":  # with cursors an empty page is the last one
        faults[1].append({"what": "empty"})
    server = klikitd(config=handlers(pos) + section(
        tmp_path, api, dialect, size=2))
    server.expect("klikit's list cannot be compared")
    all_of_them = []
    for i, some in enumerate(faults):
        all_of_them += [order(10 * i + j) for j in range(5)]
        api.faults(*some)
        api.orders(*all_of_them)
        until(lambda: len(stored(server)) == len(all_of_them), server)
        until(lambda: not api.tell("GET", "/fake/faults"), server)
        passed(server, runs(server))
    server.wait_processed()
    assert sorted(pos_orders(pos)) == sorted(str(o["id"]) for o in all_of_them)
    assert {kind for _, kind in stored(server)} == {CREATED}
    numbers = server.metrics()
    assert numbers['klikitd_reconcile_runs_total{end="failed"}'] >= 4


def pos_orders(pos):
    """What was cooked: an order for each call."""
    return [one for call in pos.lines() for one in call["orders"]]


def doctor(server):
    return run("doctor", "-c", server.config,
               env=server.environment()).stdout.decode()


def test_wrong_credentials_are_said_and_called_for(klikitd, api, tmp_path):
    server = klikitd(config="[handler ops]\ntype = exec\nevents = "
                     "klikitd.alert.reconcile\ncommand = /bin/true\n" +
                     section(tmp_path, api, alert_after="1s"))
    server.expect("klikit's list cannot be compared", "alert: reconcile")
    passed(server)
    said = doctor(server)
    assert "knows the credentials" in said, said
    right = {"key": "test-key", "secret": "test-secret", "token": "t"}
    api.tell("PUT", "/fake/credentials", {**right, "key": "another"})
    server.wait_log("cannot be compared: answered 401: the API does not know")
    server.wait_log("alert: reconcile")
    _, _, status = server.ask("GET", "/api/v1/status")
    one = status["reconcile"]
    assert "answered 401" in one["error"] and "credentials_file" in (
        one["advice"]), one
    assert "reconcile" in {need["kind"] for need in status["needs"]}
    said = doctor(server)
    assert "answered 401" in said, said
    api.tell("PUT", "/fake/credentials", right)
    server.wait_log("klikit's list can be read again")
    server.wait_log("alert: reconcile .*over")


@pytest.mark.parametrize("lines, error", [
    ("url = http://api.example.com/orders\n", "use https"),
    ("url = http://127.0.0.1:1/orders\n", "credentials_file: is missing"),
    ("url = http://127.0.0.1:1/orders\ncredentials_file = one\n",
     "holds no KEY:SECRET"),
    ("url = http://127.0.0.1:1/o\ncredentials_file = two\ngrace = 1d\n",
     "grace: is not shorter"),
])
def test_what_is_wrong_with_the_section_is_said(tmp_path, lines, error):
    (tmp_path / "one").write_text("only-a-key\n")
    (tmp_path / "two").write_text("key:secret\n")
    (tmp_path / "klikitd.ini").write_text(f"[reconcile]\n{lines}")
    said = run("check-config", "-c", tmp_path / "klikitd.ini",
               env={"KLIKIT_WEBHOOK_SECRET": "x" * 20})
    assert said.returncode == 1
    assert error.encode() in said.stderr + said.stdout, said
