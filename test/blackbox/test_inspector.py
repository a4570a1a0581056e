"""The page's files, as the admin listener serves them. What the page does is
tested in a browser: test/web."""

import http.client
import re

import pytest

from conftest import DEADLINE, ROOT

pytestmark = pytest.mark.once

WEB = ROOT / "server" / "admin" / "web"
TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
FILES = sorted(path for path in WEB.iterdir() if path.suffix in TYPES)


def fetch(server, path, method="GET", headers=None):
    """Returns status, headers (lower case), bytes."""
    host, port = server.admin.removeprefix("http://").rsplit(":", 1)
    conn = http.client.HTTPConnection(host, int(port), timeout=DEADLINE)
    conn.request(method, path, None, headers or {})
    answer = conn.getresponse()
    data = answer.read()
    fields = {k.lower(): v for k, v in answer.getheaders()}
    conn.close()
    return answer.status, fields, data


def address(path):
    return "/" if path.name == "index.html" else f"/{path.name}"


def test_every_file_is_part_of_the_program(server):
    assert len(FILES) > 10
    tags = set()
    for path in FILES:
        status, headers, data = fetch(server, address(path))
        assert (status, data) == (200, path.read_bytes()), path
        assert headers["content-type"] == TYPES[path.suffix]
        tags.add(headers["etag"])
    assert len(tags) == len(FILES)


def test_what_the_page_loads_is_there():
    names = {path.name for path in FILES}
    page = (WEB / "index.html").read_text()
    wanted = set(re.findall(r'(?:href|src)="/([^"]+)"', page))
    for path in FILES:
        if path.suffix == ".js":
            wanted |= set(re.findall(r"(?:from '\.|')/([\w.]+\.(?:js|svg))'",
                                     path.read_text()))
    assert wanted | {"index.html"} == names


@pytest.mark.parametrize("path", ["/", "/app.js", "/app.css", "/icon.svg"])
def test_it_may_run_and_reach_nothing_but_itself(server, path):
    _, headers, _ = fetch(server, path)
    policy = dict(part.strip().split(" ", 1)
                  for part in headers["content-security-policy"].split(";"))
    assert policy == {
        "default-src": "'none'", "script-src": "'self'", "style-src": "'self'",
        "connect-src": "'self'", "img-src": "'self'", "base-uri": "'none'",
        "form-action": "'none'", "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'", "trusted-types": "'none'"}
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"


def test_what_the_browser_has_is_not_sent_again(server):
    status, headers, data = fetch(server, "/app.js")
    assert (status, headers["cache-control"]) == (200, "no-cache")
    for known in (headers["etag"], f'W/{headers["etag"]}',
                  f'"x", {headers["etag"]}', "*"):
        again = fetch(server, "/app.js", headers={"If-None-Match": known})
        assert (again[0], again[2]) == (304, b""), known
        assert again[1]["etag"] == headers["etag"]
        assert "content-security-policy" in again[1]
    assert fetch(server, "/app.js", headers={
        "If-None-Match": '"other"'})[2] == data


def test_head_says_the_same_without_a_body(server):
    _, get, _ = fetch(server, "/")
    status, head, data = fetch(server, "/", "HEAD")
    assert (status, data) == (200, b"")
    assert head["etag"] == get["etag"]
    assert head["content-type"] == get["content-type"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH",
                                    "OPTIONS"])
def test_it_is_only_looked_at(server, method):
    status, headers, _ = fetch(server, "/", method,
                               {"Content-Type": "application/json",
                                "Content-Length": "0"})
    assert (status, headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/index.html", "/embed.sh", "/..%2fapp.js",
                                  "//app.js", "/app.js/", "/web/app.js",
                                  "/APP.JS"])
def test_there_is_nothing_else(server, path):
    assert fetch(server, path)[0] == 404


@pytest.mark.parametrize("headers, code", [
    ({"Host": "evil.example"}, 421),
    ({"Origin": "http://evil.example"}, 403),
])
def test_a_strange_page_does_not_get_it(server, headers, code):
    server.expect("admin: refused")
    status, _, data = fetch(server, "/", headers=headers)
    assert status == code
    assert b"<script" not in data


def test_the_public_listener_does_not_show_it(server):
    for path in ("/", "/app.js"):
        assert server.get(path)[0] == 404


def test_it_needs_no_token_but_the_data_do(klikitd):
    server = klikitd(
        start=False, config="[http]\nlisten = 127.0.0.1:0\n[admin]\n"
        "listen = 127.0.0.1:0\ntoken_file = token\n")
    (server.directory / "token").write_text("a-token-of-the-operator\n")
    server.start()
    server.expect("admin: refused")
    assert fetch(server, "/")[0] == 200
    assert fetch(server, "/app.js")[0] == 200
    for path in ("/api/v1/status", "/api/v1/events", "/api/v1/stream"):
        assert fetch(server, path)[0] == 401
