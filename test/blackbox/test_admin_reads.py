"""What the admin API shows: events, orders, rejections, the status."""

import base64
import http.client
import json
import re
import shlex
import subprocess
import urllib.parse

import pytest

from conftest import CART, CREATED, STATUS, payload, received, sign

pytestmark = pytest.mark.once

SMALL = payload("created-small.json")
BATCH = payload("created-batch-5.json")
READY = payload("status-updated-ready.json")
PROGRAM = """
[handler orders]
type = orders
[handler pos]
type = exec
events = *
command = /bin/sh {script}
retry = 1h
once_per_order = no
"""


def get(server, path, code=200, headers=None):
    answer = server.ask("GET", path, None, headers)
    assert answer[0] == code, answer
    return answer[2]


def ids(page):
    return [event["event_id"] for event in page["events"]]


@pytest.fixture
def far(tmp_path):
    """A program whose exit code is written to the file that this returns."""
    (tmp_path / "far.sh").write_text(f"exit $(cat {tmp_path}/code)")
    return tmp_path / "code"


@pytest.fixture
def three(klikitd, far):
    """Three events: one done, one whose job waits, one with a dead one."""
    server = klikitd(config="[http]\nlisten = 127.0.0.1:0\n" +
                     PROGRAM.format(script=far.parent / "far.sh"))
    server.expect("retry in", "dead")
    for i, (body, code) in enumerate(((SMALL, 0), (BATCH, 75), (READY, 3))):
        far.write_text(str(code))
        received(server.post(body, f"e{i}",
                             type=STATUS if body is READY else CREATED))
        server.wait_query(
            "SELECT count(*) FROM jobs WHERE handler = 2 AND attempts = 1 "
            "AND state IN ('done', 'waiting', 'dead')", [(i + 1,)])
    server.wait_query(
        "SELECT count(*) FROM jobs WHERE handler = 1 AND finished_at IS NULL",
        [(0,)])
    return server


def test_events_are_listed_newest_first_page_by_page(three):
    assert ids(get(three, "/api/v1/events")) == ["e2", "e1", "e0"]
    page = get(three, "/api/v1/events?limit=2")
    assert ids(page) == ["e2", "e1"]
    page = get(three, f"/api/v1/events?limit=2&before={page['next']}")
    assert (ids(page), page["next"]) == (["e0"], None)


@pytest.mark.parametrize("query, wanted", [
    ("state=done", ["e0"]),
    ("state=pending", ["e1"]),
    ("state=dead", ["e2"]),
    ("type=klikit.order.status.updated", ["e2"]),
    ("order=9100012", ["e1"]),
    ("order=9100012&state=done", []),
    ("brand=910", ["e2", "e1", "e0"]),
    ("branch=nowhere", []),
    ("since=2100-01-01T00:00:00Z", []),
    ("until=2020-01-01T00:00:00Z", []),
    ("since=2020-01-01T00:00:00Z&limit=1", ["e2"]),
])
def test_events_are_filtered(three, query, wanted):
    assert ids(get(three, "/api/v1/events?" + query)) == wanted


def test_a_replayed_event_is_not_dead_any_more(three, far):
    event = get(three, "/api/v1/events?state=dead")["events"][0]
    assert event["state"] == "dead"
    dead = [job for job in event["jobs"] if job["state"] == "dead"][0]
    far.write_text("0")
    assert three.ask("POST", "/api/v1/jobs/replay",
                     {"ids": [dead["id"]]})[2]["replayed"] == 1
    three.wait_query("SELECT count(*) FROM jobs WHERE replay_of IS NOT NULL "
                     "AND state = 'done'", [(1,)])
    assert ids(get(three, "/api/v1/events?state=dead")) == []
    assert ids(get(three, "/api/v1/events?state=done")) == ["e2", "e0"]


def test_an_event_tells_all_that_is_known_of_it(three):
    event = get(three, "/api/v1/events/e1")
    assert event["orders_total"] == 5 == len(event["orders"])
    assert event["orders"][2]["order_id"] == "9100012"
    assert (event["size"], event["state"]) == (len(BATCH), "pending")
    assert event["verdict"]["secret"] == "default"
    assert ["x-klikit-signature", sign(BATCH)] in event["headers"]
    jobs = {job["handler"]: job for job in event["jobs"]}
    assert jobs["orders"]["state"] == "done"
    assert jobs["pos"]["history"][0]["code"] == 75
    what = [moment["what"] for moment in event["timeline"]]
    assert what[:2] == ["received", "verified"]
    assert sorted(what[2:]) == ["acked", "attempt", "done", "stored"]
    assert what.index("stored") < what.index("attempt")
    assert [m["at"] for m in event["timeline"]] == sorted(
        m["at"] for m in event["timeline"])
    dead = get(three, "/api/v1/events/e2")
    assert dead["timeline"][-1]["what"] in ("dead", "done")
    assert "dead" in [moment["what"] for moment in dead["timeline"]]


def test_times_of_before_the_start_are_not_invented(three):
    three.restart()
    event = get(three, "/api/v1/events/e2")  # none came behind it
    what = [moment["what"] for moment in event["timeline"]]
    assert "stored" not in what and "acked" not in what
    assert what[:2] == ["received", "verified"]
    assert event["answer_status"] is None and event["answer_us"] is None


def test_the_answer_outlasts_a_restart_once_another_event_came(three):
    now = get(three, "/api/v1/events/e0")
    assert now["answer_status"] == 200 and now["answer_us"] > 0
    three.restart()
    then = get(three, "/api/v1/events/e0")
    assert then["answer_us"] == now["answer_us"]
    assert "acked" in [moment["what"] for moment in then["timeline"]]


def test_headers_are_kept_redacted(server):
    sent = {"User-Agent": "klikit/7", "Authorization": "Bearer abc",
            "traceparent": "00-1-2-3"}
    for id in ("e1", "e2"):
        received(server.deliver(SMALL, id, headers=sent))
        headers = get(server, f"/api/v1/events/{id}")["headers"]
        assert ["x-klikit-event-id", id] == headers[0]
        assert ["User-Agent", "klikit/7"] in headers
        assert ["Authorization", "(10 bytes)"] in headers
        assert ["traceparent", "00-1-2-3"] in headers


def test_behind_a_trusted_proxy_it_is_from_the_client(klikitd):
    server = klikitd(config="[http]\nlisten = 127.0.0.1:0\n"
                            "trusted_proxies = 127.0.0.1\n")
    received(server.deliver(SMALL, "e1",
                            headers={"X-Forwarded-For": "203.0.113.9"}))
    event = get(server, "/api/v1/events/e1")
    assert event["peer"].startswith("203.0.113.9")
    assert ["X-Forwarded-For", "203.0.113.9"] in event["headers"]
    moment = event["timeline"][0]
    assert moment["what"] == "received" and "203.0.113.9" in moment["detail"]


def test_a_duplicate_is_in_the_timeline(server):
    received(server.post(SMALL, "e1"))
    server.post(SMALL, "e1")
    event = get(server, "/api/v1/events/e1")
    assert event["duplicates"] == 1
    assert "duplicate" in [moment["what"] for moment in event["timeline"]]


def test_an_id_may_have_any_printable_character(server):
    name = "a/b?c=d&e%2F \"<script>\\"
    received(server.post(SMALL, name))
    path = "/api/v1/events/" + urllib.parse.quote(name, safe="")
    assert get(server, path)["event_id"] == name
    assert get(server, "/api/v1/events/a/b", 404) == {"error": "not found"}


def fetch(server, path, method="GET", headers=None):
    host, port = server.admin[7:].split(":")
    conn = http.client.HTTPConnection(host, int(port), timeout=60)
    conn.request(method, path, headers=headers or {})
    answer = conn.getresponse()
    data = answer.read()
    conn.close()
    return answer, data


def test_a_body_comes_byte_for_byte_to_be_kept_not_shown(server):
    body = b'{"orders":[],"x":"\xff\xfe <script>alert(1)</script>"}\r\n'
    received(server.post(body, "e1"))
    answer, data = fetch(server, "/api/v1/events/e1/body")
    assert (answer.status, data) == (200, body)
    assert answer.getheader("content-type") == "application/octet-stream"
    assert answer.getheader("content-disposition").startswith("attachment")
    assert answer.getheader("x-content-type-options") == "nosniff"
    answer, data = fetch(server, "/api/v1/events/e1/body", "HEAD")
    assert (answer.status, data) == (200, b"")
    assert get(server, "/api/v1/events/e2/body", 404)["error"]


def test_a_purged_body_is_gone(server):
    received(server.post(SMALL, "e1"))
    server.wait_processed()
    server.do("purge", "--order", "9100001")
    assert get(server, "/api/v1/events/e1/body", 410)["error"]
    event = get(server, "/api/v1/events/e1")
    assert event["purged_at"] is not None
    assert event["timeline"][-1]["what"] == "purged"


def test_a_long_event_is_brief_in_a_list(server):
    orders = [{"id": n, "status": 1} for n in range(1, 101)]
    received(server.post(json.dumps({"orders": orders}).encode(), "e1"))
    event = get(server, "/api/v1/events")["events"][0]
    assert (len(event["orders"]), event["orders_total"]) == (64, 100)
    assert len(get(server, "/api/v1/events/e1")["orders"]) == 100


def test_orders_are_open_until_a_code_that_ends_them(server):
    received(server.post(SMALL, "e1"))
    server.wait_processed()
    order = get(server, "/api/v1/orders?open=true")["orders"][0]
    assert (order["order_id"], order["terminal"]) == ("9100001", False)
    assert order["received_at"] and order["event_id"] == "e1"
    body = json.dumps({"brand_id": 910, "branch_id": 2041, "orders": [
        {"id": 9100001, "status": 9,
         "updated_at": "2099-01-01T00:00:00Z"}]}).encode()
    received(server.post(body, "e2", type=STATUS))
    server.wait_processed()
    assert get(server, "/api/v1/orders?open=true")["orders"] == []
    order = get(server, "/api/v1/orders")["orders"][0]
    assert (order["status"], order["terminal"]) == ("9", True)
    assert get(server, "/api/v1/orders?status=9")["orders"] == [order]
    assert get(server, "/api/v1/orders?status=1")["orders"] == []
    assert get(server, "/api/v1/orders?branch=1")["orders"] == []


def test_an_order_of_which_only_a_cart_is_known_is_not_open(server):
    received(server.post(payload("cart-updated.json"), "e1", type=CART))
    server.wait_processed()
    assert len(get(server, "/api/v1/orders")["orders"]) == 1
    assert get(server, "/api/v1/orders?open=true")["orders"] == []
    assert get(server, "/api/v1/orders?status=1")["orders"] == []


def test_an_order_has_its_document_digit_for_digit_and_its_events(server):
    body = (b'{"orders":[{"id":123456789012345678901234567890,'
            b'"price":84.50,\n"status":1}]}')
    received(server.post(body, "e1"))
    server.wait_processed()
    answer, data = fetch(server,
                         "/api/v1/orders/123456789012345678901234567890")
    assert answer.status == 200
    assert (b'"document":{"id":123456789012345678901234567890,'
            b'"price":84.50,"status":1}}') in re.sub(rb"\s", b"", data)
    order = json.loads(data)
    assert [event["event_id"] for event in order["history"]] == ["e1"]
    assert get(server, "/api/v1/orders/7", 404)["error"]


def test_rejections_are_shown_with_what_is_kept(server):
    server.expect("refused")
    body = b'{"a":"\x00\xff<b>"}'
    assert server.post(body, "bad", signature="0" * 64)[0] == 401
    assert server.post(SMALL, "no", headers={
        "x-klikit-signature": None})[0] == 400
    server.wait_query("SELECT count(*) FROM rejections", [(2,)])
    page = get(server, "/api/v1/rejections")
    assert [r["cause"] for r in page["rejections"]] == [
        "headers_missing", "signature"]
    one = get(server, "/api/v1/rejections?cause=signature")["rejections"]
    assert len(one) == 1
    assert set(one[0]) == {"id", "at", "peer", "endpoint", "cause",
                           "diagnosis_code", "diagnosis", "size", "repeats",
                           "last_at", "not_kept"}
    whole = get(server, f"/api/v1/rejections/{one[0]['id']}")
    assert base64.b64decode(whole["body_base64"]) == body
    assert "x-klikit-event-id: bad" in whole["headers"]
    assert "0" * 64 not in json.dumps(whole)
    page = get(server, "/api/v1/rejections?limit=1")
    page = get(server, f"/api/v1/rejections?limit=1&before={page['next']}")
    assert [r["cause"] for r in page["rejections"]] == ["signature"]
    assert get(server, "/api/v1/rejections?since=2100-01-01T00:00:00Z")[
        "rejections"] == []


@pytest.mark.sqlite("a file, on a disk of this machine")
def test_the_status_says_how_it_stands(three):
    three.expect("refused")
    three.post(SMALL, "e0")
    three.post(SMALL, "bad", signature="0" * 64)
    three.wait_query("SELECT count(*) FROM rejections", [(1,)])
    status = get(three, "/api/v1/status")
    assert status["webhooks"] == [three.url + "/webhooks/klikit"]
    assert status["store"]["url"] == f"sqlite:{three.database}"
    assert status["store"]["health"] == "ready"
    assert status["store"]["bytes"] > 0 < status["store"]["free_bytes"]
    assert status["dev"] is False
    counts = status["counts"]
    assert (counts["received"], counts["duplicates"]) == (3, 1)
    assert counts["refused"]["signature"] == 1
    assert (counts["pending_jobs"], counts["dead_jobs"]) == (1, 1)
    assert counts["oldest_pending_ms"] >= 0
    secret = status["secrets"][0]
    assert (secret["name"], secret["valid_until"]) == ("default", None)
    assert secret["last_used"] is not None
    assert three.secret.decode() not in json.dumps(status)


def test_its_commands_do_what_they_say(server):
    status = get(server, "/api/v1/status")
    env = server.environment()
    for number, line in enumerate((status["trigger"], status["curl"])):
        done = subprocess.run(["sh", "-c", line], env=env, timeout=60,
                              capture_output=True)
        assert done.returncode == 0, done
        server.wait_query("SELECT count(*) FROM events", [(number + 1,)])
    (server.directory / "body").write_bytes(SMALL)
    done = subprocess.run(["sh", "-c", status["sign"] + " body"], env=env,
                          cwd=server.directory, capture_output=True,
                          timeout=60)
    assert done.stdout.decode().strip() == (
        "x-klikit-signature: " + sign(SMALL))


def test_its_commands_name_the_file_of_the_secret(klikitd, tmp_path):
    secret = tmp_path / "it's a secret"
    secret.write_text("a secret of this file")
    server = klikitd(secret=None, config="[http]\nlisten = 127.0.0.1:0\n"
                     f"[klikit]\nsecret_file = {secret}\n")
    status = get(server, "/api/v1/status")
    assert "KLIKIT_WEBHOOK_SECRET_FILE=" + "'" + str(secret).replace(
        "'", "'\\''") + "'" in status["trigger"]
    assert "a secret of this file" not in json.dumps(status)
    for line in (status["trigger"], status["curl"]):
        assert shlex.split(line)
        done = subprocess.run(["sh", "-c", line], capture_output=True,
                              env={"PATH": "/usr/bin:/bin"}, timeout=60)
        assert done.returncode == 0, done
    server.wait_query("SELECT count(*) FROM events", [(2,)])


@pytest.mark.parametrize("path", [
    "/api/v1/status", "/api/v1/events", "/api/v1/events/e1",
    "/api/v1/orders", "/api/v1/rejections", "/api/v1/handlers",
    "/api/v1/jobs"])
def test_who_polls_is_told_when_nothing_changed(server, path):
    received(server.post(SMALL, "e1"))
    server.wait_processed()
    for _ in range(50):  # the status shows the disk, which others fill
        tag = server.ask("GET", path)[1]["etag"]
        code, fields, body = server.ask("GET", path, None,
                                        {"If-None-Match": f'"x", {tag}'})
        if code == 304 or path != "/api/v1/status":
            break
    assert (code, body, fields["etag"]) == (304, None, tag)
    received(server.post(payload("created-typical.json"), "e2"))
    server.wait_processed()
    server.ask("POST", "/api/v1/handlers/orders/pause", {})
    server.expect("refused")
    server.post(SMALL, "e1", signature="0" * 64)
    server.post(SMALL, "e1")
    server.wait_query("SELECT count(*) FROM rejections", [(1,)])
    assert server.ask("GET", path, None, {"If-None-Match": tag})[0] == 200


@pytest.mark.parametrize("path, code", [
    ("/api/v1/status?a=b", 400),
    ("/api/v1/events?state=asleep", 400),
    ("/api/v1/events?limit=501", 400),
    ("/api/v1/events?before=0", 400),
    ("/api/v1/events?since=monday", 400),
    ("/api/v1/events?colour=red", 400),
    ("/api/v1/events?state=any", 400),
    ("/api/v1/events/", 404),
    ("/api/v1/events/nobody", 404),
    ("/api/v1/events/e1/orders", 404),
    ("/api/v1/orders?open=1", 400),
    ("/api/v1/orders?type=x", 400),
    ("/api/v1/rejections?cause=", 400),
    ("/api/v1/rejections/x", 404),
    ("/api/v1/rejections/99", 404),
    ("/api/v1/stream?since=1", 400),
])
def test_nonsense_is_refused(server, path, code):
    assert list(get(server, path, code)) == ["error"]


@pytest.mark.parametrize("path", ["/api/v1/status", "/api/v1/events",
                                  "/api/v1/stream", "/metrics",
                                  "/api/v1/events/e1/body"])
def test_strangers_see_nothing_and_the_public_listener_has_none(server, path):
    server.expect("admin: refused")
    assert server.get(path)[0] == 404
    for headers, code in (({"Host": "evil.example"}, 421),
                          ({"Origin": "http://evil.example"}, 403)):
        assert server.ask("GET", path, None, headers)[0] == code
    assert server.ask("POST", path, {})[0] == 405


def test_without_the_token_nothing_is_shown(klikitd):
    server = klikitd(
        start=False, config="[http]\nlisten = 127.0.0.1:0\n[admin]\n"
        "listen = 127.0.0.1:0\ntoken_file = token\n")
    (server.directory / "token").write_text("a-token-of-the-operator")
    server.start()
    server.expect("admin: refused")
    for path in ("/api/v1/status", "/api/v1/events", "/api/v1/events/e1",
                 "/api/v1/events/e1/body", "/api/v1/orders",
                 "/api/v1/orders/1", "/api/v1/rejections",
                 "/api/v1/rejections/1", "/api/v1/stream", "/metrics"):
        assert server.ask("GET", path)[0] == 401, path
