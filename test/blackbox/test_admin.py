"""The admin listener: who may speak to it, and what it makes of nonsense."""

import http.client
import stat

import pytest

from conftest import payload, received

SMALL = payload("created-small.json")
PAUSE = "/api/v1/handlers/orders/pause"
TOKEN = "a-token-of-the-operator"


def paused(server):
    rows = server.query("SELECT paused_at FROM handlers WHERE name = 'orders'")
    return rows[0][0] is not None


@pytest.fixture
def guarded(klikitd):
    """A server whose operators need a token."""
    server = klikitd(
        start=False, config="[http]\nlisten = 127.0.0.1:0\n[admin]\n"
        "listen = 127.0.0.1:0\ntoken_file = token\n")
    (server.directory / "token").write_text(TOKEN + "\n")
    return server.start()


@pytest.mark.sqlite("the address stands beside the file")
def test_its_address_is_told_and_left_beside_the_store(klikitd):
    server = klikitd()
    link = server.directory / "klikitd.db.admin"
    assert link.read_text() == server.admin + "\n"
    assert stat.S_IMODE(link.stat().st_mode) == 0o600
    server.stop()
    assert not link.exists()


@pytest.mark.parametrize("path, status", [("/healthz", "ok"),
                                          ("/readyz", "ready")])
def test_probes_are_answered(server, path, status):
    code, headers, body = server.ask("GET", path)
    assert (code, body) == (200, {"status": status})
    assert headers["cache-control"] == "no-store"
    assert server.ask("HEAD", path)[0] == 200
    code, headers, _ = server.ask("POST", path, {})
    assert (code, headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("headers, code", [
    ({"Host": "evil.example"}, 421),
    ({"Host": "evil.example:8081"}, 421),
    ({"Host": "localhost.evil.example"}, 421),
    ({"Host": "10.1.2.3"}, 421),
    ({"Origin": "http://evil.example"}, 403),
    ({"Origin": "null"}, 403),
    ({"Origin": "http://127.0.0.1:1"}, 403),
    ({"Content-Type": None}, 415),
    ({"Content-Type": "text/plain"}, 415),
    ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
])
def test_a_strange_page_can_change_nothing(server, headers, code):
    server.expect("admin: refused")
    answer = server.ask("POST", PAUSE, {}, headers)
    assert answer[0] == code
    assert list(answer[2]) == ["error"]
    assert not paused(server)
    if code != 415:  # what only looks needs no type
        assert server.ask("GET", "/api/v1/jobs", None, headers)[0] == code
        assert server.ask("GET", "/healthz", None, headers)[0] == code


def test_its_own_origin_may_act(server):
    assert server.ask("POST", PAUSE, {}, {"Origin": server.admin})[0] == 200
    assert paused(server)
    port = server.admin.rsplit(":", 1)[1]
    assert server.ask("GET", "/api/v1/handlers", None, {
        "Host": f"localhost:{port}",
        "Origin": f"http://localhost:{port}"})[0] == 200


@pytest.mark.parametrize("value", [
    None, "Bearer", "Bearer ", TOKEN, f"Basic {TOKEN}",
    f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN[:-1]}X"])
def test_without_the_token_nobody_comes_in(guarded, value):
    guarded.expect("admin: refused")
    headers = {"Authorization": value}
    code, fields, _ = guarded.ask("POST", PAUSE, {}, headers)
    assert (code, fields["www-authenticate"]) == (401, "Bearer")
    assert guarded.ask("GET", "/api/v1/jobs", None, headers)[0] == 401
    assert guarded.ask("GET", "/nothing", None, headers)[0] == 401
    assert not paused(guarded)
    assert guarded.ask("GET", "/readyz", None, headers)[0] == 200
    assert TOKEN not in guarded.final_log()


@pytest.mark.sqlite("verbs change a shared store by themselves")
def test_with_the_token_one_comes_in(guarded):
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert guarded.ask("POST", PAUSE, {}, headers)[0] == 200
    assert paused(guarded)
    guarded.do("resume", "orders")  # reads the token as the server does
    assert not paused(guarded)
    (guarded.directory / "token").write_text("some-other-token")
    guarded.expect("admin: refused")
    guarded.do("pause", "orders", expect=1)
    assert "token" in guarded.said
    assert TOKEN not in guarded.said
    assert not paused(guarded)


@pytest.mark.parametrize("config, token, wrong", [
    ("listen = *:0\n", None, "admin.listen: *:0 can be reached from other"),
    ("listen = 127.0.0.1:0\ntoken_file = token\n", None, "admin.token_file"),
    ("listen = *:0\ntoken_file = token\n", "short", "holds no token"),
    ("listen = 127.0.0.1:0, [::1]:0\n", None, "is one address, not a list"),
    ("listen = 192.0.2.1:1\ntoken_file = token\n", TOKEN,
     "admin.listen: cannot listen on 192.0.2.1:1"),
])
def test_it_does_not_start_half_open(klikitd, config, token, wrong):
    server = klikitd(start=False, config="[http]\nlisten = 127.0.0.1:0\n"
                     "[admin]\n" + config)
    if token is not None:
        (server.directory / "token").write_text(token)
    server.expect(".")
    server.start(wait=False)
    server.wait(expect=1)
    assert wrong in server.log()
    assert "admin: http" not in server.log()
    assert not (server.directory / "klikitd.db.admin").exists()


def test_beyond_the_loopback_addresses_come_in_and_names_do_not(klikitd):
    server = klikitd(
        start=False, config="[http]\nlisten = 127.0.0.1:0\n[admin]\n"
        "listen = *:0\ntoken_file = token\n")
    (server.directory / "token").write_text(TOKEN)
    server.start()
    server.expect("admin: refused")
    assert server.admin.startswith("http://127.0.0.1:")
    headers = {"Authorization": f"Bearer {TOKEN}", "Host": "192.0.2.7:8081"}
    assert server.ask("GET", "/api/v1/jobs", None, headers)[0] == 200
    headers["Host"] = "evil.example"
    assert server.ask("GET", "/api/v1/jobs", None, headers)[0] == 421
    server.do("pause", "orders")


def test_a_port_in_use_is_told(klikitd, server):
    other = klikitd(start=False, config="[http]\nlisten = 127.0.0.1:0\n"
                    f"[admin]\nlisten = {server.admin[7:]}\n")
    other.expect(".")
    other.start(wait=False)
    other.wait(expect=1)
    assert "admin.listen" in other.log()
    assert "the port is in use" in other.log()


@pytest.mark.sqlite("verbs change a shared store by themselves")
def test_it_can_be_left_out(klikitd):
    server = klikitd(config="[http]\nlisten = 127.0.0.1:0\n"
                     "[admin]\nlisten =\n")
    received(server.post(SMALL, "e1"))
    server.wait_processed()
    assert "e1" in server.do("jobs")
    server.do("pause", "orders", expect=1)
    assert "without an admin listener" in server.said
    assert str(server.database) in server.said
    assert not paused(server)
    server.stop()
    server.do("pause", "orders")
    assert paused(server)


@pytest.mark.parametrize("method, path, body, code", [
    ("GET", "/nothing", None, 404),
    ("GET", "/api/v1/", None, 404),
    ("GET", "/api/v1/jobs/", None, 404),
    ("GET", "/api/v1/jobs/x", None, 404),
    ("GET", "/api/v1/jobs/-1", None, 404),
    ("GET", "/api/v1/jobs/9223372036854775807", None, 404),
    ("GET", "/api/v1/jobs/99999999999999999999", None, 404),
    ("GET", "/api/v1/jobs/7", None, 404),
    ("POST", "/api/v1/jobs", {}, 405),
    ("GET", "/api/v1/jobs/1/retry", None, 405),
    ("DELETE", "/api/v1/jobs/1", None, 405),
    ("GET", "/api/v1/jobs?state=asleep", None, 400),
    ("GET", "/api/v1/jobs?limit=0", None, 400),
    ("GET", "/api/v1/jobs?limit=501", None, 400),
    ("GET", "/api/v1/jobs?since=monday", None, 400),
    ("GET", "/api/v1/jobs?newest=1", None, 400),
    ("GET", "/api/v1/jobs?colour=red", None, 400),
    ("GET", "/api/v1/jobs?state", None, 400),
    ("GET", "/api/v1/jobs?type=%zz", None, 400),
    ("GET", "/api/v1/jobs?type=" + 600 * "x", None, 400),
    ("GET", "/api/v1/handlers?a=b", None, 400),
    ("POST", "/api/v1/handlers/nobody/pause", {}, 404),
    ("POST", PAUSE, b"{", 400),
    ("POST", PAUSE, b"[]", 400),
    ("POST", PAUSE, b'{"why":"a","why":"b"}', 400),
    ("POST", PAUSE, b'{"why":"\\u0000"}', 400),
    ("POST", PAUSE, b'{"why":"\xff"}', 400),
    ("POST", PAUSE, {"why": 5}, 400),
    ("POST", PAUSE, {"when": "now"}, 400),
    ("POST", "/api/v1/handlers/orders/resume", {"why": "x"}, 400),
    ("POST", "/api/v1/jobs/1/retry", {"now": True}, 400),
    ("POST", "/api/v1/jobs/1/retry", {}, 404),
    ("POST", "/api/v1/jobs/1/discard", {}, 400),
    ("POST", "/api/v1/jobs/1/discard", {"reason": ""}, 400),
    ("POST", "/api/v1/jobs/1/discard", {"reason": "x"}, 404),
    ("POST", "/api/v1/jobs/replay", {}, 400),
    ("POST", "/api/v1/jobs/replay", {"ids": []}, 400),
    ("POST", "/api/v1/jobs/replay", {"ids": ["1"]}, 400),
    ("POST", "/api/v1/jobs/replay", {"ids": [0]}, 400),
    ("POST", "/api/v1/jobs/replay", {"ids": list(range(1, 502))}, 400),
    ("POST", "/api/v1/purge", {}, 400),
    ("POST", "/api/v1/purge", {"older_than_ms": 0}, 400),
    ("POST", "/api/v1/purge", {"older_than_ms": -1}, 400),
    ("POST", "/api/v1/purge", {"older_than_ms": 1 << 62}, 400),
    ("POST", "/api/v1/purge", {"order": "1", "older_than_ms": 1}, 400),
    ("POST", "/api/v1/purge", {"order": 600 * "x"}, 400),
    ("POST", PAUSE, b"[" * 100000, 400),
])
def test_nonsense_is_refused(server, method, path, body, code):
    answer = server.ask(method, path, body)
    assert answer[0] == code, answer
    assert list(answer[2]) == ["error"]
    if code == 405:
        assert answer[1]["allow"]
    assert not paused(server)


def test_a_page_of_500_replays_is_answered_each(server):
    code, _, body = server.ask("POST", "/api/v1/jobs/replay",
                               {"ids": list(range(1, 501))})
    assert (code, body["replayed"], len(body["jobs"])) == (200, 0, 500)
    assert all(job["error"] for job in body["jobs"])


def test_a_body_over_its_limit_is_refused(server):
    host, port = server.admin[7:].split(":")
    conn = http.client.HTTPConnection(host, int(port), timeout=60)
    conn.request("POST", PAUSE, b"{}" + b" " * (1 << 20),
                 {"Content-Type": "application/json"})
    assert conn.getresponse().status == 413
    conn.close()
    assert not paused(server)


def test_it_is_as_strict_as_the_public_listener(server):
    server.expect("admin: refused")
    host, port = server.admin[7:].split(":")
    conn = http.client.HTTPConnection(host, int(port), timeout=60)
    conn.putrequest("POST", PAUSE, skip_host=True)
    conn.putheader("Host", server.admin[7:])
    conn.putheader("Content-Type", "application/json")
    conn.putheader("Content-Length", "2")
    conn.putheader("Content-Length", "3")
    conn.endheaders(b"{}")
    assert conn.getresponse().status == 400
    conn.close()
    assert not paused(server)


def test_stopping_closes_its_idle_connections(server):
    host, port = server.admin[7:].split(":")
    conn = http.client.HTTPConnection(host, int(port), timeout=60)
    conn.request("GET", "/healthz")
    assert conn.getresponse().read()
    server.stop()
    conn.close()
