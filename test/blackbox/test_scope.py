"""Scopes: sandbox beside production, each with a secret of its own, share no
event id, no order, no lane, no memory of what was done, and no key."""

import http.server
import json
import re
import socketserver
import threading

import pytest

from conftest import CREATED, STATUS, duplicate, received, run

pytestmark = [pytest.mark.once, pytest.mark.both]

SANDBOX = b"the secret of the sandbox"
SCOPED = "[secret sandbox]\nfile = sandbox\nscope = sandbox\n"


def body(order, status=1, note="", updated_at="2026-06-25T12:00:00Z"):
    return json.dumps({"brand_id": 910, "branch_id": 2041, "orders": [
        {"id": order, "status": status, "updated_at": updated_at,
         "note": note}]}).encode()


class Two:
    """A server that both environments deliver to."""

    def __init__(self, make, config="", scoped=SCOPED, secret=SANDBOX):
        self.server = make(start=False, config=scoped + config)
        (self.server.directory / "sandbox").write_bytes(secret)
        self.sandbox_secret = secret
        self.live_secret = self.server.secret
        self.server.start()

    def post(self, data, event_id=None, type=CREATED, sandbox=False):
        self.server.secret = (self.sandbox_secret if sandbox else
                              self.live_secret)
        try:
            return self.server.post(data, event_id, type)
        finally:
            self.server.secret = self.live_secret


@pytest.fixture
def two(klikitd):
    return Two(klikitd)


class Pos(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """A far side that takes all, and notes the headers of each call."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), PosHandler)
        self.requests = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}/orders"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class PosHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.server.requests.append(
            {k.lower(): v for k, v in self.headers.items()})
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def pos():
    made = Pos()
    yield made
    made.shutdown()
    made.server_close()


def test_an_id_is_new_in_each_scope(two):
    received(two.post(body(7), "e"))
    received(two.post(body(7, note="other"), "e", sandbox=True))
    duplicate(two.post(body(7), "e"))
    duplicate(two.post(body(7, note="other"), "e", sandbox=True))
    two.server.wait_processed()
    assert two.server.query(
        "SELECT event_id, scope, secret, duplicates FROM events "
        "ORDER BY id") == [("e", "", "default", 1),
                           ("e", "sandbox", "sandbox", 1)]


def test_rows_are_apart(two):
    received(two.post(body(7, 1, "live"), "a"))
    received(two.post(body(7, 3, "test", "2026-06-26T12:00:00Z"), "b",
                      sandbox=True))
    two.server.wait_processed()
    assert [(scope, status, json.loads(document)["note"])
            for scope, status, document in two.server.query(
                "SELECT scope, status, document FROM order_documents "
                "ORDER BY scope")] == [("", "1", "live"),
                                       ("sandbox", "3", "test")]
    assert two.server.query("SELECT scope FROM cart_documents "
                            "ORDER BY scope") == [("",), ("sandbox",)]


def test_orders_of_a_scope_wait_for_none_of_another(klikitd, pos):
    two = Two(klikitd, f"[handler pos]\ntype = forward\nurl = {pos.url}\n")
    two.server.do("pause", "pos")
    received(two.post(body(7), "live"))
    received(two.post(body(7), "live 2", type=STATUS))
    received(two.post(body(7), "sandbox", sandbox=True))
    assert two.server.query(
        "SELECT event_id, behind FROM jobs JOIN events "
        "ON events.id = jobs.event ORDER BY jobs.id") == [
            ("live", 0), ("live 2", 1), ("sandbox", 0)]
    two.server.restart()
    two.server.do("resume", "pos")
    two.server.wait_processed()
    ids = [h["x-klikit-event-id"] for h in pos.requests]
    assert sorted(ids) == ["live", "live 2", "sandbox"]
    assert ids.index("live") < ids.index("live 2")
    assert two.server.query("SELECT count(*) FROM lanes") == [(0,)]


def test_once_per_order_is_within_a_scope(klikitd, pos):
    two = Two(klikitd, f"[handler pos]\ntype = forward\nurl = {pos.url}\n")
    received(two.post(body(7), "e"))
    two.server.wait_processed()
    received(two.post(body(7), "e", sandbox=True))
    received(two.post(body(7, note="again"), "e again", sandbox=True))
    received(two.post(body(7, note="again"), "e once more"))
    two.server.wait_processed()
    outcomes = two.server.query("SELECT outcome FROM jobs ORDER BY id")
    assert [o.split(":")[0] for o, in outcomes] == [
        "done", "done", "already", "already"]
    assert [h["idempotency-key"] for h in pos.requests] == ["e", "sandbox:e"]
    assert [h["x-klikit-event-id"] for h in pos.requests] == ["e", "e"]
    assert [h.get("x-klikitd-scope") for h in pos.requests] == [None, "sandbox"]


def test_rotation_stays_in_the_scope(klikitd, tmp_path):
    """A new secret with the old one's scope: no lane, no id begins anew."""
    (tmp_path / "next").write_text("the next one")
    two = Two(klikitd, scoped=SCOPED + "[secret next]\n"
              f"file = {tmp_path}/next\nscope = sandbox\n")
    received(two.post(body(7, 2), "e", sandbox=True))
    two.sandbox_secret = b"the next one"
    duplicate(two.post(body(7, 2), "e", sandbox=True))
    received(two.post(body(7, 4), "f", STATUS, sandbox=True))
    two.server.wait_processed()
    assert two.server.query("SELECT scope, status FROM orders") == [
        ("sandbox", "4")]


def test_another_scope_by_hup_applies_to_what_comes_then(two):
    received(two.post(body(7), "e", sandbox=True))
    two.server.write_config(SCOPED.replace("scope = sandbox",
                                           "scope = training"))
    two.server.reload()
    received(two.post(body(7), "e", sandbox=True))
    two.server.wait_processed()
    assert two.server.query("SELECT scope FROM events ORDER BY id") == [
        ("sandbox",), ("training",)]
    two.server.wait_log("scope training")


def test_the_first_secret_has_a_scope_too(klikitd):
    server = klikitd(config="[klikit]\nscope = live\n")
    received(server.post(body(7), "e"))
    server.wait_processed()
    assert server.query("SELECT scope FROM orders") == [("live",)]


def test_what_the_api_shows(two):
    received(two.post(body(7, 1, "live"), "e"))
    received(two.post(body(7, 2, "test"), "e", sandbox=True))
    received(two.post(body(8), "f"))
    two.server.wait_processed()
    ask = lambda path: two.server.ask("GET", f"/api/v1/{path}")[2]
    status = lambda path: two.server.ask("GET", f"/api/v1/{path}")[0]

    events = ask("events")["events"]
    assert [(e["event_id"], e.get("scope")) for e in events] == [
        ("f", None), ("e", "sandbox"), ("e", None)]
    assert all("origin" not in e and "repeat_of" not in e for e in events)
    assert [e["event_id"] for e in ask("events?scope=sandbox")["events"]] == [
        "e"]
    assert [e["event_id"] for e in ask("events?scope=")["events"]] == [
        "f", "e"]
    event = ask("events/e")
    assert "scope" not in event and event["scopes"] == ["", "sandbox"]
    assert "scopes" not in ask("events/f")
    event = ask("events/e?scope=sandbox")
    assert event["scope"] == "sandbox" and "scopes" not in event
    assert event["jobs"][0]["scope"] == "sandbox"
    assert ask("events/e/body?scope=sandbox")["orders"][0]["note"] == "test"
    assert ask("events/e/body?scope=")["orders"][0]["note"] == "live"
    assert status("events/f?scope=sandbox") == 404
    assert status("events/f?brand=1") == 400

    assert [(o["order_id"], o.get("scope")) for o in
            ask("orders?scope=sandbox")["orders"]] == [("7", "sandbox")]
    order = ask("orders/7")
    assert order["status"] == "1" and "scope" not in order
    assert [(o["scope"], o["status"]) for o in order["others"]] == [
        ("sandbox", "2")]
    assert [e["event_id"] for e in order["history"]] == ["e"]
    assert order["document"]["note"] == "live"
    order = ask("orders/7?scope=sandbox")
    assert (order["scope"], order["document"]["note"]) == ("sandbox", "test")
    assert "others" not in order
    assert [e["scope"] for e in order["history"]] == ["sandbox"]
    assert "others" not in ask("orders/8")

    assert len(ask("jobs?event=e")["jobs"]) == 2
    assert [j["scope"] for j in ask("jobs?event=e&scope=sandbox")["jobs"]] == [
        "sandbox"]


def test_what_the_verbs_show(two):
    received(two.post(body(7, 1, "live"), "e"))
    received(two.post(body(7, 2, "test"), "e", sandbox=True))
    two.server.wait_processed()
    do = two.server.do
    lines = [json.loads(l) for l in do("orders", "--json").splitlines()]
    assert [o.get("scope") for o in lines] == ["sandbox", None]
    assert "7 (sandbox)" in do("orders")
    shown = do("orders", "7")
    assert len(re.findall("^order_id +7$", shown, re.M)) == 2
    assert len(re.findall("^scope +sandbox$", shown, re.M)) == 1
    lines = [json.loads(l) for l in do("orders", "7", "--json").splitlines()]
    assert [o["document"]["note"] for o in lines] == ["live", "test"]
    do("orders", "7", "--document", expect=1)
    assert "choose by --scope" in two.server.said
    assert json.loads(do("orders", "7", "--document", "--scope",
                         "sandbox"))["note"] == "test"
    assert json.loads(do("orders", "7", "--document", "--scope",
                         ""))["note"] == "live"
    assert len(re.findall("^event_id +e$", do("events", "e"), re.M)) == 2
    assert "e (sandbox)" in do("events", "--scope", "sandbox")
    do("events", "e", "--body", expect=1)
    assert "e (sandbox)" in do("jobs", "--event", "e")
    assert re.search("^scope +sandbox$", do("jobs", "2"), re.M)
    assert do("replay", "e", "--scope", "sandbox", "--dry-run").startswith(
        "1 job to replay")
    assert do("replay", "e", "--dry-run").startswith("2 jobs to replay")


def test_a_purge_may_name_the_scope(two):
    received(two.post(body(7, 1, "live"), "a"))
    received(two.post(body(7, 2, "test"), "b", sandbox=True))
    two.server.wait_processed()
    two.server.do("purge", "--scope", "sandbox", expect=2)
    two.server.do("purge", "--order", "7", "--scope", "sandbox")
    assert two.server.query("SELECT event FROM bodies") == [(1,)]
    assert two.server.ask("POST", "/api/v1/purge", {"scope": "x"})[0] == 400
    two.server.do("purge", "--order", "7")
    assert two.server.query("SELECT event FROM bodies") == []


def test_check_config_shows_scopes_and_refuses_two_for_one_secret(klikitd):
    server = klikitd(start=False, config=SCOPED)
    (server.directory / "sandbox").write_bytes(SANDBOX)
    done = run("check-config", "-c", server.config,
               env={"KLIKIT_WEBHOOK_SECRET": "live"})
    assert done.returncode == 0 and b"scope sandbox" in done.stdout, done
    done = run("check-config", "-c", server.config,
               env={"KLIKIT_WEBHOOK_SECRET": SANDBOX.decode()})
    assert done.returncode == 1 and b"but another scope" in done.stderr, done
